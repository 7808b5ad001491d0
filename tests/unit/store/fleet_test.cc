// What the store knows of a fleet: lists, nodes, names, bans, events, and what it forgets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <set>
#include <thread>

#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/random.h"
#include "base/strings.h"
#include "store/sqlite_store.h"
#include "store/verdict_id.h"

namespace assay::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Time kNow = *ParseTime("2026-11-24T02:00:00Z");
constexpr Duration kHour{3600}, kDay{86400};

Bytes IdentityOf(std::uint8_t number) { return Bytes(32, number); }
std::string Text(const Bytes& bytes) { return std::string(AsText(bytes)); }

struct Sample {
  std::uint8_t identity = 1;  // 0: an attempt
  std::string name = "node-1";
  v1::Verdict verdict = v1::VERDICT_TRUSTED;
  Time at = kNow;
  std::string reason = {};
  std::string cluster = "prod";
  Duration valid{3600};
};

v1::VerdictRecord RecordOf(const Sample& sample) {
  static SystemRandom random;
  v1::VerdictRecord record;
  record.set_id(NewVerdictId(sample.at, random));
  record.mutable_recorded_at()->set_seconds(sample.at.time_since_epoch().count());
  record.mutable_context()->set_cluster(sample.cluster);
  record.mutable_context()->set_role("worker");
  record.mutable_context()->set_name(sample.name);
  record.set_node_key_sha256(Text(Bytes(32, 0xEE)));
  v1::Appraisal& appraisal = *record.mutable_appraisal();
  appraisal.set_verdict(sample.verdict);
  appraisal.set_platform("qemu_sev_snp");
  appraisal.set_policy("p");
  appraisal.set_policy_set("s");
  if (sample.identity != 0) appraisal.set_instance_identity(Text(IdentityOf(sample.identity)));
  if (sample.verdict == v1::VERDICT_TRUSTED) {
    appraisal.mutable_valid_until()->set_seconds((sample.at + sample.valid).time_since_epoch().count());
  }
  if (!sample.reason.empty()) {
    appraisal.add_findings()->set_reason(sample.reason);
    appraisal.mutable_findings(0)->set_effect(v1::EFFECT_REJECT);
  }
  return record;
}

class FleetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "assay-fleet-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    Open();
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  std::string path() const { return (directory_ / "a.db").string(); }
  void Open() {
    store_.reset();
    auto store = OpenSqliteStore(path());
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  std::string Add(const Sample& sample, std::span<const Blob> blobs = {}) {
    const v1::VerdictRecord record = RecordOf(sample);
    const absl::Status recorded = store_->Record(record, blobs);
    EXPECT_TRUE(recorded.ok()) << recorded;
    return record.id();
  }
  appraisal::InstanceState StateOf(std::uint8_t identity, std::string_view name, Time now = kNow, std::string_view cluster = "prod") {
    const Bytes key(32, 0xEE);
    const auto state =
        store_->InstanceStateOf({.identity = IdentityOf(identity), .node_key_sha256 = key, .cluster = cluster, .name = name}, now);
    EXPECT_TRUE(state.ok()) << state.status();
    return state.ok() ? *state : appraisal::InstanceState{};
  }
  std::vector<v1::Node> Nodes(const std::string& filter = "") {
    const auto page = store_->ListNodes({.filter = filter});
    EXPECT_TRUE(page.ok()) << page.status();
    return page.ok() ? page->elements : std::vector<v1::Node>();
  }
  std::vector<int> EventKinds(std::int64_t after = 0) {
    std::vector<int> kinds;
    const auto events = store_->EventsAfter(after, "", 1000);
    EXPECT_TRUE(events.ok()) << events.status();
    for (const v1::VerdictEvent& event : events->elements) kinds.push_back(event.kind());
    return kinds;
  }
  std::vector<std::string> Ids(const PageRequest& request) {
    std::vector<std::string> ids;
    const auto page = store_->ListVerdicts(request);
    EXPECT_TRUE(page.ok()) << page.status();
    if (page.ok()) {
      for (const v1::VerdictSummary& verdict : page->elements) ids.push_back(verdict.id());
    }
    return ids;
  }

  const Act act_{"spiffe://dev/op", "maintenance", kNow};
  std::filesystem::path directory_;
  std::unique_ptr<VerdictStore> store_;
};

// --- lists ----------------------------------------------------------------------------------------------------------

TEST_F(FleetTest, PagesShowEveryVerdictOnceInBothOrders) {
  std::vector<std::string> all;
  for (int i = 0; i < 23; ++i) all.push_back(Add({.name = Cat("n", i)}));
  for (const bool newest_first : {false, true}) {
    std::vector<std::string> seen;
    PageRequest request{.newest_first = newest_first, .size = 5};
    int pages = 0;
    do {
      const auto page = store_->ListVerdicts(request);
      ASSERT_TRUE(page.ok());
      EXPECT_LE(page->elements.size(), 5u);
      for (const v1::VerdictSummary& verdict : page->elements) seen.push_back(verdict.id());
      request.after = page->next;
      ++pages;
    } while (request.after != 0);
    EXPECT_EQ(pages, 5);
    if (newest_first) std::reverse(seen.begin(), seen.end());
    EXPECT_EQ(seen, all);
  }
}

