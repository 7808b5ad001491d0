// qemu_tdx from items to verdict: minted quotes and documents, the shipped policy.
#include "platform/qemu_tdx/platform.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "appraisal/appraiser.h"
#include "appraisal/canonical.h"
#include "appraisal/shipped_policies.h"
#include "base/bug.h"
#include "base/hex.h"
#include "base/strings.h"
#include "evidence/dcap/authentic_documents.h"
#include "evidence/dcap/format.h"
#include "evidence/tcg_log/format.h"
#include "registry/builtin_registry.h"
#include "tests/unit/dcap/minted_tcb.h"
#include "tests/unit/tcg_log/bound_log.h"
#include "tests/unit/tcg_log/plain_log.h"
#include "trust/floors.h"

namespace assay::qemu_tdx {
namespace {

namespace mint = dcap::test;

mint::MintOptions Sound() {
  mint::MintOptions options = mint::UpToDate();
  options.body = [before = options.body](Bytes& body) {
    before(body);
    body[123] = 0x10;  // SEPT_VE_DISABLE
    body[128] = 0xE7;
    for (std::size_t i = 0; i < 64; ++i) body[520 + i] = static_cast<std::uint8_t>(i);
  };
  return options;
}

std::vector<trust::CollateralItem> AllCollateral(const mint::TcbOptions& options = {}) {
  std::vector<trust::CollateralItem> items = mint::TcbDocuments(options);
  items.push_back(mint::List({.root = true}));
  items.push_back(mint::List());
  return items;
}

struct Circumstances {
  std::vector<trust::Floor> floors = {};
  Time at = *ParseTime("2026-06-15T00:00:00Z");
  trust::FactCaches* caches = nullptr;
  std::optional<crypto::Sha256Digest> node_key = std::nullopt;
  std::vector<Bytes> logs = {};
};

std::vector<evidence::Item> ItemsOf(const Bytes& quote, const std::vector<Bytes>& logs = {}) {
  std::vector<evidence::Item> items{{std::string(dcap::kQuoteMediaType), trust::UntrustedBytes(quote)}};
  for (const Bytes& log : logs) items.push_back({std::string(tcg_log::kCcelMediaType), trust::UntrustedBytes(log)});
  return items;
}
std::vector<evidence::Item> Items(const mint::MintOptions& options, const std::vector<Bytes>& logs = {}) {
  return ItemsOf(mint::Mint(options), logs);
}

v1::Appraisal AppraiseBy(const appraisal::PolicyBook& book, const std::vector<evidence::Item>& items,
                         std::vector<trust::CollateralItem> collateral, const Circumstances& circumstances = {}) {
  const appraisal::Policy* policy = nullptr;
  for (const appraisal::Policy& one : book.policies()) {
    if (one.platform == kPlatform.name) policy = &one;
  }
  trust::Challenge::Values values;
  auto& demanded = values.report_data.emplace();
  for (std::size_t i = 0; i < 64; ++i) demanded[i] = static_cast<std::uint8_t>(i);
  values.node_key_sha256 = circumstances.node_key;
  const trust::Challenge challenge = trust::Challenge::Demanded(values);
  const trust::CollateralSnapshot snapshot(std::move(collateral));
  const trust::AnchorSet anchors = mint::Pki::Shared().Anchors();
  const appraisal::StateSnapshot state{.not_before = {}, .instance = {}, .floors = circumstances.floors};
  return appraisal::Appraise({.registry = BuiltinRegistry(),
                              .items = items,
                              .platform_hint = "",
                              .challenge = challenge,
                              .channel_bound = true,
                              .collateral = snapshot,
                              .policies = appraisal::PolicyChoice::ForPolicy(book, *policy),
                              .anchors = anchors,
                              .state = state,
                              .at = circumstances.at,
                              .caches = circumstances.caches});
}
v1::Appraisal AppraiseBytes(const Bytes& quote, std::vector<trust::CollateralItem> collateral, const Circumstances& circumstances = {}) {
  static const appraisal::LoadResult loaded = appraisal::LoadShippedPolicies(BuiltinRegistry());
  return AppraiseBy(*loaded.book, ItemsOf(quote, circumstances.logs), std::move(collateral), circumstances);
}
v1::Appraisal Appraise(const mint::MintOptions& options, std::vector<trust::CollateralItem> collateral,
                       const Circumstances& circumstances = {}) {
  return AppraiseBytes(mint::Mint(options), std::move(collateral), circumstances);
}

std::string Text(const v1::Appraisal& appraisal) {
  std::string text = v1::Verdict_Name(appraisal.verdict());
  for (const v1::Finding& finding : appraisal.findings()) text += "\n" + finding.reason() + " " + finding.claim() + ": " + finding.actual();
  return text;
}
bool Found(const v1::Appraisal& appraisal, std::string_view reason) {
  for (const v1::Finding& finding : appraisal.findings()) {
    if (finding.reason() == reason) return true;
  }
  return false;
}

TEST(QemuTdx, ShippedPolicyTrustsASoundMachineWithWarnings) {
  const v1::Appraisal appraisal = Appraise(Sound(), AllCollateral());
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Text(appraisal);
  EXPECT_EQ(appraisal.platform(), "qemu_tdx");
}

TEST(QemuTdx, WhatIsMissingLeavesTheVerdictUndecided) {
  for (std::size_t missing = 0; missing < 5; ++missing) {
    std::vector<trust::CollateralItem> collateral = AllCollateral();
    collateral.erase(collateral.begin() + static_cast<std::ptrdiff_t>(missing));
    const v1::Appraisal appraisal = Appraise(Sound(), collateral);
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_INDETERMINATE) << missing << " " << Text(appraisal);
  }
  EXPECT_EQ(Appraise(Sound(), {}).verdict(), v1::VERDICT_INDETERMINATE);
}

TEST(QemuTdx, ShippedPolicyRefuses) {
  const auto body = [](std::size_t offset, std::uint8_t value) {
    mint::MintOptions options = Sound();
    options.body = [=, before = options.body](Bytes& bytes) {
      before(bytes);
      bytes[offset] = value;
    };
    return options;
  };
  mint::MintOptions with_service_td = Sound();
  with_service_td.kind = mint::TdxV5(3);
  with_service_td.body = [before = with_service_td.body](Bytes& bytes) {
    before(bytes);
    std::copy_n(bytes.begin(), 16, bytes.begin() + 584);
    bytes[600] = 1;
  };
  struct Refused {
    const char* name;
    mint::MintOptions options;
    std::string_view reason;
  };
  for (const Refused& refused :
       {Refused{"debug", body(120, 0x01), "debug_enabled"}, Refused{"another bit of TUD", body(120, 0x40), "debug_enabled"},
        Refused{"migratable", body(123, 0x30), "migration_agent"}, Refused{"service TD", with_service_td, "migration_agent"},
        Refused{"SEPT_VE_DISABLE clear", body(123, 0), "rule_failed"}, Refused{"unknown attribute", body(121, 1), "unknown_bits"},
        Refused{"outdated module", body(0, 4), "tcb_status_refused"}, Refused{"no level applies", body(0, 1), "tcb_status_refused"},
        Refused{"another REPORTDATA", body(583, 0), "binding_mismatch"}}) {
    const v1::Appraisal appraisal = Appraise(refused.options, AllCollateral());
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << refused.name << " " << Text(appraisal);
    EXPECT_TRUE(Found(appraisal, refused.reason)) << refused.name << " " << Text(appraisal);
  }
}

// --- documents out of their time ---

std::string Replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}
const v1::Finding* FindingOf(const v1::Appraisal& appraisal, std::string_view reason) {
  for (const v1::Finding& finding : appraisal.findings()) {
    if (finding.reason() == reason) return &finding;
  }
  return nullptr;
}

