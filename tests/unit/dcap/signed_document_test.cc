// TCB documents from bytes to what may be believed, and what of them a verifier remembers.
#include "evidence/dcap/signed_document.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "evidence/dcap/authentic_documents.h"
#include "evidence/dcap/collateral_kinds.h"
#include "evidence/dcap/unpack.h"
#include "tests/unit/dcap/minted_tcb.h"
#include "trust/floors.h"

namespace assay::dcap {
namespace {

using test::Pki;

std::string Replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}
std::string Numbered(const std::string& body, int number) { return Replaced(body, ":18,", Cat(":", number, ",")); }
std::string Issued(const std::string& body, const std::string& day) { return Replaced(body, "2026-06-01", day); }

// A document, the certificates that may vouch for it, and what becomes of it.
struct Road {
  std::vector<trust::CollateralItem> certificates = {test::TcbDocuments().back()};
  std::vector<crypto::Certificate> roots = {*test::RootItem().certificate};
  trust::AnchorSet anchors = Pki::Shared().Anchors();
  trust::FactCaches* caches = nullptr;
  CheckLog log = {};
  std::vector<DocumentRefusal> refused = {};

  template <typename T>
  std::optional<SignedDocument<T>> Take(const trust::CollateralItem& item) {
    const auto signers = DocumentSigners(certificates, roots, anchors, caches, log);
    auto document = DocumentAuthenticator::Authenticate<T>(item, signers, caches, refused);
    if (!document) return std::nullopt;
    EXPECT_EQ(document->document->vouched_by(), "tcb-signing");
    EXPECT_EQ(document->document->windows().size(), 1U);
    return SignedDocument<T>{document->document, nullptr};  // the signers end here
  }
  bool Refused(Check check, Reason reason) const {
    return std::any_of(refused.begin(), refused.end(),
                       [&](const DocumentRefusal& one) { return one.check == check && one.finding.reason == reason; });
  }
};

TEST(SignedDocument, EachKindIsBelievedUnderTheSigningKey) {
  const std::vector<trust::CollateralItem> documents = test::TcbDocuments();
  const auto info = Road().Take<TcbInfo>(documents[0]);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->value().levels.size(), 2U);
  const trust::ValidityWindow& window = info->document->windows().front();
  EXPECT_TRUE(window.document);
  ASSERT_TRUE(window.edition);
  EXPECT_EQ(window.edition->series.ToString(), "intel.tcb_info/TDX/00806f050000");
  EXPECT_EQ(window.edition->number, 18U);
  EXPECT_EQ(window.edition->issued, window.not_before);
  EXPECT_TRUE(Road().Take<QeIdentity>(documents[1]));
  const auto numbers = Road().Take<EvaluationNumbers>(test::EvaluationNumbersItem());
  ASSERT_TRUE(numbers);
  EXPECT_EQ(numbers->value().numbers.front().number, 18U);
}

TEST(SignedDocument, WhatTheKeyDidNotSignIsRefused) {
  static const softtee::Key other = softtee::Key::GenerateP256();
  const trust::CollateralItem sound = test::TcbDocuments().front();
  const std::string text(AsText(sound.body.Read().TakeRest()));
  const auto with = [&](std::string changed) {
    const trust::UntrustedBytes bytes(ToBytes(AsBytes(changed)));
    return trust::CollateralItem{sound.key, bytes, bytes.Sha256()};
  };
  const std::string signature = text.substr(text.rfind(":\"") + 2, 128);
  const Check kSignature = Check::kDcapDocumentSignature;
  const std::pair<trust::CollateralItem, Check> kRefused[] = {
      {test::TcbDocuments({.signer = &other}).front(), kSignature},
      {with(Replaced(text, "\"pcesvn\":13", "\"pcesvn\":12")), kSignature},
      {with(Replaced(text, "\"version\":3", "\"version\": 3")), kSignature},  // the same to a parser, other bytes
      {with(Replaced(text, signature.substr(0, 64), std::string(64, '0'))), kSignature},
      {with(Replaced(text, signature.substr(64), std::string(64, 'f'))), kSignature},
      {with(Replaced(text, "\"tcbType\":0", "\"tcbType\":1")), Check::kDcapDocumentForm},
      {with(text.substr(0, text.size() - 1)), Check::kDcapDocumentForm},
  };
  for (const auto& [item, check] : kRefused) {
    Road road;
    EXPECT_FALSE(road.Take<TcbInfo>(item));
    ASSERT_EQ(road.refused.size(), 1U);
    EXPECT_EQ(road.refused.front().check, check) << Describe(road.refused.front().finding);
  }
  // One kind is never taken for another, cached or not.
  trust::FactCaches caches(16);
  for (int round = 0; round < 2; ++round) {
    Road road{.caches = &caches};
    EXPECT_TRUE(road.Take<TcbInfo>(sound));
    EXPECT_FALSE(road.Take<QeIdentity>(sound));
    EXPECT_FALSE(road.Take<EvaluationNumbers>(sound));
    EXPECT_TRUE(road.Refused(Check::kDcapDocumentForm, Reason::kCollateralMalformed));
  }
}

