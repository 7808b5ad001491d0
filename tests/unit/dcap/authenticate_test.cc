// The chain of vouching from the pinned root to the body, one link broken at a time; and every bit of a real quote.
#include "evidence/dcap/authenticate.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "base/strings.h"
#include "evidence/dcap/format.h"
#include "tests/softtee/der.h"
#include "tests/unit/dcap/minted_tcb.h"
#include "tests/vectors_dir.h"
#include "trust/bundle.h"
#include "trust/fact_caches.h"

namespace assay::dcap {
namespace {

using test::Mint;
using test::MintOptions;
using test::Pki;

struct Verification {
  CheckLog log;
  std::optional<trust::Authenticated<Quote>> quote;

  bool Failed(Check check) const {
    for (const CheckRecord& record : log.records()) {
      if (record.check == check) return record.result == CheckResult::kFailed;
    }
    return false;
  }
  std::string Text() const {
    std::string text;
    for (const Finding& finding : log.findings()) text += Describe(finding) + "\n";
    return text;
  }
};

Verification Authenticate(const Bytes& raw, std::vector<trust::CollateralItem> lists = {},
                          const trust::AnchorSet& anchors = Pki::Shared().Anchors(),
                          const trust::Challenge& challenge = trust::Challenge::NotDemanded(true), trust::FactCaches* caches = nullptr) {
  const std::vector<evidence::Item> items{{std::string(kQuoteMediaType), trust::UntrustedBytes(raw)}};
  const trust::CollateralSnapshot collateral(std::move(lists));
  Verification run;
  run.quote = AuthenticateQuote(items, {.anchors = anchors, .collateral = collateral, .challenge = challenge, .caches = caches}, run.log);
  EXPECT_NE(run.quote.has_value(), run.log.HasRejection());
  return run;
}

template <typename T>
T ClaimOf(const Verification& run, std::string_view name) {
  CheckLog log;
  const auto bundle = trust::Bundle::Carry(*run.quote, trust::Challenge::NotDemanded(true), log);
  const T* claim = bundle->claims().Get<T>(name);
  EXPECT_NE(claim, nullptr) << name;
  return claim == nullptr ? T() : *claim;
}

TEST(DcapAuthenticate, EveryKindOfQuoteInEveryOrderOfItsChain) {
  for (const test::PlainQuote& kind :
       {test::SgxV3(), test::SgxV4(), test::TdxV4(), test::SgxV5(), test::TdxV5(2), test::TdxV5(3), test::TdxV5(4)}) {
    MintOptions options;
    options.kind = kind;
    const Verification run = Authenticate(Mint(options));
    ASSERT_TRUE(run.quote) << kind.version << " " << kind.body_type << "\n" << run.Text();
    EXPECT_EQ(run.quote->windows().size(), 3U);
    EXPECT_EQ(run.quote->vouched_by(), "attestation-key");
  }
  for (const std::vector<std::size_t>& order :
       std::vector<std::vector<std::size_t>>{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}) {
    MintOptions options;
    options.order = order;
    EXPECT_TRUE(Authenticate(Mint(options)).quote);
  }
  MintOptions processor;
  processor.platform_ca = false;
  EXPECT_TRUE(Authenticate(Mint(processor)).quote);
}

TEST(DcapAuthenticate, DebugMigrationAndServiceTdsAreClaimsOfAnAuthenticQuote) {
  struct Shown {
    std::size_t offset;
    std::uint8_t value;
    const char* claim;
  };
  const Shown kShown[] = {{120, 0x01, "dcap.debug"},      {120, 0x80, "dcap.debug"},           {120, 0x10, "dcap.debug"},
                          {123, 0x20, "dcap.migratable"}, {123, 0x10, "dcap.sept_ve_disable"}, {600, 1, "dcap.service_td"},
                          {647, 1, "dcap.service_td"}};
  for (const Shown& shown : kShown) {
    MintOptions options;
    options.kind = test::TdxV5(3);
    EXPECT_FALSE(ClaimOf<bool>(Authenticate(Mint(options)), shown.claim));
    options.body = [&](Bytes& body) { body[shown.offset] = shown.value; };
    const Verification run = Authenticate(Mint(options));
    ASSERT_TRUE(run.quote) << run.Text();
    for (const char* claim : {"dcap.debug", "dcap.migratable", "dcap.service_td"}) {
      EXPECT_EQ(ClaimOf<bool>(run, claim), std::string_view(claim) == shown.claim) << claim << " " << shown.offset;
    }
  }
  MintOptions enclave;
  enclave.kind = test::SgxV3();
  EXPECT_FALSE(ClaimOf<bool>(Authenticate(Mint(enclave)), "dcap.debug"));
  enclave.body = [](Bytes& body) { body[48] = 0x02; };
  EXPECT_TRUE(ClaimOf<bool>(Authenticate(Mint(enclave)), "dcap.debug"));
}

struct Broken {
  const char* name;
  std::function<void(MintOptions&)> change;
  Check check;
  Reason reason;
};

std::vector<Broken> AllBroken() {
  static const softtee::Key other = softtee::Key::GenerateP256();
  static const softtee::Key p384 = softtee::Key::Derive(Bytes{1});
  const auto pck = [](auto change) { return [change](MintOptions& o) { o.pck_certificate = change; }; };
  const auto ca = [](auto change) { return [change](MintOptions& o) { o.ca_certificate = change; }; };
  const auto root = [](auto change) { return [change](MintOptions& o) { o.root_certificate = change; }; };
  const auto qe = [](std::size_t offset, std::uint8_t flip) {
    return [=](MintOptions& o) { o.qe_report = [=](Bytes& r) { r[offset] = static_cast<std::uint8_t>(r[offset] ^ flip); }; };
  };
  const auto after = [](void (*change)(test::PlainQuote&)) { return [change](MintOptions& o) { o.quote = change; }; };
  using Cert = softtee::Certificate;
  namespace ext = softtee::extension;
  return {
      {"QE report signed by another key", [](MintOptions& o) { o.signs_qe_report = &other; }, Check::kDcapQeSignature,
       Reason::kSignatureInvalid},
      {"QE report changed", after([](test::PlainQuote& q) { q.qe_report[0] ^= 1; }), Check::kDcapQeSignature, Reason::kSignatureInvalid},
      {"r of the QE signature zero", after([](test::PlainQuote& q) { std::fill_n(q.qe_signature.begin(), 32, std::uint8_t{0}); }),
       Check::kDcapQeSignatureEncoding, Reason::kSignatureInvalid},
      {"quote signed by another key", [](MintOptions& o) { o.signs_quote = &other; }, Check::kDcapSignature, Reason::kSignatureInvalid},
      {"quote signed by the PCK", [](MintOptions& o) { o.signs_quote = &Pki::Shared().pck; }, Check::kDcapSignature,
       Reason::kSignatureInvalid},
      {"body changed", after([](test::PlainQuote& q) { q.body[136] ^= 1; }), Check::kDcapSignature, Reason::kSignatureInvalid},
      {"s of the signature all ones", after([](test::PlainQuote& q) { std::fill_n(q.signature.begin() + 32, 32, std::uint8_t{0xFF}); }),
       Check::kDcapSignatureEncoding, Reason::kSignatureInvalid},
      {"attestation key no point", after([](test::PlainQuote& q) { q.attestation_key = Bytes(64, 0xFE); }), Check::kDcapKeyPoint,
       Reason::kKeyUnsupported},
      {"attestation key zero", after([](test::PlainQuote& q) { q.attestation_key = Bytes(64, 0); }), Check::kDcapKeyPoint,
       Reason::kKeyUnsupported},
      {"attestation key of another", after([](test::PlainQuote& q) {
         const Bytes spki = other.SubjectPublicKeyInfo();
         q.attestation_key = Bytes(spki.end() - 64, spki.end());
       }),
       Check::kDcapAttestationKey, Reason::kAttestationKeyUnbound},
      {"authentication data changed", after([](test::PlainQuote& q) { q.qe_authentication_data[31] ^= 1; }), Check::kDcapAttestationKey,
       Reason::kAttestationKeyUnbound},
      {"authentication data longer", after([](test::PlainQuote& q) { q.qe_authentication_data.push_back(0); }), Check::kDcapAttestationKey,
       Reason::kAttestationKeyUnbound},
      {"first byte of the commitment", qe(320, 1), Check::kDcapAttestationKey, Reason::kAttestationKeyUnbound},
      {"last byte of the commitment", qe(351, 0x80), Check::kDcapAttestationKey, Reason::kAttestationKeyUnbound},
      {"PCK signed by another key", [](MintOptions& o) { o.signs_pck = &other; }, Check::kDcapPckChain, Reason::kChainBroken},
      {"PCK twice",
       [](MintOptions& o) {
         o.order = {0, 0, 2};
       },
       Check::kDcapPckCertificates, Reason::kCertificateProfile},
      {"root twice, no CA",
       [](MintOptions& o) {
         o.order = {0, 2, 2};
       },
       Check::kDcapPckCertificates, Reason::kCertificateProfile},
      {"root twice behind the chain",
       [](MintOptions& o) {
         o.order = {0, 1, 2, 2};
       },
       Check::kDcapPckPem, Reason::kEncodingMalformed},
      {"no root",
       [](MintOptions& o) {
         o.order = {0, 1};
       },
       Check::kDcapPckPem, Reason::kEncodingMalformed},
      {"PCK of another name", pck([](Cert& c) { c.subject = test::IntelName("Intel SGX PCK Certificate 2"); }), Check::kDcapPckCertificates,
       Reason::kCertificateProfile},
      {"PCK that is a CA", pck([](Cert& c) { c.extensions[1] = ext::BasicConstraints(true, std::nullopt); }), Check::kDcapProfile,
       Reason::kCertificateProfile},
      {"PCK that signs certificates", pck([](Cert& c) { c.extensions[0] = ext::KeyUsage(softtee::kKeyCertSign); }), Check::kDcapProfile,
       Reason::kCertificateProfile},
      {"PCK of another organisation", pck([](Cert& c) { c.subject = softtee::NameOf("Intel SGX PCK Certificate"); }), Check::kDcapProfile,
       Reason::kCertificateProfile},
      {"PCK on P-384", pck([](Cert& c) { c.subject_public_key_info = p384.SubjectPublicKeyInfo(); }), Check::kDcapProfile,
       Reason::kCertificateProfile},
      {"unknown critical extension", pck([](Cert& c) {
         c.extensions.push_back({"1.2.3.4", true, {5, 0}});
       }),
       Check::kDcapPckChain, Reason::kChainBroken},
      {"no SGX extension", pck([](Cert& c) { c.extensions.pop_back(); }), Check::kDcapPckExtension, Reason::kCertificateExtension},
      {"instance id missing under the Platform CA", pck([](Cert& c) { c.extensions[2].value = test::PlainExtension(false).Der(); }),
       Check::kDcapPckExtension, Reason::kCertificateExtension},
      {"instance id under the Processor CA",
       [](MintOptions& o) {
         o.platform_ca = false;
         o.pck_certificate = [](Cert& c) { c.extensions[2].value = test::PlainExtension(true).Der(); };
       },
       Check::kDcapPckExtension, Reason::kCertificateExtension},
      {"CA without path length", ca([](Cert& c) { c.extensions[1] = ext::BasicConstraints(true, std::nullopt); }), Check::kDcapProfile,
       Reason::kCertificateProfile},
      {"CA with path length 1", ca([](Cert& c) { c.extensions[1] = ext::BasicConstraints(true, 1); }), Check::kDcapProfile,
       Reason::kCertificateProfile},
      {"CA that is none", ca([](Cert& c) { c.extensions[1] = ext::BasicConstraints(false, std::nullopt); }), Check::kDcapPckChain,
       Reason::kChainBroken},
      {"root with path length 2", root([](Cert& c) { c.extensions[1] = ext::BasicConstraints(true, 2); }), Check::kDcapProfile,
       Reason::kCertificateProfile},
      {"root of another organisation",
       [](MintOptions& o) {
         o.root_certificate = [](Cert& c) { c.subject = c.issuer = softtee::NameOf("Intel SGX Root CA"); };
         o.ca_certificate = [](Cert& c) { c.issuer = softtee::NameOf("Intel SGX Root CA"); };
       },
       Check::kDcapProfile, Reason::kCertificateProfile},
  };
}

TEST(DcapAuthenticate, EachBrokenLinkIsRefusedByName) {
  ASSERT_TRUE(Authenticate(Mint()).quote);
  for (const Broken& broken : AllBroken()) {
    MintOptions options;
    broken.change(options);
    const Verification run = Authenticate(Mint(options));
    EXPECT_FALSE(run.quote) << broken.name;
    EXPECT_TRUE(run.Failed(broken.check)) << broken.name << "\n" << run.Text();
    bool named = false;
    for (const Finding& finding : run.log.findings()) named |= finding.reason == broken.reason;
    EXPECT_TRUE(named) << broken.name << "\n" << run.Text();
  }
}

TEST(DcapAuthenticate, OnlyThePinnedKeyEndsAChain) {
  const Pki other;
  const Verification run = Authenticate(Mint({}, other));
  EXPECT_FALSE(run.quote);
  EXPECT_TRUE(run.Failed(Check::kDcapRootPinned)) << run.Text();
  EXPECT_TRUE(Authenticate(Mint({}, other), {}, other.Anchors()).quote);
  // Pinned, but for another vendor or product.
  for (const auto& [vendor, product] : {std::pair("amd", "SGX"), std::pair("intel", "TDX")}) {
    const trust::AnchorSet elsewhere({{vendor, product, Pki::Shared().Anchors().anchors().front().spki_sha256}}, false);
    EXPECT_FALSE(Authenticate(Mint(), {}, elsewhere).quote);
  }
  // A root of the pinned key that its key did not sign in this form: the pin says nothing about its dates or names.
  MintOptions forged;
  forged.quote = [](test::PlainQuote& quote) {
    const std::size_t last = quote.chain.rfind("-----BEGIN");
    std::string& chain = quote.chain;
    const std::size_t end = chain.find("-----END", last);
    chain[end - 8] = chain[end - 8] == 'A' ? 'B' : 'A';  // inside the signature
  };
  EXPECT_TRUE(Authenticate(Mint(forged)).Failed(Check::kDcapProfile));
}

TEST(DcapAuthenticate, AnswersItsChallengeInFullLength) {
  MintOptions options;
  options.body = [](Bytes& body) {
    for (std::size_t i = 0; i < 64; ++i) body[520 + i] = static_cast<std::uint8_t>(i + 1);
  };
  const Bytes raw = Mint(options);
  for (const std::size_t wrong : {std::size_t{64}, std::size_t{0}, std::size_t{31}, std::size_t{32}, std::size_t{63}}) {
    trust::Challenge::Values values;
    auto& demanded = values.report_data.emplace();
    for (std::size_t i = 0; i < 64; ++i) demanded[i] = static_cast<std::uint8_t>(i + 1 + (i == wrong));
    const Verification run = Authenticate(raw, {}, Pki::Shared().Anchors(), trust::Challenge::Demanded(values));
    EXPECT_EQ(run.quote.has_value(), wrong == 64) << wrong;
    EXPECT_EQ(run.Failed(Check::kFreshness), wrong != 64) << wrong;
  }
}

TEST(DcapRevocation, FailsClosed) {
  const auto checked = [](const Verification& run) { return ClaimOf<bool>(run, "dcap.revocation_checked"); };
  const trust::CollateralItem root_list = test::List({.root = true}), pck_list = test::List();
  const Verification both = Authenticate(Mint(), {root_list, pck_list});
  ASSERT_TRUE(both.quote) << both.Text();
  EXPECT_TRUE(checked(both));
  EXPECT_EQ(both.quote->windows().size(), 5U);
  // One list, or none: authentic, and known to be unchecked.
  for (const auto& lists : std::vector<std::vector<trust::CollateralItem>>{{}, {root_list}, {pck_list}}) {
    const Verification run = Authenticate(Mint(), lists);
    ASSERT_TRUE(run.quote);
    EXPECT_FALSE(checked(run));
    EXPECT_FALSE(run.log.findings().empty());
  }
  struct Refused {
    const char* name;
    trust::CollateralItem list;
    Reason reason;
  };
  static const softtee::Key other = softtee::Key::GenerateP256();
  const Refused kRefused[] = {
      {"PCK revoked", test::List({.serials = {test::kPckSerial}}), Reason::kCertificateRevoked},
      {"CA revoked", test::List({.root = true, .serials = {test::kCaSerial}}), Reason::kCertificateRevoked},
      {"list of another key", test::List({.signer = &other}), Reason::kCrlNotAuthentic},
      {"list of the root in the CA's name", test::List({.signer = &Pki::Shared().root}), Reason::kCrlNotAuthentic},
      {"list of the Processor CA", test::List({.issuer = "Intel SGX PCK Processor CA"}), Reason::kCrlNotAuthentic},
      {"root's list of another key", test::List({.root = true, .signer = &other}), Reason::kCrlNotAuthentic},
      {"root's list by the CA", test::List({.root = true, .signer = &Pki::Shared().ca}), Reason::kCrlNotAuthentic},
  };
  for (const Refused& refused : kRefused) {
    const Verification run = Authenticate(Mint(), {refused.list});
    EXPECT_FALSE(run.quote) << refused.name;
    bool named = false;
    for (const Finding& finding : run.log.findings()) named |= finding.reason == refused.reason && finding.effect == Effect::kReject;
    EXPECT_TRUE(named) << refused.name << "\n" << run.Text();
  }
  // An older list that names the PCK still counts beside a newer one that does not; a serial of the other kind means nothing.
  EXPECT_FALSE(Authenticate(Mint(), {root_list, test::List({.serials = {test::kPckSerial}}), test::List({.number = 2})}).quote);
  EXPECT_TRUE(
      Authenticate(Mint(), {test::List({.root = true, .serials = {test::kPckSerial}}), test::List({.serials = {test::kCaSerial}})}).quote);
}

TEST(DcapTcb, DocumentsOfThePlatformGiveItsStatus) {
  const Verification run = Authenticate(Mint(test::UpToDate()), test::TcbDocuments());
  ASSERT_TRUE(run.quote) << run.Text();
  EXPECT_EQ(ClaimOf<std::string>(run, "dcap.tcb_status"), "UpToDate");
  EXPECT_EQ(ClaimOf<std::string>(run, "dcap.tdx_module_status"), "UpToDate");
  EXPECT_EQ(ClaimOf<Time>(run, "dcap.tcb_date"), ParseTime("2025-05-14T00:00:00Z"));
  EXPECT_EQ(ClaimOf<std::uint64_t>(run, "dcap.tcb_evaluation_data_number"), 18U);
  EXPECT_EQ(run.quote->windows().size(), 6U);
  // PCK components of 15 and more, against levels of 5 and 1: only the TD's own versions decide here.
  MintOptions old = test::UpToDate();
  old.body = [](Bytes& body) {
    body[0] = 6;
    body[1] = 1;
    for (std::size_t i = 2; i < 16; ++i) body[i] = 1;
  };
  EXPECT_EQ(ClaimOf<std::string>(Authenticate(Mint(old), test::TcbDocuments()), "dcap.tcb_status"), "OutOfDate");
}

TEST(DcapTcb, MissingDocumentsLeaveTheVerdictUndecided) {
  for (std::size_t missing = 0; missing < 3; ++missing) {
    std::vector<trust::CollateralItem> documents = test::TcbDocuments();
    documents.erase(documents.begin() + static_cast<std::ptrdiff_t>(missing));
    const Verification run = Authenticate(Mint(test::UpToDate()), documents);
    ASSERT_TRUE(run.quote);
    CheckLog log;
    const auto bundle = trust::Bundle::Carry(*run.quote, trust::Challenge::NotDemanded(true), log);
    EXPECT_EQ(bundle->claims().Find("dcap.tcb_status"), nullptr) << missing;
    bool undecided = false;
    for (const Finding& finding : run.log.findings()) {
      undecided |= finding.reason == Reason::kCollateralMissing && finding.effect == Effect::kIndeterminate;
    }
    EXPECT_TRUE(undecided) << missing;
    for (const CheckRecord& record : run.log.records()) {
      if (record.check == Check::kDcapTcbStatus) { EXPECT_EQ(record.result, CheckResult::kSkipped); }
    }
  }
}

TEST(DcapTcb, DocumentsThatAreNotAuthenticOrNotMeantRefuseTheQuote) {
  static const softtee::Key other = softtee::Key::GenerateP256();
  const auto info = [](std::string what, std::string by) {
    return [=](test::TcbOptions& o, MintOptions&) { o.info.replace(o.info.find(what), what.size(), by); };
  };
  const auto identity = [](std::string what, std::string by) {
    return [=](test::TcbOptions& o, MintOptions&) { o.identity.replace(o.identity.find(what), what.size(), by); };
  };
  const auto qe = [](std::size_t offset, std::uint8_t value) {
    return [=](test::TcbOptions&, MintOptions& o) {
      o.qe_report = [=, before = o.qe_report](Bytes& report) {
        before(report);
        report[offset] = value;
      };
    };
  };
  const auto certificate = [](auto change) { return [=](test::TcbOptions& o, MintOptions&) { o.certificate = change; }; };
  using Cert = softtee::Certificate;
  struct Refused {
    const char* name;
    std::function<void(test::TcbOptions&, MintOptions&)> change;
    Check check;
    Reason reason;
  };
  const Refused kRefused[] = {
      {"another key signs the documents", [](test::TcbOptions& o, MintOptions&) { o.signer = &other; }, Check::kDcapDocumentSignature,
       Reason::kCollateralNotAuthentic},
      {"malformed TCB info", info("\"tcbType\":0", "\"tcbType\":1"), Check::kDcapDocumentForm, Reason::kCollateralMalformed},
      {"another FMSPC", info("00806F050000", "00806F050001"), Check::kDcapTcbInfoMatch, Reason::kCollateralMismatch},
      {"another PCEID", info("\"pceId\":\"0000\"", "\"pceId\":\"0001\""), Check::kDcapTcbInfoMatch, Reason::kCollateralMismatch},
      {"TCB info of SGX", info("\"id\":\"TDX\"", "\"id\":\"SGX\""), Check::kDcapTcbInfoMatch, Reason::kCollateralMismatch},
      {"no identity of the module", info("TDX_01", "TDX_03"), Check::kDcapTdxModule, Reason::kTdxModuleRefused},
      {"module of another signer", info("\"tdxModuleIdentities\":[{\"mrsigner\":\"00", "\"tdxModuleIdentities\":[{\"mrsigner\":\"01"),
       Check::kDcapTdxModule, Reason::kTdxModuleRefused},
      {"identity of the SGX QE", identity("TD_QE", "QE"), Check::kDcapQeIdentity, Reason::kQuotingEnclaveRefused},
      {"QE of another signer", qe(128, 0xDD), Check::kDcapQeIdentity, Reason::kQuotingEnclaveRefused},
      {"QE of another product", qe(256, 1), Check::kDcapQeIdentity, Reason::kQuotingEnclaveRefused},
      {"QE with other attributes", qe(48, 0x01), Check::kDcapQeIdentity, Reason::kQuotingEnclaveRefused},
      {"QE with other MISCSELECT", qe(16, 1), Check::kDcapQeIdentity, Reason::kQuotingEnclaveRefused},
      {"signing certificate of another root", [](test::TcbOptions& o, MintOptions&) { o.issuer = &other; }, Check::kDcapTcbChain,
       Reason::kChainBroken},
      {"signing certificate by the PCK CA", certificate([](Cert& c) { c.issuer = test::IntelName("Intel SGX PCK Platform CA"); }),
       Check::kDcapTcbChain, Reason::kChainIncomplete},
      {"signing certificate of another name", certificate([](Cert& c) { c.subject = test::IntelName("Intel SGX PCK Certificate"); }),
       Check::kDcapTcbProfile, Reason::kCertificateProfile},
      {"signing certificate that is a CA", certificate([](Cert& c) { c.extensions[1] = softtee::extension::BasicConstraints(true, 0); }),
       Check::kDcapTcbProfile, Reason::kCertificateProfile},
  };
  for (const Refused& refused : kRefused) {
    test::TcbOptions documents;
    MintOptions options = test::UpToDate();
    refused.change(documents, options);
    const Verification run = Authenticate(Mint(options), test::TcbDocuments(documents));
    EXPECT_FALSE(run.quote) << refused.name;
    EXPECT_TRUE(run.Failed(refused.check)) << refused.name << "\n" << run.Text();
    bool named = false;
    for (const Finding& finding : run.log.findings()) named |= finding.reason == refused.reason;
    EXPECT_TRUE(named) << refused.name << "\n" << run.Text();
  }
  // A chain of Intel's names to a root that is not pinned.
  const Pki foreign;
  std::vector<trust::CollateralItem> from_elsewhere = test::TcbDocuments({}, foreign);
  from_elsewhere.push_back(test::RootItem(foreign));
  const Verification elsewhere = Authenticate(Mint(test::UpToDate()), from_elsewhere);
  EXPECT_FALSE(elsewhere.quote);
  EXPECT_FALSE(elsewhere.log.findings().empty());
  // The root revokes the signer of the documents.
  std::vector<trust::CollateralItem> documents = test::TcbDocuments();
  documents.push_back(test::List({.root = true, .serials = {test::kTcbSigningSerial}}));
  EXPECT_TRUE(Authenticate(Mint(test::UpToDate()), documents).Failed(Check::kDcapRevocation));
}

TEST(DcapTcb, TheNewestAuthenticDocumentCounts) {
  std::vector<trust::CollateralItem> documents = test::TcbDocuments();
  test::TcbOptions newer;
  const std::string number = "\"tcbEvaluationDataNumber\":18";
  newer.info.replace(newer.info.find(number), number.size(), "\"tcbEvaluationDataNumber\":19");
  const std::string status = "\"tcbStatus\":\"UpToDate\"},{\"tcb\":{\"sgx";  // of the platform
  newer.info.replace(newer.info.find(status), status.size(), "\"tcbStatus\":\"SWHardeningNeeded\"},{\"tcb\":{\"sgx");
  documents.push_back(test::TcbDocuments(newer).front());
  static const softtee::Key other = softtee::Key::GenerateP256();
  documents.push_back(test::TcbDocuments({.signer = &other}).front());  // forged beside authentic ones: a note
  const Verification run = Authenticate(Mint(test::UpToDate()), documents);
  ASSERT_TRUE(run.quote) << run.Text();
  EXPECT_EQ(ClaimOf<std::string>(run, "dcap.tcb_status"), "SWHardeningNeeded");
  EXPECT_EQ(ClaimOf<std::uint64_t>(run, "dcap.tcb_evaluation_data_number"), 19U);
  EXPECT_EQ(ClaimOf<std::uint64_t>(run, "dcap.qe_evaluation_data_number"), 18U);
}

TEST(DcapAuthenticate, CachesChangeNothing) {
  trust::FactCaches caches(64);
  MintOptions broken;
  broken.qe_report = [](Bytes& report) { report[320] ^= 1; };
  for (int round = 0; round < 3; ++round) {
    const auto run = [&](const Bytes& raw) {
      return Authenticate(raw, {test::List({.root = true}), test::List()}, Pki::Shared().Anchors(), trust::Challenge::NotDemanded(true),
                          &caches);
    };
    EXPECT_TRUE(run(Mint()).quote);
    EXPECT_FALSE(run(Mint(broken)).quote);
  }
}

TEST(DcapAuthenticate, EveryBitOfARealQuoteCounts) {
  ASSAY_VECTORS_OR_SKIP(dir);
  const trust::AnchorSet anchors({IntelAnchors().begin(), IntelAnchors().end()}, false);
  for (const char* name : {"tdx_v4_dstack_lite.bin", "tdx_v5_trustee.bin", "sgx_v3_268c0681.bin"}) {
    const Bytes raw = assay::test::ReadFile(dir / "tdx" / "quotes" / name);
    trust::FactCaches caches(256);
    const auto authentic = [&](const Bytes& changed) {
      return Authenticate(changed, {}, anchors, trust::Challenge::NotDemanded(true), &caches).quote.has_value();
    };
    ASSERT_TRUE(authentic(raw)) << name;
    // One bit of each byte, another from byte to byte: signed bytes, lengths, keys, and the text of the certificates.
    for (std::size_t i = 0; i < raw.size(); ++i) {
      Bytes changed = raw;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ 1U << i % 8);
      ASSERT_FALSE(authentic(changed)) << name << " byte " << i;
    }
    for (std::size_t size = 0; size < raw.size(); size += 7) {
      ASSERT_FALSE(authentic(Bytes(raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(size)))) << name << " " << size;
    }
  }
}

}  // namespace
}  // namespace assay::dcap