TEST_F(FleetTest, APageThatEndsAtTheEndSaysSo) {
  for (int i = 0; i < 4; ++i) Add({});
  const auto whole = store_->ListVerdicts({.size = 4});
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(whole->next, 0);
  const auto less = store_->ListVerdicts({.size = 3});
  EXPECT_NE(less->next, 0);
}

TEST_F(FleetTest, WhatIsRecordedBetweenPagesNeitherHidesNorRepeatsAnything) {
  for (int i = 0; i < 6; ++i) Add({});
  const auto first = store_->ListVerdicts({.newest_first = true, .size = 3});
  Add({});
  const auto second = store_->ListVerdicts({.newest_first = true, .after = first->next, .size = 3});
  std::set<std::int64_t> sequences;
  for (const auto& page : {*first, *second}) {
    for (const v1::VerdictSummary& verdict : page.elements) EXPECT_TRUE(sequences.insert(verdict.sequence()).second);
  }
  EXPECT_EQ(sequences.size(), 6u);
}

TEST_F(FleetTest, FiltersReachEveryField) {
  const std::string trusted = Add({});
  const std::string rejected =
      Add({.identity = 2, .name = "node-2", .verdict = v1::VERDICT_REJECTED, .at = kNow + kHour, .reason = "tcb_below"});
  const std::string attempt = Add({.identity = 0, .name = "x", .verdict = v1::VERDICT_REJECTED, .reason = "signature_invalid"});
  ASSERT_TRUE(store_->Revoke(trusted, act_).ok());
  const struct {
    std::string filter;
    std::vector<std::string> ids;
  } cases[] = {
      {"verdict = TRUSTED", {trusted}},
      {"verdict != TRUSTED", {rejected, attempt}},
      {"reason:tcb_below", {rejected}},
      {"attempt = true", {attempt}},
      {"revoked = true", {trusted}},
      {"name = node-* AND revoked = false", {rejected}},
      {Cat("identity = ", ToHex(IdentityOf(2))), {rejected}},
      {Cat("node_key = ", ToHex(Bytes(32, 0xEE))), {trusted, rejected, attempt}},
      {"recorded_at > 2026-11-24T02:00:00Z", {rejected}},
      {"valid_until > 2026-11-24T02:00:00Z", {trusted}},
      {"cluster = prod AND role = worker AND platform = qemu_sev_snp AND policy = p AND policy_set = s AND simulated = false AND strength = none",
       {trusted, rejected, attempt}},
      {Cat("id = ", rejected), {rejected}},
  };
  for (const auto& c : cases) EXPECT_EQ(Ids({.filter = c.filter}), c.ids) << c.filter;
  const auto bad = store_->ListVerdicts({.filter = "verdict = GOOD"});
  EXPECT_EQ(bad.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(MessageOf(bad.status())),
              HasSubstr("filter:1:11: expected one of TRUSTED, TRUSTED_WITH_WARNINGS, REJECTED, INDETERMINATE"));
}

// --- nodes ----------------------------------------------------------------------------------------------------------

TEST_F(FleetTest, ANodeIsItsLastVerdict) {
  const std::string first = Add({});
  const std::string last = Add({.verdict = v1::VERDICT_REJECTED, .at = kNow + Duration(60), .reason = "tcb_below"});
  const auto nodes = Nodes();
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].instance_identity(), Text(IdentityOf(1)));
  EXPECT_EQ(nodes[0].verdict(), v1::VERDICT_REJECTED);
  EXPECT_EQ(nodes[0].verdict_id(), last);
  EXPECT_EQ(nodes[0].first_seen().seconds(), kNow.time_since_epoch().count());
  EXPECT_EQ(nodes[0].last_seen().seconds(), (kNow + Duration(60)).time_since_epoch().count());
  // The verdict before still holds until its end.
  EXPECT_EQ(nodes[0].trusted_until().seconds(), (kNow + kHour).time_since_epoch().count());
  EXPECT_EQ(Nodes("verdict = REJECTED AND name = node-1").size(), 1u);
  EXPECT_TRUE(Nodes("conflict = true").empty());
}

TEST_F(FleetTest, NodesAreCountedByHowTheyStand) {
  Add({.identity = 1, .name = "a"});
  Add({.identity = 2, .name = "b", .valid = Duration(10)});
  Add({.identity = 3, .name = "c", .verdict = v1::VERDICT_REJECTED});
  Add({.identity = 4, .name = "d", .verdict = v1::VERDICT_INDETERMINATE});
  Add({.identity = 5, .name = "e"});
  ASSERT_TRUE(store_->Impose(v1::BAN_KIND_NAME, "prod/e", act_).ok());
  const auto counts = store_->CountNodes(kNow + Duration(11));
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->trusted, 1);
  EXPECT_EQ(counts->expired, 1);
  EXPECT_EQ(counts->rejected, 1);
  EXPECT_EQ(counts->indeterminate, 1);
  EXPECT_EQ(counts->banned, 1);
}

// DESIGN, "Identity": evidence that fails before its identity is authenticated changes no node and wakes no watcher.
TEST_F(FleetTest, AnAttemptChangesNoNodeAndMakesNoEvent) {
  Add({});
  const auto before = Nodes();
  const auto event = store_->LatestEvent();
  Add({.identity = 0, .verdict = v1::VERDICT_REJECTED});
  ASSERT_EQ(Nodes().size(), 1u);
  EXPECT_EQ(Nodes()[0].SerializeAsString(), before[0].SerializeAsString());
  EXPECT_EQ(*store_->LatestEvent(), *event);
}