// Anybody can send certificates with Intel's names, and every one costs a signature.
TEST(SignedDocument, SignersAreNoMoreThanMayBeVerified) {
  Road road;
  while (road.certificates.size() <= kMaxDocumentSigners) road.certificates.push_back(road.certificates.front());
  EXPECT_FALSE(road.Take<TcbInfo>(test::TcbDocuments().front()));
  EXPECT_TRUE(road.log.HasRejection());
  EXPECT_EQ(road.log.findings().front().reason, Reason::kSizeOverLimit);
  road.certificates.pop_back();
  road.log = {};
  EXPECT_TRUE(road.Take<TcbInfo>(test::TcbDocuments().front()));
}

TEST(SignedDocument, OnlyAChainToThePinnedRootVouches) {
  static const softtee::Key other = softtee::Key::GenerateP256();
  const trust::CollateralItem sound = test::TcbDocuments().front();
  Road unpinned{.anchors = Pki().Anchors()};
  EXPECT_FALSE(unpinned.Take<TcbInfo>(sound));
  EXPECT_TRUE(unpinned.log.HasRejection());
  Road without_root{.roots = {}};
  EXPECT_FALSE(without_root.Take<TcbInfo>(sound));
  Road forged{.certificates = {test::TcbDocuments({.issuer = &other}).back()}};
  EXPECT_FALSE(forged.Take<TcbInfo>(sound));
  EXPECT_TRUE(forged.log.HasRejection());
  // A forged certificate beside a sound one harms nobody.
  Road both{.certificates = {test::TcbDocuments({.issuer = &other}).back(), test::TcbDocuments().back()}};
  EXPECT_TRUE(both.Take<TcbInfo>(sound));
  EXPECT_FALSE(both.log.HasRejection());
  EXPECT_FALSE(both.log.findings().empty());
}

TEST(SignedDocument, OfReissuedCertificatesTheOneOfTheIssueDateSigns) {
  const auto certificate = [](const char* from, const char* to) {
    test::TcbOptions options;
    options.certificate = [=](softtee::Certificate& c) {
      c.not_before = *ParseTime(from);
      c.not_after = *ParseTime(to);
    };
    return test::TcbDocuments(options).back();
  };
  const trust::CollateralItem old = certificate("2018-01-01T00:00:00Z", "2026-05-01T00:00:00Z"),
                              current = certificate("2026-04-01T00:00:00Z", "2032-01-01T00:00:00Z"),
                              next = certificate("2026-06-02T00:00:00Z", "2040-01-01T00:00:00Z");
  const std::vector<crypto::Certificate> roots = {*test::RootItem().certificate};
  trust::FactCaches caches(16);
  for (trust::FactCaches* known : {static_cast<trust::FactCaches*>(nullptr), &caches, &caches}) {
    CheckLog log;
    const std::vector<trust::CollateralItem> certificates = {old, current, next};
    const auto signers = DocumentSigners(certificates, roots, Pki::Shared().Anchors(), known, log);
    ASSERT_EQ(signers.size(), 3U);
    std::vector<DocumentRefusal> refused;
    const auto document = DocumentAuthenticator::Authenticate<TcbInfo>(test::TcbDocuments().front(), signers, known, refused);
    ASSERT_TRUE(document);
    EXPECT_EQ(document->signer->certificate.sha256(), current.certificate->sha256());
  }
}

