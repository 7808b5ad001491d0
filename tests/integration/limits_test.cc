// Limits through the front door, each just below, at and just above it; and the verifier's clock.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "assay/v1/attestation_service.grpc.pb.h"
#include "base/absl_bridge.h"
#include "base/random.h"
#include "base/strings.h"
#include "codec/pem.h"
#include "store/sqlite_store.h"
#include "store/verdict_id.h"
#include "tests/integration/verifier.h"
#include "tests/places/places.h"

namespace assay::integration {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(MessageOf(status)); }

// A node's connection as gRPC's own types have it.
struct RawNode {
  explicit RawNode(Verifier& verifier) : key(crypto::PrivateKey::GenerateP256()) {
    const Time now = SystemClock().Now();
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = verifier.site().Text("tls/ca.pem");
    tls.pem_cert_chain = codec::EncodePem("CERTIFICATE", *key.SelfSignedCertificate("node", now - Duration(60), now + Duration(3600)));
    tls.pem_private_key = std::string(key.ToPem().view());
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel = grpc::CreateCustomChannel(verifier.join(), grpc::SslCredentials(tls), arguments);
    stub = v1::AttestationService::NewStub(channel);
    ask.mutable_context()->set_cluster("demo");
    ask.mutable_context()->set_role("worker");
    ask.mutable_keys()->set_node_spki(std::string(AsText(key.public_key().spki())));
  }
  const crypto::PrivateKey key;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::AttestationService::Stub> stub;
  v1::CreateChallengeRequest ask;
};

// Whoever writes to the database waits while this lives: five seconds, then it gives up.
class HeldStore {
 public:
  explicit HeldStore(const Site& site) {
    EXPECT_EQ(sqlite3_open(site.File("assay.db").c_str(), &database_), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  ~HeldStore() {
    sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
    sqlite3_close(database_);
  }
  HeldStore(const HeldStore&) = delete;

 private:
  sqlite3* database_ = nullptr;
};

// Every worker waits for the disk until the store is let go.
class BusyWorkers {
 public:
  BusyWorkers(Verifier& verifier, int workers) : held_(std::make_unique<HeldStore>(verifier.site())) {
    for (int i = 0; i < workers; ++i) {
      waiting_.emplace_back([&verifier] {
        Node node(verifier.join(), verifier.site());
        static_cast<void>(JoinAs(node));
      });
    }
    // They do once nobody else is answered, whose key has to be looked at: a challenge for a known key takes no worker.
    for (bool answered = true; answered;) {
      RawNode probe(verifier);
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + 300ms);
      v1::CreateChallengeResponse response;
      answered = probe.stub->CreateChallenge(&context, probe.ask, &response).ok();
    }
  }
  void LetGo() { held_.reset(); }
  ~BusyWorkers() {
    LetGo();
    for (std::thread& thread : waiting_) thread.join();
  }

 private:
  std::unique_ptr<HeldStore> held_;
  std::vector<std::thread> waiting_;
};

bool HealthIsServed(RawNode& node) {
  grpc::GenericStub stub(node.channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + 4s);
  grpc::CompletionQueue queue;
  grpc::Slice nothing;
  grpc::ByteBuffer request(&nothing, 1), response;
  grpc::Status status;
  const auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", request, &queue);
  call->StartCall();
  call->Finish(&response, &status, &queue);
  void* tag = nullptr;
  bool ok = false;
  return queue.Next(&tag, &ok) && status.ok();
}

// Handlers that block gRPC's own threads would keep probes and operators waiting too.
TEST(Limits, Attack134_ProbesAndOperatorsAreServedWhileEveryWorkerWaits) {
  Verifier verifier("", "workers: {threads: 2, queue: 64}");
  const BusyWorkers busy(verifier, 2);
  RawNode node(verifier);
  EXPECT_TRUE(HealthIsServed(node));
  const auto listed = client::VerdictClient(OperatorChannel(verifier.operators(), verifier.site(), "viewer")).ListVerdicts({});
  EXPECT_TRUE(listed.ok()) << Message(listed.status());
}

TEST(Limits, TheQueueOfJoinsIsBounded) {
  Verifier verifier("", "workers: {threads: 1, queue: 3}");
  const BusyWorkers busy(verifier, 1);
  RawNode node(verifier);
  int overloaded = 0;
  for (int i = 0; i < 8; ++i) {  // the queue may have some of the probes still
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 100ms);
    v1::CreateChallengeResponse response;
    const grpc::Status status = node.stub->CreateChallenge(&context, node.ask, &response);
    ASSERT_FALSE(status.ok());
    if (status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED) continue;
    ++overloaded;
    EXPECT_THAT(status.error_message(), HasSubstr("overloaded (5009) at workers"));
    EXPECT_EQ(context.GetServerTrailingMetadata().count("grpc-retry-pushback-ms"), 1u);
  }
  EXPECT_GE(overloaded, 4);
}

