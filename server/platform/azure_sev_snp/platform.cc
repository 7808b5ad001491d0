#include "platform/azure_sev_snp/platform.h"

#include <array>
#include <string>

#include "evidence/sev_snp/format.h"
#include "evidence/sev_snp/judge.h"
#include "evidence/tcg_log/format.h"
#include "platform/binding/azure_hcl.h"
#include "platform/binding/launch_answers.h"
#include "platform/binding/vtpm.h"

namespace assay::azure_sev_snp {
namespace {

constexpr const evidence::Format* kFormats[] = {&azure_hcl::kFormat, &sev_snp::kFormat, &tcg_log::kFormat, &tpm::kFormat};

constexpr auto kManifest = std::to_array<platform::ManifestEntry>({
    {azure_hcl::kReportMediaType, 1, 1},
    {tpm::kQuoteMediaType, 1, 1, platform::kVtpmQuoteParameters},
    {tpm::kPcrsMediaType, 1, 1},
    {tpm::kAkMediaType, 0, 1},
    {tcg_log::kTcgEventLogMediaType, 0, 1},
    {tpm::kCertificateMediaType, 0, 8},
    {tpm::kPemChainMediaType, 0, 4},
    {tpm::kCrlMediaType, 0, 4},
});

bool Fits(std::span<const evidence::Item> items) { return azure_hcl::TypeHint(items) == azure_hcl::ReportType::kSnp; }

Bytes IdentityHint(std::span<const evidence::Item> items, const trust::Challenge&) {
  return Fits(items) ? platform::HclIdentityHint(items) : Bytes();
}

// The hardware report stands in the HCL report; its format finds it as an item of its own.
std::optional<trust::Authenticated<sev_snp::Report>> AuthenticateHardware(const azure_hcl::ParsedReport& report,
                                                                          std::span<const evidence::Item> items,
                                                                          const evidence::AuthenticationContext& context, CheckLog& log) {
  std::vector<evidence::Item> with_report(items.begin(), items.end());
  with_report.push_back({std::string(sev_snp::kReportMediaType), report.hardware_report});
  return sev_snp::AuthenticateReport(with_report, platform::MadeAtStart(context), log);
}

std::optional<trust::Bundle> Authenticate(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                          CheckLog& log) {
  std::optional<platform::HclEvidence> parsed = platform::ParseHcl(items, azure_hcl::ReportType::kSnp, context, log);
  if (!parsed) return std::nullopt;
  const auto report = AuthenticateHardware(parsed->report, items, context, log);
  if (!report) return std::nullopt;
  // All of them, offline too: a register that a quote leaves out is one that somebody chose to leave out.
  const std::vector<tpm::PcrSelection> demanded = tpm::AllOfSha256();
  std::optional<trust::Bundle> bundle = platform::CarryHclQuote(*std::move(parsed), *report, items, &demanded, context, log);
  if (!bundle) return std::nullopt;
  // What the guest asks for is of VMPL 1 or higher: with such a report it could commit to claims, and a key, of its own making.
  const auto* vmpl = bundle->claims().Get<std::uint64_t>("snp.vmpl");
  if (!log.Require(Check::kHclParavisor, vmpl != nullptr && *vmpl == 0, [&] {
        return Finding{.reason = Reason::kNotOfParavisor,
                       .component = std::string(sev_snp::kReportComponent),
                       .claim = "snp.vmpl",
                       .expected = "0",
                       .actual = vmpl == nullptr ? std::string("absent") : std::to_string(*vmpl)};
      })) {
    return std::nullopt;
  }
  return bundle;
}

evidence::Provenance ProvenanceOf(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext& context) {
  return platform::IsCertifiedByMicrosoft(claims) ? evidence::Provenance::kProven : sev_snp::ProvenanceOf(claims, context);
}

platform::Strength StrengthOf(const trust::Bundle& bundle, const platform::AppraisedFacts& facts) {
  return platform::HclStrength(bundle, facts, sev_snp::kReportComponent);
}

platform::TrustBoundary TrustBoundaryOf(const trust::Bundle& bundle, const platform::AppraisedFacts& facts) {
  return platform::HclBoundary(bundle, facts, "AMD (CPU, firmware up to the reported TCB, key distribution)", "snp.measurement", "VMPL 0");
}

}  // namespace

const platform::Platform kPlatform{
    .name = "azure_sev_snp",
    .summary = "Azure confidential VM on SEV-SNP: quote by the paravisor's virtual TPM, whose key the hardware report commits to",
    .cloud = "azure",
    .launch_claims = sev_snp::kLaunchClaims,
    .strength_at_best = platform::Strength::kB,
    .trusted_at_best = "AMD; Microsoft, for the paravisor that runs the virtual TPM",
    .manifest = kManifest,
    .formats = kFormats,
    .fits = &Fits,
    .identity_hint = &IdentityHint,
    .authenticate = &Authenticate,
    .provenance = &ProvenanceOf,
    .strength = &StrengthOf,
    .trust_boundary = &TrustBoundaryOf,
    .no_answer = &platform::MicrosoftIsNotTheOwner,
};

}  // namespace assay::azure_sev_snp
