// assayd as a process: what survives kill -9, how it stops, what it refuses to start for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "appraisal/appraiser.h"
#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"
#include "codec/json.h"
#include "store/database_care.h"
#include "store/sqlite_store.h"
#include "tests/integration/verifier.h"
#include "tests/places/places.h"
#include "tests/softtee/dev_tls.h"

namespace assay::integration {
namespace {

using testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(MessageOf(status)); }

class Daemon {
 public:
  // `through` is a command that runs the one behind it, e.g. env with variables.
  explicit Daemon(const Site& site, std::vector<std::string> through = {}) : site_(site) {
    std::filesystem::remove(site.File("ready"));
    for (const std::string& argument :
         {test::Program("assayd"), std::string("run"), std::string("--config"), site.File("assayd.yaml"),
          std::string("--insecure-test-anchors"), site.File("anchors.yaml"), std::string("--ready-file"), site.File("ready")}) {
      through.push_back(argument);
    }
    process_ = std::make_unique<Process>(through, site.File("log"));
    while (!std::filesystem::exists(site.File("ready")) && process_->Running()) std::this_thread::yield();
  }
  Process& process() { return *process_; }
  std::string Address(std::string_view listener) const {
    const std::string text = site_.Text("ready");
    const std::size_t at = text.find(Cat(listener, "="));
    EXPECT_NE(at, std::string::npos) << text << site_.Text("log");
    if (at == std::string::npos) return {};
    const std::size_t begin = at + listener.size() + 1;
    return text.substr(begin, text.find('\n', begin) - begin);
  }

 private:
  const Site& site_;
  std::unique_ptr<Process> process_;
};

client::ChannelOptions Viewer(const Site& site, const std::string& address) {
  client::ChannelOptions options;
  options.address = address;
  options.ca_pem = site.Text("tls/ca.pem");
  options.certificate_pem = site.Text("tls/viewer.pem");
  options.key_pem = site.Text("tls/viewer.key");
  return options;
}

TEST(Assayd, AnAcknowledgedVerdictSurvivesKill9) {
  const Site site;
  std::vector<v1::AttestResponse> acknowledged;
  {
    Daemon daemon(site);
    Node node(daemon.Address("join"), site);
    for (int i = 0; i < 5; ++i) {
      auto response = JoinAs(node);
      ASSERT_TRUE(response.ok()) << Message(response.status()) << site.Text("log");
      acknowledged.push_back(*std::move(response));
    }
    daemon.process().Signal(SIGKILL);
    EXPECT_EQ(daemon.process().Wait(), 128 + SIGKILL);
  }
  Daemon daemon(site);
  client::VerdictClient viewer(Viewer(site, daemon.Address("operator")));
  for (const v1::AttestResponse& response : acknowledged) {
    v1::GetVerdictRequest request;
    request.set_verdict_id(response.verdict_id());
    const auto record = viewer.GetVerdict(request);
    ASSERT_TRUE(record.ok()) << Message(record.status());
    EXPECT_EQ(record->record().appraisal().SerializeAsString(), response.appraisal().SerializeAsString());
  }
}

// Keeps what it sent last, to send it once more.
class Remembering final : public agent::JoinConnection {
 public:
  explicit Remembering(Node& node) : node_(node) {}
  absl::StatusOr<v1::CreateChallengeResponse> CreateChallenge(const v1::CreateChallengeRequest& request) override {
    return node_.CreateChallenge(request);
  }
  absl::StatusOr<v1::AttestResponse> Attest(const v1::AttestRequest& request) override {
    sent = request;
    return node_.Attest(request);
  }
  std::optional<crypto::Sha256Digest> ServerKey() const override { return node_.ServerKey(); }
  v1::AttestRequest sent;