// A client that keeps to what it was told: the stream beyond the limit waits at the client, and everybody is answered.
TEST(Limits, AClientWithAsManyStreamsAsItMayAndOneMoreIsServed) {
  for (const std::size_t streams : {std::size_t{127}, std::size_t{128}, std::size_t{129}}) {
    SCOPED_TRACE(streams);
    Verifier verifier("", "workers: {threads: 1, queue: 512}");
    RawNode node(verifier);
    ASSERT_TRUE(HealthIsServed(node)) << "the connection stands, and its settings are known";
    BusyWorkers busy(verifier, 1);
    struct Call {
      grpc::ClientContext context;
      v1::CreateChallengeResponse response;
      grpc::Status status;
      std::unique_ptr<grpc::ClientAsyncResponseReader<v1::CreateChallengeResponse>> reader;
    };
    grpc::CompletionQueue queue;
    std::vector<std::unique_ptr<Call>> calls;
    for (std::size_t i = 0; i < streams; ++i) {
      Call& call = *calls.emplace_back(std::make_unique<Call>());
      call.context.set_deadline(std::chrono::system_clock::now() + 30s);
      call.reader = node.stub->AsyncCreateChallenge(&call.context, node.ask, &queue);
      call.reader->Finish(&call.response, &call.status, &call);
    }
    void* tag = nullptr;
    bool ok = false;
    EXPECT_EQ(queue.AsyncNext(&tag, &ok, std::chrono::system_clock::now() + 200ms), grpc::CompletionQueue::TIMEOUT)
        << "all of them are under way";
    busy.LetGo();
    for (std::size_t i = 0; i < streams; ++i) {
      ASSERT_TRUE(queue.Next(&tag, &ok));
      EXPECT_TRUE(static_cast<Call*>(tag)->status.ok()) << static_cast<Call*>(tag)->status.error_message();
    }
    EXPECT_EQ(verifier.server().join_connections().cut, 0u);
    EXPECT_THAT(verifier.log(), testing::Not(HasSubstr("connection cut")));
  }
}