TEST(QemuTdx, DocumentsOutOfTheirTimeLeaveTheVerdictUndecided) {
  const std::string next = "2026-07-01T00:00:00Z", issued = "2026-06-01T00:00:00Z", ended = "2026-06-14T00:00:00Z",
                    later = "2026-06-15T00:00:01Z";
  const auto certificate = [](Time from, Time to) {
    return [=](softtee::Certificate& c) {
      c.not_before = from;
      c.not_after = to;
    };
  };
  struct Stale {
    const char* name;
    mint::TcbOptions options;
    std::string_view reason;
    std::string claim, remedy;
  };
  const Stale kStale[] = {
      {"TCB info expired",
       {.info = Replaced(mint::TcbInfoBody(), next, ended)},
       "document_expired",
       "nextUpdate",
       "intel.tcb_info/TDX/00806f050000"},
      {"QE identity expired",
       {.identity = Replaced(mint::QeIdentityBody(), next, ended)},
       "document_expired",
       "nextUpdate",
       "intel.qe_identity/TD_QE"},
      {"TCB info of tomorrow",
       {.info = Replaced(mint::TcbInfoBody(), issued, later)},
       "document_not_yet_valid",
       "issueDate",
       "Check the clocks"},
      {"QE identity of tomorrow",
       {.identity = Replaced(mint::QeIdentityBody(), issued, later)},
       "document_not_yet_valid",
       "issueDate",
       "Check the clocks"},
      {"signing certificate expired",
       {.certificate = certificate(mint::kNotBefore, *ParseTime(ended))},
       "document_expired",
       "notAfter",
       "tcb-signing"},
      {"signing certificate of tomorrow",
       {.certificate = certificate(*ParseTime(later), mint::kNotAfter)},
       "document_not_yet_valid",
       "notBefore",
       "Check"},
  };
  for (const Stale& stale : kStale) {
    const v1::Appraisal appraisal = Appraise(Sound(), AllCollateral(stale.options));
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_INDETERMINATE) << stale.name << " " << Text(appraisal);
    const v1::Finding* finding = FindingOf(appraisal, stale.reason);
    ASSERT_NE(finding, nullptr) << stale.name << " " << Text(appraisal);
    EXPECT_EQ(finding->claim(), stale.claim) << stale.name;
    EXPECT_NE(finding->remedy().find(stale.remedy), std::string::npos) << stale.name << ": " << finding->remedy();
    EXPECT_FALSE(appraisal.has_valid_until());
  }
  // Its last second is inside; a certificate of the evidence's own out of its time still rejects.
  EXPECT_EQ(Appraise(Sound(), AllCollateral(), {.at = *ParseTime(next)}).verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS);
  mint::MintOptions old = Sound();
  old.pck_certificate = certificate(mint::kNotBefore, *ParseTime(ended));
  EXPECT_EQ(Appraise(old, AllCollateral()).verdict(), v1::VERDICT_REJECTED);
}

