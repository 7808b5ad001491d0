// The operators' calls over a real listener: who may what, lists, watching, names, bans, revocation, replay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "appraisal/canonical.h"
#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"
#include "store/sqlite_store.h"
#include "tests/integration/operator_rpcs.h"
#include "tests/integration/verifier.h"

namespace assay::integration {
namespace {

using testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(MessageOf(status)); }

softtee::SnpOptions Instance(std::uint8_t number) {
  softtee::SnpOptions options;
  options.report_id.emplace().fill(number);
  return options;
}

class Fleet : public ::testing::Test {
 protected:
  client::VerdictClient As(std::string_view who) {
    return client::VerdictClient(OperatorChannel(verifier_.operators(), verifier_.site(), who));
  }
  v1::AttestResponse Join(std::uint8_t instance, const std::string& name) {
    Node node(verifier_.join(), verifier_.site());
    const auto response = JoinAs(node, Instance(instance), name);
    EXPECT_TRUE(response.ok()) << Message(response.status());
    return response.ok() ? *response : v1::AttestResponse();
  }
  static bool Says(const v1::Appraisal& appraisal, std::string_view reason) {
    for (const v1::Finding& finding : appraisal.findings()) {
      if (finding.reason() == reason) return true;
    }
    return false;
  }

  Verifier verifier_;
};

// Every RPC of the operator listener × who asks.
TEST_F(Fleet, EveryCallDemandsItsRole) {
  const std::string id = Join(1, "n").verdict_id();
  const std::vector<OperatorRpc> rpcs = OperatorRpcs(id);
  ASSERT_EQ(rpcs.size(), 22u);
  for (const std::string_view who : {"", "self-signed", "foreign", "admin", "viewer", "operator"}) {
    client::VerdictClient client = As(who);
    for (const OperatorRpc& rpc : rpcs) {
      const absl::Status status = rpc.call(client);
      const bool may =
          (who == "operator" && rpc.needs <= service::Role::kOperator) || (who == "viewer" && rpc.needs == service::Role::kViewer);
      if (may) {
        EXPECT_TRUE(status.ok()) << who << " " << rpc.name << ": " << Message(status);
      } else if (who == "viewer" || who == "operator" || who == "admin") {  // this configuration gives the admin's name no role
        EXPECT_TRUE(absl::IsPermissionDenied(status)) << who << " " << rpc.name << ": " << Message(status);
        EXPECT_THAT(Message(status), HasSubstr(Cat("expected an identity with the role ", service::NameOf(rpc.needs),
                                                   ", actual spiffe://dev.assay/operator/", who)));
      } else {
        // TLS 1.3 tells a refused client only when it reads: gRPC shows that as an unreachable server now and then.
        EXPECT_TRUE(absl::IsUnauthenticated(status) || absl::IsUnavailable(status)) << who << " " << rpc.name << ": " << Message(status);
      }
    }
  }
}

TEST_F(Fleet, ListsArePagedAndTheirTokensBelongToThem) {
  for (std::uint8_t i = 1; i <= 5; ++i) Join(i, Cat("n", int{i}));
  client::VerdictClient viewer = As("viewer");
  v1::ListVerdictsRequest request;
  request.set_page_size(2);
  std::vector<std::string> names;
  do {
    const auto page = viewer.ListVerdicts(request);
    ASSERT_TRUE(page.ok()) << Message(page.status());
    for (const v1::VerdictSummary& verdict : page->verdicts()) names.push_back(verdict.context().name());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(names, testing::ElementsAre("n5", "n4", "n3", "n2", "n1"));

  request.set_page_token("");
  const auto page = viewer.ListVerdicts(request);
  request.set_page_token(page->next_page_token());
  request.set_filter("name = n1");
  EXPECT_THAT(Message(viewer.ListVerdicts(request).status()), HasSubstr("at page_token"));
  request.set_page_token("");
  EXPECT_EQ(viewer.ListVerdicts(request)->verdicts_size(), 1);
  v1::ListNodesRequest nodes;
  nodes.set_page_token(page->next_page_token());
  EXPECT_TRUE(absl::IsInvalidArgument(viewer.ListNodes(nodes).status()));
}

TEST_F(Fleet, TheTableOfCloudsShowsTheVerdictsOfTheDay) {
  const v1::AttestResponse first = Join(1, "n1"), second = Join(2, "n2");
  ASSERT_EQ(second.appraisal().verdict(), v1::VERDICT_TRUSTED);
  const auto response = As("viewer").DescribeClouds({});
  ASSERT_TRUE(response.ok()) << Message(response.status());
  int with_verdicts = 0;
  for (const v1::Cloud& cloud : response->clouds()) {
    for (const v1::CloudPlatform& platform : cloud.platforms()) {
      ASSERT_TRUE(platform.has_last_day()) << platform.name();
      if (platform.last_day().counts_size() == 0) continue;
      ++with_verdicts;
      EXPECT_EQ(cloud.name(), "openstack");
      EXPECT_EQ(platform.name(), "qemu_sev_snp");
      EXPECT_EQ(platform.last_day().counts(0).count(), 2);
      EXPECT_EQ(platform.last_day().counts(0).strength(), second.appraisal().strength());
      EXPECT_TRUE(platform.last_day().counts(0).simulated());
      EXPECT_EQ(platform.last_day().latest_trusted_id(), second.verdict_id());
      EXPECT_EQ(platform.last_day().latest_boundary().SerializeAsString(), second.appraisal().trust_boundary().SerializeAsString());
    }
  }
  EXPECT_EQ(with_verdicts, 1);
}

TEST_F(Fleet, WhatCantBeListedIsSaidSo) {
  client::VerdictClient viewer = As("viewer");
  struct Case {
    v1::ListVerdictsRequest request;
    std::string_view message;
  };
  Case cases[4];
  cases[0].request.set_page_size(-1);
  cases[0].message = "request_field_invalid (5008) at page_size: expected 0 or more, actual -1";
  cases[1].request.set_filter("verdict = GOOD");
  cases[1].message = "at filter: expected a value that can be used, actual filter:1:11: expected one of TRUSTED,";
  cases[2].request.set_order_by("name");
  cases[2].message = "at order_by: expected 'sequence' or 'sequence desc', actual 'name'";
  cases[3].request.set_page_token("AAAA");
  cases[3].message = "at page_token: expected a value that can be used, actual";
  for (const Case& c : cases) {
    const auto answer = viewer.ListVerdicts(c.request);
    EXPECT_TRUE(absl::IsInvalidArgument(answer.status())) << c.message;
    EXPECT_THAT(Message(answer.status()), HasSubstr(std::string(c.message)));
  }
}

// Attacks 26, 40 and 90: an instance that asks for a second name, or for another node's.
TEST_F(Fleet, OneInstanceUnderTwoNamesIsRefusedUntilReleased) {
  ASSERT_EQ(Join(1, "first").appraisal().verdict(), v1::VERDICT_TRUSTED);
  const v1::AttestResponse second = Join(1, "second");
  EXPECT_EQ(second.appraisal().verdict(), v1::VERDICT_REJECTED);
  EXPECT_TRUE(Says(second.appraisal(), "identity_conflict"));
  EXPECT_FALSE(second.appraisal().admits());
  EXPECT_EQ(Join(1, "first").appraisal().verdict(), v1::VERDICT_TRUSTED) << "who holds the name keeps it";
  EXPECT_EQ(Join(2, "second").appraisal().verdict(), v1::VERDICT_TRUSTED) << "another instance may have it";

  client::VerdictClient viewer = As("viewer");
  v1::ListNodesRequest request;
  request.set_filter("conflict = true");
  const auto nodes = viewer.ListNodes(request);
  ASSERT_TRUE(nodes.ok()) << Message(nodes.status());
  ASSERT_EQ(nodes->nodes_size(), 1);
  EXPECT_EQ(nodes->nodes(0).context().name(), "first");
  EXPECT_EQ(nodes->nodes(0).conflict().asked().name(), "second");

  client::VerdictClient op = As("operator");
  v1::ReleaseNodeRequest release;
  release.set_instance_identity(nodes->nodes(0).instance_identity());
  release.set_reason("renamed in ticket 17");
  ASSERT_TRUE(op.ReleaseNode(release).ok());
  EXPECT_EQ(Join(1, "third").appraisal().verdict(), v1::VERDICT_TRUSTED);
  EXPECT_EQ(Join(1, "first").appraisal().verdict(), v1::VERDICT_REJECTED);
}

TEST_F(Fleet, ABannedIdentityIsRefusedUnderAnyNameUntilItIsUnbanned) {
  const v1::AttestResponse before = Join(1, "n");
  client::VerdictClient op = As("operator");
  v1::BanIdentityRequest ban;
  ban.set_kind(v1::BAN_KIND_INSTANCE);
  ban.set_value(ToHex(AsBytes(before.appraisal().instance_identity())));
  ban.set_reason("stolen");
  const auto banned = op.BanIdentity(ban);
  ASSERT_TRUE(banned.ok()) << Message(banned.status());
  EXPECT_EQ(banned->ban().by(), "spiffe://dev.assay/operator/operator");
  const v1::AttestResponse refused = Join(1, "n");
  EXPECT_EQ(refused.appraisal().verdict(), v1::VERDICT_REJECTED);
  ASSERT_TRUE(Says(refused.appraisal(), "identity_banned"));
  EXPECT_THAT(appraisal::CanonicalJson(refused.appraisal()), HasSubstr("banned by spiffe://dev.assay/operator/operator"));
  EXPECT_THAT(appraisal::CanonicalJson(refused.appraisal()), HasSubstr("stolen"));
  EXPECT_EQ(Join(2, "n").appraisal().verdict(), v1::VERDICT_TRUSTED);

  v1::UnbanIdentityRequest unban;
  unban.set_kind(ban.kind());
  unban.set_value(ban.value());
  unban.set_reason("found again");
  ASSERT_TRUE(op.UnbanIdentity(unban).ok());
  EXPECT_EQ(Join(1, "n").appraisal().verdict(), v1::VERDICT_TRUSTED);
}

// Who asks and who operates mean the same call.
TEST_F(Fleet, AnAnswerNamesTheCallAsTheLogDoes) {
  Node node(verifier_.join(), verifier_.site());
  v1::AttestRequest request;
  request.set_challenge("x");
  const std::string refused = Message(node.Attest(request).status());
  const std::size_t at = refused.find(", request ");
  ASSERT_NE(at, std::string::npos) << refused;
  const std::string id = refused.substr(at + 10, 16);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << refused;
  EXPECT_THAT(verifier_.log(), HasSubstr(Cat("\"message\":\"call refused\"")));
  EXPECT_THAT(verifier_.log(), HasSubstr(Cat("\"request_id\":\"", id, "\"")));
}

TEST_F(Fleet, ChangesNeedAReason) {
  const std::string id = Join(1, "n").verdict_id();
  client::VerdictClient op = As("operator");
  for (const std::string& reason : {std::string(), std::string(501, 'x'), std::string("a\nb"), std::string("\x1b[2J")}) {
    v1::RevokeVerdictRequest request;
    request.set_verdict_id(id);
    request.set_reason(reason);
    const auto answer = op.RevokeVerdict(request);
    EXPECT_TRUE(absl::IsInvalidArgument(answer.status())) << Message(answer.status());
    EXPECT_THAT(Message(answer.status()), HasSubstr("at reason: expected 1 to 500 bytes of printable text"));
  }
  v1::GetVerdictRequest get;
  get.set_verdict_id(id);
  EXPECT_FALSE(As("viewer").GetVerdict(get)->has_revocation());
}

TEST_F(Fleet, ARevokedVerdictSaysWhoAndWhy) {
  const std::string id = Join(1, "n").verdict_id();
  v1::RevokeVerdictRequest revoke;
  revoke.set_verdict_id(id);
  revoke.set_reason("wrong image");
  ASSERT_TRUE(As("operator").RevokeVerdict(revoke).ok());
  v1::GetVerdictRequest get;
  get.set_verdict_id(id);
  const auto record = As("viewer").GetVerdict(get);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->revocation().reason(), "wrong image");
  EXPECT_EQ(record->revocation().by(), "spiffe://dev.assay/operator/operator");
  EXPECT_EQ(record->record().appraisal().verdict(), v1::VERDICT_TRUSTED) << "the record itself never changes";
}

// --- watching -------------------------------------------------------------------------------------------------------

// A watch on a thread of its own; what it saw so far.
class Watch {
 public:
  Watch(client::ChannelOptions channel, v1::WatchVerdictsRequest request)
      : thread_([this, channel = std::move(channel), request = std::move(request)] {
          client::VerdictClient client(channel);
          const absl::Status ended = client.WatchVerdicts(request, [this](const v1::WatchVerdictsResponse& response) {
            const std::lock_guard lock(mutex_);
            seen_.push_back(response);
            changed_.notify_all();
            return !stop_;
          });
          const std::lock_guard lock(mutex_);
          ended_ = ended;
          changed_.notify_all();
        }) {}
  ~Watch() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;  // at the next heartbeat at the latest
    }
    thread_.join();
  }
  // Waits for that many answers; false if the watch ended before.
  bool WaitFor(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return seen_.size() >= count || ended_; }) && seen_.size() >= count;
  }
  std::vector<v1::WatchVerdictsResponse> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  absl::Status WaitForEnd() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return ended_.has_value(); });
    return ended_.value_or(absl::DeadlineExceededError("still watching"));
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<v1::WatchVerdictsResponse> seen_;
  std::optional<absl::Status> ended_;
  bool stop_ = false;
  std::thread thread_;
};