TEST(SignedDocument, CachesKeepWhatWasProvenAndNothingElse) {
  static const softtee::Key other = softtee::Key::GenerateP256();
  trust::FactCaches caches(16);
  for (int round = 0; round < 3; ++round) {
    Road forged{.caches = &caches};
    EXPECT_FALSE(forged.Take<TcbInfo>(test::TcbDocuments({.signer = &other}).front()));
    EXPECT_EQ(caches.documents.size(), 0U);
  }
  const trust::CollateralItem sound = test::TcbDocuments().front();
  const std::string uncached = FormatTime(Road().Take<TcbInfo>(sound)->value().head.issue_date);
  for (int round = 0; round < 3; ++round) {
    Road road{.caches = &caches};
    EXPECT_EQ(FormatTime(road.Take<TcbInfo>(sound)->value().head.issue_date), uncached);
    EXPECT_EQ(caches.documents.size(), 1U);
  }
  // What is known was signed by a key: without a chain for that key it helps nobody.
  Road elsewhere{.anchors = Pki().Anchors(), .caches = &caches};
  EXPECT_FALSE(elsewhere.Take<TcbInfo>(sound));
  Road other_key{
      .certificates = {test::TcbDocuments(
                           {.certificate = [](softtee::Certificate& c) { c.subject_public_key_info = other.SubjectPublicKeyInfo(); }})
                           .back()},
      .caches = &caches};
  EXPECT_FALSE(other_key.Take<TcbInfo>(sound));
  EXPECT_TRUE(other_key.Refused(Check::kDcapDocumentSignature, Reason::kCollateralNotAuthentic));
}

TEST(SignedDocument, IsRecognisedAndDescribedByContent) {
  const auto body = [](const trust::CollateralItem& item) { return Unpack(item.body, trust::CollateralSource::kVendor, nullptr); };
  for (const trust::CollateralItem& item : {test::TcbDocuments()[0], test::TcbDocuments()[1], test::EvaluationNumbersItem()}) {
    const auto unpacked = body(item);
    ASSERT_TRUE(unpacked.ok());
    ASSERT_EQ(unpacked->size(), 1U);
    EXPECT_EQ(unpacked->front().key, item.key);
    EXPECT_EQ(unpacked->front().source, trust::CollateralSource::kVendor);
    const auto description = DescribeDocument(unpacked->front());
    ASSERT_TRUE(description);
    EXPECT_TRUE(description->name().starts_with("Intel "));
    EXPECT_GE(description->children().size(), 5U);
  }
  EXPECT_FALSE(DescribeDocument(test::TcbDocuments().back()));
  const auto unpack = [](std::string_view text) {
    return Unpack(trust::UntrustedBytes(ToBytes(AsBytes(text))), trust::CollateralSource::kNode, nullptr);
  };
  for (const char* text : {"{}", "{\"somethingElse\":1}"}) {
    const auto unpacked = unpack(text);
    EXPECT_TRUE(unpacked.ok() && unpacked->empty()) << text << ": not Intel's, so not for this format to complain about";
  }
  for (const char* text : {"{\"tcbInfo\":1}", "{\"tcbInfo\":{},\"signature\":\"\"}", "{\"signature\":\"\",\"enclaveIdentity\":[]}",
                           "{\"tcbEvaluationDataNumbers\":{}}", "{\"tcbEvaluationDataNumbers\""}) {
    const auto unpacked = unpack(text);
    ASSERT_FALSE(unpacked.ok()) << text << ": meant to be Intel's, and malformed";
    EXPECT_FALSE(unpacked.findings().front().expected.empty()) << text;
  }
}

// --- what may raise floors ---

const Time kAt = *ParseTime("2026-06-15T00:00:00Z");
const trust::CollateralKey kTdxInfo{std::string(kTcbInfoKind), "TDX", "00806f050000"};

std::vector<trust::Floor> Raise(std::vector<trust::Floor> floors, const test::TcbOptions& options, trust::CollateralSource source,
                                trust::Channel channel = trust::Channel::kStandard, Time at = kAt) {
  std::vector<trust::CollateralItem> items = test::TcbDocuments(options);
  items.push_back(test::RootItem());
  for (trust::CollateralItem& item : items) item.source = source;
  for (const trust::AuthenticDocument& document : AuthenticDocuments(items, Pki::Shared().Anchors(), nullptr)) {
    const bool in_time = document.not_before <= at && at <= document.not_after;
    if (document.edition && in_time) floors = trust::Raised(std::move(floors), *document.edition, channel, document.item.source);
  }
  return floors;
}
std::uint64_t NumberOf(const std::vector<trust::Floor>& floors, const trust::CollateralKey& series = kTdxInfo,
                       trust::Channel channel = trust::Channel::kStandard) {
  const trust::Floor* floor = trust::FindFloor(floors, series, channel);
  return floor == nullptr ? 0 : floor->edition.number;
}

