#include "tests/softtee/vtpm_evidence.h"

#include <algorithm>
#include <array>

#include "base/bug.h"
#include "tests/softtee/azure_evidence.h"
#include "tests/softtee/boot_log.h"

namespace assay::softtee {
namespace {

struct Row {
  VtpmPlatform platform;
  std::string_view name;
  TpmVouching vouching;
  std::string_view firmware;  // in the log; empty: there is no log
  void (*prepare)(TpmParts&, const GcePki&);
};
constexpr auto kRows = std::to_array<Row>({
    {VtpmPlatform::kQemuVtpm, "qemu_vtpm", TpmVouching::kEkCertificate, "EDK II", [](TpmParts&, const GcePki&) {}},
    {VtpmPlatform::kGcpShieldedVm, "gcp_shielded_vm", TpmVouching::kAkCertificate, "GCE Virtual Firmware v2", &CertifyAsGoogle},
    {VtpmPlatform::kAzureTrustedLaunch, "azure_trusted_launch", TpmVouching::kAkCertificate, "",
     [](TpmParts& parts, const GcePki&) { CertifyAsMicrosoft(parts); }},
});
constexpr auto kPlatforms = [] {
  std::array<VtpmPlatform, kRows.size()> all{};
  std::transform(kRows.begin(), kRows.end(), all.begin(), [](const Row& row) { return row.platform; });
  return all;
}();

const Row& RowOf(VtpmPlatform platform) {
  const auto row = std::find_if(kRows.begin(), kRows.end(), [platform](const Row& one) { return one.platform == platform; });
  ASSAY_CHECK(row != kRows.end());
  return *row;
}

}  // namespace

std::string_view NameOf(VtpmPlatform platform) { return RowOf(platform).name; }

std::optional<VtpmPlatform> VtpmPlatformNamed(std::string_view name) {
  const auto row = std::find_if(kRows.begin(), kRows.end(), [name](const Row& one) { return one.name == name; });
  return row == kRows.end() ? std::nullopt : std::optional(row->platform);
}

std::span<const VtpmPlatform> AllVtpmPlatforms() { return kPlatforms; }
TpmVouching VouchingOf(VtpmPlatform platform) { return RowOf(platform).vouching; }

TpmEvidence MintVtpm(const TpmPki& tpm, const GcePki& google, const VtpmOptions& options) {
  const Row& row = RowOf(options.platform);
  TpmOptions quote{.extra_data = options.extra_data,
                   .vouching = row.vouching,
                   .now = options.now,
                   .prepare = [&](TpmParts& parts) { row.prepare(parts, google); },
                   .fault = options.fault};
  if (row.firmware.empty()) return MintTpm(tpm, quote);
  BootLog boot = MintBootLog(row.firmware);
  quote.banks = {std::move(boot.bank)};
  TpmEvidence evidence = MintTpm(tpm, quote);
  evidence.items.push_back({std::string(kTcgEventLogType), std::move(boot.log)});
  return evidence;
}

}  // namespace assay::softtee