v1::WatchVerdictsRequest After(std::int64_t sequence, const std::string& filter = "") {
  v1::WatchVerdictsRequest request;
  request.set_after(sequence);
  request.set_filter(filter);
  request.set_heartbeat_seconds(1);
  return request;
}

TEST_F(Fleet, AWatcherSeesEachEventOnceAndResumesBehindTheLast) {
  const client::ChannelOptions channel = OperatorChannel(verifier_.operators(), verifier_.site(), "viewer");
  std::int64_t last = 0;
  {
    Watch watch(channel, After(0));
    ASSERT_TRUE(watch.WaitFor(1));  // a heartbeat at once: the watch stands
    EXPECT_FALSE(watch.seen()[0].has_event());
    Join(1, "first");
    ASSERT_TRUE(watch.WaitFor(2));
    EXPECT_EQ(watch.seen()[1].event().kind(), v1::EVENT_KIND_RECORDED);
    EXPECT_EQ(watch.seen()[1].event().verdict().context().name(), "first");
    last = watch.seen()[1].sequence();
  }
  Join(2, "second");  // while nobody watches
  Watch watch(channel, After(last));
  ASSERT_TRUE(watch.WaitFor(1));
  EXPECT_EQ(watch.seen()[0].event().verdict().context().name(), "second");
  ASSERT_TRUE(watch.WaitFor(2));
  EXPECT_FALSE(watch.seen()[1].has_event()) << "nothing else has happened";
}

