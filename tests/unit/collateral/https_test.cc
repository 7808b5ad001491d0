// The keeper against real HTTPS servers: what a network, and whoever answers in it, can do wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/strings.h"
#include "collateral/https_get.h"
#include "tests/places/places.h"
#include "tests/softtee/dev_tls.h"
#include "tests/unit/collateral/world.h"

namespace assay::collateral {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const trust::CollateralKey kCrl{"amd.crl", "Milan", ""};

// Two PKIs of one name.
std::filesystem::path Tls(const char* name) {
  const std::filesystem::path directory = std::filesystem::path(test::BinaryDir()) / "collateral-test-tls" / name;
  std::filesystem::create_directories(directory);
  EXPECT_TRUE(softtee::MakeDevTls(directory, "localhost", SystemClock().Now()).ok());
  return directory;
}

class HttpsTest : public ::testing::Test {
 protected:
  HttpsTest() {
    for (const Upstream upstream : {Upstream::kAmdKds, Upstream::kIntelPcs, Upstream::kIntelCertificates}) {
      UpstreamConfig& config = *world_.upstreams.Of(upstream);
      config.base_url = upstream == Upstream::kAmdKds ? kds_.url() : pcs_.url();
      config.ca_pem = kds_.ca_pem();
    }
    UseUpstreams();
  }
  // As they are now.
  void UseUpstreams() {
    world_.Stop();
    transport_ = std::make_unique<HttpsTransport>(world_.upstreams);
    world_.transport_in_use = transport_.get();
  }
  // One exchange about the list; its last error.
  LastError Refused() {
    world_.keeper().Find(std::vector{kCrl});
    // The ARK is asked for first.
    for (int i = 0; i < 4; ++i) {
      world_.keeper().Step(Upstream::kAmdKds);
      const KeeperStatus status = world_.keeper().Status();
      for (const ItemStatus& item : status.items) {
        if (item.error) return *item.error;
      }
    }
    ADD_FAILURE() << "no error";
    return {};
  }

