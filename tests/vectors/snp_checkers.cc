// Checkers of the kinds snp-report, aws-snp, snp-cert-table and amd-crl. They take the road that production takes:
// pinned anchors, a frozen snapshot of recognised collateral, the format's or platform's own authentication, one
// challenge, and the windows judged at the case's time.
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "appraisal/appraiser.h"
#include "base/check_log.h"
#include "base/hex.h"
#include "base/strings.h"
#include "crypto/certificate.h"
#include "crypto/crl.h"
#include "evidence/sev_snp/authenticate.h"
#include "evidence/sev_snp/cert_table.h"
#include "evidence/sev_snp/endorsement.h"
#include "evidence/sev_snp/format.h"
#include "platform/binding/snp_report.h"
#include "platform/platform.h"
#include "registry/builtin_registry.h"
#include "tests/vectors/checker.h"
#include "tests/vectors/collateral_roles.h"
#include "tests/vectors/conclusion.h"
#include "tests/vectors/json_text.h"
#include "trust/anchors.h"
#include "trust/bundle.h"
#include "trust/challenge.h"
#include "trust/collateral.h"

namespace assay::vectors {

std::optional<trust::AnchorSet> AmdAnchorsOf(const Inputs& inputs) {
  const std::span<const trust::Anchor> production = sev_snp::kFormat.anchors;
  const Bytes* root = inputs.One("root");
  if (root == nullptr) return trust::AnchorSet({production.begin(), production.end()}, false);
  const auto certificates = crypto::CertificatesFrom(*root, "root");
  if (!certificates.ok() || certificates->size() != 1) return std::nullopt;
  const crypto::Certificate& certificate = certificates->front();
  const crypto::Sha256Digest& spki = certificate.public_key().spki_sha256();
  for (const trust::Anchor& anchor : production) {
    if (anchor.spki_sha256 == spki) return trust::AnchorSet({anchor}, false);
  }
  const std::optional<sev_snp::CertificateRole> role = sev_snp::RoleOf(certificate);
  if (!role || !role->product) return std::nullopt;
  return trust::AnchorSet({{"amd", std::string(sev_snp::NameOf(*role->product)), spki}}, false);
}

void AddAmdItems(const Inputs& inputs, std::vector<evidence::Item>& items) {
  for (const std::string role : {"leaf", "crl"}) {
    const Bytes* file = inputs.One(role);
    if (file == nullptr) continue;
    const bool pem = AsText(*file).find("-----BEGIN") != std::string_view::npos;
    const std::string_view media_type = pem             ? sev_snp::kPemChainMediaType
                                        : role == "crl" ? sev_snp::kCrlMediaType
                                                        : sev_snp::kCertificateMediaType;
    items.push_back({std::string(media_type), trust::UntrustedBytes(*file)});
  }
}

namespace {

void Recognise(const Bytes& bytes, trust::CollateralSource source, std::vector<trust::CollateralItem>& into) {
  for (trust::CollateralItem& item : sev_snp::kFormat.recognise(trust::UntrustedBytes(bytes), source, nullptr)) {
    into.push_back(std::move(item));
  }
}

}  // namespace

std::vector<trust::CollateralItem> SuppliedByAmd(const Inputs& inputs) {
  std::vector<trust::CollateralItem> supplied;
  for (const std::string role : {"intermediates", "root"}) {
    for (const Bytes& file : inputs.All(role)) Recognise(file, trust::CollateralSource::kSupplied, supplied);
  }
  return supplied;
}

namespace {

constexpr std::string_view kAwsPlatform = "aws_sev_snp_report";

using Authenticate = std::optional<trust::Bundle> (*)(std::span<const evidence::Item>, const evidence::AuthenticationContext&, CheckLog&);

std::optional<trust::Bundle> AuthenticateAlone(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                               CheckLog& log) {
  const auto report = sev_snp::AuthenticateReport(items, context, log);
  if (!report) return std::nullopt;
  return platform::CarryReport(*report, context.challenge, log);
}

// What the node would send is an item, what an operator would supply is collateral.
Observation Run(const Case& conformance_case, const Inputs& inputs, std::vector<evidence::Item> items, Authenticate authenticate) {
  Observation observation;
  const std::optional<trust::AnchorSet> anchors = AmdAnchorsOf(inputs);
  if (!anchors) {
    observation.fault = "the root is not one certificate that names a product";
    return observation;
  }
  AddAmdItems(inputs, items);
  const std::vector<trust::CollateralItem> supplied = SuppliedByAmd(inputs);
  const trust::CollateralSnapshot collateral = appraisal::GatherCollateral(BuiltinRegistry(), items, supplied);
  const trust::Challenge challenge = ChallengeOf(conformance_case.bind);

  CheckLog log;
  const std::optional<trust::Bundle> bundle =
      authenticate(items, {.anchors = *anchors, .collateral = collateral, .challenge = challenge, .caches = nullptr}, log);
  Conclude(log, bundle ? bundle->claims().windows() : std::span<const trust::ValidityWindow>(), conformance_case.at, observation);
  observation.authentic = bundle.has_value() && observation.against.empty();
  if (!bundle) return observation;

  // A case without a list waives revocation, and then the check must show as skipped; with one it must have run.
  const std::optional<CheckResult> revocation = ResultOf(log, Check::kSnpRevocation);
  const CheckResult wanted = inputs.One("crl") == nullptr ? CheckResult::kSkipped : CheckResult::kPassed;
  if (revocation != wanted) {
    observation.fault = Cat("check ", NameOf(Check::kSnpRevocation), " should be ", NameOf(wanted), ", is ",
                            revocation ? NameOf(*revocation) : std::string_view("absent"));
  }
  const trust::Freshness freshness = conformance_case.bind.Empty() ? trust::Freshness::kSkipped : trust::Freshness::kProven;
  if (bundle->freshness() != freshness) observation.fault = "freshness is not what the case's bind makes it";
  NoteClaims(*bundle, sev_snp::kFormat, observation);
  return observation;
}

std::vector<evidence::Item> ReportItem(const Inputs& inputs) {
  std::vector<evidence::Item> items;
  if (const Bytes* report = inputs.One("report")) {
    items.push_back({std::string(sev_snp::kReportMediaType), trust::UntrustedBytes(*report)});
  }
  return items;
}

Observation RunSnpReport(const Case& conformance_case, const Inputs& inputs) {
  return Run(conformance_case, inputs, ReportItem(inputs), &AuthenticateAlone);
}

Observation RunAwsSnp(const Case& conformance_case, const Inputs& inputs) {
  const platform::Platform* aws = BuiltinRegistry().FindPlatform(kAwsPlatform);
  if (aws == nullptr) {
    Observation observation;
    observation.fault = Cat("this build has no platform ", kAwsPlatform);
    return observation;
  }
  return Run(conformance_case, inputs, ReportItem(inputs), aws->authenticate);
}

Observation RunSnpCertTable(const Case& conformance_case, const Inputs& inputs) {
  Bytes report, table;
  if (const Bytes* extended = inputs.One("extended_report")) {
    const std::size_t split = std::min(extended->size(), sev_snp::kReportSize);
    report = ToBytes(ByteView(*extended).first(split));
    table = ToBytes(ByteView(*extended).subspan(split));
  } else if (inputs.One("report") != nullptr && inputs.One("cert_table") != nullptr) {
    report = *inputs.One("report");
    table = *inputs.One("cert_table");
  } else {
    Observation observation;
    observation.fault = "neither report and cert_table nor extended_report are given";
    return observation;
  }
  std::vector<evidence::Item> items;
  items.push_back({std::string(sev_snp::kReportMediaType), trust::UntrustedBytes(std::move(report))});
  items.push_back({std::string(sev_snp::kCertTableMediaType), trust::UntrustedBytes(table)});
  Observation observation = Run(conformance_case, inputs, std::move(items), &AuthenticateAlone);
  if (const auto entries = sev_snp::ReadCertTable(table); entries.ok()) {
    std::vector<std::string> listed;
    for (const sev_snp::CertTableEntry& entry : *entries) {
      listed.push_back(
          JsonObject({{"guid", JsonString(entry.guid)}, {"offset", JsonNumber(entry.offset)}, {"length", JsonNumber(entry.length)}}));
    }
    observation.claims["entries"] = JsonList(listed);
  }
  return observation;
}

Observation RunAmdCrl(const Case& conformance_case, const Inputs& inputs) {
  Observation observation;
  const Bytes* list = inputs.One("crl");
  const Bytes* root = inputs.One("root");
  const std::optional<trust::AnchorSet> anchors = AmdAnchorsOf(inputs);
  const auto roots = root == nullptr ? Outcome<std::vector<crypto::Certificate>>(std::vector<crypto::Certificate>{})
                                     : crypto::CertificatesFrom(*root, "root");
  if (list == nullptr || !anchors || !roots.ok() || roots->empty()) {
    observation.fault = "crl and root are required, and the root must be a certificate that names a product";
    return observation;
  }
  // Without an intermediate the case asks about the list alone; the root's own serial is as good as any to look up.
  crypto::Certificate subject = roots->front();
  if (const Bytes* intermediate = inputs.One("intermediate")) {
    const auto certificates = crypto::CertificatesFrom(*intermediate, "intermediate");
    if (!certificates.ok() || certificates->size() != 1) {
      observation.fault = "the intermediate is not one certificate";
      return observation;
    }
    subject = certificates->front();
  }

  if (const auto decoded = crypto::CertificateList::FromDer(*list, "crl"); !decoded.ok()) {
    observation.against = decoded.findings();
    return observation;
  }
  std::vector<trust::CollateralItem> supplied;
  Recognise(*list, trust::CollateralSource::kSupplied, supplied);
  if (supplied.size() != 1 || supplied.front().key.kind != sev_snp::kCrlKind) {
    observation.fault = "the list is not recognised as one of AMD's";
    return observation;
  }
  const std::optional<sev_snp::Product> product = sev_snp::ProductNamed(supplied.front().key.scope);
  const trust::CollateralSnapshot collateral(std::move(supplied));
  const trust::Challenge challenge = trust::Challenge::NotDemanded(/*accepted=*/true);

  CheckLog log;
  const sev_snp::Revocation revocation = sev_snp::CheckRevocation(
      roots->front(), subject, *product, {.anchors = *anchors, .collateral = collateral, .challenge = challenge, .caches = nullptr}, log);
  std::vector<trust::ValidityWindow> windows;
  if (revocation.newest != nullptr) {
    const crypto::CertificateList& newest = *revocation.newest;
    windows.push_back({"crl", newest.this_update(), newest.next_update(), true});
    std::vector<std::string> serials;
    for (const Bytes& serial : newest.revoked_serials()) {
      std::uint64_t number = 0;  // AMD's serials of intermediates are small integers
      for (const std::uint8_t byte : serial) number = number << 8 | byte;
      serials.push_back(JsonNumber(number));
    }
    observation.claims["revoked_serials"] = JsonList(serials);
    observation.claims["this_update"] = JsonString(FormatTime(newest.this_update()));
    observation.claims["next_update"] = JsonString(FormatTime(newest.next_update()));
    observation.claims["revoked"] = JsonFlag(revocation.revoked);
  }
  if (revocation.revoked) {
    log.Fail(Check::kSnpRevocation, {.reason = Reason::kCertificateRevoked,
                                     .component = "intermediate",
                                     .claim = "serial",
                                     .expected = "not on the list",
                                     .actual = Cat("0x", ToHex(subject.serial()))});
  }
  Conclude(log, windows, conformance_case.at, observation);
  observation.authentic = revocation.newest != nullptr && observation.against.empty();
  return observation;
}

}  // namespace

std::span<const Checker> SnpCheckers() {
  static constexpr auto kCheckers = std::to_array<Checker>({
      {"amd-crl", &RunAmdCrl},
      {"aws-snp", &RunAwsSnp},
      {"snp-cert-table", &RunSnpCertTable},
      {"snp-report", &RunSnpReport},
  });
  return kCheckers;
}

}  // namespace assay::vectors
