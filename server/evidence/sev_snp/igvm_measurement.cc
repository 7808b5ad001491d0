#include "evidence/sev_snp/igvm_measurement.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/hex.h"
#include "base/hex_number.h"
#include "base/layout.h"
#include "base/strings.h"
#include "evidence/sev_snp/launch_updates.h"

namespace assay::sev_snp {
namespace {

using evidence::IgvmGuest;
using evidence::IgvmPage;
using evidence::IgvmPageType;
using evidence::IgvmParameters;
using evidence::IgvmVpContext;

constexpr evidence::FirmwareKind kIgvm{"igvm", "microsoft/igvm, igvm_defs", Reason::kFirmwareNotSnp};

constexpr auto kLoaders =
    std::to_array<std::pair<IgvmLoader, std::string_view>>({{IgvmLoader::kHyperV, "hyperv"}, {IgvmLoader::kQemu, "qemu"}});

constexpr Field kSevFeatures{"SEV_FEATURES", 0x3B0, 8};  // of a VMSA. AMD 24593, table B-4
constexpr std::uint64_t kSnpActive = 1;

const ByteArray<kPageSize> kZeros{};

void AddPage(const IgvmPage& page, IgvmLoader loader, LaunchUpdates& updates) {
  switch (page.type) {
    case IgvmPageType::kSecrets: return updates.AddAddresses(PageType::kSecrets, page.gpa, kPageSize);
    case IgvmPageType::kCpuidData:
    case IgvmPageType::kCpuidXf: return updates.AddAddresses(PageType::kCpuid, page.gpa, kPageSize);
    case IgvmPageType::kNormal: break;
  }
  if (page.unmeasured) return updates.AddAddresses(PageType::kUnmeasured, page.gpa, kPageSize);
  if (page.data.empty() && loader == IgvmLoader::kQemu) return updates.AddAddresses(PageType::kZero, page.gpa, kPageSize);
  updates.AddContent(page.gpa, page.data.empty() ? ByteView(kZeros) : page.data);
}

}  // namespace

std::string_view NameOf(IgvmLoader loader) {
  return std::find_if(kLoaders.begin(), kLoaders.end(), [loader](const auto& row) { return row.first == loader; })->second;
}

std::optional<IgvmLoader> IgvmLoaderNamed(std::string_view name) {
  const auto found = std::find_if(kLoaders.begin(), kLoaders.end(), [name](const auto& row) { return row.second == name; });
  return found == kLoaders.end() ? std::nullopt : std::optional(found->first);
}

Outcome<IgvmGuest> ReadIgvm(ByteView file) {
  auto guest = evidence::ReadIgvmGuest(file, evidence::IgvmPlatform::kSevSnp, kIgvm);
  if (!guest) return guest;
  bool started = false;
  for (const evidence::IgvmDirective& directive : guest->directives) {
    const auto* context = std::get_if<IgvmVpContext>(&directive);
    if (context == nullptr) continue;
    started = true;
    if (const std::uint64_t features = LittleEndianOf(context->data, kSevFeatures); (features & kSnpActive) == 0) {
      return kIgvm.Refuse(Reason::kFirmwareMalformed, Cat("VMSA of processor ", context->vp_index, ".SEV_FEATURES"), "bit 0, SNPActive",
                          HexNumber(features));
    }
  }
  if (!started) return kIgvm.Refuse(Reason::kFirmwareMalformed, "VP_CONTEXT", "the state of at least one processor", "none");
  return guest;
}

Outcome<crypto::Sha384Digest> LaunchDigest(const IgvmGuest& guest, IgvmLoader loader) {
  LaunchUpdates updates;
  std::vector<const IgvmVpContext*> last;
  for (const evidence::IgvmDirective& directive : guest.directives) {
    if (const auto* page = std::get_if<IgvmPage>(&directive)) {
      if (page->shared && loader == IgvmLoader::kQemu) {
        return kIgvm.Refuse(Reason::kFirmwareUnpredictable, "flags", "no shared page, which QEMU would add as a private one",
                            Cat("one at ", HexNumber(page->gpa)));
      }
      if (!page->shared) AddPage(*page, loader, updates);
    } else if (const auto* parameters = std::get_if<IgvmParameters>(&directive)) {
      updates.AddAddresses(PageType::kUnmeasured, parameters->gpa, parameters->size);
    } else if (const auto* context = std::get_if<IgvmVpContext>(&directive)) {
      if (loader == IgvmLoader::kHyperV) {
        updates.AddVmsa(context->gpa, crypto::Sha384(context->data));
      } else if (context->gpa != kKvmVmsaAddress) {
        return kIgvm.Refuse(Reason::kFirmwareUnpredictable, Cat("VMSA of processor ", context->vp_index, ".gpa"),
                            Cat(HexNumber(kKvmVmsaAddress), ", where KVM has it"), HexNumber(context->gpa),
                            "The file was built for another hypervisor: say which with --vmm.");
      } else {
        last.push_back(context);
      }
    }
  }
  std::sort(last.begin(), last.end(), [](const auto* a, const auto* b) { return a->vp_index < b->vp_index; });
  for (const IgvmVpContext* context : last) updates.AddVmsa(kKvmVmsaAddress, crypto::Sha384(context->data));
  return updates.digest();
}

std::optional<Finding> CompareWithIdBlock(const crypto::Sha384Digest& digest, const IgvmGuest& guest) {
  if (!guest.id_block || Equal(guest.id_block->launch_digest, digest)) return std::nullopt;
  return kIgvm.Refuse(
      Reason::kLaunchDigestMismatch, "SNP_ID_BLOCK.ld", ToHex(digest), ToHex(guest.id_block->launch_digest),
      "AMD's processor refuses this launch. The file was changed after its ID block was made, or another hypervisor is meant: see --vmm.");
}

}  // namespace assay::sev_snp