  World world_;
  fakes::HttpsServer kds_{Tls("one"), [this](const std::string& target) { return world_.kds.Answer(target); }};
  fakes::HttpsServer pcs_{Tls("one"), [this](const std::string& target) { return world_.pcs.Answer(target); }};
  std::unique_ptr<HttpsTransport> transport_;
};

TEST_F(HttpsTest, KdsAndPcsAreAskedAndUnderstood) {
  world_.keeper().Find(SnpKeys(1));
  world_.keeper().Find(TdxKeys());
  world_.Run(std::chrono::seconds(5));
  EXPECT_THAT(world_.keeper().Find(SnpKeys(1)).absent, IsEmpty());
  EXPECT_THAT(world_.keeper().Find(TdxKeys()).absent, IsEmpty());
  for (const auto& [target, count] : world_.kds.requests()) EXPECT_EQ(count, 1U) << target;
  for (const auto& [target, count] : world_.pcs.requests()) EXPECT_EQ(count, 1U) << target;
}

TEST_F(HttpsTest, AServerThatNobodyVouchesForIsNotBelieved) {
  fakes::HttpsServer other(Tls("two"), [this](const std::string& target) { return world_.kds.Answer(target); });
  world_.upstreams.Of(Upstream::kAmdKds)->base_url = other.url();
  UseUpstreams();
  const LastError error = Refused();
  EXPECT_EQ(error.reason, Reason::kCollateralUnreachable);
  EXPECT_THAT(error.why, HasSubstr("the CA that vouches for its server"));
  EXPECT_EQ(world_.kds.CountOf("/"), 0U);
}

TEST_F(HttpsTest, ARedirectLeadsNowhere) {
  std::atomic<int> asked = 0;
  fakes::HttpsServer elsewhere(Tls("one"), [&](const std::string& target) {
    ++asked;
    return world_.kds.Answer(target);
  });
  world_.kds.Script("", {.status = 302, .headers = {{"Location", elsewhere.url() + "/vcek/v1/Milan/crl"}}}, 10);
  const LastError error = Refused();
  EXPECT_EQ(error.reason, Reason::kCollateralRefused);
  EXPECT_THAT(error.why, HasSubstr("302"));
  EXPECT_EQ(asked, 0);
}

TEST_F(HttpsTest, ABodyThatIsCutOffIsNoBody) {
  fakes::Reply half = world_.kds.Answer("/vcek/v1/Milan/cert_chain");
  half.truncated = true;
  world_.kds.Script("cert_chain", half);
  EXPECT_EQ(Refused().reason, Reason::kCollateralUnreachable);
}

TEST_F(HttpsTest, ABodyWithoutEndIsEnded) {
  world_.kds.Script("cert_chain", {.body = std::string(65 * 1024, 'x')});
  const LastError error = Refused();
  EXPECT_EQ(error.reason, Reason::kCollateralUnreachable);
  EXPECT_THAT(error.why, HasSubstr("at most 65536 bytes"));
}

TEST_F(HttpsTest, AnswersThatDripAreEnded) {
  world_.upstreams.Of(Upstream::kAmdKds)->deadline = Milliseconds(300);
  UseUpstreams();
  world_.kds.Script("cert_chain", {.body = "slowly", .drips = true});
  const LastError error = Refused();
  EXPECT_EQ(error.reason, Reason::kCollateralUnreachable);
  EXPECT_EQ(kds_.dripping(), 1U);
  // The next one works, over a connection of its own.
  world_.Run(std::chrono::minutes(1));
  EXPECT_THAT(world_.keeper().Find(std::vector{kCrl}).absent, IsEmpty());
}

TEST_F(HttpsTest, NobodyThere) {
  std::string url;
  {
    fakes::HttpsServer gone(Tls("one"), [](const std::string&) { return fakes::Reply(); });
    url = gone.url();
  }
  world_.upstreams.Of(Upstream::kAmdKds)->base_url = url;
  UseUpstreams();
  EXPECT_EQ(Refused().reason, Reason::kCollateralUnreachable);
}

// Stopped while an answer drips in, the process begins anew with what it had, and fetches again.
TEST_F(HttpsTest, ARestartInTheMiddleOfAFetchLosesNothing) {
  const trust::CollateralKey ask{"amd.ask", "Milan", ""};
  world_.keeper().Find(std::vector{ask});
  world_.Run(std::chrono::seconds(1));
  world_.kds.Script("/crl", {.body = "slowly", .drips = true});
  bool told = false;
  world_.keeper().Find(std::vector{kCrl});
  world_.keeper().Start();
  world_.keeper().Await(std::vector{kCrl}, std::chrono::hours(1), [&] { told = true; });
  while (kds_.dripping() == 0) std::this_thread::yield();
  world_.Restart();
  EXPECT_TRUE(told);
  ASSERT_TRUE(world_.opened.ok());
  EXPECT_THAT(world_.keeper().Find(std::vector{ask}).absent, IsEmpty());
  EXPECT_EQ(world_.keeper().Find(std::vector{kCrl}).absent.size(), 1U);
  world_.Run(std::chrono::seconds(5));
  EXPECT_THAT(world_.keeper().Find(std::vector{kCrl}).absent, IsEmpty());
  EXPECT_EQ(world_.kds.CountOf("cert_chain"), 1U);
}

TEST_F(HttpsTest, Attack150_NothingButTheConfiguredServersIsAsked) {
  const std::atomic<bool> stop = false;
  for (const std::string& url :
       {std::string("https://elsewhere.example/crl"), pcs_.url() + "/vcek/v1/Milan/crl", kds_.url(), kds_.url() + "0/crl",
        kds_.url() + "@elsewhere.example/crl", std::string("http://localhost/crl"), std::string("file:///etc/passwd")}) {
    EXPECT_FALSE(transport_->Get(Upstream::kAmdKds, {.url = url, .most_bytes = 1000}, stop).ok()) << url;
    EXPECT_FALSE(transport_->Get(Upstream::kGceStorage, {.url = url, .most_bytes = 1000}, stop).ok()) << url;
  }
  EXPECT_EQ(world_.kds.CountOf("") + world_.pcs.CountOf(""), 0U);
}

TEST_F(HttpsTest, AConfiguredProxyIsUsedAndNoOther) {
  ::setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
  world_.keeper().Find(std::vector{kCrl});
  world_.Run(std::chrono::seconds(3));
  EXPECT_THAT(world_.keeper().Find(std::vector{kCrl}).absent, IsEmpty());
  ::unsetenv("HTTPS_PROXY");
  const std::size_t before = world_.kds.CountOf("/");
  world_.upstreams.proxy = "http://127.0.0.1:1";  // nobody there
  UseUpstreams();
  const ChanneledKey key[] = {{kCrl}};
  world_.keeper().Refresh(key);
  world_.keeper().Step(Upstream::kAmdKds);
  EXPECT_EQ(world_.kds.CountOf("/"), before);
}

// A server that speaks HTTP/2 and nothing else.
class Nghttpd {
 public:
  // Empty url(): it did not start, for want of the port for one.
  Nghttpd(const std::filesystem::path& tls, const std::filesystem::path& files) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size), 0);
    ::close(socket);  // it can't be handed over
    const std::string port = std::to_string(ntohs(address.sin_port)), key = tls / "server.key", certificate = tls / "server.pem",
                      directory = files;
    process_ = ::fork();
    if (process_ == 0) {
      ::execlp("nghttpd", "nghttpd", "-a", "127.0.0.1", "-d", directory.c_str(), port.c_str(), key.c_str(), certificate.c_str(), nullptr);
      ::_exit(127);
    }
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    while (::waitpid(process_, nullptr, WNOHANG) == 0) {
      if (::connect(probe, reinterpret_cast<sockaddr*>(&address), size) != 0) continue;
      url_ = Cat("https://localhost:", port);
      break;
    }
    ::close(probe);
    if (url_.empty()) process_ = -1;
  }
  ~Nghttpd() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  Nghttpd(const Nghttpd&) = delete;
  const std::string& url() const { return url_; }

 private:
  pid_t process_ = -1;
  std::string url_;
};

