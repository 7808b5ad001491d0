#include "evidence/dcap/tcb.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "crypto/signature.h"
#include "evidence/dcap/collateral_kinds.h"
#include "trust/cached_chain.h"

namespace assay::dcap {
namespace {

constexpr trust::ChainProfile kTcbSigningProfile{
    .vendor = kIntelVendor,
    .chain_check = Check::kDcapTcbChain,
    .root_check = Check::kDcapTcbRootPinned,
    .profile_check = Check::kDcapTcbProfile,
    .conformance = &CheckTcbSigningProfile,
};

Finding Refusal(Reason reason, std::string_view component, std::string claim, std::string expected, std::string actual) {
  return {.reason = reason, .component = std::string(component), .claim = std::move(claim), .expected = std::move(expected),
          .actual = std::move(actual)};
}

void SkipMissing(std::string_view what, CheckLog& log) {
  log.Skip(Check::kDcapTcbStatus, {.reason = Reason::kCollateralMissing, .effect = Effect::kIndeterminate, .component = std::string(what),
                             .claim = "dcap.tcb_status", .expected = Cat("the ", what, " for this platform"), .actual = "none"});
}

bool MaskedEqual(ByteView actual, ByteView mask, ByteView expected) {
  if (actual.size() != mask.size() || expected.size() != mask.size()) return false;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if ((actual[i] & mask[i]) != (expected[i] & mask[i])) return false;
  }
  return true;
}

// Intel re-issues the signing certificate for the same key: of those whose key made the signature, one that was valid when the document
// was issued.
const crypto::Certificate* SignerOf(const DocumentHead& head, std::span<const trust::CollateralItem> certificates) {
  const crypto::Certificate* best = nullptr;
  const auto rank = [&](const crypto::Certificate& certificate) {
    return std::pair(certificate.not_before() <= head.issue_date && head.issue_date <= certificate.not_after(), certificate.not_after());
  };
  for (const trust::CollateralItem& item : certificates) {
    if (!item.certificate || (best != nullptr && rank(*item.certificate) <= rank(*best))) continue;
    if (crypto::VerifyEcdsaP1363(item.certificate->public_key(), crypto::HashAlgorithm::kSha256, AsBytes(head.signed_bytes), head.signature)) {
      best = &*item.certificate;
    }
  }
  return best;
}

template <typename Document>
struct Choice {
  Document document;
  const crypto::Certificate* signer;
};

// The newest authentic document among the candidates; those that are not are refused unless another one is.
template <typename Document>
std::optional<Choice<Document>> Choose(std::string_view what, std::span<const trust::CollateralItem* const> candidates,
                                       Outcome<Document> (*read)(std::string_view), std::span<const trust::CollateralItem> certificates,
                                       CheckLog& log) {
  std::optional<Choice<Document>> best;
  std::vector<std::pair<Check, Finding>> refused;
  for (const trust::CollateralItem* item : candidates) {
    Outcome<Document> document = read(AsText(item->body.Read().TakeRest()));
    if (!document) {
      for (const Finding& finding : document.findings()) refused.emplace_back(Check::kDcapDocumentForm, finding);
      continue;
    }
    const crypto::Certificate* signer = SignerOf(document->head, certificates);
    if (signer == nullptr && SwitchedOff(Check::kDcapDocumentSignature)) signer = &*certificates.front().certificate;
    if (signer == nullptr) {
      refused.emplace_back(Check::kDcapDocumentSignature,
                           Refusal(Reason::kCollateralNotAuthentic, what, "signature", "one by a TCB signing certificate at hand over the object as served",
                                   "one that does not verify"));
      continue;
    }
    const auto rank = [](const Document& one) { return std::pair(one.head.evaluation_data_number, one.head.issue_date); };
    if (!best || rank(best->document) < rank(*document)) best = Choice<Document>{std::move(document).value(), signer};
  }
  for (auto& [check, finding] : refused) {
    if (best) {
      finding.effect = Effect::kNote;
      log.Add(std::move(finding));
    } else {
      log.Fail(check, std::move(finding));
    }
  }
  if (best) {
    log.Pass(Check::kDcapDocumentForm);
    log.Pass(Check::kDcapDocumentSignature);
  }
  return best;
}

bool CheckQeIdentity(const QeIdentity& identity, Tee tee, const QeReport& qe, CheckLog& log) {
  bool sound = true;
  const auto require = [&](bool holds, std::string field, std::string expected, std::string actual) {
    sound &= log.Require(Check::kDcapQeIdentity, holds, [&] {
      return Refusal(Reason::kQuotingEnclaveRefused, kQeReportComponent, std::move(field), std::move(expected), std::move(actual));
    });
  };
  const std::string_view id = tee == Tee::kTdx ? "TD_QE" : "QE";
  require(identity.id == id, "id", std::string(id), Printable(identity.id, 64));
  struct Masked {
    Field field;
    ByteView mask, expected;
  };
  for (const Masked& masked : {Masked{FieldNamed(kSgxReport, "MISCSELECT"), identity.miscselect_mask, identity.miscselect},
                               Masked{FieldNamed(kSgxReport, "ATTRIBUTES"), identity.attributes_mask, identity.attributes}}) {
    const ByteView actual = qe.Slice(masked.field);
    require(MaskedEqual(actual, masked.mask, masked.expected), std::string(masked.field.name),
            Cat(ToHex(masked.expected), " under mask ", ToHex(masked.mask)), ToHex(actual));
  }
  const ByteView signer = qe.Slice(FieldNamed(kSgxReport, "MRSIGNER"));
  require(Equal(signer, identity.mrsigner), "MRSIGNER", ToHex(identity.mrsigner), ToHex(signer));
  const std::uint64_t product = qe.Number(FieldNamed(kSgxReport, "ISVPRODID"));
  require(product == identity.isv_prod_id, "ISVPRODID", std::to_string(identity.isv_prod_id), std::to_string(product));
  return sound;
}

bool CheckModule(const TcbInfo& info, const ByteArray<16>& tee_tcb_svn, const Quote& quote, CheckLog& log) {
  const std::string id = ModuleId(tee_tcb_svn);
  const auto found = std::find_if(info.modules.begin(), info.modules.end(), [&](const TdxModule& module) { return module.id == id; });
  const std::string name = id.empty() ? "tdxModule" : id;
  if (!log.Require(Check::kDcapTdxModule, found != info.modules.end(), [&] {
        return Refusal(Reason::kTdxModuleRefused, "tcb-info", "tdxModuleIdentities", Cat("an identity of ", name), "none");
      }) || found == info.modules.end()) {
    return false;
  }
  const ByteView signer = quote.Slice(FieldNamed(kTdReport15Ex, "MRSIGNERSEAM"));
  const ByteView attributes = quote.Slice(FieldNamed(kTdReport15Ex, "SEAMATTRIBUTES"));
  const bool is_signer = log.Require(Check::kDcapTdxModule, Equal(signer, found->mrsigner), [&] {
    return Refusal(Reason::kTdxModuleRefused, kQuoteComponent, "MRSIGNERSEAM", Cat(ToHex(found->mrsigner), " of ", name), ToHex(signer));
  });
  return log.Require(Check::kDcapTdxModule, MaskedEqual(attributes, found->attributes_mask, found->attributes), [&] {
    return Refusal(Reason::kTdxModuleRefused, kQuoteComponent, "SEAMATTRIBUTES",
                   Cat(ToHex(found->attributes), " under mask ", ToHex(found->attributes_mask), " of ", name), ToHex(attributes));
  }) && is_signer;
}

std::optional<ByteArray<16>> SvnOf(const Quote& quote, const Field& field) {
  const ByteView raw = quote.Slice(field);
  if (raw.empty()) return std::nullopt;
  ByteArray<16> svn{};
  std::copy(raw.begin(), raw.end(), svn.begin());
  return svn;
}

}  // namespace

