#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "base/absl_bridge.h"
#include "base/files.h"
#include "base/hex.h"
#include "base/hex_number.h"
#include "base/strings.h"
#include "client/cli/snp_measurement.h"
#include "client/cli/table.h"
#include "evidence/igvm_file.h"
#include "evidence/sev_snp/launch_measurement.h"

namespace assay::cli {
namespace {

constexpr std::string_view kScope =
    "The digest covers the firmware, how many vCPUs start and in which state, and the hashes of kernel, initrd and command line if given.\n"
    "Without a kernel it covers the firmware alone.";
constexpr std::string_view kSvsmScope =
    "The digest covers the SVSM and the firmware, how many vCPUs start and in which state: not kernel, initrd and command line.\n"
    "It is that of kernels before 6.9. SVSMs that come as IGVM files start in another state: give that file with --firmware.";

std::optional<std::uint64_t> NumberOf(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The parameters but for the kernel; or why they are none.
absl::StatusOr<sev_snp::Launch> LaunchOf(const MeasureSnpOptions& options) {
  const std::optional<sev_snp::Vmm> vmm = sev_snp::VmmNamed(options.vmm);
  if (!vmm) return Misuse("--vmm", "qemu, ec2 or gce, which start guests from OVMF images", options.vmm);
  if (!options.vcpus || *options.vcpus < 1 || *options.vcpus > sev_snp::kMaxVcpus) {
    return Misuse("--vcpus", Cat("1 to ", sev_snp::kMaxVcpus, ", since each vCPU is measured"),
                  options.vcpus ? std::to_string(*options.vcpus) : "");
  }
  sev_snp::Launch launch{.vmm = *vmm, .vcpus = *options.vcpus, .in_svsm = !options.svsm.empty()};
  const auto features = options.guest_features.empty() ? sev_snp::kSnpActive : NumberOf(options.guest_features);
  if (!features || (*features & sev_snp::kSnpActive) == 0) {
    return Misuse("--guest-features", "a hexadecimal number with bit 0, SNPActive", options.guest_features);
  }
  launch.guest_features = *features;
  const bool model = !options.vcpu_model.empty() || !options.vcpu_signature.empty();
  if (launch.vmm != sev_snp::Vmm::kQemu) {
    if (model) {
      return Misuse("--vcpu-model, --vcpu-signature",
                    Cat("neither: the state that ", options.vmm, " starts vCPUs in does not depend on the model"),
                    options.vcpu_model + options.vcpu_signature);
    }
    if (launch.in_svsm) return Misuse("--svsm", Cat("none: ", options.vmm, " does not start guests in one"), options.svsm);
    return launch;
  }
  if (!model) {
    return absl::InvalidArgumentError(
        "--vcpu-model, --vcpu-signature: expected one of them, since QEMU measures the CPU model, actual neither");
  }
  std::optional<std::uint64_t> signature = sev_snp::SignatureOfModel(options.vcpu_model);
  if (options.vcpu_model.empty()) signature = NumberOf(options.vcpu_signature);
  if (!signature || *signature > 0xFFFFFFFF) return Misuse("--vcpu-signature", "a hexadecimal number of 32 bits", options.vcpu_signature);
  launch.vcpu_signature = static_cast<std::uint32_t>(*signature);
  return launch;
}

absl::StatusOr<Bytes> ReadIfGiven(std::string_view option, const std::string& file) {
  return file.empty() ? absl::StatusOr<Bytes>(Bytes()) : ReadFile(option, file, kMaxImageSize);
}

std::string ContentOf(const sev_snp::SevSection& section, const sev_snp::Launch& launch) {
  switch (section.type) {
    case sev_snp::SevSectionType::kSecMem: return launch.vmm == sev_snp::Vmm::kGce ? "address only" : "zeros";
    case sev_snp::SevSectionType::kSvsmCaa: return "zeros";
    case sev_snp::SevSectionType::kKernelHashes: return launch.kernel ? "hashes of kernel, initrd and command line" : "zeros";
    case sev_snp::SevSectionType::kSecrets:
    case sev_snp::SevSectionType::kCpuid: return "address only";
  }
  return "unknown";
}

// What the guest is launched from.
struct Images {
  ByteView ovmf;
  Bytes svsm;                     // empty: none
  sev_snp::SevFirmware firmware;  // of what starts
  crypto::Sha384Digest digest{};  // when the pages of all have been added
};

// nullopt: said why.
std::optional<Images> ReadImages(const MeasureSnpOptions& options, ByteView ovmf, const Invocation& invocation, ExitCode& code) {
  auto firmware = sev_snp::ReadSevFirmware(ovmf);
  if (!firmware) {
    code = Refuse("--firmware", options.firmware, firmware.findings(), ExitCode::kMalformed, invocation);
    return std::nullopt;
  }
  Images images{.ovmf = ovmf, .svsm = {}, .firmware = std::move(firmware).value(), .digest = sev_snp::FirmwareDigest(ovmf)};
  if (options.svsm.empty()) return images;
  const std::uint64_t begin = sev_snp::kFirmwareEnd - ovmf.size();
  if (options.variables_size % sev_snp::kPageSize != 0 || options.variables_size >= begin) {
    code = invocation.Fail(
        Misuse("--variables-size", Cat("a multiple of ", sev_snp::kPageSize, " below ", begin), std::to_string(options.variables_size)));
    return std::nullopt;
  }
  absl::StatusOr<Bytes> svsm = ReadFile("--svsm", options.svsm, kMaxImageSize);
  if (!svsm.ok()) {
    code = invocation.Fail(svsm.status());
    return std::nullopt;
  }
  images.svsm = *std::move(svsm);
  if (evidence::IsIgvm(images.svsm)) {
    code = invocation.Fail(
        absl::InvalidArgumentError(Cat("--svsm '", Printable(options.svsm),
                                       "': expected the image of an SVSM as it was before IGVM files, actual an IGVM file. Give it with "
                                       "--firmware alone: it has the firmware in it.")));
    return std::nullopt;
  }
  const std::uint64_t end = begin - options.variables_size;
  auto metadata = sev_snp::ReadSvsm(images.svsm, end);  // what starts, and whose sections are launched
  if (!metadata) {
    code = Refuse("--svsm", options.svsm, metadata.findings(), ExitCode::kMalformed, invocation);
    return std::nullopt;
  }
  images.firmware = std::move(metadata).value();
  images.digest = sev_snp::FirmwareDigest(images.svsm, end, images.digest);
  return images;
}

void AddFile(json::Value& tree, std::string_view name, const std::string& path, ByteView image) {
  json::Value& file = tree.Add(name, json::Value::MakeObject());
  file.Add("file", json::Value::String(Printable(path, 4096)));
  file.Add("size", json::Value::Integer(image.size()));
  file.Add("sha256", json::Value::String(ToHex(crypto::Sha256(image))));
}

json::Value TreeOf(const MeasureSnpOptions& options, const Images& images, const sev_snp::Launch& launch,
                   const crypto::Sha384Digest& digest) {
  using json::Value;
  Value tree = Value::MakeObject();
  tree.Add("snp.measurement", Value::String(ToHex(digest)));
  AddFile(tree, "firmware", options.firmware, images.ovmf);
  if (launch.in_svsm) AddFile(tree, "svsm", options.svsm, images.svsm);
  Value& parameters = tree.Add("launch", Value::MakeObject());
  parameters.Add("vmm", Value::String(std::string(NameOf(launch.vmm))));
  parameters.Add("vcpus", Value::Integer(launch.vcpus));
  if (launch.vmm == sev_snp::Vmm::kQemu) parameters.Add("vcpu_signature", Value::String(HexNumber(launch.vcpu_signature)));
  parameters.Add("guest_features", Value::String(HexNumber(launch.guest_features)));
  if (launch.kernel) {
    parameters.Add("kernel_sha256", Value::String(ToHex(launch.kernel->kernel)));
    parameters.Add("initrd_sha256", Value::String(ToHex(launch.kernel->initrd)));
    parameters.Add("command_line_sha256", Value::String(ToHex(launch.kernel->command_line)));
  }
  Value& list = tree.Add("sections", Value::MakeArray());
  for (const sev_snp::SevSection& section : images.firmware.sections) {
    Value& entry = list.Append(Value::MakeObject());
    entry.Add("type", Value::String(std::string(NameOf(section.type))));
    entry.Add("address", Value::String(HexNumber(section.address)));
    entry.Add("size", Value::Integer(section.size));
    entry.Add("content", Value::String(ContentOf(section, launch)));
  }
  return tree;
}

std::string TextOf(const Images& images, const sev_snp::Launch& launch, const Invocation& invocation) {
  std::string text = Cat("firmware of ", images.ovmf.size(), " bytes, SHA-256 ", ToHex(crypto::Sha256(images.ovmf)), "\n");
  if (launch.in_svsm) text += Cat("SVSM of ", images.svsm.size(), " bytes, SHA-256 ", ToHex(crypto::Sha256(images.svsm)), "\n");
  text += Cat(launch.vcpus, launch.vcpus == 1 ? " vCPU" : " vCPUs", " of ", NameOf(launch.vmm));
  if (launch.vmm == sev_snp::Vmm::kQemu) text += Cat(", CPUID signature ", HexNumber(launch.vcpu_signature));
  text += Cat(", SEV_FEATURES ", HexNumber(launch.guest_features), "\n");
  Table table({"SECTION", "ADDRESS", "SIZE", "CONTENT MEASURED"});
  for (const sev_snp::SevSection& section : images.firmware.sections) {
    table.Add({std::string(NameOf(section.type)), HexNumber(section.address), HexNumber(section.size), ContentOf(section, launch)});
  }
  return Cat(text, table.ToText("  "), "\n", invocation.style.Faint(launch.in_svsm ? kSvsmScope : kScope), "\n");
}

}  // namespace

ExitCode MeasureOvmf(const MeasureSnpOptions& options, ByteView image, const Invocation& invocation, SnpMeasurement& measurement) {
  absl::StatusOr<sev_snp::Launch> launch = LaunchOf(options);
  if (!launch.ok()) return invocation.Fail(launch.status());
  if (!options.kernel.empty()) {
    const absl::StatusOr<Bytes> kernel = ReadIfGiven("--kernel", options.kernel);
    if (!kernel.ok()) return invocation.Fail(kernel.status());
    const absl::StatusOr<Bytes> initrd = ReadIfGiven("--initrd", options.initrd);
    if (!initrd.ok()) return invocation.Fail(initrd.status());
    launch->kernel = sev_snp::HashKernel(*kernel, *initrd, options.append);
  }
  ExitCode code = ExitCode::kOk;
  const std::optional<Images> images = ReadImages(options, image, invocation, code);
  if (!images) return code;
  const Outcome<crypto::Sha384Digest> digest = sev_snp::LaunchDigest(images->digest, images->firmware, *launch);
  if (!digest) return Refuse("--firmware", options.firmware, digest.findings(), ExitCode::kMalformed, invocation);
  measurement = {.digest = *digest,
                 .text = TextOf(*images, *launch, invocation),
                 .tree = TreeOf(options, *images, *launch, *digest),
                 .objections = {}};
  return ExitCode::kOk;
}

}  // namespace assay::cli