// --- documents older than those that the verifier got itself ---

trust::Floor FloorAt(std::uint64_t number, std::string_view issued, trust::CollateralKey series = {"intel.tcb_info", "TDX", "00806f050000"},
                     trust::Channel channel = trust::Channel::kStandard) {
  return {{std::move(series), number, *ParseTime(issued)}, channel};
}
constexpr std::string_view kIssued = "2026-06-01T00:00:00Z";  // of the minted documents; their number is 18

std::string FloorResult(const v1::Appraisal& appraisal) {
  for (const v1::Check& check : appraisal.checks()) {
    if (check.name() == "collateral.floor") return v1::CheckResult_Name(check.result());
  }
  return "";
}

TEST(AntiRollback, AnOlderIssueDateOfTheSameChannelIsRefused) {
  const v1::Appraisal appraisal = Appraise(Sound(), AllCollateral(), {.floors = {FloorAt(18, "2026-06-01T00:00:01Z")}});
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  const v1::Finding* finding = FindingOf(appraisal, "document_rolled_back");
  ASSERT_NE(finding, nullptr) << Text(appraisal);
  EXPECT_EQ(finding->claim(), "intel.tcb_info/TDX/00806f050000");
  EXPECT_EQ(finding->expected(), "at least number 18, issued 2026-06-01T00:00:01Z");
  EXPECT_EQ(finding->actual(), "number 18, issued 2026-06-01T00:00:00Z");
  EXPECT_EQ(FloorResult(appraisal), "CHECK_RESULT_FAILED");
}

