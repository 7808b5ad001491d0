#include "evidence/dcap/signed_document.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/strings.h"
#include "crypto/digest.h"
#include "evidence/dcap/pck.h"
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

Outcome<TcbInfo> Read(std::string_view text, const TcbInfo*) { return ReadTcbInfo(text); }
Outcome<QeIdentity> Read(std::string_view text, const QeIdentity*) { return ReadQeIdentity(text); }
Outcome<EvaluationNumbers> Read(std::string_view text, const EvaluationNumbers*) { return ReadEvaluationNumbers(text); }

std::string_view TextOf(const trust::UntrustedBytes& bytes) { return AsText(bytes.Read().TakeRest()); }

struct Describable : trust::DecodedDocument {
  virtual trust::Description Describe() const = 0;
};
template <typename T>
struct Decoded final : Describable {
  explicit Decoded(trust::Parsed<T> decoded) : parsed(std::move(decoded)) {}
  trust::Description Describe() const override { return parsed.Describe(); }
  trust::Parsed<T> parsed;
};

// That the key of the name signed the document of the name, which says this.
template <typename T>
struct SignedFact final : trust::FormatFact {
  explicit SignedFact(trust::Authenticated<T> authentic) : document(std::move(authentic)) {}
  trust::Authenticated<T> document;
};

template <typename T>
crypto::Sha256Digest NameOfFact(const trust::CollateralItem& item, const trust::VerifiedKey& key) {
  Bytes depends_on = ToBytes(AsBytes(T::kComponent));
  Append(depends_on, item.body.Sha256());
  Append(depends_on, key.key().spki_sha256());
  return crypto::Sha256(depends_on);
}

}  // namespace

template <typename T>
Outcome<trust::Parsed<T>> DocumentParser::Parse(const trust::UntrustedBytes& bytes) {
  Outcome<T> read = Read(TextOf(bytes), static_cast<const T*>(nullptr));
  if (!read) return std::move(read).findings();
  return trust::Parsed<T>(trust::ParserPass<T>(), std::move(read).value());
}

template <typename T>
std::optional<trust::CollateralItem> DocumentParser::RecogniseAs(const trust::UntrustedBytes& bytes, trust::CollateralSource source) {
  Outcome<T> read = Read(TextOf(bytes), static_cast<const T*>(nullptr));
  if (!read) return std::nullopt;
  trust::CollateralItem item{read->Series(), bytes, bytes.Sha256(), source};
  item.document = std::make_shared<const Decoded<T>>(trust::Parsed<T>(trust::ParserPass<T>(), std::move(read).value()));
  return item;
}

std::optional<trust::CollateralItem> DocumentParser::Recognise(const trust::UntrustedBytes& bytes, trust::CollateralSource source) {
  const std::string_view text = TextOf(bytes);
  const auto names = [text](std::string_view member) { return text.find(member) != std::string_view::npos; };
  // The text of a member is only there to choose the reader, who looks at the whole.
  std::optional<trust::CollateralItem> item;
  if (names("\"tcbInfo\"")) item = RecogniseAs<TcbInfo>(bytes, source);
  if (!item && names("\"enclaveIdentity\"")) item = RecogniseAs<QeIdentity>(bytes, source);
  if (!item && names("\"tcbEvaluationDataNumbers\"")) item = RecogniseAs<EvaluationNumbers>(bytes, source);
  return item;
}

std::optional<trust::Description> DescribeDocument(const trust::CollateralItem& item) {
  const auto* document = dynamic_cast<const Describable*>(item.document.get());
  return document == nullptr ? std::nullopt : std::optional(document->Describe());
}

namespace {
constexpr std::size_t kMaxForeignRoots = 4;  // looked at to say that they are not pinned
}  // namespace

std::vector<DocumentSigner> DocumentSigners(std::span<const trust::CollateralItem> certificates, std::span<const crypto::Certificate> roots,
                                            const trust::AnchorSet& anchors, trust::FactCaches* caches, CheckLog& log) {
  std::vector<DocumentSigner> signers;
  std::vector<Finding> broken;
  const auto given = static_cast<std::size_t>(std::count_if(
      certificates.begin(), certificates.end(), [](const trust::CollateralItem& item) { return item.certificate.has_value(); }));
  if (given > kMaxDocumentSigners) {
    log.Fail(kTcbSigningProfile.chain_check, {.reason = Reason::kSizeOverLimit,
                                              .component = "tcb-signing",
                                              .claim = "certificates",
                                              .expected = Cat("at most ", kMaxDocumentSigners),
                                              .actual = std::to_string(given),
                                              .remedy = "Send, or keep in collateral_dir, those that Intel's documents came with."});
    return signers;
  }
  // A root signs them itself: of those that are pinned there are few, and others only serve to tell that theirs is not.
  std::vector<crypto::Certificate> pool;
  const auto pinned = [&](const crypto::Certificate& root) {
    return anchors.Pins(kTcbSigningProfile.vendor, kIntelProduct, root.public_key().spki_sha256());
  };
  std::copy_if(roots.begin(), roots.end(), std::back_inserter(pool), pinned);
  if (pool.empty())
    pool.assign(roots.begin(), roots.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(roots.size(), kMaxForeignRoots)));
  const auto verify = [&](const crypto::Certificate& certificate, CheckLog& into) {
    return trust::VerifyChain(certificate, pool, anchors, kIntelProduct, kTcbSigningProfile, caches, into);
  };
  for (const trust::CollateralItem& item : certificates) {
    if (!item.certificate) continue;
    CheckLog attempt;
    if (const auto chain = verify(*item.certificate, attempt)) {
      signers.push_back({*item.certificate, trust::VerifiedKey::FromChain(chain, "tcb-signing")});
    } else broken.insert(broken.end(), attempt.findings().begin(), attempt.findings().end());
  }
  if (signers.empty()) {
    for (const trust::CollateralItem& item : certificates) {
      if (item.certificate) verify(*item.certificate, log);
    }
    return signers;
  }
  for (const Check check : {kTcbSigningProfile.chain_check, kTcbSigningProfile.root_check, kTcbSigningProfile.profile_check}) {
    log.Pass(check);
  }
  for (Finding& finding : broken) {
    finding.effect = Effect::kNote;
    log.Add(std::move(finding));
  }
  return signers;
}