TEST_F(Fleet, AWatcherThatComesLateGetsAllOfAHundredAndMoreEvents) {
  Node node(verifier_.join(), verifier_.site());
  for (int i = 0; i < 120; ++i) ASSERT_TRUE(JoinAs(node, Instance(1), "n").ok());
  Watch watch(OperatorChannel(verifier_.operators(), verifier_.site(), "viewer"), After(1));
  ASSERT_TRUE(watch.WaitFor(119));
  const auto seen = watch.seen();
  for (std::size_t i = 0; i < 119; ++i) EXPECT_EQ(seen[i].sequence(), static_cast<std::int64_t>(i) + 2);
}

TEST_F(Fleet, AnAttemptWakesNoWatcher) {
  Watch watch(OperatorChannel(verifier_.operators(), verifier_.site(), "viewer"), After(0));
  ASSERT_TRUE(watch.WaitFor(1));
  Node node(verifier_.join(), verifier_.site());
  const auto attempt = JoinAs(node, softtee::OptionsFor(softtee::Fault::kSignatureDamaged));
  ASSERT_TRUE(attempt.ok());
  EXPECT_TRUE(attempt->appraisal().instance_identity().empty());
  Join(1, "n");
  ASSERT_TRUE(watch.WaitFor(2));
  for (const v1::WatchVerdictsResponse& response : watch.seen()) {
    if (response.has_event()) { EXPECT_EQ(response.event().verdict().context().name(), "n"); }
  }
  v1::ListVerdictsRequest attempts;
  attempts.set_filter("attempt = true");
  EXPECT_EQ(As("viewer").ListVerdicts(attempts)->verdicts_size(), 1);
}