// Attacks 26 and 90: one instance under two names.
TEST_F(FleetTest, AnInstanceHoldsOneName) {
  Add({.valid = kHour});
  EXPECT_EQ(StateOf(1, "node-1").held_as, "");
  EXPECT_EQ(StateOf(1, "node-2").held_as, "prod/node-1");
  EXPECT_EQ(StateOf(1, "node-1", kNow, "test").held_as, "prod/node-1");  // another cluster is another name
  EXPECT_EQ(StateOf(2, "node-1").held_as, "");                           // a rebooted node is another instance
  EXPECT_EQ(StateOf(1, "").held_as, "");                                 // who asks for no name gets none
  EXPECT_EQ(StateOf(1, "node-2", kNow + kHour).held_as, "prod/node-1");  // its last second
  EXPECT_EQ(StateOf(1, "node-2", kNow + kHour + Duration(1)).held_as, "");
}

TEST_F(FleetTest, AConflictLastsUntilItIsReleased) {
  Add({.valid = kHour});
  Add({.name = "node-2", .verdict = v1::VERDICT_REJECTED, .at = kNow + Duration(5), .reason = "identity_conflict"});
  auto nodes = Nodes("conflict = true");
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].context().name(), "node-1");  // it stays what it was
  EXPECT_EQ(nodes[0].verdict(), v1::VERDICT_TRUSTED);
  EXPECT_EQ(nodes[0].conflict().asked().name(), "node-2");
  EXPECT_EQ(nodes[0].conflict().since().seconds(), (kNow + Duration(5)).time_since_epoch().count());
  EXPECT_EQ(StateOf(1, "node-2", kNow + kDay).held_as, "prod/node-1");  // though node-1's verdict has ended long ago
  EXPECT_EQ(StateOf(1, "node-1", kNow + kDay).held_as, "");

  const auto released = store_->Release(IdentityOf(1), act_);
  ASSERT_TRUE(released.ok()) << released.status();
  EXPECT_FALSE(released->has_conflict());
  EXPECT_EQ(StateOf(1, "node-2", kNow + kDay).held_as, "");
  EXPECT_THAT(EventKinds(),
              ElementsAre(v1::EVENT_KIND_RECORDED, v1::EVENT_KIND_RECORDED, v1::EVENT_KIND_CONFLICT, v1::EVENT_KIND_RELEASED));
  EXPECT_EQ(store_->Release(IdentityOf(9), act_).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(FleetTest, TwoVerdictsOnOneStateAreNotBothRecorded) {
  // Both were appraised when the instance held no name.
  v1::VerdictRecord first = RecordOf({.name = "node-1"}), second = RecordOf({.name = "node-2"});
  for (v1::VerdictRecord* record : {&first, &second}) record->mutable_state()->set_identity(Text(IdentityOf(1)));
  EXPECT_TRUE(store_->Record(first, {}).ok());
  EXPECT_EQ(store_->Record(second, {}).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(store_->Get(second.id()).status().code(), absl::StatusCode::kNotFound);
  second.mutable_state()->set_held_as("prod/node-1");
  EXPECT_TRUE(store_->Record(second, {}).ok());
}

// --- revocation and bans --------------------------------------------------------------------------------------------

TEST_F(FleetTest, ARevokedVerdictTrustsNobody) {
  const std::string id = Add({});
  const auto revoked = store_->Revoke(id, act_);
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_EQ(revoked->revocation().by(), act_.by);
  EXPECT_EQ(revoked->revocation().reason(), act_.reason);
  EXPECT_FALSE(Nodes()[0].has_trusted_until());
  // Once more changes nothing: who came first stands.
  const auto again = store_->Revoke(id, {"somebody else", "later", kNow + kHour});
  EXPECT_EQ(again->revocation().by(), act_.by);
  EXPECT_THAT(EventKinds(), ElementsAre(v1::EVENT_KIND_RECORDED, v1::EVENT_KIND_REVOKED));
  EXPECT_EQ(store_->Revoke(std::string(26, '0'), act_).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->Revoke("?", act_).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(FleetTest, RevokingAnOldVerdictLeavesTheNewOne) {
  const std::string old = Add({});
  Add({.at = kNow + Duration(60)});
  ASSERT_TRUE(store_->Revoke(old, act_).ok());
  EXPECT_TRUE(Nodes()[0].has_trusted_until());
}

TEST_F(FleetTest, BansAreSeenByInstanceKeyAndName) {
  const struct {
    v1::BanKind kind;
    std::string value, target;
  } cases[] = {{v1::BAN_KIND_INSTANCE, ToHex(IdentityOf(1)), "instance:0101"},
               {v1::BAN_KIND_NODE_KEY, ToHex(Bytes(32, 0xEE)), "node_key:eeee"},
               {v1::BAN_KIND_NAME, "prod/node-1", "name:prod/node-1"}};
  for (const auto& c : cases) {
    EXPECT_EQ(StateOf(1, "node-1").ban, "");
    const auto ban = store_->Impose(c.kind, c.value, act_);
    ASSERT_TRUE(ban.ok()) << ban.status();
    EXPECT_THAT(StateOf(1, "node-1").ban, HasSubstr(c.target));
    EXPECT_THAT(StateOf(1, "node-1").ban, HasSubstr("banned by spiffe://dev/op at 2026-11-24T02:00:00Z: maintenance"));
    EXPECT_EQ(store_->Impose(c.kind, c.value, {"other", "other", kNow})->by(), act_.by);
    ASSERT_EQ(store_->ListBans({})->elements.size(), 1u);
    ASSERT_TRUE(store_->Lift(c.kind, c.value, act_).ok());
    EXPECT_EQ(store_->Lift(c.kind, c.value, act_).status().code(), absl::StatusCode::kNotFound);
  }
  EXPECT_EQ(EventKinds().size(), 6u);
}

TEST_F(FleetTest, ABanOfSomebodyElseIsNone) {
  ASSERT_TRUE(store_->Impose(v1::BAN_KIND_INSTANCE, ToHex(IdentityOf(2)), act_).ok());
  ASSERT_TRUE(store_->Impose(v1::BAN_KIND_NODE_KEY, ToHex(IdentityOf(1)), act_).ok());  // a key with the digits of the instance
  ASSERT_TRUE(store_->Impose(v1::BAN_KIND_NAME, "test/node-1", act_).ok());
  EXPECT_EQ(StateOf(1, "node-1").ban, "");
}

TEST_F(FleetTest, ABanThatIsNoneIsRefused) {
  const std::string hex = ToHex(IdentityOf(0xAB));
  std::string upper = hex;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  for (const auto& [kind, value] : std::vector<std::pair<v1::BanKind, std::string>>{{v1::BAN_KIND_UNSPECIFIED, hex},
                                                                                    {v1::BAN_KIND_INSTANCE, ""},
                                                                                    {v1::BAN_KIND_INSTANCE, hex.substr(2)},
                                                                                    {v1::BAN_KIND_INSTANCE, upper},
                                                                                    {v1::BAN_KIND_NODE_KEY, hex + "00"},
                                                                                    {v1::BAN_KIND_NAME, "node-1"},
                                                                                    {v1::BAN_KIND_NAME, "/node-1"},
                                                                                    {v1::BAN_KIND_NAME, "prod/"},
                                                                                    {v1::BAN_KIND_NAME, "prod/" + std::string(600, 'x')}}) {
    EXPECT_EQ(store_->Impose(kind, value, act_).status().code(), absl::StatusCode::kInvalidArgument) << value;
  }
  EXPECT_TRUE(store_->ListBans({})->elements.empty());
}

TEST_F(FleetTest, ABanBetweenAppraisalAndRecordAbortsTheRecord) {
  v1::VerdictRecord record = RecordOf({});
  record.mutable_state()->set_identity(Text(IdentityOf(1)));
  ASSERT_TRUE(store_->Impose(v1::BAN_KIND_NAME, "prod/node-1", act_).ok());
  EXPECT_EQ(store_->Record(record, {}).code(), absl::StatusCode::kAborted);
}

TEST_F(FleetTest, CertificatesAndMeasurementsAreBannedWhoeverHasThem) {
  const std::string key(64, 'a'), measurement(96, 'b');
  ASSERT_TRUE(store_->Impose(v1::BAN_KIND_MEASUREMENT, measurement, act_).ok());
  ASSERT_TRUE(store_->Impose(v1::BAN_KIND_CERTIFICATE, key, act_).ok());
  const auto denials = store_->Denials();
  ASSERT_TRUE(denials.ok()) << denials.status();
  ASSERT_EQ(denials->size(), 2u);
  EXPECT_EQ(denials->at(0).of, appraisal::Denial::Of::kCertificate);
  EXPECT_EQ(denials->at(0).value, Bytes(32, 0xaa));
  EXPECT_EQ(denials->at(1).value, Bytes(48, 0xbb));
  EXPECT_THAT(denials->at(1).why, testing::HasSubstr(Cat("measurement:", measurement, " banned by ")));
  // A record that was appraised without them is not stored.
  v1::VerdictRecord record = RecordOf({});
  record.mutable_state()->set_identity(Text(IdentityOf(1)));
  EXPECT_EQ(store_->Record(record, {}).code(), absl::StatusCode::kAborted);
  for (const appraisal::Denial& denial : *denials) {
    v1::Denial& known = *record.mutable_state()->add_denials();
    known.set_certificate(denial.of == appraisal::Denial::Of::kCertificate);
    known.set_value(Text(denial.value));
    known.set_why(denial.why);
  }
  EXPECT_TRUE(store_->Record(record, {}).ok());
  ASSERT_TRUE(store_->Lift(v1::BAN_KIND_CERTIFICATE, key, act_).ok());
  EXPECT_EQ(store_->Denials()->size(), 1u);
}

TEST_F(FleetTest, ValuesThatCannotBeBannedAreRefused) {
  const std::pair<v1::BanKind, std::string> cases[] = {{v1::BAN_KIND_MEASUREMENT, ""},
                                                       {v1::BAN_KIND_MEASUREMENT, std::string(14, 'a')},
                                                       {v1::BAN_KIND_MEASUREMENT, std::string(130, 'a')},
                                                       {v1::BAN_KIND_MEASUREMENT, std::string(96, '0')},
                                                       {v1::BAN_KIND_MEASUREMENT, std::string(96, 'A')},
                                                       {v1::BAN_KIND_MEASUREMENT, std::string(95, 'a')},
                                                       {v1::BAN_KIND_CERTIFICATE, std::string(62, 'a')},
                                                       {v1::BAN_KIND_CERTIFICATE, std::string(96, 'a')}};
  for (const auto& [kind, value] : cases) {
    EXPECT_EQ(store_->Impose(kind, value, act_).status().code(), absl::StatusCode::kInvalidArgument) << value;
  }
  for (int i = 0; i < 1000; ++i) {
    Bytes value(32, 1);
    AppendU64Be(value, static_cast<std::uint64_t>(i));
    ASSERT_TRUE(store_->Impose(v1::BAN_KIND_MEASUREMENT, ToHex(value), act_).ok());
  }
  EXPECT_EQ(store_->Impose(v1::BAN_KIND_CERTIFICATE, std::string(64, 'a'), act_).status().code(), absl::StatusCode::kInvalidArgument)
      << "one more than records can carry";
}

// --- flips ----------------------------------------------------------------------------------------------------------

v1::VerdictFlip Found(v1::Verdict verdict, std::string reason = "certificate_revoked") {
  v1::VerdictFlip flip;
  flip.mutable_at()->set_seconds((kNow + Duration(60)).time_since_epoch().count());
  flip.set_became(verdict);
  flip.set_cause("intel.pck_crl/platform");
  if (verdict != v1::VERDICT_TRUSTED) {
    flip.mutable_finding()->set_reason(std::move(reason));
    flip.mutable_finding()->set_component("pck");
    flip.mutable_finding()->set_actual("serial 0x77");
  }
  return flip;
}

TEST_F(FleetTest, AVerdictThatBecameRejectedIsRevokedWithItsEvent) {
  const std::string id = Add({});
  const std::int64_t before = *store_->LatestEvent();
  EXPECT_TRUE(*store_->RecordFlip(id, Found(v1::VERDICT_REJECTED)));
  const auto summary = store_->GetSummary(id);
  EXPECT_EQ(summary->verdict(), v1::VERDICT_TRUSTED) << "the record stays what it was";
  EXPECT_EQ(summary->revocation().by(), "assayd");
  EXPECT_EQ(summary->revocation().reason(), "TRUSTED became REJECTED: certificate_revoked, pck serial 0x77 (intel.pck_crl/platform)");
  const v1::Node node = Nodes().at(0);
  EXPECT_FALSE(node.has_trusted_until());
  EXPECT_EQ(node.verdict(), v1::VERDICT_REJECTED);
  const auto events = store_->EventsAfter(before, "", 10);
  ASSERT_EQ(events->elements.size(), 1u);
  EXPECT_EQ(events->elements[0].kind(), v1::EVENT_KIND_FLIPPED);
  EXPECT_EQ(events->elements[0].verdict().id(), id);
  EXPECT_EQ(events->elements[0].by(), "assayd");
  EXPECT_THAT(events->elements[0].reason(), testing::HasSubstr("TRUSTED became REJECTED"));
  const auto flips = store_->ListFlips({});
  ASSERT_EQ(flips->elements.size(), 1u);
  EXPECT_EQ(flips->elements[0].was(), v1::VERDICT_TRUSTED);
  EXPECT_EQ(flips->elements[0].became(), v1::VERDICT_REJECTED);
  EXPECT_EQ(flips->elements[0].finding().actual(), "serial 0x77");
  EXPECT_EQ(flips->elements[0].verdict().revocation().by(), "assayd");
  // A revocation is final, whoever made it.
  EXPECT_FALSE(*store_->RecordFlip(id, Found(v1::VERDICT_REJECTED, "identity_banned")));
  EXPECT_EQ(*store_->LatestEvent(), before + 1);
}

TEST_F(FleetTest, TheSameFlipIsToldOnceAndTheWayBackIsAnother) {
  const std::string id = Add({});
  const std::int64_t before = *store_->LatestEvent();
  EXPECT_FALSE(*store_->RecordFlip(id, Found(v1::VERDICT_TRUSTED))) << "as it was recorded";
  EXPECT_TRUE(*store_->RecordFlip(id, Found(v1::VERDICT_INDETERMINATE, "document_expired")));
  EXPECT_FALSE(*store_->RecordFlip(id, Found(v1::VERDICT_INDETERMINATE, "document_expired")));
  EXPECT_TRUE(Nodes().at(0).has_trusted_until()) << "what could not be decided takes nothing back";
  EXPECT_EQ(Nodes().at(0).verdict(), v1::VERDICT_TRUSTED);
  EXPECT_FALSE(store_->GetSummary(id)->has_revocation());
  EXPECT_TRUE(*store_->RecordFlip(id, Found(v1::VERDICT_TRUSTED_WITH_WARNINGS, "claim_waived")));
  EXPECT_EQ(Nodes().at(0).verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS);
  EXPECT_TRUE(*store_->RecordFlip(id, Found(v1::VERDICT_TRUSTED)));
  EXPECT_EQ(Nodes().at(0).verdict(), v1::VERDICT_TRUSTED);
  EXPECT_EQ(*store_->LatestEvent(), before + 3);
  const auto flips = store_->ListFlips({.size = 2});
  ASSERT_EQ(flips->elements.size(), 2u);
  EXPECT_EQ(flips->elements[0].became(), v1::VERDICT_TRUSTED) << "newest first";
  EXPECT_EQ(store_->ListFlips({.after = flips->next, .size = 2})->elements.size(), 1u);
}

TEST_F(FleetTest, FlipsAreFilteredByTheirVerdictsAndGoWithThem) {
  const std::string id = Add({.name = "node-1"}), other = Add({.identity = 2, .name = "node-2"});
  ASSERT_TRUE(*store_->RecordFlip(id, Found(v1::VERDICT_REJECTED)));
  ASSERT_TRUE(*store_->RecordFlip(other, Found(v1::VERDICT_REJECTED)));
  EXPECT_EQ(store_->ListFlips({.filter = "name = node-2"})->elements.size(), 1u);
  EXPECT_EQ(store_->ListFlips({.filter = "nonsense = 1"}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->RecordFlip("01J00000000000000000000000", Found(v1::VERDICT_REJECTED)).status().code(), absl::StatusCode::kNotFound);
  while (store_->Purge({.verdicts = Duration(1)}, kNow + Duration(10 * 86400))->total() != 0) {}
  EXPECT_TRUE(store_->ListFlips({})->elements.empty());
}

// --- events ---------------------------------------------------------------------------------------------------------

TEST_F(FleetTest, EventsComeInOrderAndResumeWhereTheyEnded) {
  for (int i = 0; i < 10; ++i) Add({.name = Cat("n", i)});
  std::int64_t after = 0;
  std::vector<std::string> names;
  while (true) {
    const auto events = store_->EventsAfter(after, "", 3);
    ASSERT_TRUE(events.ok());
    if (events->elements.empty()) break;
    for (const v1::VerdictEvent& event : events->elements) names.push_back(event.verdict().context().name());
    after = events->next;
  }
  ASSERT_EQ(names.size(), 10u);
  EXPECT_EQ(names.front(), "n0");
  EXPECT_EQ(names.back(), "n9");
  EXPECT_EQ(after, *store_->LatestEvent());
}

TEST_F(FleetTest, AFilterHidesVerdictsAndNothingElse) {
  Add({.name = "a"});
  Add({.name = "b"});
  ASSERT_TRUE(store_->Impose(v1::BAN_KIND_NAME, "prod/z", act_).ok());
  const auto events = store_->EventsAfter(0, "name = b", 10);
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->elements.size(), 2u);
  EXPECT_EQ(events->elements[0].verdict().context().name(), "b");
  EXPECT_EQ(events->elements[1].target(), "name:prod/z");
  EXPECT_EQ(events->elements[1].by(), act_.by);
  EXPECT_EQ(events->elements[1].reason(), act_.reason);
  EXPECT_EQ(events->next, 3);
}

// --- forgetting -----------------------------------------------------------------------------------------------------

TEST_F(FleetTest, OldEvidenceGoesBeforeItsVerdict) {
  const Bytes evidence = {1}, policy = {2};
  const Blob blobs[] = {{evidence, BlobClass::kEvidence}, {policy, BlobClass::kInput}};
  const std::string id = Add({.at = kNow}, blobs);
  const Retention retention{.verdicts = 90 * kDay, .evidence = 30 * kDay};
  EXPECT_EQ(store_->Purge(retention, kNow + 29 * kDay)->total(), 0);
  EXPECT_EQ(store_->Purge(retention, kNow + 31 * kDay)->blobs, 1);
  EXPECT_EQ(store_->GetBlob(crypto::Sha256(evidence)).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(store_->GetBlob(crypto::Sha256(policy)).ok());
  EXPECT_TRUE(store_->Get(id).ok());

  std::int64_t events = 0, verdicts = 0, blobs_gone = 0;
  while (true) {
    const auto purged = store_->Purge(retention, kNow + 92 * kDay);
    ASSERT_TRUE(purged.ok()) << purged.status();
    if (purged->total() == 0) break;
    events += purged->events;
    verdicts += purged->verdicts;
    blobs_gone += purged->blobs;
  }
  EXPECT_EQ(events, 1);
  EXPECT_EQ(verdicts, 1);
  EXPECT_EQ(blobs_gone, 1);
  EXPECT_EQ(store_->Get(id).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->EventsAfter(0, "", 10).status().code(), absl::StatusCode::kOutOfRange);
  // All are gone: a new watch begins behind the last that was.
  const std::int64_t latest = *store_->LatestEvent();
  EXPECT_TRUE(store_->EventsAfter(latest, "", 10).ok());
  Add({.name = "next"});
  EXPECT_EQ(store_->EventsAfter(latest, "", 10)->elements.size(), 1u);
}

TEST_F(FleetTest, NodesThatWereNotSeenForLongAreForgotten) {
  Add({.identity = 1, .name = "gone"});
  Add({.identity = 2, .name = "rejected", .verdict = v1::VERDICT_REJECTED});
  Add({.identity = 3, .name = "conflict"});
  Add({.identity = 3, .name = "second", .verdict = v1::VERDICT_REJECTED, .reason = "identity_conflict"});
  Add({.identity = 4, .name = "trusted", .valid = 100 * kDay});
  Add({.identity = 5, .name = "seen"});
  Add({.identity = 5, .name = "seen", .verdict = v1::VERDICT_REJECTED, .at = kNow + 20 * kDay});
  ASSERT_TRUE(store_->Impose(v1::BAN_KIND_INSTANCE, ToHex(IdentityOf(1)), act_).ok());
  const Retention retention{.verdicts = 90 * kDay};
  const auto forget = [&](Duration after) {
    std::int64_t nodes = 0;
    while (true) {
      const auto purged = store_->Purge(retention, kNow + after);
      EXPECT_TRUE(purged.ok()) << purged.status();
      if (!purged.ok() || purged->total() == 0) return nodes;
      nodes += purged->nodes;
    }
  };
  EXPECT_EQ(forget(89 * kDay), 0);
  EXPECT_EQ(forget(91 * kDay), 2);
  std::vector<std::string> names;
  for (const v1::Node& node : Nodes()) names.push_back(node.context().name());
  EXPECT_THAT(names, ElementsAre("conflict", "trusted", "seen"));
  // What a ban is about need not be known.
  EXPECT_THAT(StateOf(1, "gone", kNow + 91 * kDay).ban, HasSubstr("instance:0101"));
  EXPECT_EQ(StateOf(3, "third", kNow + 91 * kDay).held_as, "prod/conflict");
  EXPECT_EQ(forget(111 * kDay), 1);
  EXPECT_EQ(forget(191 * kDay), 1);
  // One that comes back is a node like any other, and nothing takes its number.
  const std::int64_t last = Nodes()[0].sequence();
  Add({.identity = 1, .name = "gone", .at = kNow + 191 * kDay});
  EXPECT_GT(Nodes("name = gone")[0].sequence(), last + 2);
  ASSERT_TRUE(store_->Release(IdentityOf(3), act_).ok());
  EXPECT_EQ(forget(192 * kDay), 1);
}

TEST_F(FleetTest, ManyNodesAreLookedThroughPartByPart) {
  // 6000 that are trusted, before 100 that are not.
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path().c_str(), &database), SQLITE_OK);
  const std::string fill =
      Cat("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6100) INSERT INTO node (identity, cluster, role, name, "
          "platform, node_key, first_seen, last_seen, verdict, verdict_id, simulated, trusted_until, trusted_id, held_cluster, held_name) "
          "SELECT CAST(printf('%032d', i) AS BLOB), 'c', 'r', 'n', 'p', x'', 0, 0, 1, '', 0, iif(i > 6000, 0, ",
          kNow.time_since_epoch().count(), "), '', '', '' FROM n");
  EXPECT_EQ(sqlite3_exec(database, fill.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
  sqlite3_close(database);
  const Retention retention{.verdicts = kDay};
  EXPECT_EQ(store_->Purge(retention, kNow)->nodes, 0);
  EXPECT_EQ(store_->Purge(retention, kNow)->nodes, 100);
  EXPECT_EQ(store_->Purge(retention, kNow)->nodes, 0);
  EXPECT_EQ(store_->Purge(retention, kNow + 2 * kDay)->nodes, 1000) << "where the one before had not ended";
  EXPECT_EQ(store_->Purge(retention, kNow + 2 * kDay)->nodes, 5000);
  EXPECT_EQ(store_->Purge(retention, kNow + 2 * kDay)->total(), 0);
}

TEST_F(FleetTest, BytesInUseStay) {
  const Bytes crl = {1};
  const Blob blobs[] = {{crl, BlobClass::kInput}};
  Add({.at = kNow}, blobs);
  Add({.at = kNow + 80 * kDay}, blobs);
  while (store_->Purge({.verdicts = 90 * kDay, .evidence = 30 * kDay}, kNow + 120 * kDay)->total() != 0) {}
  EXPECT_TRUE(store_->GetBlob(crypto::Sha256(crl)).ok());
}

TEST_F(FleetTest, TheLastAttemptsAreKept) {
  std::vector<std::string> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(Add({.identity = 0, .name = Cat(i), .verdict = v1::VERDICT_REJECTED}));
  const std::string node = Add({});
  EXPECT_EQ(store_->Purge({.attempts = 4}, kNow)->attempts, 6);
  EXPECT_EQ(Ids({.filter = "attempt = true"}), std::vector<std::string>(ids.begin() + 6, ids.end()));
  EXPECT_TRUE(store_->Get(node).ok());
}

TEST_F(FleetTest, EvidenceOfAttemptsHasAQuotaThatNodesDoNotPay) {
  const Bytes bad(1000, 1), good(1000, 2);
  const Blob attempt[] = {{bad, BlobClass::kAttempt}}, evidence[] = {{good, BlobClass::kEvidence}};
  Add({.identity = 0, .verdict = v1::VERDICT_REJECTED}, attempt);
  Add({}, evidence);
  EXPECT_EQ(store_->Purge({.attempt_bytes = 1000}, kNow)->total(), 0);
  EXPECT_EQ(store_->Purge({.attempt_bytes = 999}, kNow)->blobs, 1);
  EXPECT_TRUE(store_->GetBlob(crypto::Sha256(good)).ok());
}

TEST_F(FleetTest, WhatAnAttemptSentIsKeptAsEvidenceOnceANodeSendsIt) {
  const Bytes body(1000, 1);
  const Blob attempt[] = {{body, BlobClass::kAttempt}}, evidence[] = {{body, BlobClass::kEvidence}};
  Add({.identity = 0, .verdict = v1::VERDICT_REJECTED}, attempt);
  Add({}, evidence);
  Add({.identity = 0, .verdict = v1::VERDICT_REJECTED}, attempt);
  EXPECT_EQ(store_->Purge({.attempt_bytes = 0}, kNow)->blobs, 0);
  EXPECT_TRUE(store_->GetBlob(crypto::Sha256(body)).ok());
}

// --- older versions, many writers -----------------------------------------------------------------------------------

TEST_F(FleetTest, TheVerdictsOfVersion1AreTakenOver) {
  store_.reset();
  std::filesystem::remove(path());
  const v1::VerdictRecord old = RecordOf({.verdict = v1::VERDICT_REJECTED, .reason = "tcb_below"});
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path().c_str(), &database), SQLITE_OK);
  ASSERT_EQ(
      sqlite3_exec(
          database,
          "CREATE TABLE redeemed (nonce BLOB PRIMARY KEY NOT NULL CHECK (length(nonce) = 32), expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
          "CREATE INDEX redeemed_by_expiry ON redeemed (expires);"
          "CREATE TABLE verdict (id TEXT PRIMARY KEY NOT NULL, recorded_at INTEGER NOT NULL, record BLOB NOT NULL) STRICT;"
          "CREATE TABLE blob (sha256 BLOB PRIMARY KEY NOT NULL, body BLOB NOT NULL) STRICT;"
          "CREATE TABLE meta (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
          "INSERT INTO meta VALUES ('latest_time', 5); PRAGMA application_id = 1098085241; PRAGMA user_version = 1",
          nullptr, nullptr, nullptr),
      SQLITE_OK)
      << sqlite3_errmsg(database);
  const std::string insert = Cat("INSERT INTO verdict VALUES ('", old.id(), "', 1, x'", ToHex(AsBytes(old.SerializeAsString())),
                                 "');"
                                 "INSERT INTO blob VALUES (x'",
                                 ToHex(crypto::Sha256(Bytes{9})), "', x'09')");
  ASSERT_EQ(sqlite3_exec(database, insert.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
  sqlite3_close(database);

  Open();
  EXPECT_EQ(store_->Get(old.id())->SerializeAsString(), old.SerializeAsString());
  EXPECT_EQ(*store_->GetBlob(crypto::Sha256(Bytes{9})), Bytes{9});
  EXPECT_EQ(Ids({.filter = "reason:tcb_below"}), std::vector<std::string>{old.id()});
  Open();
  EXPECT_EQ(Ids({}).size(), 1u);
}

TEST_F(FleetTest, ManyWritersShareCommitsAndEachGetsItsOwnAnswer) {
  constexpr int kThreads = 16, kEach = 25;
  std::atomic<int> good = 0, refused = 0;
  std::vector<std::thread> threads;
  const std::string taken = Add({});
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        v1::VerdictRecord record = RecordOf({.identity = static_cast<std::uint8_t>(t + 1), .name = Cat("n", t)});
        const bool duplicate = i % 5 == 0;  // a write that fails, among those that don't
        if (duplicate) record.set_id(taken);
        const absl::Status status = store_->Record(record, {});
        EXPECT_EQ(status.code(), duplicate ? absl::StatusCode::kAlreadyExists : absl::StatusCode::kOk) << status;
        ++(status.ok() ? good : refused);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, kThreads * kEach * 4 / 5);
  EXPECT_EQ(refused, kThreads * kEach / 5);
  EXPECT_EQ(Ids({.size = 1000}).size(), static_cast<std::size_t>(good) + 1);
  EXPECT_EQ(*store_->LatestEvent(), good + 1);
}

TEST_F(FleetTest, VerdictsAreCountedByPlatformVerdictStrengthAndSimulation) {
  const auto record = [&](Sample sample, std::string_view platform, v1::Strength strength, bool simulated) {
    v1::VerdictRecord record = RecordOf(sample);
    record.mutable_appraisal()->set_platform(std::string(platform));
    record.mutable_appraisal()->set_strength(strength);
    record.mutable_appraisal()->set_simulated(simulated);
    EXPECT_TRUE(store_->Record(record, {}).ok());
    return record.id();
  };
  record({.identity = 1, .at = kNow - kDay - Duration(1)}, "qemu_sev_snp", v1::STRENGTH_A, false);  // too old
  record({.identity = 1, .at = kNow - kDay}, "qemu_sev_snp", v1::STRENGTH_A, false);
  const std::string latest = record({.identity = 1}, "qemu_sev_snp", v1::STRENGTH_A, false);
  record({.identity = 2, .name = "node-2"}, "qemu_sev_snp", v1::STRENGTH_C, false);
  record({.identity = 3, .name = "node-3"}, "qemu_sev_snp", v1::STRENGTH_A, true);
  record({.identity = 4, .name = "node-4", .verdict = v1::VERDICT_REJECTED, .reason = "rule_failed"}, "qemu_tdx", v1::STRENGTH_A, false);
  record({.identity = 0, .verdict = v1::VERDICT_REJECTED, .reason = "rule_failed"}, "qemu_tdx", v1::STRENGTH_UNSPECIFIED,
         false);  // an attempt
  const auto counts = store_->CountVerdicts(kNow - kDay);
  ASSERT_TRUE(counts.ok()) << counts.status();
  std::vector<std::string> shown;
  for (const VerdictCount& count : *counts) {
    shown.push_back(Cat(count.platform, " ", v1::Verdict_Name(count.verdict), " ", v1::Strength_Name(count.strength),
                        count.simulated ? " simulated " : " ", count.count));
  }
  EXPECT_THAT(shown, ElementsAre("qemu_sev_snp VERDICT_TRUSTED STRENGTH_A 2", "qemu_sev_snp VERDICT_TRUSTED STRENGTH_A simulated 1",
                                 "qemu_sev_snp VERDICT_TRUSTED STRENGTH_C 1", "qemu_tdx VERDICT_REJECTED STRENGTH_A 1"));
  EXPECT_EQ(counts->front().latest_id, latest);
}

}  // namespace
}  // namespace assay::store