TEST(AntiRollback, ALowerEvaluationNumberIsRefused) {
  for (const trust::Floor& floor : {FloorAt(19, "2020-01-01T00:00:00Z"), FloorAt(19, kIssued, {"intel.qe_identity", "TD_QE", ""})}) {
    const v1::Appraisal appraisal = Appraise(Sound(), AllCollateral(), {.floors = {floor}});
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
    EXPECT_TRUE(Found(appraisal, "document_rolled_back")) << Text(appraisal);
  }
}

TEST(AntiRollback, EqualAndNewerAreAccepted) {
  for (const trust::Floor& floor : {FloorAt(18, kIssued), FloorAt(18, "2026-05-31T23:59:59Z"), FloorAt(17, "2026-06-14T00:00:00Z")}) {
    const v1::Appraisal appraisal = Appraise(Sound(), AllCollateral(), {.floors = {floor}});
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Text(appraisal);
    EXPECT_EQ(FloorResult(appraisal), "CHECK_RESULT_PASSED");
  }
  // An old document beside the current one changes nothing: the newest counts.
  std::vector<trust::CollateralItem> both = AllCollateral();
  both.push_back(mint::TcbDocuments({.info = Replaced(mint::TcbInfoBody(), ":18,", ":17,")}).front());
  EXPECT_EQ(Appraise(Sound(), both, {.floors = {FloorAt(18, kIssued)}}).verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS);
}

TEST(AntiRollback, FloorsOfOtherPlatformsTeesAndChannelsAreNoConcern) {
  for (const trust::Floor& floor :
       {FloorAt(99, kIssued, {"intel.tcb_info", "TDX", "00806f050001"}), FloorAt(99, kIssued, {"intel.tcb_info", "SGX", "00806f050000"}),
        FloorAt(99, kIssued, {"intel.qe_identity", "QE", ""}),
        FloorAt(99, kIssued, {"intel.tcb_info", "TDX", "00806f050000"}, trust::Channel::kEarly)}) {
    const v1::Appraisal appraisal = Appraise(Sound(), AllCollateral(), {.floors = {floor}});
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Text(appraisal);
    EXPECT_EQ(FloorResult(appraisal), "") << "a floor that does not apply is not said to have been kept";
  }
}

