#include "tests/unit/example_cloud/platform.h"

#include <string>
#include <string_view>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/sev_snp/format.h"
#include "evidence/sev_snp/judge.h"
#include "platform/binding/snp_report.h"

namespace assay::example_cloud {
namespace {

using platform::Feature;

constexpr const evidence::Format* kFormats[] = {&sev_snp::kFormat};

// What this cloud's hosts write into HOST_DATA before the tenant's number.
constexpr std::string_view kMark = "example-cloud/1:";

bool Fits(std::span<const evidence::Item> items) { return sev_snp::SigningKeyHint(items) == sev_snp::SigningKey::kVcek; }

std::optional<trust::Bundle> Authenticate(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                          CheckLog& log) {
  const auto report = sev_snp::AuthenticateReport(items, context, log);
  if (!report) return std::nullopt;
  std::optional<trust::Bundle> bundle = platform::CarryReport(*report, context.challenge, log);
  if (!bundle) return std::nullopt;
  const auto* host_data = bundle->claims().Get<Bytes>("snp.host_data");
  const bool marked = host_data != nullptr && AsText(*host_data).starts_with(kMark);
  if (!log.Require(Check::kPlatform, marked, [&] {
        return Finding{.reason = Reason::kPlatformUnrecognised,
                       .component = std::string(sev_snp::kReportComponent),
                       .claim = "snp.host_data",
                       .expected = Cat("a tenant of Example Cloud: ", ToHex(AsBytes(kMark)), "…"),
                       .actual = host_data == nullptr ? "absent" : ToHex(*host_data)};
      })) {
    return std::nullopt;
  }
  return bundle;
}

platform::Strength StrengthOf(const trust::Bundle&, const platform::AppraisedFacts& facts) {
  return facts.boot_covered ? platform::Strength::kA : platform::Strength::kC;
}

platform::TrustBoundary TrustBoundaryOf(const trust::Bundle&, const platform::AppraisedFacts& facts) {
  platform::TrustBoundary boundary;
  boundary.trusted_parties = {"AMD (CPU, firmware up to the reported TCB, key distribution)",
                              "Example Cloud (which tenant a guest is of: its hosts write HOST_DATA)"};
  boundary.features = {Feature::kCustomImages, Feature::kMemoryEncryption, Feature::kRawGuestAttestation};
  if (facts.boot_covered) boundary.features.push_back(Feature::kMeasuredBoot);
  else boundary.not_proven.emplace_back("which kernel, initrd and command line were booted");
  return boundary;
}

}  // namespace

const platform::Platform kPlatform{
    .name = "example_cloud",
    .summary = "Example Cloud: SEV-SNP report with the tenant in HOST_DATA",
    .cloud = "example",
    .strength_at_best = platform::Strength::kA,
    .trusted_at_best = "AMD; Example Cloud, for whose guest it is",
    .manifest = platform::kSnpReportManifest,
    .formats = kFormats,
    .fits = &Fits,
    .identity_hint = &platform::ReportIdentityHint,
    .authenticate = &Authenticate,
    .provenance = &sev_snp::ProvenanceOf,
    .strength = &StrengthOf,
    .trust_boundary = &TrustBoundaryOf,
};

}  // namespace assay::example_cloud
