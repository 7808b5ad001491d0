#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/hex.h"
#include "base/hex_number.h"
#include "base/strings.h"
#include "client/cli/snp_measurement.h"
#include "client/cli/table.h"
#include "evidence/sev_snp/igvm_measurement.h"

namespace assay::cli {
namespace {

constexpr std::string_view kScope =
    "The digest covers all that the file puts into the guest, but for content that the host supplies: parameters, secrets, CPUID.\n"
    "It is the value where no processors are measured but those whose state the file has: compare it once with a report (--report).";

// An IGVM file holds what these options say of other firmware.
absl::Status NoneOfTheOthers(const MeasureSnpOptions& options) {
  const std::pair<std::string_view, std::string> others[] = {
      {"--vcpus", options.vcpus ? std::to_string(*options.vcpus) : ""},
      {"--vcpu-model", options.vcpu_model},
      {"--vcpu-signature", options.vcpu_signature},
      {"--guest-features", options.guest_features},
      {"--kernel", options.kernel},
      {"--svsm", options.svsm},
  };
  for (const auto& [option, value] : others) {
    if (!value.empty()) return Misuse(option, "none, since an IGVM file says for itself what the guest starts from", value);
  }
  return absl::OkStatus();
}

// Neighbouring pages of one content.
struct Range {
  std::uint64_t address, size;
  std::string_view content;
};

std::string_view ContentOf(const evidence::IgvmPage& page) {
  using evidence::IgvmPageType;
  if (page.shared) return "nothing: shared with the host";
  switch (page.type) {
    case IgvmPageType::kSecrets: return "address only: secrets";
    case IgvmPageType::kCpuidData:
    case IgvmPageType::kCpuidXf: return "address only: CPUID";
    case IgvmPageType::kNormal: break;
  }
  if (page.unmeasured) return "address only";
  return page.data.empty() ? "zeros" : "all";
}

std::vector<Range> RangesOf(const evidence::IgvmGuest& guest) {
  std::vector<Range> ranges;
  const auto add = [&](std::uint64_t address, std::uint64_t size, std::string_view content, bool apart) {
    if (size == 0) return;
    if (!apart && !ranges.empty() && ranges.back().content == content && ranges.back().address + ranges.back().size == address) {
      ranges.back().size += size;
    } else ranges.push_back({address, size, content});
  };
  for (const evidence::IgvmDirective& directive : guest.directives) {
    if (const auto* page = std::get_if<evidence::IgvmPage>(&directive)) add(page->gpa, evidence::kIgvmPageSize, ContentOf(*page), false);
    else if (const auto* parameters = std::get_if<evidence::IgvmParameters>(&directive)) {
      add(parameters->gpa, parameters->size, "address only: parameters", false);
    } else if (const auto* context = std::get_if<evidence::IgvmVpContext>(&directive)) {
      add(context->gpa, evidence::kIgvmPageSize, "state of a processor (VMSA)", true);
    }
  }
  return ranges;
}

json::Value TreeOf(const MeasureSnpOptions& options, ByteView file, const evidence::IgvmGuest& guest, sev_snp::IgvmLoader loader,
                   const crypto::Sha384Digest& digest) {
  using json::Value;
  Value tree = Value::MakeObject();
  tree.Add("snp.measurement", Value::String(ToHex(digest)));
  Value& firmware = tree.Add("firmware", Value::MakeObject());
  firmware.Add("file", Value::String(Printable(options.firmware, 4096)));
  firmware.Add("format", Value::String("igvm"));
  firmware.Add("size", Value::Integer(file.size()));
  firmware.Add("sha256", Value::String(ToHex(crypto::Sha256(file))));
  Value& launch = tree.Add("launch", Value::MakeObject());
  launch.Add("vmm", Value::String(NameOf(loader)));
  if (guest.guest_policy) launch.Add("guest_policy", Value::String(HexNumber(*guest.guest_policy)));
  if (guest.id_block) {
    Value& block = launch.Add("id_block", Value::MakeObject());
    block.Add("measurement", Value::String(ToHex(guest.id_block->launch_digest)));
    block.Add("family_id", Value::String(ToHex(guest.id_block->family_id)));
    block.Add("image_id", Value::String(ToHex(guest.id_block->image_id)));
    block.Add("guest_svn", Value::Integer(guest.id_block->guest_svn));
  }
  Value& list = tree.Add("ranges", Value::MakeArray());
  for (const Range& range : RangesOf(guest)) {
    Value& entry = list.Append(Value::MakeObject());
    entry.Add("address", Value::String(HexNumber(range.address)));
    entry.Add("size", Value::Integer(range.size));
    entry.Add("content", Value::String(range.content));
  }
  return tree;
}

std::string TextOf(ByteView file, const evidence::IgvmGuest& guest, sev_snp::IgvmLoader loader, const Invocation& invocation) {
  std::string text = Cat("IGVM file of ", file.size(), " bytes, SHA-256 ", ToHex(crypto::Sha256(file)), "\n");
  text +=
      Cat("loaded by ", NameOf(loader), guest.guest_policy ? Cat(", guest policy ", HexNumber(*guest.guest_policy)) : ", no guest policy");
  text += guest.id_block ? Cat(", ID block of image ", ToHex(guest.id_block->image_id), ", SVN ", guest.id_block->guest_svn, "\n")
                         : ", no ID block\n";
  Table table({"ADDRESS", "SIZE", "CONTENT MEASURED"});
  for (const Range& range : RangesOf(guest)) table.Add({HexNumber(range.address), HexNumber(range.size), std::string(range.content)});
  return Cat(text, table.ToText("  "), "\n", invocation.style.Faint(kScope), "\n");
}

}  // namespace

ExitCode MeasureIgvm(const MeasureSnpOptions& options, ByteView file, const Invocation& invocation, SnpMeasurement& measurement) {
  const std::optional<sev_snp::IgvmLoader> loader = sev_snp::IgvmLoaderNamed(options.vmm);
  if (!loader) return invocation.Fail(Misuse("--vmm", "qemu or hyperv, which load IGVM files", options.vmm));
  if (const absl::Status others = NoneOfTheOthers(options); !others.ok()) return invocation.Fail(others);
  const Outcome<evidence::IgvmGuest> guest = sev_snp::ReadIgvm(file);
  if (!guest) return Refuse("--firmware", options.firmware, guest.findings(), ExitCode::kMalformed, invocation);
  const Outcome<crypto::Sha384Digest> digest = sev_snp::LaunchDigest(*guest, *loader);
  if (!digest) return Refuse("--firmware", options.firmware, digest.findings(), ExitCode::kMalformed, invocation);
  measurement = {.digest = *digest,
                 .text = TextOf(file, *guest, *loader, invocation),
                 .tree = TreeOf(options, file, *guest, *loader, *digest),
                 .objections = {}};
  if (auto objection = sev_snp::CompareWithIdBlock(*digest, *guest)) measurement.objections.push_back(*std::move(objection));
  return ExitCode::kOk;
}

}  // namespace assay::cli