 private:
  Node& node_;
};

TEST(Assayd, TwoHundredKillsUnderLoadLoseNothingAndRedeemNothingTwice) {
  constexpr int kKills = 200, kNodes = 2;
  const Site site;
  struct Answered {
    std::string key_pem;
    v1::AttestRequest request;
  };
  std::mutex mutex;
  std::vector<std::string> acknowledged;
  std::vector<Answered> to_repeat;
  SystemRandom random;
  int repeated = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    Daemon daemon(site);
    const std::string address = daemon.Address("join");
    ASSERT_FALSE(address.empty()) << kill;
    // What was answered before the last kill is not answered again.
    for (const Answered& answered : to_repeat) {
      Node node(address, site, {.with_certificate = true, .key_pem = answered.key_pem});
      const auto again = node.Attest(answered.request);
      ASSERT_FALSE(again.ok()) << "a nonce was redeemed twice, after kill " << kill;
      ASSERT_THAT(Message(again.status()), HasSubstr("challenge_consumed"));
      ++repeated;
    }
    to_repeat.clear();
    std::vector<std::thread> nodes;
    std::atomic<int> answers = 0;
    for (int n = 0; n < kNodes; ++n) {
      nodes.emplace_back([&, n] {
        Node node(address, site);
        Remembering connection(node);
        softtee::SnpOptions options;
        options.report_id.emplace().fill(static_cast<std::uint8_t>(n));
        Answered last;
        while (true) {
          Minting source(options);
          const auto response = agent::Join({.cluster = "demo", .role = "worker", .name = Cat("n", n)}, node.key(), source, connection);
          if (!response.ok()) break;  // killed
          ++answers;
          const std::lock_guard lock(mutex);
          acknowledged.push_back(response->verdict_id());
          last = {std::string(node.key().ToPem().view()), connection.sent};
        }
        const std::lock_guard lock(mutex);
        if (!last.key_pem.empty()) to_repeat.push_back(std::move(last));
      });
    }
    // Some kills hit the very first answers, others a server in full swing.
    Bytes chance(1);
    random.Fill(chance);
    while (answers < chance[0] % 8 && daemon.process().Running()) std::this_thread::yield();
    daemon.process().Signal(SIGKILL);
    EXPECT_EQ(daemon.process().Wait(), 128 + SIGKILL);
    for (std::thread& node : nodes) node.join();
  }
  EXPECT_GT(acknowledged.size(), 200u);
  EXPECT_GT(repeated, 100);
  const auto store = store::OpenSqliteStore(site.File("assay.db"));
  ASSERT_TRUE(store.ok()) << Message(store.status());
  for (const std::string& id : acknowledged) EXPECT_TRUE((*store)->Get(id).ok()) << id;
  EXPECT_TRUE(store::CheckDatabase(site.File("assay.db"))->empty());
}

TEST(Assayd, AChallengeOutlivesARestartButIsStillAnsweredOnce) {
  const Site site;
  Daemon first(site);
  // An idle client notices a goodbye late, so it goes before the server does.
  {
    Node before(first.Address("join"), site);
    ASSERT_TRUE(JoinAs(before).ok());
  }
  first.process().Signal(SIGTERM);
  EXPECT_EQ(first.process().Wait(), 0) << site.Text("log");
  Daemon second(site);
  Node after(second.Address("join"), site);
  EXPECT_TRUE(JoinAs(after).ok()) << "the key file is used again";
  EXPECT_THAT(site.Text("log"), HasSubstr("challenge key made"));
}