TEST_F(Fleet, WatchesThatCantBeAreRefused) {
  client::VerdictClient viewer = As("viewer");
  const auto none = [](const v1::WatchVerdictsResponse&) { return true; };
  v1::WatchVerdictsRequest heartbeat;
  heartbeat.set_heartbeat_seconds(61);
  EXPECT_THAT(Message(viewer.WatchVerdicts(heartbeat, none)), HasSubstr("at heartbeat_seconds: expected at most 60, actual 61"));
  EXPECT_THAT(Message(viewer.WatchVerdicts(After(-1), none)), HasSubstr("at after"));
  EXPECT_THAT(Message(viewer.WatchVerdicts(After(0, "nonsense"), none)),
              HasSubstr("at filter: expected a value that can be used, actual filter:1:1:"));
}

TEST_F(Fleet, WatchingBehindPurgedEventsIsRefused) {
  Join(1, "n");
  Join(1, "n");
  const auto store = store::OpenSqliteStore(verifier_.site().File("assay.db"));
  ASSERT_TRUE(store.ok());
  const Time later = SystemClock().Now() + Duration(1000);
  ASSERT_EQ((*store)->Purge({.verdicts = Duration(500)}, later)->events, 2);
  const absl::Status refused = As("viewer").WatchVerdicts(After(1), [](const v1::WatchVerdictsResponse&) { return true; });
  EXPECT_TRUE(absl::IsOutOfRange(refused)) << Message(refused);
  EXPECT_THAT(Message(refused), HasSubstr("events_purged (5014) at after"));
}

