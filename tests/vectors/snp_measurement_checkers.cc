// Checker of the kind snp-launch-measurement: the digest that follows from firmware and parameters, and whether a report has it.
#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/sev_snp/launch_measurement.h"
#include "nlohmann/json.hpp"
#include "tests/vectors/checker.h"
#include "tests/vectors/json_text.h"

namespace assay::vectors {
namespace {

using Json = nlohmann::json;

// Thrown inside this file only: the case does not say what it has to.
struct BadParameter : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <std::size_t N>
ByteArray<N> DigestOf(const Json& value) {
  const std::optional<Bytes> bytes = FromHex(value.get<std::string>());
  if (!bytes || bytes->size() != N) throw BadParameter(Cat("a digest of ", N, " bytes was expected, not ", value.dump()));
  ByteArray<N> digest{};
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

std::uint32_t NumberOf(const Json& value) {
  return static_cast<std::uint32_t>(value.is_string() ? std::stoul(value.get<std::string>(), nullptr, 16) : value.get<std::uint32_t>());
}

sev_snp::Launch LaunchOf(const Json& parameters) {
  const std::string vmm = parameters.at("vmm").get<std::string>(), model = parameters.at("vcpu_model").get<std::string>();
  if (!sev_snp::VmmNamed(vmm)) throw BadParameter("unknown vmm " + vmm);
  // By name, as an operator gives it; that the case names the same signature is the case's own check of the table.
  const std::optional<std::uint32_t> signature = sev_snp::SignatureOfModel(model);
  if (signature != NumberOf(parameters.at("vcpu_sig"))) throw BadParameter("vcpu_sig is not that of " + model);
  sev_snp::Launch launch{.vmm = *sev_snp::VmmNamed(vmm),
                         .vcpus = parameters.at("vcpus").get<std::uint32_t>(),
                         .vcpu_signature = *signature,
                         .guest_features = NumberOf(parameters.at("guest_features"))};
  if (launch.vcpus == 0 || launch.vcpus > sev_snp::kMaxVcpus) throw BadParameter("vcpus");
  if (const auto boot = parameters.find("direct_boot"); boot != parameters.end()) {
    launch.kernel = sev_snp::HashKernel({}, {}, boot->at("cmdline").get<std::string>());
    if (launch.kernel->command_line != DigestOf<32>(boot->at("cmdline_sha256"))) {
      throw BadParameter("cmdline_sha256 is not that of cmdline");
    }
    launch.kernel->kernel = DigestOf<32>(boot->at("kernel_sha256"));
    launch.kernel->initrd = DigestOf<32>(boot->at("initrd_sha256"));
  }
  return launch;
}

// Metadata of a firmware whose file is not at hand.
sev_snp::SevFirmware FirmwareOf(const Json& parameters) {
  sev_snp::SevFirmware firmware{.sections = {},
                                .reset_eip = NumberOf(parameters.at("sev_es_reset_eip")),
                                .hash_table_address = NumberOf(parameters.at("sev_hashes_table_gpa"))};
  for (const Json& section : parameters.at("sections")) {
    const auto type = sev_snp::SevSectionTypeOf(NumberOf(section.at("section_type")));
    if (!type) throw BadParameter("unknown section_type");
    firmware.sections.push_back({*type, NumberOf(section.at("gpa")), NumberOf(section.at("size"))});
  }
  if (const auto defect = sev_snp::DefectOf(firmware, 0)) throw BadParameter(Describe(*defect));
  return firmware;
}

Observation Run(const Case& conformance_case, const Inputs& inputs) {
  Observation observation;
  try {
    const Json parameters = Json::parse(conformance_case.parameters);
    const Bytes* image = inputs.One("ovmf");
    sev_snp::SevFirmware firmware;
    if (image != nullptr) {
      const auto read = sev_snp::ReadSevFirmware(*image);
      if (!read) {
        observation.against = read.findings();
        return observation;
      }
      firmware = *read;
    } else {
      firmware = FirmwareOf(parameters);
    }
    if (image == nullptr && !parameters.contains("ovmf_hash")) throw BadParameter("neither ovmf nor ovmf_hash");
    const crypto::Sha384Digest after_firmware =
        parameters.contains("ovmf_hash") ? DigestOf<48>(parameters.at("ovmf_hash")) : sev_snp::FirmwareDigest(*image);
    const auto digest = sev_snp::LaunchDigest(after_firmware, firmware, LaunchOf(parameters));
    if (!digest) {
      observation.against = digest.findings();
      return observation;
    }
    observation.claims["launch_digest"] = JsonHex(*digest);
    if (const Bytes* report = inputs.One("report")) {
      observation.against = sev_snp::CompareWithReport(*digest, trust::UntrustedBytes(*report));
    }
    observation.authentic = observation.against.empty();
  } catch (const std::exception& error) {  // BadParameter, and what nlohmann throws
    observation.fault = error.what();
  }
  return observation;
}

}  // namespace

std::span<const Checker> SnpMeasurementCheckers() {
  static constexpr auto kCheckers = std::to_array<Checker>({{"snp-launch-measurement", &Run}});
  return kCheckers;
}

}  // namespace assay::vectors