TcbOutcome EvaluateTcb(const Quote& quote, const QeReport& qe, const PckExtension& pck, const crypto::Certificate& root,
                       const evidence::AuthenticationContext& context, TcbResult& result, CheckLog& log) {
  const bool tdx = quote.tee() == Tee::kTdx;
  const std::string fmspc = ToHex(pck.fmspc);
  std::vector<const trust::CollateralItem*> infos, identities;
  for (const trust::CollateralItem& item : context.collateral.Candidates(kTcbInfoKind, NameOf(quote.tee()))) {
    if (item.key.detail == fmspc) infos.push_back(&item);
  }
  for (const trust::CollateralItem& item : context.collateral.Candidates(kQeIdentityKind, tdx ? "TD_QE" : "QE")) identities.push_back(&item);
  const auto certificates = context.collateral.CandidatesOfKind(kTcbSigningKind);
  const bool signer_there = !certificates.empty() && certificates.front().certificate.has_value();
  if (infos.empty()) SkipMissing("TCB info", log);
  if (identities.empty()) SkipMissing("QE identity", log);
  if (!signer_there && !(infos.empty() && identities.empty())) SkipMissing("TCB signing certificate", log);
  if (infos.empty() || identities.empty() || !signer_there) return TcbOutcome::kMissing;

  const auto info = Choose<TcbInfo>("tcb-info", infos, &ReadTcbInfo, certificates, log);
  const auto identity = Choose<QeIdentity>("qe-identity", identities, &ReadQeIdentity, certificates, log);
  if (!info || !identity) return TcbOutcome::kRefused;

  std::vector<crypto::Certificate> pool = {root};
  for (const trust::CollateralItem& item : context.collateral.CandidatesOfKind(kRootKind)) {
    if (item.certificate && item.sha256 != root.sha256()) pool.push_back(*item.certificate);
  }
  for (const crypto::Certificate* signer : {info->signer, identity->signer}) {
    const auto same = [signer](const crypto::Certificate& other) { return other.sha256() == signer->sha256(); };
    if (std::any_of(result.signers.begin(), result.signers.end(), same)) continue;
    const auto chain = trust::VerifyChain(*signer, pool, context.anchors, kIntelProduct, kTcbSigningProfile, context.caches, log);
    if (chain == nullptr) return TcbOutcome::kRefused;
    result.signers.push_back(*signer);
    result.windows.push_back({"tcb-signing", signer->not_before(), signer->not_after()});
  }

  const TcbInfo& tcb_info = info->document;
  bool sound = log.Require(Check::kDcapTcbInfoMatch, tcb_info.tee == quote.tee(), [&] {
    return Refusal(Reason::kCollateralMismatch, "tcb-info", "id", std::string(NameOf(quote.tee())), std::string(NameOf(tcb_info.tee)));
  });
  sound &= log.Require(Check::kDcapTcbInfoMatch, tcb_info.fmspc == pck.fmspc, [&] {
    return Refusal(Reason::kCollateralMismatch, "tcb-info", "fmspc", fmspc, ToHex(tcb_info.fmspc));
  });
  sound &= log.Require(Check::kDcapTcbInfoMatch, tcb_info.pce_id == pck.pce_id, [&] {
    return Refusal(Reason::kCollateralMismatch, "tcb-info", "pceId", ToHex(pck.pce_id), ToHex(tcb_info.pce_id));
  });
  sound &= CheckQeIdentity(identity->document, quote.tee(), qe, log);

  TcbSubject subject{.pck_components = pck.tcb_components, .pce_svn = pck.pce_svn,
                     .qe_isv_svn = static_cast<std::uint16_t>(qe.Number(FieldNamed(kSgxReport, "ISVSVN"))), .tee_tcb_svn = {}, .tee_tcb_svn2 = {}};
  if (tdx && sound) {
    subject.tee_tcb_svn = SvnOf(quote, FieldNamed(kTdReport15Ex, "TEE_TCB_SVN"));
    subject.tee_tcb_svn2 = SvnOf(quote, FieldNamed(kTdReport15Ex, "TEE_TCB_SVN_2"));
    for (const auto& svn : {subject.tee_tcb_svn, subject.tee_tcb_svn2}) {
      if (svn) sound &= CheckModule(tcb_info, *svn, quote, log);
    }
  }
  if (!sound) return TcbOutcome::kRefused;
  result.evaluation = Evaluate(tcb_info, identity->document, subject);
  result.evaluation_data_number = tcb_info.head.evaluation_data_number;
  result.qe_evaluation_data_number = identity->document.head.evaluation_data_number;
  result.windows.push_back({"tcb-info", tcb_info.head.issue_date, tcb_info.head.next_update});
  result.windows.push_back({"qe-identity", identity->document.head.issue_date, identity->document.head.next_update});
  return TcbOutcome::kEvaluated;
}

}  // namespace assay::dcap