// HTTP/2 counts 32 bytes beside name and value of each header (RFC 9113 section 6.5.2); gRPC's own headers are part of the 8 KiB.
TEST(Limits, MetadataHasAtMost8KiB) {
  Verifier verifier;
  const auto taken = [&](std::size_t size) {
    RawNode node(verifier);
    grpc::ClientContext context;  // without a deadline: what remains of one is a header, longer or shorter from call to call
    context.AddMetadata("x", std::string(size, 'a'));
    v1::CreateChallengeResponse response;
    const grpc::Status status = node.stub->CreateChallenge(&context, node.ask, &response);
    EXPECT_TRUE(status.ok() || status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
    return status.ok();
  };
  std::size_t most = 6000, refused = 8192;
  ASSERT_TRUE(taken(most));
  ASSERT_FALSE(taken(refused));
  while (refused - most > 1) (taken((most + refused) / 2) ? most : refused) = (most + refused) / 2;
  EXPECT_TRUE(taken(most - 1));
  EXPECT_TRUE(taken(most));
  EXPECT_FALSE(taken(most + 1));
  EXPECT_GT(most + 1 + 32, 8192u - 1024u) << "what gRPC adds is small";
  EXPECT_LT(most + 1 + 32, 8192u);
  Node another(verifier.join(), verifier.site());
  EXPECT_TRUE(JoinAs(another).ok());
}

TEST(Limits, APageHasAtMostAThousand) {
  Verifier verifier;
  {
    const auto store = store::OpenSqliteStore(verifier.site().File("assay.db"));
    ASSERT_TRUE(store.ok());
    std::vector<std::thread> writers;  // they share commits
    for (int w = 0; w < 13; ++w) {
      writers.emplace_back([&store] {
        SystemRandom random;
        for (int i = 0; i < 77; ++i) {  // 13 * 77 = 1001
          v1::VerdictRecord record;
          record.set_id(store::NewVerdictId(SystemClock().Now(), random));
          record.mutable_recorded_at()->set_seconds(SystemClock().Now().time_since_epoch().count());
          record.mutable_appraisal()->set_verdict(v1::VERDICT_REJECTED);
          EXPECT_TRUE((*store)->Record(record, {}).ok());
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
  }
  client::VerdictClient viewer(OperatorChannel(verifier.operators(), verifier.site(), "viewer"));
  for (const auto& [asked, given] : {std::pair(0, 100), {1, 1}, {999, 999}, {1000, 1000}, {1001, 1000}, {2'147'483'647, 1000}}) {
    v1::ListVerdictsRequest request;
    request.set_page_size(asked);
    const auto page = viewer.ListVerdicts(request);
    ASSERT_TRUE(page.ok()) << Message(page.status());
    EXPECT_EQ(page->verdicts_size(), given) << asked;
    request.set_page_token(page->next_page_token());
    EXPECT_FALSE(request.page_token().empty());
    if (given == 1000) {
      const auto rest = viewer.ListVerdicts(request);
      ASSERT_TRUE(rest.ok());
      EXPECT_EQ(rest->verdicts_size(), 1);
      EXPECT_TRUE(rest->next_page_token().empty());
    }
  }
  // The command line pages through all of them, and says nothing beside its data where nobody sits at a terminal.
  const Site& site = verifier.site();
  Process list({test::Program("assay"), "verdict", "list", "--limit", "0", "-o", "yaml", "--server", verifier.operators(), "--ca",
                site.File("tls/ca.pem"), "--cert", site.File("tls/viewer.pem"), "--key", site.File("tls/viewer.key")},
               site.File("list"));
  EXPECT_EQ(list.Wait(), 0) << site.Text("list").substr(0, 500);
  const std::string listed = site.Text("list");
  std::size_t ids = 0;
  for (std::size_t at = listed.find("VERDICT_REJECTED"); at != std::string::npos; at = listed.find("VERDICT_REJECTED", at + 1)) ++ids;
  EXPECT_EQ(ids, 1001u);
  EXPECT_EQ(listed.find("so far"), std::string::npos);
  EXPECT_EQ(listed.find('\r'), std::string::npos);
  v1::ListVerdictsRequest negative;
  negative.set_page_size(-1);
  EXPECT_TRUE(absl::IsInvalidArgument(viewer.ListVerdicts(negative).status()));
}

TEST(Limits, AFilterHasAtMost2KiB) {
  Verifier verifier;
  client::VerdictClient viewer(OperatorChannel(verifier.operators(), verifier.site(), "viewer"));
  for (const auto& [size, good] : {std::pair(2047, true), {2048, true}, {2049, false}}) {
    v1::ListVerdictsRequest request;
    const std::string begin = "name = \"";
    request.set_filter(Cat(begin, std::string(static_cast<std::size_t>(size) - begin.size() - 1, 'n'), "\""));
    ASSERT_EQ(static_cast<int>(request.filter().size()), size);
    EXPECT_EQ(viewer.ListVerdicts(request).ok(), good) << size;
  }
}

// --- TLS ------------------------------------------------------------------------------------------------------------

// A handshake after which the server says something: its HTTP/2 settings.
bool Speaks(const std::string& address, const Site& site, int version, const char* ciphers) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  SSL_CTX_set_security_level(context.get(), 0);  // the server is to refuse, not this side
  EXPECT_EQ(SSL_CTX_set_min_proto_version(context.get(), version), 1);
  EXPECT_EQ(SSL_CTX_set_max_proto_version(context.get(), version), 1);
  EXPECT_EQ(SSL_CTX_set_cipher_list(context.get(), ciphers), 1);
  EXPECT_EQ(SSL_CTX_use_certificate_chain_file(context.get(), site.File("tls/viewer.pem").c_str()), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context.get(), site.File("tls/viewer.key").c_str(), SSL_FILETYPE_PEM), 1);
  const unsigned char protocols[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context.get(), protocols, sizeof protocols);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  bool speaks = false;
  {
    const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), &SSL_free);
    SSL_set_fd(tls.get(), socket);
    char byte = 0;
    const std::string_view begin = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    speaks = SSL_connect(tls.get()) == 1 && SSL_write(tls.get(), begin.data(), static_cast<int>(begin.size())) > 0 &&
             SSL_read(tls.get(), &byte, 1) == 1;
  }
  ::close(socket);
  return speaks;
}

TEST(Limits, Attack148_OldTlsAndWeakCiphersAreRefused) {
  Verifier verifier;
  for (const std::string& address : {verifier.join(), verifier.operators()}) {
    EXPECT_TRUE(Speaks(address, verifier.site(), TLS1_3_VERSION, "ALL"));
    EXPECT_TRUE(Speaks(address, verifier.site(), TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"));
    EXPECT_TRUE(Speaks(address, verifier.site(), TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384"));
    for (const char* weak : {"ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA", "ECDHE-ECDSA-NULL-SHA",
                             "AECDH-AES128-SHA", "ECDHE-ECDSA-AES128-CCM8"}) {
      EXPECT_FALSE(Speaks(address, verifier.site(), TLS1_2_VERSION, weak)) << weak;
    }
    EXPECT_FALSE(Speaks(address, verifier.site(), TLS1_1_VERSION, "ALL"));
    EXPECT_FALSE(Speaks(address, verifier.site(), TLS1_VERSION, "ALL"));
  }
}

// --- the clock ------------------------------------------------------------------------------------------------------

// Evidence as a good node has it at `at`.
class MintingAt final : public agent::ReportSource {
 public:
  explicit MintingAt(Time at) : at_(at) {}
  absl::StatusOr<std::vector<agent::CollectedItem>> Collect(const crypto::Sha512Digest& report_data) override {
    softtee::SnpOptions options;
    options.report_data = report_data;
    options.now = at_;
    auto minted = softtee::MintSnp(softtee::SnpPki::Shared(), options);
    if (!minted.ok()) return minted.status();
    std::vector<agent::CollectedItem> items;
    for (softtee::Item& item : minted->items) items.push_back({std::move(item.media_type), std::move(item.body)});
    return items;
  }

 private:
  const Time at_;
};

absl::StatusOr<v1::AttestResponse> JoinAt(Verifier& verifier, Time evidence) {
  Node node(verifier.join(), verifier.site());
  MintingAt source(evidence);
  return agent::Join({.cluster = "demo", .role = "worker"}, node.key(), source, node);
}

constexpr Duration kDay{86400}, kTenYears{3650LL * 86400};

// Evidence of that day, so that nothing but the clock speaks against it.
TEST(Clock, Attack152_BehindTheSourceOfThisProgramNothingIsTrusted) {
  Verifier verifier;
  constexpr Time kBefore = std::chrono::sys_days(std::chrono::year(2026) / 11 / 20);
  verifier.ShiftClock(kBefore - SystemClock().Now());
  const auto response = JoinAt(verifier, kBefore);
  ASSERT_TRUE(response.ok()) << Message(response.status());
  EXPECT_EQ(response->appraisal().verdict(), v1::VERDICT_INDETERMINATE);
  std::vector<std::string> reasons;
  for (const v1::Finding& finding : response->appraisal().findings()) reasons.push_back(finding.reason());
  EXPECT_THAT(reasons, testing::Contains("clock_behind"));
  EXPECT_FALSE(response->appraisal().admits());
}

TEST(Clock, Attack152_BehindWhatWasRecordedNoChallengeIsAnswered) {
  for (const Duration back : {kDay, kTenYears}) {
    Verifier verifier;
    ASSERT_TRUE(JoinAt(verifier, SystemClock().Now()).ok());
    verifier.ShiftClock(-back);
    const auto refused = JoinAt(verifier, SystemClock().Now() - back);
    EXPECT_TRUE(absl::IsFailedPrecondition(refused.status())) << Message(refused.status());
    verifier.ShiftClock(Duration(0));
    const auto again = JoinAt(verifier, SystemClock().Now());
    ASSERT_TRUE(again.ok()) << Message(again.status());
    EXPECT_EQ(again->appraisal().verdict(), v1::VERDICT_TRUSTED);
  }
}

TEST(Clock, Attack152_AheadOnlyWhatIsValidThenIsTrusted) {
  Verifier verifier;
  verifier.ShiftClock(kDay);
  EXPECT_EQ(JoinAt(verifier, SystemClock().Now() + kDay)->appraisal().verdict(), v1::VERDICT_TRUSTED);
  verifier.ShiftClock(kTenYears);
  const auto late = JoinAt(verifier, SystemClock().Now());
  ASSERT_TRUE(late.ok()) << Message(late.status());
  EXPECT_NE(late->appraisal().verdict(), v1::VERDICT_TRUSTED);
  EXPECT_NE(late->appraisal().verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS);
}

// A challenge that was made before the clock jumped is out of its window, whichever way.
TEST(Clock, Attack152_AChallengeDoesNotSurviveAJump) {
  for (const Duration jump : {Duration(-5), -kDay, Duration(62), kDay}) {
    Verifier verifier;
    Node node(verifier.join(), verifier.site());
    class Jumping final : public agent::ReportSource {
     public:
      Jumping(Verifier& verifier, Duration by) : verifier_(verifier), by_(by) {}
      absl::StatusOr<std::vector<agent::CollectedItem>> Collect(const crypto::Sha512Digest& report_data) override {
        verifier_.ShiftClock(by_);
        return Minting().Collect(report_data);
      }
      Verifier& verifier_;
      const Duration by_;
    };
    Jumping source(verifier, jump);
    const auto refused = agent::Join({.cluster = "demo", .role = "worker"}, node.key(), source, node);
    EXPECT_TRUE(absl::IsFailedPrecondition(refused.status())) << jump.count() << ": " << Message(refused.status());
    EXPECT_THAT(Message(refused.status()), HasSubstr("challenge_expired (5003)")) << jump.count();
  }
}

}  // namespace
}  // namespace assay::integration
