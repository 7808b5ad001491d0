#include "evidence/sev_snp/report.h"

#include <algorithm>
#include <span>

#include "base/hex.h"
#include "base/hex_number.h"
#include "base/strings.h"
#include "evidence/sev_snp/bits.h"
#include "evidence/sev_snp/endorsement.h"

namespace assay::sev_snp {
namespace {

constexpr std::string_view kAbi = "AMD 56860 section 7.3, ATTESTATION_REPORT";

consteval Field F(std::string_view name) { return FieldNamed(kReportV5, name); }

constexpr std::uint32_t kAlgorithmEcdsaP384Sha384 = 1;
constexpr std::uint64_t kHighestVmpl = 3;

std::span<const Field> LayoutOf(std::uint32_t version) {
  if (version == 2) return kReportV2;
  if (version == 3 || version == 4) return kReportV3;
  if (version == 5) return kReportV5;
  return {};
}

Finding Refusal(Reason reason, std::string_view field, std::string expected, std::string actual) {
  return {.reason = reason,
          .component = std::string(kReportComponent),
          .claim = std::string(field),
          .expected = std::move(expected),
          .actual = std::move(actual),
          .spec = std::string(kAbi)};
}

bool CoveredBySignature(const Field& field) { return field.offset < kSignedSize; }

}  // namespace

std::string_view NameOf(SigningKey key) { return key == SigningKey::kVcek ? "vcek" : "vlek"; }

RawTcb Report::Tcb(const Field& field) const {
  RawTcb tcb{};
  const ByteView raw = Slice(field);
  std::copy(raw.begin(), raw.end(), tcb.begin());
  return tcb;
}

std::optional<trust::Parsed<Report>> ReportParser::Parse(const trust::UntrustedBytes& bytes, CheckLog& log) {
  Reader reader = bytes.Read();
  const bool exact = log.Require(Check::kSnpReportLength, bytes.size() == kReportSize, [&] {
    return Refusal(Reason::kLengthWrong, "length", Cat(kReportSize, " bytes"), Cat(bytes.size(), " bytes"));
  });
  // The offsets below need the whole report, whether or not a longer one passes.
  const std::optional<ByteView> raw = reader.Take(kReportSize);
  if (!exact || !raw) return std::nullopt;

  Report report(ToBytes(*raw));
  report.version_ = static_cast<std::uint32_t>(report.Number(F("VERSION")));
  std::span<const Field> layout = LayoutOf(report.version_);
  if (!log.Require(Check::kSnpReportVersion, !layout.empty(),
                   [&] { return Refusal(Reason::kVersionUnsupported, "VERSION", "2, 3, 4 or 5", std::to_string(report.version_)); })) {
    return std::nullopt;
  }
  if (layout.empty()) layout = kReportV5;

  bool sound = true;
  for (const Field& field : layout) {
    if (field.use != FieldUse::kReservedZero) continue;
    const ByteView reserved = report.Slice(field);
    sound &= log.Require(CoveredBySignature(field) ? Check::kSnpReservedZero : Check::kSnpSignatureTail, AllZero(reserved), [&] {
      return Refusal(Reason::kReservedNotZero, field.name, Cat(field.size, " zero bytes"), ToHexBounded(reserved, 24));
    });
  }

  const std::uint64_t algorithm = report.Number(F("SIGNATURE_ALGO"));
  sound &= log.Require(Check::kSnpSignatureAlgo, algorithm == kAlgorithmEcdsaP384Sha384, [&] {
    return Refusal(Reason::kAlgorithmUnsupported, "SIGNATURE_ALGO", "1 (ECDSA P-384 with SHA-384)", std::to_string(algorithm));
  });

  const std::uint64_t policy = report.Number(F("POLICY"));
  sound &= log.Require(Check::kSnpPolicyReserved, (policy & kPolicyMustBeOne) != 0 && (policy & kPolicyMustBeZero) == 0,
                       [&] { return Refusal(Reason::kFieldInvalid, "POLICY", "bit 17 one, bits 63:26 zero", HexNumber(policy)); });

  const std::uint64_t vmpl = report.Number(F("VMPL"));
  sound &= log.Require(Check::kSnpVmplRange, vmpl <= kHighestVmpl,
                       [&] { return Refusal(Reason::kFieldInvalid, "VMPL", "0 to 3: a report that a guest asked for", HexNumber(vmpl)); });

  // Signer info: 0 AUTHOR_KEY_EN, 1 MASK_CHIP_KEY, 4:2 SIGNING_KEY, 31:5 must be zero.
  const std::uint64_t signer = report.Number(F("SIGNER_INFO"));
  sound &= log.Require(Check::kSnpReservedZero, signer >> 5 == 0,
                       [&] { return Refusal(Reason::kReservedNotZero, "SIGNER_INFO", "bits 31:5 zero", HexNumber(signer)); });
  const std::uint64_t signing_key = signer >> 2 & 7;
  sound &= log.Require(Check::kSnpSigningKeyKnown, signing_key <= 1, [&] {
    return Refusal(Reason::kFieldInvalid, "SIGNING_KEY", "0 (VCEK) or 1 (VLEK)",
                   signing_key == 7 ? std::string("7 (NONE: not signed)") : Cat(signing_key, " (reserved)"));
  });
  report.signing_key_ = signing_key == 1 ? SigningKey::kVlek : SigningKey::kVcek;

  if (report.version_ >= 3) {
    const CpuId cpu{report.Slice(F("CPUID_FAM_ID"))[0], report.Slice(F("CPUID_MOD_ID"))[0], report.Slice(F("CPUID_STEP"))[0]};
    report.cpu_ = cpu;
    report.product_ = ProductOf(cpu);
    sound &= log.Require(Check::kSnpProductKnown, report.product_.has_value(), [&] {
      return Refusal(Reason::kProductUnknown, "CPUID_FAM_ID:CPUID_MOD_ID:CPUID_STEP",
                     "Milan (19:00-0f), Genoa (19:10-1f, 19:a0-af) or Turin (1a:00-11)", cpu.Key());
    });
  }
  if (report.product_) {
    for (const Field& field : {F("CURRENT_TCB"), F("REPORTED_TCB"), F("COMMITTED_TCB"), F("LAUNCH_TCB")}) {
      const RawTcb tcb = report.Tcb(field);
      sound &= log.Require(Check::kSnpTcbReserved, TcbReservedIsZero(*report.product_, tcb), [&] {
        return Refusal(Reason::kReservedNotZero, field.name, Cat("reserved bytes of ", NameOf(*report.product_), "'s TCB_VERSION zero"),
                       ToHex(tcb));
      });
    }
  }
  if (!sound) return std::nullopt;
  return trust::Parsed<Report>(trust::ParserPass<Report>(), std::move(report));
}

trust::LookupHints Report::Hints() const {
  // Version 2 does not say which product it is: look for the certificate in every line.
  std::vector<trust::CollateralKey> keys;
  for (const Product product : {Product::kMilan, Product::kGenoa, Product::kTurin}) {
    if (product_ && *product_ != product) continue;
    const bool vcek = signing_key_ == SigningKey::kVcek;
    const std::string line(NameOf(product));
    keys.push_back({std::string(vcek ? kVcekKind : kVlekKind), line,
                    vcek ? VcekDetail(chip_id(), reported_tcb(), product) : TcbDetail(reported_tcb())});
    keys.push_back({std::string(vcek ? kAskKind : kAsvkKind), line, {}});
    keys.push_back({std::string(kArkKind), line, {}});
    keys.push_back({std::string(kCrlKind), line, {}});
  }
  return trust::LookupHints(std::move(keys));
}

trust::EcdsaSigned Report::Signed() const {
  const auto big_endian = [&](const Field& field) {
    const ByteView little = Slice(field);
    return Bytes(little.rbegin(), little.rend());
  };
  return {crypto::HashAlgorithm::kSha384, ByteView(raw_).first(kSignedSize), big_endian(F("SIGNATURE_R")), big_endian(F("SIGNATURE_S"))};
}

void Report::WriteClaims(trust::ClaimWriter& claims) const {
  const auto number = [&](std::string_view name, const Field& field) { claims.Add(name, Number(field)); };
  const auto octets = [&](std::string_view name, const Field& field) { claims.Add(name, ToBytes(Slice(field))); };
  const auto tcb = [&](std::string_view name, const Field& field) { claims.Add(name, DecodeTcb(*product_, Tcb(field))); };
  const auto firmware = [&](std::string_view name, const Field& major, const Field& minor, const Field& build) {
    claims.Add(name, Cat(Number(major), ".", Number(minor), ".", Number(build)));
  };
  const std::uint64_t policy = Number(F("POLICY"));
  const std::uint64_t signer = Number(F("SIGNER_INFO"));
  const auto policy_bit = [&](std::string_view name, unsigned bit) { claims.Add(name, (policy >> bit & 1) != 0); };

  claims.Add("snp.version", std::uint64_t{version_});
  number("snp.guest_svn", F("GUEST_SVN"));
  claims.Add("snp.policy", policy);
  claims.Add("snp.policy_abi_minor", policy & 0xFF);
  claims.Add("snp.policy_abi_major", policy >> 8 & 0xFF);
  policy_bit("snp.policy_smt", 16);
  policy_bit("snp.policy_migrate_ma", 18);
  policy_bit("snp.policy_debug", 19);
  policy_bit("snp.policy_single_socket", 20);
  policy_bit("snp.policy_cxl_allow", 21);
  policy_bit("snp.policy_mem_aes_256_xts", 22);
  policy_bit("snp.policy_rapl_dis", 23);
  policy_bit("snp.policy_ciphertext_hiding_dram", 24);
  policy_bit("snp.policy_page_swap_disable", 25);
  octets("snp.family_id", F("FAMILY_ID"));
  octets("snp.image_id", F("IMAGE_ID"));
  number("snp.vmpl", F("VMPL"));
  number("snp.platform_info", F("PLATFORM_INFO"));
  claims.Add("snp.author_key_en", (signer & 1) != 0);
  claims.Add("snp.mask_chip_key", (signer & 2) != 0);
  claims.Add("snp.signing_key", std::string(NameOf(signing_key_)));
  octets("snp.report_data", F("REPORT_DATA"));
  octets("snp.measurement", F("MEASUREMENT"));
  octets("snp.host_data", F("HOST_DATA"));
  octets("snp.id_key_digest", F("ID_KEY_DIGEST"));
  octets("snp.author_key_digest", F("AUTHOR_KEY_DIGEST"));
  octets("snp.report_id", F("REPORT_ID"));
  octets("snp.report_id_ma", F("REPORT_ID_MA"));
  octets("snp.chip_id", F("CHIP_ID"));
  tcb("snp.current_tcb", F("CURRENT_TCB"));
  tcb("snp.reported_tcb", F("REPORTED_TCB"));
  tcb("snp.committed_tcb", F("COMMITTED_TCB"));
  tcb("snp.launch_tcb", F("LAUNCH_TCB"));
  firmware("snp.current_version", F("CURRENT_MAJOR"), F("CURRENT_MINOR"), F("CURRENT_BUILD"));
  firmware("snp.committed_version", F("COMMITTED_MAJOR"), F("COMMITTED_MINOR"), F("COMMITTED_BUILD"));
  if (cpu_) {
    claims.Add("snp.cpu", cpu_->Key());
    claims.Add("snp.cpuid_fam_mod_step", Bytes{cpu_->family, cpu_->model, cpu_->stepping});
  }
  if (version_ >= 5) {
    number("snp.launch_mit_vector", F("LAUNCH_MIT_VECTOR"));
    number("snp.current_mit_vector", F("CURRENT_MIT_VECTOR"));
  }
  claims.Add("snp.product", std::string(NameOf(*product_)));
  claims.Add("snp.revocation_checked", endorsement_->revocation_checked);
  if (signing_key_ == SigningKey::kVlek) claims.Add("snp.csp_id", endorsement_->csp_id);
}

trust::Description Report::Describe() const {
  trust::Description description("SEV-SNP attestation report", Cat("version ", version_));
  const auto octets = [&](std::string name, const Field& field) { description.Add(std::move(name), ToHex(Slice(field))); };
  const auto bits = [&](const Field& field, std::span<const evidence::BitName> names) {
    std::string text = HexNumber(Number(field));
    for (const evidence::BitName& bit : names) {
      if ((Number(field) >> bit.bit & 1) != 0) text += Cat(" ", bit.name);
    }
    return text;
  };
  const auto tcb = [&](std::string name, const Field& field) {
    const RawTcb raw = Tcb(field);
    // Version 2 does not say which product it is; every version 2 product seen has Milan's layout.
    const trust::ComponentVersion version = DecodeTcb(product_.value_or(Product::kMilan), raw);
    description.Add(std::move(name), Cat(ToHex(raw), "  ", trust::ShowValue(version)));
  };
  const std::uint64_t policy = Number(F("POLICY"));
  const std::uint64_t signer = Number(F("SIGNER_INFO"));
  description.Add("product", product_ ? Cat(NameOf(*product_), " (CPUID ", cpu_->Key(), ")") : std::string("not stated in version 2"));
  description.Add("guest SVN", std::to_string(Number(F("GUEST_SVN"))));
  description.Add("policy", Cat(bits(F("POLICY"), kPolicyBits), ", ABI ", policy >> 8 & 0xFF, ".", policy & 0xFF));
  description.Add("VMPL", std::to_string(Number(F("VMPL"))));
  description.Add("platform info", bits(F("PLATFORM_INFO"), kPlatformInfoBits));
  description.Add("signing key", std::string(NameOf(signing_key_)));
  description.Add("author key enabled", (signer & 1) != 0 ? "yes" : "no");
  description.Add("chip key masked", (signer & 2) != 0 ? "yes" : "no");
  octets("report data", F("REPORT_DATA"));
  octets("measurement", F("MEASUREMENT"));
  octets("host data", F("HOST_DATA"));
  octets("id key digest", F("ID_KEY_DIGEST"));
  octets("author key digest", F("AUTHOR_KEY_DIGEST"));
  octets("family id", F("FAMILY_ID"));
  octets("image id", F("IMAGE_ID"));
  octets("report id", F("REPORT_ID"));
  octets("report id of migration agent", F("REPORT_ID_MA"));
  octets("chip id", F("CHIP_ID"));
  tcb("reported TCB", F("REPORTED_TCB"));
  tcb("committed TCB", F("COMMITTED_TCB"));
  tcb("current TCB", F("CURRENT_TCB"));
  tcb("launch TCB", F("LAUNCH_TCB"));
  description.Add("current firmware", Cat(Number(F("CURRENT_MAJOR")), ".", Number(F("CURRENT_MINOR")), ".", Number(F("CURRENT_BUILD"))));
  description.Add("committed firmware",
                  Cat(Number(F("COMMITTED_MAJOR")), ".", Number(F("COMMITTED_MINOR")), ".", Number(F("COMMITTED_BUILD"))));
  if (version_ >= 5) {
    description.Add("launch mitigation vector", HexNumber(Number(F("LAUNCH_MIT_VECTOR"))));
    description.Add("current mitigation vector", HexNumber(Number(F("CURRENT_MIT_VECTOR"))));
  }
  return description;
}

}  // namespace assay::sev_snp