TEST_F(HttpsTest, Http2IsSpokenWithWhoSpeaksIt) {
  if (::system("command -v nghttpd >/dev/null") != 0) GTEST_SKIP() << "nghttpd is not installed (Debian: nghttp2-server)";
  const std::filesystem::path tls = Tls("two"), files = tls / "files";
  const fakes::Reply list = world_.kds.Answer("/vcek/v1/Milan/crl"), chain = world_.kds.Answer("/vcek/v1/Milan/cert_chain");
  std::filesystem::create_directories(files / "vcek/v1/Milan");
  std::ofstream(files / "vcek/v1/Milan/crl", std::ios::binary) << list.body;
  std::ofstream(files / "vcek/v1/Milan/cert_chain", std::ios::binary) << chain.body;
  std::optional<Nghttpd> server;
  for (int i = 0; i < 5 && (!server || server->url().empty()); ++i) server.emplace(tls, files);
  ASSERT_FALSE(server->url().empty());
  UpstreamConfig& kds = *world_.upstreams.Of(Upstream::kAmdKds);
  kds.base_url = server->url();
  std::ifstream ca(tls / "ca.pem");
  kds.ca_pem.assign(std::istreambuf_iterator<char>(ca), {});
  UseUpstreams();
  const std::vector<trust::CollateralKey> keys = {{"amd.ark", "Milan", ""}, {"amd.ask", "Milan", ""}, kCrl};
  world_.keeper().Find(keys);
  world_.Run(std::chrono::seconds(5));
  EXPECT_THAT(world_.keeper().Find(keys).absent, IsEmpty());
  EXPECT_EQ(world_.kds.CountOf("/"), 2U) << "the files were made of these, and nobody else was asked";
}

}  // namespace
}  // namespace assay::collateral
