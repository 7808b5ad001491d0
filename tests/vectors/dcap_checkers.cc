// Checkers of the kinds dcap-quote, gcp-tdx (a quote with its event log) and intel-signed-document. They take the road that production
// takes: pinned anchors, a frozen snapshot of collateral that was recognised by its content and fetched under the keys that the format
// asks for, one challenge, and the windows judged at the case's time.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check_log.h"
#include "base/strings.h"
#include "crypto/certificate.h"
#include "evidence/dcap/collateral_kinds.h"
#include "evidence/dcap/format.h"
#include "evidence/dcap/pck.h"
#include "evidence/dcap/signed_document.h"
#include "evidence/dcap/unpack.h"
#include "evidence/tcg_log/format.h"
#include "platform/binding/ccel.h"
#include "tests/vectors/checker.h"
#include "tests/vectors/collateral_roles.h"
#include "tests/vectors/conclusion.h"
#include "tests/vectors/json_text.h"
#include "trust/anchors.h"
#include "trust/bundle.h"
#include "trust/collateral.h"

namespace assay::vectors {
namespace {

// Documents that a fetch would ask for by a key of their own: what comes back lies under that key, whatever it is.
struct FetchedRole {
  const char* role;
  std::string_view kind;
};
constexpr FetchedRole kFetchedRoles[] = {{"pck_crl", dcap::kPckCrlKind},
                                         {"root_ca_crl", dcap::kRootCrlKind},
                                         {"tcb_info", dcap::kTcbInfoKind},
                                         {"qe_identity", dcap::kQeIdentityKind}};
constexpr const char* kChainRoles[] = {"tcb_signing_chain", "pck_crl_issuer_chain"};

}  // namespace

std::optional<trust::AnchorSet> IntelAnchorsOf(const Inputs& inputs) {
  const Bytes* root = inputs.One("root_ca");
  if (root == nullptr) return std::nullopt;
  const auto certificates = crypto::CertificatesFrom(*root, "root_ca");
  if (!certificates.ok() || certificates->size() != 1) return std::nullopt;
  return trust::AnchorSet(
      {{std::string(dcap::kIntelVendor), std::string(dcap::kIntelProduct), certificates->front().public_key().spki_sha256()}}, false);
}

trust::CollateralSnapshot IntelCollateralOf(const Inputs& inputs, std::span<const evidence::Item> items, Observation& observation) {
  const std::vector<trust::CollateralKey> needed = dcap::kFormat.needs(items, trust::CollateralSnapshot());

  std::vector<trust::CollateralItem> supplied;
  const auto unpack = [&](const Bytes& file) {
    auto documents = dcap::Unpack(trust::UntrustedBytes(file), trust::CollateralSource::kVendor, nullptr);
    if (!documents.ok()) {
      observation.against.insert(observation.against.end(), documents.findings().begin(), documents.findings().end());
      return std::vector<trust::CollateralItem>();
    }
    return std::move(documents).value();
  };
  for (const char* role : kChainRoles) {
    for (const Bytes& file : inputs.All(role)) {
      for (trust::CollateralItem& item : unpack(file)) supplied.push_back(std::move(item));
    }
  }
  for (const FetchedRole& fetched : kFetchedRoles) {
    const auto key =
        std::find_if(needed.begin(), needed.end(), [&](const trust::CollateralKey& candidate) { return candidate.kind == fetched.kind; });
    for (const Bytes& file : inputs.All(fetched.role)) {
      if (key != needed.end() && !file.empty() && file.front() == '{') {  // a document keeps its bytes, sound or not
        const trust::UntrustedBytes body(file);
        supplied.push_back({*key, body, body.Sha256(), trust::CollateralSource::kVendor});
        continue;
      }
      for (trust::CollateralItem& item : unpack(file)) {
        if (key != needed.end()) item.key = *key;
        supplied.push_back(std::move(item));
      }
    }
  }
  return trust::CollateralSnapshot(std::move(supplied));
}

void NoteIntelStatus(Observation& observation) {
  for (const std::string_view name :
       {"tcb_status", "platform_status", "qe_status", "tdx_module_status", "advisory_ids", "tcb_date", "tcb_evaluation_data_number"}) {
    const auto found = observation.claims.find(std::string(name));
    if (found != observation.claims.end()) observation.status[found->first] = found->second;
  }
}

namespace {

// `event_log`: nullptr if the kind has none.
Observation RunQuote(const Case& conformance_case, const Inputs& inputs, const Bytes* event_log) {
  Observation observation;
  const Bytes* quote = inputs.One("quote");
  const std::optional<trust::AnchorSet> anchors = IntelAnchorsOf(inputs);
  if (quote == nullptr || !anchors) {
    observation.fault = "quote and root_ca are required, and the root must be one certificate";
    return observation;
  }
  std::vector<evidence::Item> items{{std::string(dcap::kQuoteMediaType), trust::UntrustedBytes(*quote)}};
  if (event_log != nullptr) items.push_back({std::string(tcg_log::kCcelMediaType), trust::UntrustedBytes(*event_log)});
  const trust::CollateralSnapshot collateral = IntelCollateralOf(inputs, items, observation);
  const trust::Challenge challenge = ChallengeOf(conformance_case.bind);

  CheckLog log;
  const auto authentic =
      dcap::AuthenticateQuote(items, {.anchors = *anchors, .collateral = collateral, .challenge = challenge, .caches = nullptr}, log);
  std::optional<trust::Bundle> bundle;
  if (authentic) bundle = trust::Bundle::Carry(*authentic, challenge, log);
  if (bundle && !platform::AttachCcel(items, *authentic, *bundle, log)) bundle.reset();
  Conclude(log, bundle ? bundle->claims().windows() : std::span<const trust::ValidityWindow>(), conformance_case.at, observation);
  observation.authentic = bundle.has_value() && observation.against.empty();
  if (!bundle) return observation;

  // A case without lists waives revocation, and then the check must show as skipped; with both it must have run.
  const bool lists = inputs.One("pck_crl") != nullptr && inputs.One("root_ca_crl") != nullptr;
  const std::optional<CheckResult> revocation = ResultOf(log, Check::kDcapRevocation);
  if (revocation != (lists ? CheckResult::kPassed : CheckResult::kSkipped)) {
    observation.fault =
        Cat("check ", NameOf(Check::kDcapRevocation), " is ", revocation ? NameOf(*revocation) : std::string_view("absent"));
  }
  NoteClaims(*bundle, dcap::kFormat, observation);
  NoteClaims(*bundle, tcg_log::kFormat, observation);
  NoteIntelStatus(observation);
  return observation;
}

Observation RunDcapQuote(const Case& conformance_case, const Inputs& inputs) { return RunQuote(conformance_case, inputs, nullptr); }

Observation RunGcpTdx(const Case& conformance_case, const Inputs& inputs) {
  const Bytes* event_log = inputs.One("event_log");
  if (event_log != nullptr) return RunQuote(conformance_case, inputs, event_log);
  Observation observation;
  observation.fault = "event_log is required";
  return observation;
}

// What of the document can be believed, as one of T. False: nothing; `observation` says why.
template <typename T>
bool Believe(const trust::CollateralItem& item, std::span<const dcap::DocumentSigner> signers, const CheckLog& log, Time at,
             Observation& observation) {
  std::vector<dcap::DocumentRefusal> refused;
  const auto document = dcap::DocumentAuthenticator::Authenticate<T>(item, signers, nullptr, refused);
  for (const dcap::DocumentRefusal& refusal : refused) observation.against.push_back(refusal.finding);
  std::vector<trust::ValidityWindow> windows;
  if (document) {
    windows.assign(document->document->windows().begin(), document->document->windows().end());
    const crypto::Certificate& signer = document->signer->certificate;
    windows.push_back({.component = "tcb-signing", .not_before = signer.not_before(), .not_after = signer.not_after(), .document = true});
    observation.claims["issue_date"] = JsonString(FormatTime(document->value().head.issue_date));
    observation.claims["next_update"] = JsonString(FormatTime(document->value().head.next_update));
  }
  Conclude(log, windows, at, observation);
  return document.has_value();
}

Observation RunIntelSignedDocument(const Case& conformance_case, const Inputs& inputs) {
  Observation observation;
  const Bytes* file = inputs.One("document");
  const std::optional<trust::AnchorSet> anchors = IntelAnchorsOf(inputs);
  if (file == nullptr || !anchors) {
    observation.fault = "document and root_ca are required, and the root must be one certificate";
    return observation;
  }
  std::vector<trust::CollateralItem> certificates;
  std::vector<crypto::Certificate> roots;
  for (const char* role : {"tcb_signing_chain", "root_ca"}) {
    for (const Bytes& chain : inputs.All(role)) {
      auto items = dcap::Unpack(trust::UntrustedBytes(chain), trust::CollateralSource::kVendor, nullptr);
      if (!items) {
        observation.against.insert(observation.against.end(), items.findings().begin(), items.findings().end());
        continue;
      }
      for (const trust::CollateralItem& item : *items) {
        if (item.key.kind == dcap::kRootKind) roots.push_back(*item.certificate);
        else if (item.certificate) certificates.push_back(item);
      }
    }
  }
  CheckLog log;
  const std::vector<dcap::DocumentSigner> signers = dcap::DocumentSigners(certificates, roots, *anchors, nullptr, log);
  const trust::UntrustedBytes body(*file);
  const auto recognised = dcap::DocumentParser::Recognise(body, trust::CollateralSource::kVendor);
  const trust::CollateralItem item =
      recognised ? *recognised : trust::CollateralItem{{std::string(dcap::kTcbInfoKind), {}, {}}, body, body.Sha256()};
  bool believed = false;
  if (item.key.kind == dcap::kQeIdentityKind) believed = Believe<dcap::QeIdentity>(item, signers, log, conformance_case.at, observation);
  else if (item.key.kind == dcap::kEvaluationNumbersKind) {
    believed = Believe<dcap::EvaluationNumbers>(item, signers, log, conformance_case.at, observation);
  } else believed = Believe<dcap::TcbInfo>(item, signers, log, conformance_case.at, observation);
  observation.authentic = believed && observation.against.empty();
  return observation;
}

}  // namespace

std::span<const Checker> DcapCheckers() {
  static constexpr auto kCheckers =
      std::to_array<Checker>({{"dcap-quote", &RunDcapQuote}, {"gcp-tdx", &RunGcpTdx}, {"intel-signed-document", &RunIntelSignedDocument}});
  return kCheckers;
}

}  // namespace assay::vectors