TEST(AntiRollback, OnlyWhatTheVerifierGotItselfRaisesAFloor) {
  for (const auto& [source, raises] :
       {std::pair(trust::CollateralSource::kNode, false), std::pair(trust::CollateralSource::kSupplied, false),
        std::pair(trust::CollateralSource::kCache, false), std::pair(trust::CollateralSource::kVendor, true),
        std::pair(trust::CollateralSource::kImport, true)}) {
    const auto floors = Raise({}, {}, source);
    EXPECT_EQ(floors.size(), raises ? 2U : 0U) << NameOf(source);
    EXPECT_EQ(NumberOf(floors), raises ? 18U : 0U);
    EXPECT_EQ(NumberOf(floors, {std::string(kQeIdentityKind), "TD_QE", {}}), raises ? 18U : 0U);
  }
}

TEST(AntiRollback, FloorsOnlyRise) {
  std::vector<trust::Floor> floors = Raise({}, {}, trust::CollateralSource::kVendor);
  floors = Raise(floors, {.info = Numbered(test::TcbInfoBody(), 19)}, trust::CollateralSource::kVendor);
  EXPECT_EQ(NumberOf(floors), 19U);
  floors =
      Raise(floors, {.info = Issued(test::TcbInfoBody(), "2026-06-10")}, trust::CollateralSource::kVendor);  // later, of a lower number
  EXPECT_EQ(NumberOf(floors), 19U);
  floors = Raise(floors, {.info = Issued(Numbered(test::TcbInfoBody(), 19), "2026-06-10")}, trust::CollateralSource::kVendor);
  EXPECT_EQ(trust::FindFloor(floors, kTdxInfo, trust::Channel::kStandard)->edition.issued, *ParseTime("2026-06-10T00:00:00Z"));
  floors = Raise(floors, {.info = Issued(Numbered(test::TcbInfoBody(), 19), "2026-06-09")}, trust::CollateralSource::kVendor);
  EXPECT_EQ(trust::FindFloor(floors, kTdxInfo, trust::Channel::kStandard)->edition.issued, *ParseTime("2026-06-10T00:00:00Z"));
  EXPECT_EQ(floors.size(), 2U);
}

TEST(AntiRollback, ChannelsAndSeriesAreApart) {
  const auto early = Raise({}, {.info = Numbered(test::TcbInfoBody(), 20)}, trust::CollateralSource::kVendor, trust::Channel::kEarly);
  EXPECT_EQ(NumberOf(early), 0U);
  EXPECT_EQ(NumberOf(early, kTdxInfo, trust::Channel::kEarly), 20U);
  const auto both = Raise(early, {}, trust::CollateralSource::kVendor);
  EXPECT_EQ(NumberOf(both), 18U);
  EXPECT_EQ(NumberOf(both, kTdxInfo, trust::Channel::kEarly), 20U);
  EXPECT_EQ(NumberOf(both, {std::string(kTcbInfoKind), "TDX", "00806f050001"}), 0U);
  EXPECT_EQ(NumberOf(both, {std::string(kTcbInfoKind), "SGX", "00806f050000"}), 0U);
}

TEST(AntiRollback, WhatIsForgedOrOutOfItsTimeRaisesNothing) {
  static const softtee::Key other = softtee::Key::GenerateP256();
  EXPECT_TRUE(Raise({}, {.signer = &other}, trust::CollateralSource::kVendor).empty());
  EXPECT_TRUE(Raise({}, {.issuer = &other}, trust::CollateralSource::kVendor).empty());
  for (const char* at : {"2026-05-31T23:59:59Z", "2026-07-01T00:00:01Z"}) {
    EXPECT_TRUE(Raise({}, {}, trust::CollateralSource::kVendor, trust::Channel::kStandard, *ParseTime(at)).empty()) << at;
  }
  EXPECT_FALSE(Raise({}, {}, trust::CollateralSource::kVendor, trust::Channel::kStandard, *ParseTime("2026-07-01T00:00:00Z")).empty());
  test::TcbOptions ended;
  ended.certificate = [](softtee::Certificate& certificate) { certificate.not_after = *ParseTime("2026-06-14T00:00:00Z"); };
  EXPECT_TRUE(Raise({}, ended, trust::CollateralSource::kVendor).empty());
}

}  // namespace
}  // namespace assay::dcap