// The drain is bounded by the server's word, not by the watcher's patience.
TEST_F(Fleet, AnOpenWatchDoesNotKeepTheServerFromStopping) {
  Watch watch(OperatorChannel(verifier_.operators(), verifier_.site(), "viewer"), After(0));
  ASSERT_TRUE(watch.WaitFor(1));
  verifier_.server().Shutdown(std::chrono::seconds(10));
  const absl::Status ended = watch.WaitForEnd();
  EXPECT_TRUE(absl::IsUnavailable(ended)) << Message(ended);
  EXPECT_THAT(Message(ended), HasSubstr("shutting_down (5015)"));
}

// --- rates ----------------------------------------------------------------------------------------------------------

// Attack 47, and 69: the limiter is there and it is called.
TEST(Rates, CallsBeyondTheRateAreRefusedWithAHint) {
  Verifier verifier("rates: {per_address: 1, total: 1000}");
  Node node(verifier.join(), verifier.site());
  int refused = 0;
  for (int i = 0; i < 10; ++i) {
    const auto answer = node.CreateChallenge(node.Ask());
    if (answer.ok()) continue;
    ++refused;
    EXPECT_TRUE(absl::IsResourceExhausted(answer.status())) << Message(answer.status());
    EXPECT_THAT(Message(answer.status()), HasSubstr("rate_limited (5013) at address"));
    EXPECT_THAT(Message(answer.status()), HasSubstr("Retry in 1000 ms"));
  }
  EXPECT_GE(refused, 1);
  EXPECT_LE(refused, 8);  // a burst of two is allowed
  // Operators are served all the same.
  EXPECT_TRUE(client::VerdictClient(OperatorChannel(verifier.operators(), verifier.site(), "viewer")).ListNodes({}).ok());
}