// One node attaches a genuine document of the early channel: it is judged by it, and other nodes, judged by the standard one, go on as before.
TEST(AntiRollback, AGenuineEarlyDocumentAttachedByANodeDoesNotHarmAStandardNode) {
  const trust::AnchorSet anchors = mint::Pki::Shared().Anchors();
  std::vector<trust::CollateralItem> fetched = AllCollateral(),
                                     early = AllCollateral({.info = Replaced(mint::TcbInfoBody(), ":18,", ":20,")});
  for (trust::CollateralItem& item : fetched) item.source = trust::CollateralSource::kVendor;
  for (trust::CollateralItem& item : early) item.source = trust::CollateralSource::kNode;
  fetched.push_back(mint::RootItem());
  early.push_back(mint::RootItem());
  std::vector<trust::Floor> floors;
  const auto raise = [&](const std::vector<trust::CollateralItem>& items, trust::Channel channel) {
    for (const trust::AuthenticDocument& document : dcap::AuthenticDocuments(items, anchors, nullptr)) {
      if (document.edition && !document.item.revocation_list) {
        floors = trust::Raised(std::move(floors), *document.edition, channel, document.item.source);
      }
    }
  };
  raise(fetched, trust::Channel::kStandard);
  ASSERT_EQ(floors.size(), 2U);
  // Whatever channel somebody takes it for.
  raise(early, trust::Channel::kStandard);
  raise(early, trust::Channel::kEarly);
  for (trust::CollateralItem& item : early) item.source = trust::CollateralSource::kVendor;
  raise(early, trust::Channel::kEarly);  // and even if the verifier fetched it

  const v1::Appraisal own = Appraise(Sound(), early, {.floors = floors});
  EXPECT_EQ(own.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Text(own);
  const v1::Appraisal standard = Appraise(Sound(), AllCollateral(), {.floors = floors});
  EXPECT_EQ(standard.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Text(standard);
  EXPECT_EQ(FloorResult(standard), "CHECK_RESULT_PASSED");
}

TEST(AntiRollback, FloorsArePartOfTheState) {
  const auto digest = [](std::vector<trust::Floor> floors) {
    return Appraise(Sound(), AllCollateral(), {.floors = std::move(floors)}).digests().state();
  };
  const std::string none = digest({}), some = digest({FloorAt(18, kIssued)});
  EXPECT_NE(some, none);
  EXPECT_NE(digest({FloorAt(17, kIssued)}), some);
  EXPECT_NE(digest({FloorAt(18, "2026-05-31T00:00:00Z")}), some);
  EXPECT_NE(digest({FloorAt(18, kIssued, {"intel.tcb_info", "TDX", "00806f050000"}, trust::Channel::kEarly)}), some);
  EXPECT_NE(digest({FloorAt(18, kIssued, {"intel.tcb_info", "SGX", "00806f050000"})}), some);
}

// --- what is shown ---

TEST(QemuTdx, ARefusedTcbSaysWhichComponentFallsShort) {
  mint::MintOptions outdated = Sound();
  outdated.body = [before = outdated.body](Bytes& bytes) {
    before(bytes);
    bytes[0] = 4;
    bytes[7] = 4;
  };
  const v1::Appraisal appraisal = Appraise(outdated, AllCollateral());
  const v1::Finding* finding = FindingOf(appraisal, "tcb_status_refused");
  ASSERT_NE(finding, nullptr) << Text(appraisal);
  EXPECT_EQ(finding->actual(),
            "OutOfDate: tdxtcbcomponents[7] is 4, UpToDate of 2025-05-14 demands 5; "
            "TDX module TDX_01 isvsvn is 4, UpToDate of 2025-05-14 demands 6; advisories INTEL-SA-00001");
  std::string shortfall;
  std::uint64_t effective = 0;
  for (const v1::Claim& claim : appraisal.claims()) {
    if (claim.name() == "dcap.tcb_shortfall") shortfall = claim.text();
    if (claim.name() == "dcap.effective_evaluation_data_number") effective = claim.number();
  }
  EXPECT_EQ("OutOfDate: " + shortfall, finding->actual());
  EXPECT_EQ(effective, 18U);
  for (const auto& [info, identity] : {std::pair(":20,", ":19,"), std::pair(":19,", ":20,")}) {
    const v1::Appraisal apart = Appraise(Sound(), AllCollateral({.info = Replaced(mint::TcbInfoBody(), ":18,", info),
                                                                 .identity = Replaced(mint::QeIdentityBody(), ":18,", identity)}));
    for (const v1::Claim& claim : apart.claims()) {
      EXPECT_NE(claim.name(), "dcap.tcb_shortfall");
      if (claim.name() == "dcap.effective_evaluation_data_number") effective = claim.number();
    }
    EXPECT_EQ(effective, 19U);
  }
}

// --- caches ---

// The same appraisal, byte for byte, with nothing known, with everything known, and with what other evidence left behind.
TEST(QemuTdx, CachesChangeTheCostAndNothingElse) {
  static const softtee::Key other = softtee::Key::GenerateP256();
  const auto changed = [](auto change) {
    mint::MintOptions options = Sound();
    change(options);
    return options;
  };
  const auto after = [&](void (*change)(mint::PlainQuote&)) { return changed([change](mint::MintOptions& o) { o.quote = change; }); };
  const mint::TcbOptions sound;
  struct Tried {
    const char* name;
    mint::MintOptions options;
    mint::TcbOptions documents = {};
    std::vector<trust::CollateralItem> more = {};
    Circumstances circumstances = {};
  };
  const std::vector<Tried> tried = {
      {"sound", Sound()},
      {"quote signed by another key", changed([](mint::MintOptions& o) { o.signs_quote = &other; })},
      {"QE report signed by another key", changed([](mint::MintOptions& o) { o.signs_qe_report = &other; })},
      {"PCK signed by another key", changed([](mint::MintOptions& o) { o.signs_pck = &other; })},
      {"QE report changed", after([](mint::PlainQuote& q) { q.qe_report[0] ^= 1; })},
      {"QE signature changed", after([](mint::PlainQuote& q) { q.qe_signature[63] ^= 1; })},
      {"r of the QE signature zero", after([](mint::PlainQuote& q) { std::fill_n(q.qe_signature.begin(), 32, std::uint8_t{0}); })},
      {"attestation key of another", after([](mint::PlainQuote& q) {
         const Bytes spki = other.SubjectPublicKeyInfo();
         q.attestation_key = Bytes(spki.end() - 64, spki.end());
       })},
      {"attestation key no point", after([](mint::PlainQuote& q) { q.attestation_key[0] ^= 1; })},
      {"authentication data changed", after([](mint::PlainQuote& q) { q.qe_authentication_data[0] ^= 1; })},
      {"body changed", after([](mint::PlainQuote& q) { q.body[200] ^= 1; })},
      {"QE in debug mode", changed([](mint::MintOptions& o) {
         o.qe_report = [before = o.qe_report](Bytes& r) {
           before(r);
           r[48] |= 2;
         };
       })},
      {"chain in another order", changed([](mint::MintOptions& o) {
         o.order = {2, 0, 1};
       })},
      {"chain without root", changed([](mint::MintOptions& o) {
         o.order = {0, 1};
       })},
      {"text behind the chain", after([](mint::PlainQuote& q) { q.chain += "x"; })},
      {"documents signed by another key", Sound(), {.signer = &other}},
      {"signing certificate by another key", Sound(), {.issuer = &other}},
      {"malformed TCB info", Sound(), {.info = Replaced(mint::TcbInfoBody(), "\"tcbType\":0", "\"tcbType\":1")}},
      {"outdated", changed([](mint::MintOptions& o) {
         o.body = [before = o.body](Bytes& b) {
           before(b);
           b[0] = 4;
         };
       })},
      {"PCK revoked", Sound(), sound, {mint::List({.serials = {mint::kPckSerial}, .number = 2})}},
      {"signer revoked", Sound(), sound, {mint::List({.root = true, .serials = {mint::kTcbSigningSerial}, .number = 2})}},
      {"forged list", Sound(), sound, {mint::List({.number = 3, .signer = &other})}},
      {"expired", Sound(), sound, {}, {.at = *ParseTime("2026-07-02T00:00:00Z")}},
      {"before its time", Sound(), sound, {}, {.at = *ParseTime("2026-05-02T00:00:00Z")}},
      {"rolled back", Sound(), sound, {}, {.floors = {FloorAt(19, kIssued)}}},
  };
  trust::FactCaches warm(1024);
  for (int i = 0; i < 3; ++i) Appraise(Sound(), AllCollateral(), {.caches = &warm});
  for (const Tried& one : tried) {
    const Bytes quote = mint::Mint(one.options);
    std::vector<trust::CollateralItem> collateral = AllCollateral(one.documents);
    collateral.insert(collateral.end(), one.more.begin(), one.more.end());
    Circumstances circumstances = one.circumstances;
    const auto run = [&](trust::FactCaches* caches) {
      circumstances.caches = caches;
      return appraisal::CanonicalJson(AppraiseBytes(quote, collateral, circumstances));
    };
    const std::string uncached = run(nullptr);
    EXPECT_EQ(uncached.find("VERDICT_TRUSTED") != std::string::npos, std::string_view(one.name) == "sound" ||
                                                                         std::string_view(one.name) == "chain in another order" ||
                                                                         std::string_view(one.name) == "forged list")
        << one.name;
    trust::FactCaches cold(1024);
    for (const char* round : {"cold", "again"}) EXPECT_EQ(run(&cold), uncached) << one.name << ", " << round;
    for (const char* round : {"warm", "warm again"}) EXPECT_EQ(run(&warm), uncached) << one.name << ", " << round;
  }
  // And what was refused left nothing behind that would let the sound one be judged otherwise, or that takes room.
  EXPECT_EQ(appraisal::CanonicalJson(Appraise(Sound(), AllCollateral(), {.caches = &warm})).find("VERDICT_REJECTED"), std::string::npos);
}

// A TD report names no TD: the node is the key to which REPORTDATA commits.
TEST(QemuTdx, TheInstanceIsTheNodesKey) {
  const crypto::Sha256Digest one = crypto::Sha256(AsBytes("one key")), other = crypto::Sha256(AsBytes("other key"));
  const std::string identity = Appraise(Sound(), AllCollateral(), {.node_key = one}).instance_identity();
  EXPECT_EQ(identity.size(), 32U);
  EXPECT_EQ(Appraise(Sound(), AllCollateral(), {.node_key = one}).instance_identity(), identity);
  EXPECT_NE(Appraise(Sound(), AllCollateral(), {.node_key = other}).instance_identity(), identity);
  EXPECT_TRUE(Appraise(Sound(), AllCollateral()).instance_identity().empty()) << "offline no key is named";

  const std::vector<evidence::Item> items{{std::string(dcap::kQuoteMediaType), trust::UntrustedBytes(mint::Mint(Sound()))}};
  const auto hint = [&](std::span<const evidence::Item> of, const trust::Challenge& challenge) {
    return std::string(AsText(appraisal::HintedIdentity(BuiltinRegistry(), of, challenge)));
  };
  trust::Challenge::Values values;
  values.node_key_sha256 = one;
  EXPECT_EQ(hint(items, trust::Challenge::Demanded(values)), identity) << "what is remembered is looked up under it";
  EXPECT_EQ(hint({}, trust::Challenge::Demanded(values)), "") << "a key alone is no machine";
  EXPECT_EQ(hint(items, trust::Challenge::NotDemanded(true)), "");
}

TEST(QemuTdx, EvidenceThatDoesNotAnswerHasNoInstance) {
  mint::MintOptions options = Sound();
  options.body = [before = options.body](Bytes& bytes) {
    before(bytes);
    bytes[583] = 0;
  };
  EXPECT_TRUE(Appraise(options, AllCollateral(), {.node_key = crypto::Sha256(AsBytes("one key"))}).instance_identity().empty());
}

mint::MintOptions SoundWith(const tcg_log::test::PlainLog& log) {
  mint::MintOptions options = Sound();
  options.body = [before = options.body, rtmrs = log.Rtmrs()](Bytes& body) {
    before(body);
    tcg_log::test::PutRtmrs(rtmrs, body);
  };
  return options;
}

TEST(QemuTdx, TakesTheLogOfItsBoot) {
  const tcg_log::test::PlainLog log = tcg_log::test::BootLog();
  const v1::Appraisal appraisal = Appraise(SoundWith(log), AllCollateral(), {.logs = {log.Write()}});
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Text(appraisal);
  bool secure_boot = false;
  for (const v1::Claim& claim : appraisal.claims()) secure_boot |= claim.name() == "log.secure_boot" && claim.text() == "true";
  EXPECT_TRUE(secure_boot);
  ASSERT_EQ(appraisal.parts_size(), 2);
  EXPECT_EQ(appraisal.parts(1).component(), "event-log");
}

TEST(QemuTdx, RefusesAnyOtherLog) {
  const tcg_log::test::PlainLog log = tcg_log::test::BootLog();
  tcg_log::test::PlainLog other = log;
  other.events.pop_back();
  Bytes cut = log.Write();
  cut.pop_back();
  struct Refused {
    const char* name;
    std::vector<Bytes> logs;
    std::string_view reason;
  };
  for (const Refused& refused :
       {Refused{"of another boot", {other.Write()}, "event_log_mismatch"}, Refused{"cut off", {cut}, "length_wrong"},
        Refused{"two", {log.Write(), log.Write()}, "item_duplicate"}, Refused{"empty", {Bytes()}, "item_empty"}}) {
    const v1::Appraisal appraisal = Appraise(SoundWith(log), AllCollateral(), {.logs = refused.logs});
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << refused.name << " " << Text(appraisal);
    EXPECT_TRUE(Found(appraisal, refused.reason)) << refused.name << " " << Text(appraisal);
    EXPECT_EQ(appraisal.claims_size(), 0) << refused.name;
  }
}

std::string PolicyOn(std::string_view rules) {
  return Cat(
      "apiVersion: assay.v1\nkind: AppraisalPolicy\nname: by-log\nplatform: qemu_tdx\nadmit_with_warnings: false\n"
      "satisfies: {boot.covered: log.boot_applications, owner: dcap.mrtd}\nrules:\n"
      "  - {claim: dcap.debug, equals: false}\n  - {claim: dcap.migratable, equals: false}\n  - {claim: dcap.service_td, equals: false}\n"
      "  - {claim: dcap.tcb_status, equals: UpToDate}\n  - {claim: dcap.revocation_checked, equals: true}\n",
      rules);
}

// A policy covers the boot by claims of the log; without the log the same policy refuses.
TEST(QemuTdx, ALogCoversTheBoot) {
  const tcg_log::test::PlainLog log = tcg_log::test::BootLog();
  mint::MintOptions options = SoundWith(log);
  options.body = [before = options.body](Bytes& body) {
    before(body);
    body[136] = 0xAB;  // MRTD
  };
  const std::string mrtd = Cat("ab", std::string(94, '0'));
  const std::string applications = ToHex(log.Replay(
      2, {tcg_log::test::kCalling, tcg_log::test::kSeparator1, tcg_log::test::kGpt, tcg_log::test::kExit, tcg_log::test::kExited}));
  const std::string common =
      Cat("  - {claim: dcap.mrtd, equals: \"", mrtd, "\"}\n  - {claim: log.boot_applications, equals: \"", applications, "\"}\n");
  const std::string files = Cat("  - {claim: log.boot_files, equals: \"", ToHex(log.Replay(3, {tcg_log::test::kCommandLine})), "\"}\n");
  const std::string line = "  - {claim: log.kernel_cmdline, equals: \"/vmlinuz root=/dev/vda ro\"}\n";
  const auto by = [&](const std::string& rules, const std::vector<Bytes>& logs,
                      const std::string& release = "log.boot_applications: \"00\"") {
    const std::string values =
        Cat("apiVersion: assay.v1\nkind: ReferenceValues\nname: boots\nreleases:\n  - {name: \"1\", values: {", release, "}}\n");
    std::vector<std::pair<std::string, std::string>> sources{{"by-log.yaml", PolicyOn(rules)}};
    if (rules.find("release: boots") != std::string::npos) sources.emplace_back("boots.yaml", values);
    const appraisal::LoadResult loaded = appraisal::LoadPolicies(sources, BuiltinRegistry());
    for (const appraisal::LintMessage& message : loaded.messages) ADD_FAILURE() << message.text;
    ASSAY_CHECK(loaded.book.has_value());
    return AppraiseBy(*loaded.book, Items(options, logs), AllCollateral());
  };
  const v1::Appraisal covered = by(common + files + line, {log.Write()});
  EXPECT_EQ(covered.verdict(), v1::VERDICT_TRUSTED) << Text(covered);
  EXPECT_EQ(covered.strength(), v1::STRENGTH_A);
  const v1::Appraisal without = by(common + files + line, {});
  EXPECT_EQ(without.verdict(), v1::VERDICT_REJECTED) << Text(without);
  EXPECT_TRUE(Found(without, "claim_absent"));
  const v1::Appraisal open = by(common + line, {log.Write()});
  EXPECT_EQ(open.verdict(), v1::VERDICT_INDETERMINATE) << Text(open);
  EXPECT_TRUE(Found(open, "command_line_open"));
  const v1::Appraisal released = by(common + "  - {release: boots}\n", {log.Write()}, "log.kernel_cmdline: \"/vmlinuz root=/dev/vda ro\"");
  EXPECT_EQ(released.verdict(), v1::VERDICT_INDETERMINATE) << "a release is no way round: " << Text(released);
  EXPECT_TRUE(Found(released, "command_line_open"));
}

TEST(QemuTdx, AnEnclaveIsNotAVirtualMachine) {
  mint::MintOptions enclave;
  enclave.kind = mint::SgxV4();
  const std::vector<evidence::Item> items{{std::string(dcap::kQuoteMediaType), trust::UntrustedBytes(mint::Mint(enclave))}};
  EXPECT_FALSE(kPlatform.fits(items));
  const trust::AnchorSet anchors = mint::Pki::Shared().Anchors();
  const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
  CheckLog log;
  EXPECT_FALSE(kPlatform.authenticate(items, {.anchors = anchors, .collateral = {}, .challenge = challenge, .caches = nullptr}, log));
  ASSERT_TRUE(log.HasRejection());
  EXPECT_EQ(log.findings().back().reason, Reason::kPlatformUnrecognised);
}

}  // namespace
}  // namespace assay::qemu_tdx
