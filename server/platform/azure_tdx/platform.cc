#include "platform/azure_tdx/platform.h"

#include <array>
#include <string>

#include "evidence/dcap/format.h"
#include "evidence/dcap/judge.h"
#include "evidence/tcg_log/format.h"
#include "platform/binding/azure_hcl.h"
#include "platform/binding/launch_answers.h"
#include "platform/binding/vtpm.h"

namespace assay::azure_tdx {
namespace {

constexpr const evidence::Format* kFormats[] = {&azure_hcl::kFormat, &dcap::kFormat, &tcg_log::kFormat, &tpm::kFormat};

constexpr auto kManifest = std::to_array<platform::ManifestEntry>({
    {azure_hcl::kReportMediaType, 1, 1},
    // A TDREPORT has a MAC that only its own machine can verify: without a quote of it nothing is proved.
    {dcap::kQuoteMediaType, 1, 1},
    {tpm::kQuoteMediaType, 1, 1, platform::kVtpmQuoteParameters},
    {tpm::kPcrsMediaType, 1, 1},
    {tpm::kAkMediaType, 0, 1},
    {tcg_log::kTcgEventLogMediaType, 0, 1},
    {dcap::kJsonMediaType, 0, 4},
    {tpm::kCertificateMediaType, 0, 8},
    {tpm::kPemChainMediaType, 0, 4},
    {tpm::kCrlMediaType, 0, 4},
});

bool Fits(std::span<const evidence::Item> items) { return azure_hcl::TypeHint(items) == azure_hcl::ReportType::kTdx; }

Bytes IdentityHint(std::span<const evidence::Item> items, const trust::Challenge&) {
  return Fits(items) ? platform::HclIdentityHint(items) : Bytes();
}

std::optional<trust::Bundle> Authenticate(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                          CheckLog& log) {
  std::optional<platform::HclEvidence> parsed = platform::ParseHcl(items, azure_hcl::ReportType::kTdx, context, log);
  if (!parsed) return std::nullopt;
  const auto quote = dcap::AuthenticateQuote(items, platform::MadeAtStart(context), log);
  if (!quote) return std::nullopt;
  if (!log.Require(Check::kPlatform, (*quote)->tee() == dcap::Tee::kTdx, [] {
        return Finding{.reason = Reason::kPlatformUnrecognised,
                       .component = std::string(dcap::kQuoteComponent),
                       .claim = "dcap.tee",
                       .expected = "TDX: the quote of a trust domain",
                       .actual = "SGX: the quote of an enclave"};
      })) {
    return std::nullopt;
  }
  if (!azure_hcl::CheckTdQuote(parsed->report, (*quote)->report_data(), log)) return std::nullopt;
  // All of them, offline too: a register that a quote leaves out is one that somebody chose to leave out.
  const std::vector<tpm::PcrSelection> demanded = tpm::AllOfSha256();
  return platform::CarryHclQuote(*std::move(parsed), *quote, items, &demanded, context, log);
}

evidence::Provenance ProvenanceOf(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext& context) {
  return platform::IsCertifiedByMicrosoft(claims) ? evidence::Provenance::kProven : dcap::ProvenanceOf(claims, context);
}

platform::Strength StrengthOf(const trust::Bundle& bundle, const platform::AppraisedFacts& facts) {
  return platform::HclStrength(bundle, facts, dcap::kQuoteComponent);
}

platform::TrustBoundary TrustBoundaryOf(const trust::Bundle& bundle, const platform::AppraisedFacts& facts) {
  return platform::HclBoundary(bundle, facts, "Intel (CPU, TDX module, quoting enclave, provisioning)", "dcap.mrtd",
                               "the L1 virtual machine");
}

std::string_view Meaningless(std::string_view claim) {
  if (!claim.starts_with("dcap.rtmr")) return {};
  return "all RTMRs are zero on Azure, whatever was booted: the paravisor measures the guest into its virtual TPM; appraise tpm.sha256_pcr4 and the like instead";
}

}  // namespace

const platform::Platform kPlatform{
    .name = "azure_tdx",
    .summary = "Azure confidential VM on TDX: quote by the paravisor's virtual TPM, whose key the TD quote commits to",
    .cloud = "azure",
    .launch_claims = dcap::kLaunchClaims,
    .strength_at_best = platform::Strength::kB,
    .trusted_at_best = "Intel; Microsoft, for the paravisor that runs the virtual TPM",
    .manifest = kManifest,
    .formats = kFormats,
    .fits = &Fits,
    .identity_hint = &IdentityHint,
    .authenticate = &Authenticate,
    .provenance = &ProvenanceOf,
    .strength = &StrengthOf,
    .trust_boundary = &TrustBoundaryOf,
    .meaningless = &Meaningless,
    .no_answer = &platform::MicrosoftIsNotTheOwner,
};

}  // namespace assay::azure_tdx