// --- a full disk ----------------------------------------------------------------------------------------------------

// Fail closed: what can't be recorded isn't given, and who only reads is served on.
TEST(FullDisk, NoVerdictIsGivenThatIsNotOnDisk) {
  Verifier verifier("", "store: {path: assay.db, max_mib: 1}");
  Node node(verifier.join(), verifier.site());
  std::string last;
  absl::Status refused;
  for (int i = 0; i < 2000 && refused.ok(); ++i) {
    const auto response = JoinAs(node);
    if (response.ok()) last = response->verdict_id();
    refused = response.status();
  }
  EXPECT_TRUE(absl::IsUnavailable(refused)) << Message(refused);
  EXPECT_THAT(Message(refused), HasSubstr("store_unavailable (5012)"));
  EXPECT_THAT(Message(refused), HasSubstr("Retry in 2000 ms"));
  EXPECT_THAT(verifier.log(), HasSubstr("raise the limit of the database's size"));
  client::VerdictClient viewer(OperatorChannel(verifier.operators(), verifier.site(), "viewer"));
  v1::GetVerdictRequest get;
  get.set_verdict_id(last);
  EXPECT_TRUE(viewer.GetVerdict(get).ok());
  // Space is given back: joins go on without a restart.
  const auto store = store::OpenSqliteStore(verifier.site().File("assay.db"), {.max_bytes = 64 << 20});
  ASSERT_TRUE(store.ok());
  while ((*store)->Purge({.evidence = Duration(1)}, SystemClock().Now() + Duration(100'000))->total() != 0) {}
  EXPECT_TRUE(JoinAs(node).ok());
}

// --- replay ---------------------------------------------------------------------------------------------------------

TEST_F(Fleet, AReplayGivesTheSameBytes) {
  for (const softtee::Fault fault : {softtee::Fault::kDebug, softtee::Fault::kSignatureDamaged}) {
    Node node(verifier_.join(), verifier_.site());
    const auto response = JoinAs(node, softtee::OptionsFor(fault), "other");
    ASSERT_TRUE(response.ok());
    v1::ReplayVerdictRequest request;
    request.set_verdict_id(response->verdict_id());
    const auto replay = As("viewer").ReplayVerdict(request);
    ASSERT_TRUE(replay.ok()) << Message(replay.status());
    EXPECT_EQ(replay->differences_size(), 0) << replay->DebugString().substr(0, 2000);
    EXPECT_EQ(appraisal::CanonicalJson(replay->replayed()), appraisal::CanonicalJson(response->appraisal()));
  }
  const std::string id = Join(1, "n").verdict_id();
  v1::ReplayVerdictRequest request;
  request.set_verdict_id(id);
  const auto same = As("viewer").ReplayVerdict(request);
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(same->differences_size(), 0);
  EXPECT_EQ(same->replayed().verdict(), v1::VERDICT_TRUSTED);
  request.mutable_at()->set_seconds(same->recorded().appraised_at().seconds() + 20LL * 365 * 86400);
  const auto later = As("viewer").ReplayVerdict(request);
  EXPECT_EQ(later->replayed().verdict(), v1::VERDICT_REJECTED);
  EXPECT_GT(later->differences_size(), 0);
  request.clear_at();
  request.set_current_policies(true);
  EXPECT_EQ(As("viewer").ReplayVerdict(request)->differences_size(), 0);
}

}  // namespace
}  // namespace assay::integration