// What assayd recorded is all that `assay verify` needs to come to the same appraisal.
TEST(Assayd, TheServerAndAssayVerifyAgree) {
  const Site site;
  std::string id;
  {
    Daemon daemon(site);
    const auto response = [&] {
      Node node(daemon.Address("join"), site);
      return JoinAs(node, softtee::OptionsFor(softtee::Fault::kDebug));
    }();
    ASSERT_TRUE(response.ok()) << Message(response.status());
    id = response->verdict_id();
    daemon.process().Signal(SIGTERM);
    EXPECT_EQ(daemon.process().Wait(), 0);
  }
  const auto store = store::OpenSqliteStore(site.File("assay.db"));
  ASSERT_TRUE(store.ok()) << Message(store.status());
  const auto record = (*store)->Get(id);
  ASSERT_TRUE(record.ok()) << Message(record.status());
  std::vector<std::string> command = {test::Program("assay"), "verify"};
  for (int i = 0; i < record->appraisal().digests().evidence_size(); ++i) {
    crypto::Sha256Digest digest{};
    const std::string& wanted = record->appraisal().digests().evidence(i);
    std::copy(wanted.begin(), wanted.end(), digest.begin());
    const auto blob = (*store)->GetBlob(digest);
    ASSERT_TRUE(blob.ok()) << Message(blob.status());
    const std::string name = Cat("item", i, ".bin");
    site.Write(name, AsText(*blob));
    command.push_back(site.File(name));
  }
  for (const auto& entry : std::filesystem::directory_iterator(site.root() / "policies")) {
    command.insert(command.end(), {"--policy", entry.path().string()});
  }
  command.insert(command.end(), {"--cluster", "demo", "--role", "worker", "--insecure-test-anchors", site.File("anchors.yaml"), "--at",
                                 FormatTime(Time(Duration(record->appraisal().appraised_at().seconds()))), "--report-data",
                                 ToHex(AsBytes(record->demanded_report_data())), "-o", "json"});
  Process verify(command, site.File("verify.json"));
  EXPECT_EQ(verify.Wait(), 4) << site.Text("verify.json");
  const auto offline = json::Parse(site.Text("verify.json"));
  const auto online = json::Parse(appraisal::CanonicalJson(record->appraisal()));
  ASSERT_TRUE(offline.ok()) << site.Text("verify.json");
  ASSERT_TRUE(online.ok());
  for (const std::string_view member :
       {"verdict", "authenticity", "platform", "policy", "policy_set", "strength", "trust_boundary", "claims", "checks", "windows", "parts",
        "release", "cloud_provenance", "instance_identity", "appraised_at", "freshness", "engine"}) {
    const json::Value* a = offline->Find(member);
    const json::Value* b = online->Find(member);
    ASSERT_TRUE((a == nullptr) == (b == nullptr)) << member;
    if (a == nullptr) continue;
    if (member == "checks") continue;  // the server looks at its clock as well
    EXPECT_TRUE(*a == *b) << member;
  }
}

void TlsIssuedAt(const Site& site, Time issued) {
  std::filesystem::remove_all(site.root() / "tls");
  ASSERT_TRUE(softtee::MakeDevTls(site.root() / "tls", "localhost", issued).ok());
}

TEST(Assayd, RefusesToStartAndSaysWhy) {
  struct Case {
    std::string_view what;
    std::function<void(const Site&)> change;
    int code;
    std::string_view message;
  };
  const auto replace = [](const Site& site, std::string_view from, std::string_view to) {
    std::string text = site.Text("assayd.yaml");
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    site.Write("assayd.yaml", text.replace(at, from.size(), to));
  };
  const std::vector<Case> cases = {
      {"no configuration", [](const Site& site) { std::filesystem::remove(site.File("assayd.yaml")); }, 2, "--config"},
      {"an unknown key", [&](const Site& site) { replace(site, "store:", "sotre:"); }, 7, "did you mean 'store'"},
      {"a missing certificate", [](const Site& site) { std::filesystem::remove(site.File("tls/server.pem")); }, 7, "join.tls.certificate"},
      {"a key of another certificate", [&](const Site& site) { replace(site, "key: tls/server.key", "key: tls/viewer.key"); }, 7,
       "another key"},
      {"a key that others can read",
       [](const Site& site) { std::filesystem::permissions(site.File("tls/server.key"), std::filesystem::perms(0644)); }, 7, "chmod 600"},
      {"a certificate that has ended", [](const Site& site) { TlsIssuedAt(site, SystemClock().Now() - std::chrono::days(91)); }, 7,
       "' ended "},
      {"a certificate of the future", [](const Site& site) { TlsIssuedAt(site, SystemClock().Now() + std::chrono::hours(3)); }, 7,
       "server.pem': expected a certificate that is valid now, actual: 'CN=localhost' begins "},
      {"a CA that is none", [&](const Site& site) { replace(site, "client_ca: tls/ca.pem", "client_ca: tls/viewer.pem"); }, 7,
       "viewer.pem': expected CA certificates"},
      {"pages under a certificate that has ended",
       [](const Site& site) {
         ASSERT_TRUE(softtee::MakeDevTls(site.root() / "old", "localhost", SystemClock().Now() - std::chrono::days(91)).ok());
         site.Write("assayd.yaml", Cat(site.Text("assayd.yaml"),
                                       "https: {address: \"127.0.0.1:0\", tls: {certificate: old/server.pem, key: old/server.key}}\n"));
       },
       7, "https.tls.certificate"},
      {"a policy with defects",
       [](const Site& site) { site.Write("policies/demo.yaml", "apiVersion: assay.v1\nkind: PolicySett\nname: x\n"); }, 7, "demo.yaml:2:7"},
      {"no policy set", [](const Site& site) { std::filesystem::remove(site.File("policies/demo.yaml")); }, 7, "policy_none"},
      {"anchors that are none", [](const Site& site) { site.Write("anchors.yaml", "kind: Nonsense\n"); }, 7, "anchors.yaml:"},
      {"a store that is something else", [](const Site& site) { site.Write("assay.db", std::string(4096, 'x')); }, 1, "assay.db"},
      {"a challenge key too short",
       [](const Site& site) {
         site.Write("challenge.key", "short");
         std::filesystem::permissions(site.File("challenge.key"), std::filesystem::perms(0600));
       },
       7, "challenges.key_file"},
      {"an address of nobody", [&](const Site& site) { replace(site, "127.0.0.1:0", "192.0.2.1:1"); }, 1, "join.address"},
  };
  for (const Case& c : cases) {
    const Site site;
    c.change(site);
    Daemon daemon(site);
    EXPECT_EQ(daemon.process().Wait(), c.code) << c.what << ": " << site.Text("log");
    EXPECT_THAT(site.Text("log"), HasSubstr(std::string(c.message))) << c.what;
    EXPECT_FALSE(std::filesystem::exists(site.File("ready"))) << c.what;
  }
}

