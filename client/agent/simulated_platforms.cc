#include "client/agent/simulated_platforms.h"

#include <algorithm>
#include <array>

#include "base/absl_bridge.h"
#include "base/strings.h"

namespace assay::agent {
namespace {

constexpr auto kPlatforms = std::to_array<SimulatedPlatform>({
    {"qemu_sev_snp", "snp --report-data {report_data}"},
    {"qemu_tdx", "dcap --report-data {report_data}"},
    {"qemu_vtpm", "tpm --platform qemu_vtpm --nonce {extra_data} --machine={machine}", true},
    {"aws_nitro_enclave", "nitro --kind enclave --nonce {extra_data} --machine={machine}"},
    {"aws_nitro_tpm", "nitro --kind tpm --nonce {extra_data} --machine={machine}"},
    {"aws_sev_snp", "nitro --kind tpm --nonce {extra_data} --report-data {report_data} --machine={machine}"},
    {"aws_sev_snp_report", "snp --signing-key vlek --report-data {report_data}"},
    {"azure_sev_snp", "azure --tee snp --nonce {extra_data} --machine={machine}", true},
    {"azure_tdx", "azure --tee tdx --nonce {extra_data} --machine={machine}", true},
    {"azure_trusted_launch", "tpm --platform azure_trusted_launch --nonce {extra_data} --machine={machine}", true},
    {"gcp_sev_snp", "gce --tee sev_snp --report-data {report_data} --nonce {extra_data} --machine={machine}", true},
    {"gcp_shielded_vm", "tpm --platform gcp_shielded_vm --nonce {extra_data} --machine={machine}", true},
    {"gcp_tdx", "gce --tee tdx --report-data {report_data} --nonce {extra_data} --machine={machine}", true},
});

}  // namespace

std::vector<std::string_view> SimulatedPlatformNames() {
  std::vector<std::string_view> names;
  for (const SimulatedPlatform& one : kPlatforms) names.push_back(one.name);
  return names;
}

absl::StatusOr<const SimulatedPlatform*> SimulatedPlatformNamed(std::string_view name) {
  const auto found = std::find_if(kPlatforms.begin(), kPlatforms.end(), [name](const SimulatedPlatform& one) { return one.name == name; });
  if (found != kPlatforms.end()) return &*found;
  const std::vector<std::string_view> names = SimulatedPlatformNames();
  const std::string_view nearest = NearestOf(name, names);
  return absl::InvalidArgumentError(ToAbsl(Cat("--simulate-platform: expected one of ", Join(names, ", "), ", actual '",
                                               Printable(name, 64), "'", nearest.empty() ? "." : Cat(". Did you mean ", nearest, "?"))));
}

}  // namespace assay::agent
