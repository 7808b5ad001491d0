#include "evidence/dcap/tcb.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/dcap/attributes.h"
#include "evidence/dcap/collateral_kinds.h"
#include "evidence/dcap/signed_document.h"

namespace assay::dcap {
namespace {

Finding Refusal(Reason reason, std::string_view component, std::string claim, std::string expected, std::string actual) {
  return {.reason = reason,
          .component = std::string(component),
          .claim = std::move(claim),
          .expected = std::move(expected),
          .actual = std::move(actual)};
}

void SkipMissing(std::string_view what, CheckLog& log) {
  log.Skip(Check::kDcapTcbStatus, {.reason = Reason::kCollateralMissing,
                                   .effect = Effect::kIndeterminate,
                                   .component = std::string(what),
                                   .claim = "dcap.tcb_status",
                                   .expected = Cat("the ", what, " for this platform"),
                                   .actual = "none"});
}

bool MaskedEqual(ByteView actual, ByteView mask, ByteView expected) {
  if (actual.size() != mask.size() || expected.size() != mask.size()) return false;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if ((actual[i] & mask[i]) != (expected[i] & mask[i])) return false;
  }
  return true;
}

// The newest authentic document among the candidates; those that are not are refused unless another one is.
template <typename T>
std::optional<SignedDocument<T>> Choose(std::span<const trust::CollateralItem* const> candidates, std::span<const DocumentSigner> signers,
                                        trust::FactCaches* caches, CheckLog& log) {
  std::optional<SignedDocument<T>> best;
  std::vector<DocumentRefusal> refused;
  for (const trust::CollateralItem* item : candidates) {
    auto document = DocumentAuthenticator::Authenticate<T>(*item, signers, caches, refused);
    const auto rank = [](const SignedDocument<T>& one) {
      return std::pair(one.value().head.evaluation_data_number, one.value().head.issue_date);
    };
    if (document && (!best || rank(*best) < rank(*document))) best = std::move(document);
  }
  for (DocumentRefusal& refusal : refused) {
    if (best) {
      refusal.finding.effect = Effect::kNote;
      log.Add(std::move(refusal.finding));
    } else {
      log.Fail(refusal.check, std::move(refusal.finding));
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
  const auto require = [&](bool holds, std::string_view field, auto expected, auto actual) {
    sound &= log.Require(Check::kDcapQeIdentity, holds, [&] {
      return Refusal(Reason::kQuotingEnclaveRefused, kQeReportComponent, std::string(field), expected(), actual());
    });
  };
  const std::string_view id = tee == Tee::kTdx ? "TD_QE" : "QE";
  require(
      identity.id == id, "id", [&] { return std::string(id); }, [&] { return Printable(identity.id, 64); });
  struct Masked {
    Field field;
    ByteView mask, expected;
  };
  for (const Masked& masked : {Masked{FieldNamed(kSgxReport, "MISCSELECT"), identity.miscselect_mask, identity.miscselect},
                               Masked{FieldNamed(kSgxReport, "ATTRIBUTES"), identity.attributes_mask, identity.attributes}}) {
    const ByteView actual = qe.Slice(masked.field);
    require(
        MaskedEqual(actual, masked.mask, masked.expected), masked.field.name,
        [&] { return Cat(ToHex(masked.expected), " under mask ", ToHex(masked.mask)); }, [&] { return ToHex(actual); });
  }
  const ByteView signer = qe.Slice(FieldNamed(kSgxReport, "MRSIGNER"));
  require(
      Equal(signer, identity.mrsigner), "MRSIGNER", [&] { return ToHex(identity.mrsigner); }, [&] { return ToHex(signer); });
  const std::uint64_t product = qe.Number(FieldNamed(kSgxReport, "ISVPRODID"));
  require(
      product == identity.isv_prod_id, "ISVPRODID", [&] { return std::to_string(identity.isv_prod_id); },
      [&] { return std::to_string(product); });
  return sound;
}

bool CheckModule(const TcbInfo& info, const ByteArray<16>& tee_tcb_svn, const Quote& quote, CheckLog& log) {
  const std::string id = ModuleId(tee_tcb_svn);
  const auto found = std::find_if(info.modules.begin(), info.modules.end(), [&](const TdxModule& module) { return module.id == id; });
  const std::string name = id.empty() ? "tdxModule" : id;
  if (!log.Require(
          Check::kDcapTdxModule, found != info.modules.end(),
          [&] { return Refusal(Reason::kTdxModuleRefused, "tcb-info", "tdxModuleIdentities", Cat("an identity of ", name), "none"); }) ||
      found == info.modules.end()) {
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

// The TCB under which the TD was initialised, where the report names one that this platform's levels are made for: SERVTD_EXT says that it
// does, the FMSPC is the platform's own, and the platform's certificate shows that the bytes of a CPUSVN are the components.
std::optional<TcbSubject::Initial> InitialOf(const Quote& quote, const PckExtension& pck) {
  const auto components = SvnOf(quote, FieldNamed(kTdReport15Ex, "INITCPUSVN"));
  const auto tee_tcb_svn = SvnOf(quote, FieldNamed(kTdReport15Ex, "INITTEETCBSVN"));
  if (!components || !tee_tcb_svn || (quote.Number(FieldNamed(kTdReport15Ex, "TDATTRIBUTES")) & kTdServtdExt) == 0) return std::nullopt;
  const ByteView fmspc = quote.Slice(FieldNamed(kTdReport15Ex, "INITTEEFMSPC"));
  if (!Equal(fmspc.first(pck.fmspc.size()), pck.fmspc) || !AllZero(fmspc.subspan(pck.fmspc.size())) || pck.cpu_svn != pck.tcb_components) {
    return std::nullopt;
  }
  return TcbSubject::Initial{*components, *tee_tcb_svn};
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
  for (const trust::CollateralItem& item : context.collateral.Candidates(kQeIdentityKind, tdx ? "TD_QE" : "QE")) {
    identities.push_back(&item);
  }
  const auto certificates = context.collateral.CandidatesOfKind(kTcbSigningKind);
  const bool signer_there = !certificates.empty() && certificates.front().certificate.has_value();
  if (infos.empty()) SkipMissing("TCB info", log);
  if (identities.empty()) SkipMissing("QE identity", log);
  if (!signer_there && !(infos.empty() && identities.empty())) SkipMissing("TCB signing certificate", log);
  if (infos.empty() || identities.empty() || !signer_there) return TcbOutcome::kMissing;

  std::vector<crypto::Certificate> roots = {root};
  for (const trust::CollateralItem& item : context.collateral.CandidatesOfKind(kRootKind)) {
    if (item.certificate && item.sha256 != root.sha256()) roots.push_back(*item.certificate);
  }
  const std::vector<DocumentSigner> signers = DocumentSigners(certificates, roots, context.anchors, context.caches, log);
  if (signers.empty()) return TcbOutcome::kRefused;
  const auto info = Choose<TcbInfo>(infos, signers, context.caches, log);
  const auto identity = Choose<QeIdentity>(identities, signers, context.caches, log);
  if (!info || !identity) return TcbOutcome::kRefused;
  for (const DocumentSigner* signer : {info->signer, identity->signer}) {
    const crypto::Certificate& certificate = signer->certificate;
    const auto same = [&](const crypto::Certificate& other) { return other.sha256() == certificate.sha256(); };
    if (std::any_of(result.signers.begin(), result.signers.end(), same)) continue;
    result.signers.push_back(certificate);
    result.windows.push_back(trust::WindowOf(certificate, "tcb-signing"));
    result.windows.back().document = true;
  }

  const TcbInfo& tcb_info = info->value();
  bool sound = log.Require(Check::kDcapTcbInfoMatch, tcb_info.tee == quote.tee(), [&] {
    return Refusal(Reason::kCollateralMismatch, "tcb-info", "id", std::string(NameOf(quote.tee())), std::string(NameOf(tcb_info.tee)));
  });
  sound &= log.Require(Check::kDcapTcbInfoMatch, tcb_info.fmspc == pck.fmspc,
                       [&] { return Refusal(Reason::kCollateralMismatch, "tcb-info", "fmspc", fmspc, ToHex(tcb_info.fmspc)); });
  sound &= log.Require(Check::kDcapTcbInfoMatch, tcb_info.pce_id == pck.pce_id, [&] {
    return Refusal(Reason::kCollateralMismatch, "tcb-info", "pceId", ToHex(pck.pce_id), ToHex(tcb_info.pce_id));
  });
  sound &= CheckQeIdentity(identity->value(), quote.tee(), qe, log);

  TcbSubject subject{.pck_components = pck.tcb_components,
                     .pce_svn = pck.pce_svn,
                     .qe_isv_svn = static_cast<std::uint16_t>(qe.Number(FieldNamed(kSgxReport, "ISVSVN"))),
                     .tee_tcb_svn = {},
                     .tee_tcb_svn2 = {}};
  if (tdx && sound) {
    subject.tee_tcb_svn = SvnOf(quote, FieldNamed(kTdReport15Ex, "TEE_TCB_SVN"));
    subject.tee_tcb_svn2 = SvnOf(quote, FieldNamed(kTdReport15Ex, "TEE_TCB_SVN_2"));
    for (const auto& svn : {subject.tee_tcb_svn, subject.tee_tcb_svn2}) {
      if (svn) sound &= CheckModule(tcb_info, *svn, quote, log);
    }
    subject.initial = InitialOf(quote, pck);
  }
  if (!sound) return TcbOutcome::kRefused;
  result.evaluation = Evaluate(tcb_info, identity->value(), subject);
  result.shortfall = ShortfallOf(tcb_info, identity->value(), subject);
  result.evaluation_data_number = tcb_info.head.evaluation_data_number;
  result.qe_evaluation_data_number = identity->value().head.evaluation_data_number;
  for (const auto windows : {info->document->windows(), identity->document->windows()}) {
    result.windows.insert(result.windows.end(), windows.begin(), windows.end());
  }
  return TcbOutcome::kEvaluated;
}

}  // namespace assay::dcap