// --- a disk that becomes read-only -----------------------------------------------------------------------------------

// The site with its database in a directory of its own, which is read-only while `broken` exists.
class ReadOnlyDisk : public ::testing::Test {
 protected:
  ReadOnlyDisk() {
    std::filesystem::create_directory(site_.File("data"));
    std::string text = site_.Text("assayd.yaml");
    text.replace(text.find("path: assay.db"), 14, "path: data/assay.db");
    site_.Write("assayd.yaml", Cat(text, "http: {address: \"127.0.0.1:0\"}\n"));
  }
  std::vector<std::string> Through() const {
    return {"/usr/bin/env", Cat("LD_PRELOAD=", test::Program("read_only_disk.so")), Cat("ASSAY_READ_ONLY_BELOW=", site_.File("data")),
            Cat("ASSAY_READ_ONLY_WHILE=", site_.File("broken"))};
  }
  void Break() const { site_.Write("broken", ""); }
  void Mend() const { std::filesystem::remove(site_.File("broken")); }

  const Site site_;
};

// Fail closed: no verdict without a record, reading goes on, and nothing has to be restarted afterwards.
TEST_F(ReadOnlyDisk, UnderARunningServerNoVerdictIsGivenUntilItCanBeWrittenAgain) {
  Daemon daemon(site_, Through());
  Node node(daemon.Address("join"), site_);
  const auto before = JoinAs(node);
  ASSERT_TRUE(before.ok()) << Message(before.status()) << site_.Text("log");
  const v1::CreateChallengeRequest ask = node.Ask();
  for (int round = 0; round < 3; ++round) {
    Break();
    for (int i = 0; i < 5; ++i) {
      const auto refused = JoinAs(node);
      ASSERT_FALSE(refused.ok()) << "a verdict that is not on disk";
      EXPECT_TRUE(absl::IsUnavailable(refused.status())) << Message(refused.status());
      EXPECT_THAT(Message(refused.status()), HasSubstr("store_unavailable (5012)"));
      EXPECT_THAT(Message(refused.status()), HasSubstr("Retry in 2000 ms"));
      EXPECT_EQ(Message(refused.status()).find(site_.root().string()), std::string::npos)
          << "paths of the verifier are none of a node's business";
    }
    client::VerdictClient viewer(Viewer(site_, daemon.Address("operator")));
    v1::GetVerdictRequest get;
    get.set_verdict_id(before->verdict_id());
    EXPECT_TRUE(viewer.GetVerdict(get).ok()) << "who only reads is served on";
    Mend();
    const auto after = JoinAs(node);
    EXPECT_TRUE(after.ok()) << Message(after.status());
  }
  // What whoever runs the verifier reads: which file, what happened, what to do.
  const std::string log = site_.Text("log");
  EXPECT_TRUE(log.find("challenge not redeemed") != std::string::npos);
  EXPECT_TRUE(log.find(Cat(site_.File("data/assay.db"), ": cannot ")) != std::string::npos);
  EXPECT_TRUE(log.find("the disk or file system failed, or became read-only; look at the kernel's log") != std::string::npos);
  daemon.process().Signal(SIGTERM);
  EXPECT_EQ(daemon.process().Wait(), 0);
  EXPECT_TRUE(store::CheckDatabase(site_.File("data/assay.db"))->empty());
}

