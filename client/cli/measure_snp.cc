#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/absl_bridge.h"
#include "base/files.h"
#include "base/hex.h"
#include "base/hex_number.h"
#include "base/strings.h"
#include "client/cli/measure.h"
#include "client/cli/table.h"
#include "evidence/sev_snp/launch_measurement.h"

namespace assay::cli {
namespace {

constexpr std::string_view kScope =
    "The digest covers the firmware, how many vCPUs start and in which state, and the hashes of kernel, initrd and command line if given.\n"
    "Without a kernel it covers the firmware alone. Guests in an SVSM and firmware in IGVM files are not computed.";

std::optional<std::uint64_t> NumberOf(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The parameters but for the kernel; or why they are none.
absl::StatusOr<sev_snp::Launch> LaunchOf(const MeasureSnpOptions& options) {
  const auto misuse = [](std::string_view option, std::string_view expected, std::string_view actual) {
    return absl::InvalidArgumentError(ToAbsl(Cat(option, ": expected ", expected, ", actual '", Printable(actual, 64), "'")));
  };
  const std::optional<sev_snp::Vmm> vmm = sev_snp::VmmNamed(options.vmm);
  if (!vmm) return misuse("--vmm", "qemu, ec2 or gce", options.vmm);
  sev_snp::Launch launch{.vmm = *vmm, .vcpus = options.vcpus};
  if (launch.vcpus < 1 || launch.vcpus > sev_snp::kMaxVcpus) return misuse("--vcpus", Cat("1 to ", sev_snp::kMaxVcpus), std::to_string(options.vcpus));
  const auto features = NumberOf(options.guest_features);
  if (!features || (*features & sev_snp::kSnpActive) == 0) return misuse("--guest-features", "a hexadecimal number with bit 0, SNPActive", options.guest_features);
  launch.guest_features = *features;
  const bool model = !options.vcpu_model.empty() || !options.vcpu_signature.empty();
  if (launch.vmm != sev_snp::Vmm::kQemu) {
    if (model) return misuse("--vcpu-model, --vcpu-signature", Cat("neither: the state that ", options.vmm, " starts vCPUs in does not depend on the model"), options.vcpu_model + options.vcpu_signature);
    return launch;
  }
  if (!model) return absl::InvalidArgumentError("--vcpu-model, --vcpu-signature: expected one of them, since QEMU measures the CPU model, actual neither");
  std::optional<std::uint64_t> signature = sev_snp::SignatureOfModel(options.vcpu_model);
  if (options.vcpu_model.empty()) signature = NumberOf(options.vcpu_signature);
  if (!signature || *signature > 0xFFFFFFFF) return misuse("--vcpu-signature", "a hexadecimal number of 32 bits", options.vcpu_signature);
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

json::Value ToTree(const MeasureSnpOptions& options, ByteView image, const sev_snp::SevFirmware& firmware, const sev_snp::Launch& launch, const std::string& digest) {
  using json::Value;
  Value tree = Value::MakeObject();
  tree.Add("snp.measurement", Value::String(digest));
  Value& file = tree.Add("firmware", Value::MakeObject());
  file.Add("file", Value::String(Printable(options.firmware, 4096)));
  file.Add("size", Value::Integer(image.size()));
  file.Add("sha256", Value::String(ToHex(crypto::Sha256(image))));
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
  for (const sev_snp::SevSection& section : firmware.sections) {
    Value& entry = list.Append(Value::MakeObject());
    entry.Add("type", Value::String(std::string(NameOf(section.type))));
    entry.Add("address", Value::String(HexNumber(section.address)));
    entry.Add("size", Value::Integer(section.size));
    entry.Add("content", Value::String(ContentOf(section, launch)));
  }
  return tree;
}

void Print(ByteView image, const sev_snp::SevFirmware& firmware, const sev_snp::Launch& launch, const std::string& digest, const Invocation& invocation) {
  invocation.out << "snp.measurement  " << digest << "\n\n";
  invocation.out << "firmware of " << image.size() << " bytes, SHA-256 " << ToHex(crypto::Sha256(image)) << '\n';
  invocation.out << launch.vcpus << (launch.vcpus == 1 ? " vCPU" : " vCPUs") << " of " << NameOf(launch.vmm);
  if (launch.vmm == sev_snp::Vmm::kQemu) invocation.out << ", CPUID signature " << HexNumber(launch.vcpu_signature);
  invocation.out << ", SEV_FEATURES " << HexNumber(launch.guest_features) << '\n';
  Table table({"SECTION", "ADDRESS", "SIZE", "CONTENT MEASURED"});
  for (const sev_snp::SevSection& section : firmware.sections) table.Add({std::string(NameOf(section.type)), HexNumber(section.address), HexNumber(section.size), ContentOf(section, launch)});
  invocation.out << table.ToText("  ") << '\n' << invocation.style.Faint(kScope) << '\n';
}

ExitCode Refuse(std::string_view option, const std::string& file, const std::vector<Finding>& findings, ExitCode code, const Invocation& invocation) {
  for (const Finding& finding : findings) invocation.Say(Cat(option, " '", Printable(file), "': ", Describe(finding)));
  return code;
}

}  // namespace

ExitCode MeasureSnp(const MeasureSnpOptions& options, const Invocation& invocation) {
  absl::StatusOr<sev_snp::Launch> launch = LaunchOf(options);
  if (!launch.ok()) return invocation.Fail(launch.status());
  const absl::StatusOr<Bytes> image = ReadFile("--firmware", options.firmware);
  if (!image.ok()) return invocation.Fail(image.status());
  if (!options.kernel.empty()) {
    const absl::StatusOr<Bytes> kernel = ReadIfGiven("--kernel", options.kernel);
    if (!kernel.ok()) return invocation.Fail(kernel.status());
    const absl::StatusOr<Bytes> initrd = ReadIfGiven("--initrd", options.initrd);
    if (!initrd.ok()) return invocation.Fail(initrd.status());
    launch->kernel = sev_snp::HashKernel(*kernel, *initrd, options.append);
  }
  const Outcome<sev_snp::SevFirmware> firmware = sev_snp::ReadSevFirmware(*image);
  if (!firmware) return Refuse("--firmware", options.firmware, firmware.findings(), ExitCode::kMalformed, invocation);
  const Outcome<crypto::Sha384Digest> digest = sev_snp::LaunchDigest(sev_snp::FirmwareDigest(*image), *firmware, *launch);
  if (!digest) return Refuse("--firmware", options.firmware, digest.findings(), ExitCode::kMalformed, invocation);
  std::optional<Bytes> report;
  if (!options.report.empty()) {
    absl::StatusOr<Bytes> read = ReadFile("--report", options.report);
    if (!read.ok()) return invocation.Fail(read.status());
    report = *std::move(read);
  }
  if (options.output == OutputFormat::kTable) Print(*image, *firmware, *launch, ToHex(*digest), invocation);
  else invocation.out << Structured(options.output, ToTree(options, *image, *firmware, *launch, ToHex(*digest)));
  if (!report) return ExitCode::kOk;
  const std::vector<Finding> findings = sev_snp::CompareWithReport(*digest, trust::UntrustedBytes(*std::move(report)));
  if (findings.empty()) return ExitCode::kOk;
  const bool malformed = findings.front().reason != Reason::kLaunchDigestMismatch;
  return Refuse("--report", options.report, findings, malformed ? ExitCode::kMalformed : ExitCode::kNotTrusted, invocation);
}

}  // namespace assay::cli
