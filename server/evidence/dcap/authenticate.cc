#include "evidence/dcap/authenticate.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/hex.h"
#include "base/strings.h"
#include "crypto/digest.h"
#include "evidence/dcap/attributes.h"
#include "evidence/dcap/collateral_kinds.h"
#include "evidence/dcap/tcb.h"
#include "trust/cached_chain.h"
#include "trust/revocation.h"
#include "trust/verified_key.h"

namespace assay::dcap {
namespace {

constexpr trust::ChainProfile kPckProfile{
    .vendor = kIntelVendor,
    .chain_check = Check::kDcapPckChain,
    .root_check = Check::kDcapRootPinned,
    .profile_check = Check::kDcapProfile,
    .conformance = &CheckPckProfile,
};

Finding Refusal(Reason reason, std::string_view component, std::string claim, std::string expected, std::string actual) {
  return {.reason = reason,
          .component = std::string(component),
          .claim = std::move(claim),
          .expected = std::move(expected),
          .actual = std::move(actual)};
}

bool IsCa(CertificateKind kind) { return kind == CertificateKind::kPlatformCa || kind == CertificateKind::kProcessorCa; }

// The quote's own chain, told apart by name and not by position.
struct PckChain {
  crypto::Certificate pck;
  std::vector<crypto::Certificate> pool;  // CA and root
};

// What these bytes were decoded to before: as a part of a verified chain, or as collateral of the same bytes.
std::optional<crypto::Certificate> KnownCertificate(ByteView der, const evidence::AuthenticationContext& context) {
  const crypto::Sha256Digest digest = crypto::Sha256(der);
  if (context.caches != nullptr) {
    if (const auto known = context.caches->certificates.Find(digest)) return *known;
  }
  for (const std::string_view kind : {kRootKind, kPckCaKind}) {
    for (const trust::CollateralItem& item : context.collateral.CandidatesOfKind(kind)) {
      if (item.certificate && item.certificate->sha256() == digest) return item.certificate;
    }
  }
  return std::nullopt;
}

std::optional<PckChain> DecodeChain(const std::vector<Bytes>& ders, const evidence::AuthenticationContext& context, CheckLog& log) {
  std::vector<crypto::Certificate> pcks, pool;
  std::string names;
  std::size_t authorities = 0, roots = 0;
  bool sound = true;
  for (const Bytes& der : ders) {
    const std::optional<crypto::Certificate> known = KnownCertificate(der, context);
    const Outcome<crypto::Certificate> certificate =
        known ? Outcome<crypto::Certificate>(*known) : crypto::Certificate::FromDer(der, kPckComponent);
    if (!certificate) {
      for (const Finding& finding : certificate.findings()) log.Fail(Check::kDcapPckCertificates, finding);
      sound = false;
      continue;
    }
    const std::optional<CertificateKind> kind = KindOf(*certificate);
    names += Cat(names.empty() ? "" : ", ", Printable(certificate->CommonName(), 64));
    authorities += kind && IsCa(*kind);
    roots += kind == CertificateKind::kRoot;
    (kind == CertificateKind::kPck ? pcks : pool).push_back(*certificate);
  }
  if (!sound) return std::nullopt;
  log.Require(Check::kDcapPckCertificates, pcks.size() == 1 && authorities == 1 && roots == 1, [&] {
    return Refusal(Reason::kCertificateProfile, kPckComponent, "common names",
                   "one PCK certificate, one PCK Platform or Processor CA, one root", names);
  });
  if (pcks.size() != 1 || log.HasRejection()) return std::nullopt;
  return PckChain{pcks.front(), std::move(pool)};
}

// That the PCK of the name signed the QE report of the name, and that it commits to this attestation key.
struct AttestationKeyFact final : trust::FormatFact {
  explicit AttestationKeyFact(trust::VerifiedKey verified) : key(std::move(verified)) {}
  trust::VerifiedKey key;
};

crypto::Sha256Digest NameOfFact(const crypto::PublicKey& pck, const QeReport& qe) {
  Bytes depends_on = ToBytes(AsBytes(kQeReportComponent));
  depends_on.reserve(1024);
  Append(depends_on, pck.spki_sha256());
  Append(depends_on, qe.report());
  Append(depends_on, qe.signature());
  Append(depends_on, qe.attestation_key());
  Append(depends_on, qe.authentication_data());  // of any length, but the last
  return crypto::Sha256(depends_on);
}

// The key that signed the quote, by what the QE report commits to. nullopt: the log says why.
std::optional<trust::VerifiedKey> AttestationKeyOf(trust::Parsed<QeReport> parsed, const QeReport& qe,
                                                   std::shared_ptr<const trust::VerifiedChain> chain, trust::FactCaches* caches,
                                                   CheckLog& log) {
  const crypto::Sha256Digest name = caches == nullptr ? crypto::Sha256Digest{} : NameOfFact(chain->leaf().public_key(), qe);
  if (caches != nullptr) {
    if (const auto known = std::dynamic_pointer_cast<const AttestationKeyFact>(caches->machines.Find(name))) {
      for (const Check check :
           {Check::kDcapQeSignatureEncoding, Check::kDcapQeSignature, Check::kDcapKeyPoint, Check::kDcapAttestationKey}) {
        log.Pass(check);
      }
      return known->key;
    }
  }
  const auto qe_report =
      trust::Authenticated<QeReport>::BySignature(std::move(parsed), trust::VerifiedKey::FromChain(std::move(chain), kPckComponent),
                                                  Check::kDcapQeSignatureEncoding, Check::kDcapQeSignature, {}, log);
  if (!qe_report) return std::nullopt;

  const ByteView coordinates = qe.attestation_key();
  const Outcome<crypto::PublicKey> key =
      crypto::PublicKey::FromEcPoint(crypto::KeyKind::kEcP256, coordinates.first(kCoordinateSize), coordinates.subspan(kCoordinateSize));
  Bytes committed = ToBytes(coordinates);
  Append(committed, qe.authentication_data());
  const crypto::Sha256Digest digest = crypto::Sha256(committed);
  const ByteView commitment = (*qe_report)->Slice(FieldNamed(kSgxReport, "REPORTDATA")).first(digest.size());
  const Finding unbound = Refusal(Reason::kAttestationKeyUnbound, kQeReportComponent, "REPORTDATA[0:32]",
                                  Cat("SHA-256 of attestation key and authentication data, ", ToHex(digest)), ToHex(commitment));
  if (!key) {
    // Both defects are told: a key that is no point is rarely the one that was committed to.
    log.Require(Check::kDcapAttestationKey, EqualConstantTime(commitment, digest), [&] { return unbound; });
    for (const Finding& finding : key.findings()) log.Fail(Check::kDcapKeyPoint, finding);
    return std::nullopt;
  }
  log.Pass(Check::kDcapKeyPoint);
  auto attestation_key =
      trust::VerifiedKey::FromCommitment(*key, *qe_report, commitment, digest, "attestation-key", Check::kDcapAttestationKey, unbound, log);
  if (attestation_key && caches != nullptr) caches->machines.Insert(name, std::make_shared<const AttestationKeyFact>(*attestation_key));
  return attestation_key;
}

struct ConsultedLists {
  bool complete = false;  // an authentic list of the root and one of the PCK CA
  std::vector<trust::ValidityWindow> windows;
};

// nullopt: a certificate is revoked, or a list is not authentic.
std::optional<ConsultedLists> ConsultLists(const trust::VerifiedChain& chain, CertificateKind ca_kind,
                                           std::vector<crypto::Certificate> root_subjects, const evidence::AuthenticationContext& context,
                                           CheckLog& log) {
  const crypto::CertificatePath& path = chain.path();
  const std::string_view ca_scope = ca_kind == CertificateKind::kPlatformCa ? kPlatformScope : kProcessorScope;
  struct List {
    std::string_view name, kind, scope;
    const crypto::Certificate& issuer;
    std::span<const crypto::Certificate> subjects;
  };
  root_subjects.push_back(path.certificates[1]);
  const List lists[] = {{"root-crl", kRootCrlKind, "", path.certificates[2], root_subjects},
                        {"pck-crl", kPckCrlKind, ca_scope, path.certificates[1], {&path.certificates[0], 1}}};
  ConsultedLists consulted{.complete = true, .windows = {}};
  bool sound = true;
  for (const List& list : lists) {
    const auto candidates = context.collateral.Candidates(list.kind, list.scope);
    const trust::Revocation revocation =
        trust::CheckRevocation(list.issuer, list.subjects, candidates, Check::kDcapCrlSignature, list.name, context.caches, log);
    if (revocation.newest == nullptr) {
      consulted.complete = false;
      sound &= candidates.empty();  // a list that is there and not authentic has been refused
      if (candidates.empty()) {
        // What that costs is decided where dcap.revocation_checked is appraised.
        log.Skip(Check::kDcapRevocation, {.reason = Reason::kRevocationUnchecked,
                                          .effect = Effect::kNote,
                                          .component = std::string(list.name),
                                          .claim = "dcap.revocation_checked",
                                          .expected = Cat("a revocation list of ", list.issuer.CommonName()),
                                          .actual = "none"});
      }
      continue;
    }
    sound &= log.Require(Check::kDcapRevocation, revocation.revoked == nullptr, [&] {
      return Refusal(Reason::kCertificateRevoked, revocation.revoked->CommonName(), "serial",
                     Cat("not on the list of ", list.issuer.CommonName()), Cat("serial 0x", ToHex(revocation.revoked->serial())));
    });
    consulted.windows.push_back(trust::WindowOf(*revocation.newest, list.name, {std::string(list.kind), std::string(list.scope), ""}));
  }
  if (!sound) return std::nullopt;
  return consulted;
}

}  // namespace

std::optional<trust::Authenticated<Quote>> QuoteAuthenticator::Authenticate(ParsedQuote parsed,
                                                                            const evidence::AuthenticationContext& context, CheckLog& log) {
  Quote& quote = parsed.quote.Annotate(trust::UnverifiedAccess<Quote>());
  // The parts of the report stay readable when the parsed report has moved on: they lie in the quote's shared bytes.
  const QeReport qe = parsed.qe_report.Unverified(trust::UnverifiedAccess<QeReport>());

  if (!trust::Bundle::MayAnswer(Quote::kCarrierKind, quote.CarriedValue(), Quote::kComponent, context.challenge, log)) return std::nullopt;
  const std::optional<QuoteChain::Verified>& known = quote.chain().verified;
  std::optional<PckChain> certificates;
  if (known) {
    certificates = PckChain{known->pck, known->pool};
    log.Pass(Check::kDcapPckCertificates);
  } else {
    certificates = DecodeChain(quote.chain().ders, context, log);
  }
  if (!certificates) return std::nullopt;
  const Outcome<PckExtension> extension = known ? Outcome<PckExtension>(known->extension) : ReadPckExtension(certificates->pck);
  const bool sound = log.Require(Check::kDcapPckExtension, extension);

  const auto chain =
      trust::VerifyChain(certificates->pck, certificates->pool, context.anchors, kIntelProduct, kPckProfile, context.caches, log);
  if (chain == nullptr || !sound || chain->path().certificates.size() != 3) return std::nullopt;
  const CertificateKind ca_kind = KindOf(chain->path().certificates[1]).value_or(CertificateKind::kRoot);
  if (!log.Require(Check::kDcapPckExtension, (ca_kind == CertificateKind::kPlatformCa) == extension->platform_instance_id.has_value(), [&] {
        return Refusal(Reason::kCertificateExtension, kPckComponent, "platform instance id",
                       "one exactly if the Platform CA issued the certificate",
                       Cat(extension->platform_instance_id ? "one" : "none", " under ", NameOf(ca_kind)));
      })) {
    return std::nullopt;
  }
  TcbResult tcb;
  const TcbOutcome tcb_outcome = EvaluateTcb(quote, qe, *extension, chain->anchor(), context, tcb, log);
  std::optional<ConsultedLists> lists = ConsultLists(*chain, ca_kind, tcb.signers, context, log);
  if (!lists || tcb_outcome == TcbOutcome::kRefused) return std::nullopt;

  if (context.caches != nullptr && !known) {
    auto fact = std::make_shared<QuoteChain>(quote.chain());
    fact->verified = QuoteChain::Verified{certificates->pck, certificates->pool, *extension};
    context.caches->machines.Insert(quote.chain_name(), std::move(fact));
  }
  const auto attestation_key = AttestationKeyOf(std::move(parsed.qe_report), qe, chain, context.caches, log);
  if (!attestation_key || log.HasRejection()) return std::nullopt;

  quote.endorsement_ =
      Quote::Endorsement{.pck = *extension,
                         .pck_ca = ca_kind,
                         .qe_isv_svn = static_cast<std::uint16_t>(qe.Number(FieldNamed(kSgxReport, "ISVSVN"))),
                         .qe_debug = (qe.Number(FieldNamed(kSgxReport, "ATTRIBUTES")) & kSgxDebug) != 0,
                         .qe_report_data_tail = qe.Slice(FieldNamed(kSgxReport, "REPORTDATA")).subspan(crypto::Sha256Digest().size()),
                         .revocation_checked = lists->complete,
                         .tcb = nullptr};
  if (tcb_outcome == TcbOutcome::kEvaluated) quote.endorsement_->tcb = std::make_shared<const TcbResult>(tcb);
  std::vector<trust::ValidityWindow> windows;
  static constexpr std::string_view kComponents[] = {"pck", "pck-ca", "root"};
  for (std::size_t i = 0; i < chain->path().certificates.size(); ++i) {
    windows.push_back(trust::WindowOf(chain->path().certificates[i], kComponents[std::min<std::size_t>(i, 2)]));
  }
  windows.insert(windows.end(), tcb.windows.begin(), tcb.windows.end());
  windows.insert(windows.end(), lists->windows.begin(), lists->windows.end());
  return trust::Authenticated<Quote>::BySignature(std::move(parsed.quote), *attestation_key, Check::kDcapSignatureEncoding,
                                                  Check::kDcapSignature, std::move(windows), log, context.proven_signatures());
}

}  // namespace assay::dcap