TEST_F(ReadOnlyDisk, AChallengeThatCouldNotBeSpentIsGoodOnceTheDiskIs) {
  Daemon daemon(site_, Through());
  Node node(daemon.Address("join"), site_);
  Remembering connection(node);
  Minting source;
  Break();
  EXPECT_FALSE(agent::Join({.cluster = "demo", .role = "worker"}, node.key(), source, connection).ok());
  Mend();
  EXPECT_TRUE(node.Attest(connection.sent).ok()) << "it was not spent";
  EXPECT_THAT(Message(node.Attest(connection.sent).status()), HasSubstr("challenge_consumed"));
}

TEST_F(ReadOnlyDisk, AtTheStartItIsNamedAndOnceItCanBeWrittenTheServerStarts) {
  for (const bool there : {false, true}) {  // the database
    SCOPED_TRACE(there);
    Break();
    {
      Daemon daemon(site_, Through());
      EXPECT_EQ(daemon.process().Wait(), 1) << site_.Text("log");
    }
    EXPECT_THAT(site_.Text("log"), HasSubstr(Cat(site_.File("data/assay.db"), ": cannot ")));
    EXPECT_THAT(site_.Text("log"),
                HasSubstr(there ? "let this user read and write the file" : "Read-only file system; look at the kernel's log"));
    EXPECT_FALSE(std::filesystem::exists(site_.File("ready")));
    Mend();
    Daemon daemon(site_, Through());
    Node node(daemon.Address("join"), site_);
    EXPECT_TRUE(JoinAs(node).ok()) << site_.Text("log");
    daemon.process().Signal(SIGKILL);
    daemon.process().Wait();
    std::filesystem::remove(site_.File("log"));
  }
}

TEST(Assayd, ConfigCommands) {
  const Site site;
  Process check(
      {test::Program("assayd"), "config", "check", site.File("assayd.yaml"), "--insecure-test-anchors", site.File("anchors.yaml")},
      site.File("check"));
  EXPECT_EQ(check.Wait(), 0) << site.Text("check");
  EXPECT_THAT(site.Text("check"), HasSubstr(": good"));

  // Whoever checks may be another user than who runs: nothing is left behind.
  site.Write("assayd.yaml", Cat(site.Config(), "air_gap: {export_key: export.key}\n"));
  Process key({test::Program("assayd"), "config", "check", site.File("assayd.yaml"), "--insecure-test-anchors", site.File("anchors.yaml")},
              site.File("check-key"));
  EXPECT_EQ(key.Wait(), 0) << site.Text("check-key");
  EXPECT_THAT(site.Text("check-key"), HasSubstr("export.key': there is none yet; `assayd run` makes it at the start."));
  EXPECT_FALSE(std::filesystem::exists(site.File("export.key")));
  Process print({test::Program("assayd"), "config", "print-default"}, site.File("default"));
  EXPECT_EQ(print.Wait(), 0);
  EXPECT_THAT(site.Text("default"), HasSubstr("policies: [policies]"));
  Process unknown({test::Program("assayd"), "rnu"}, site.File("unknown"));
  EXPECT_EQ(unknown.Wait(), 2);
}

}  // namespace
}  // namespace assay::integration