template <typename T>
std::optional<SignedDocument<T>> DocumentAuthenticator::Authenticate(const trust::CollateralItem& item,
                                                                     std::span<const DocumentSigner> signers, trust::FactCaches* caches,
                                                                     std::vector<DocumentRefusal>& refused) {
  const auto passed = [&](std::shared_ptr<const trust::Authenticated<T>> document, const DocumentSigner& by) {
    const Time issued = document->value().head.issue_date;
    const auto rank = [issued](const DocumentSigner& signer) {
      return std::pair(signer.certificate.not_before() <= issued && issued <= signer.certificate.not_after(),
                       signer.certificate.not_after());
    };
    const DocumentSigner* best = &by;
    for (const DocumentSigner& signer : signers) {
      if (signer.key.key() == by.key.key() && rank(signer) > rank(*best)) best = &signer;
    }
    return SignedDocument<T>{std::move(document), best};
  };
  if (caches != nullptr) {
    for (const DocumentSigner& signer : signers) {
      const auto known = std::dynamic_pointer_cast<const SignedFact<T>>(caches->documents.Find(NameOfFact<T>(item, signer.key)));
      if (known != nullptr) return passed({known, &known->document}, signer);
    }
  }

  const auto* decoded = dynamic_cast<const Decoded<T>*>(item.document.get());
  const Outcome<trust::Parsed<T>> parsed =
      decoded != nullptr ? Outcome<trust::Parsed<T>>(decoded->parsed) : DocumentParser::Parse<T>(item.body);
  if (!parsed) {
    for (const Finding& finding : parsed.findings()) refused.push_back({Check::kDcapDocumentForm, finding});
    return std::nullopt;
  }
  const T& document = parsed->Unverified(trust::UnverifiedAccess<T>());
  const trust::ValidityWindow window{
      .component = std::string(T::kComponent),
      .not_before = document.head.issue_date,
      .not_after = document.head.next_update,
      .document = true,
      .edition = trust::Edition{document.Series(), document.head.evaluation_data_number, document.head.issue_date}};
  constexpr Check kSignature = Check::kDcapDocumentSignature;
  for (const DocumentSigner& signer : signers) {
    CheckLog attempt;
    auto authentic = trust::Authenticated<T>::BySignature(*parsed, signer.key, kSignature, kSignature, {window}, attempt);
    if (!authentic) continue;
    const auto fact = std::make_shared<const SignedFact<T>>(*std::move(authentic));
    if (caches != nullptr) caches->documents.Insert(NameOfFact<T>(item, signer.key), fact);
    return passed({fact, &fact->document}, signer);
  }
  refused.push_back({kSignature,
                     {.reason = Reason::kCollateralNotAuthentic,
                      .component = std::string(T::kComponent),
                      .claim = "signature",
                      .expected = "one by a TCB signing certificate at hand over the object as served",
                      .actual = "one that does not verify"}});
  return std::nullopt;
}

template Outcome<trust::Parsed<TcbInfo>> DocumentParser::Parse<TcbInfo>(const trust::UntrustedBytes&);
template Outcome<trust::Parsed<QeIdentity>> DocumentParser::Parse<QeIdentity>(const trust::UntrustedBytes&);
template Outcome<trust::Parsed<EvaluationNumbers>> DocumentParser::Parse<EvaluationNumbers>(const trust::UntrustedBytes&);
template std::optional<SignedDocument<TcbInfo>> DocumentAuthenticator::Authenticate<TcbInfo>(const trust::CollateralItem&,
                                                                                             std::span<const DocumentSigner>,
                                                                                             trust::FactCaches*,
                                                                                             std::vector<DocumentRefusal>&);
template std::optional<SignedDocument<QeIdentity>> DocumentAuthenticator::Authenticate<QeIdentity>(const trust::CollateralItem&,
                                                                                                   std::span<const DocumentSigner>,
                                                                                                   trust::FactCaches*,
                                                                                                   std::vector<DocumentRefusal>&);
template std::optional<SignedDocument<EvaluationNumbers>> DocumentAuthenticator::Authenticate<EvaluationNumbers>(
    const trust::CollateralItem&, std::span<const DocumentSigner>, trust::FactCaches*, std::vector<DocumentRefusal>&);

}  // namespace assay::dcap
