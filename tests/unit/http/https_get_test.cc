// Over real sockets, from a listener of ours.
#include "collateral/https_get.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

#include "base/clock.h"
#include "base/strings.h"
#include "http/http_listener.h"
#include "tests/places/places.h"
#include "tests/softtee/dev_tls.h"

namespace assay::http {
namespace {

using ::testing::HasSubstr;

std::string FileText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Two PKIs of one name.
std::filesystem::path Directory(const char* name) {
  const std::filesystem::path directory = std::filesystem::path(test::BinaryDir()) / "https-get-test-tls" / name;
  std::filesystem::create_directories(directory);
  EXPECT_TRUE(softtee::MakeDevTls(directory, "localhost", SystemClock().Now()).ok());
  return directory;
}
std::string Ca(const char* name) { return FileText(Directory(name) / "ca.pem"); }

Response Answer(int status, std::string body) { return {.status = status, .content_type = "application/json", .body = std::move(body)}; }

class HttpsGetTest : public ::testing::Test {
 protected:
  HttpsGetTest() {
    const std::filesystem::path directory = Directory("one");
    auto listener =
        HttpListener::Listen("test", "127.0.0.1:0", TlsPem{FileText(directory / "server.pem"), FileText(directory / "server.key")});
    EXPECT_TRUE(listener.ok());
    listener_ = *std::move(listener);
    listener_->Add("/good", [] { return Answer(200, "{}"); });
    listener_->Add("/exact", [] { return Answer(200, std::string(1000, 'x')); });
    listener_->Add("/more", [] { return Answer(200, std::string(1001, 'x')); });
    listener_->Add("/error", [] { return Answer(500, "{}"); });
    listener_->Add("/moved", [] { return Answer(302, "{}"); });
    listener_->Add("/slow", [this] {
      asked_.set_value();
      go_.get_future().wait();
      return Answer(200, "{}");
    });
    listener_->Serve();
  }
  std::string Url(std::string_view path, std::string_view scheme = "https") const { return Cat(scheme, "://", listener_->address(), path); }
  absl::StatusOr<std::string> Get(std::string_view path) const { return collateral::HttpsGet(Url(path), Ca("one"), {.bytes = 1000}); }
  void Refused(const absl::StatusOr<std::string>& answer, absl::StatusCode code, std::string_view message) const {
    EXPECT_EQ(answer.status().code(), code);
    EXPECT_THAT(std::string(MessageOf(answer.status())), HasSubstr(std::string(message)));
  }

  std::unique_ptr<HttpListener> listener_;
  std::promise<void> asked_, go_;
};

TEST_F(HttpsGetTest, AFileComesAsItIs) {
  const auto answer = Get("/good");
  ASSERT_TRUE(answer.ok()) << MessageOf(answer.status());
  EXPECT_EQ(*answer, "{}");
}

TEST_F(HttpsGetTest, ItsSizeIsBounded) {
  EXPECT_EQ(Get("/exact")->size(), 1000u);
  Refused(Get("/more"), absl::StatusCode::kUnavailable, "expected at most 1000 bytes, actual: more");
}

TEST_F(HttpsGetTest, NothingButStatus200Counts) {
  Refused(Get("/error"), absl::StatusCode::kUnavailable, "expected status 200, actual: 500");
  Refused(Get("/absent"), absl::StatusCode::kUnavailable, "expected status 200, actual: 404");
  Refused(Get("/moved"), absl::StatusCode::kUnavailable, "expected status 200, actual: 302");
}

TEST_F(HttpsGetTest, TheServerIsVerified) {
  Refused(collateral::HttpsGet(Url("/good"), Ca("two")), absl::StatusCode::kUnavailable, "the CA that vouches for its server");
  Refused(collateral::HttpsGet(Url("/good"), ""), absl::StatusCode::kUnavailable, "the CA that vouches for its server");
  Refused(collateral::HttpsGet(Url("/good"), "garbage"), absl::StatusCode::kUnavailable, "expected an answer");
  const std::string address = listener_->address();
  EXPECT_TRUE(collateral::HttpsGet(Cat("https://localhost", address.substr(address.rfind(':')), "/good"), Ca("one")).ok());
  Refused(collateral::HttpsGet(Cat("https://127.0.0.2", address.substr(address.rfind(':')), "/good"), Ca("one")),
          absl::StatusCode::kUnavailable, "expected an answer");
}

TEST_F(HttpsGetTest, OnlyHttpsIsSpoken) {
  for (const std::string& url : {Url("/good", "http"), std::string("file:///etc/passwd"), std::string("ftp://localhost/"), std::string(""),
                                 std::string("HTTPS://localhost/")}) {
    Refused(collateral::HttpsGet(url, Ca("one")), absl::StatusCode::kInvalidArgument, "expected a URL that begins with https://");
  }
}

// Whatever a name resolves to: these addresses give credentials away to whoever asks from this machine.
TEST(HttpsGet, Attack150_MetadataServicesAreNeverAsked) {
  for (const std::string_view host :
       {"169.254.169.254", "169.254.0.1", "[::ffff:169.254.169.254]", "[fe80::1%25lo]", "[fd00:ec2::254]", "2852039166", "0xa9fea9fe"}) {
    const auto answer = collateral::HttpsGet(Cat("https://", host, "/latest/meta-data"), "",
                                             {.connect = std::chrono::milliseconds(2000), .total = std::chrono::milliseconds(2000)});
    EXPECT_THAT(std::string(MessageOf(answer.status())), HasSubstr("a link-local one or a cloud's metadata service")) << host;
  }
}

TEST_F(HttpsGetTest, TheEnvironmentNamesNoProxy) {
  ASSERT_EQ(::setenv("https_proxy", "http://127.0.0.1:1", 1), 0);
  EXPECT_TRUE(Get("/good").ok());
  ASSERT_EQ(::unsetenv("https_proxy"), 0);
}

TEST_F(HttpsGetTest, ItEndsInItsTime) {
  Refused(collateral::HttpsGet(Url("/slow"), Ca("one"), {.total = std::chrono::milliseconds(200)}), absl::StatusCode::kUnavailable,
          "expected an answer");
  go_.set_value();
}

TEST_F(HttpsGetTest, ItEndsWhenItIsTold) {
  std::atomic<bool> stop = false;
  auto answer = std::async(std::launch::async,
                           [&] { return collateral::HttpsGet(Url("/slow"), Ca("one"), {.total = std::chrono::minutes(10)}, &stop); });
  asked_.get_future().wait();
  stop = true;
  Refused(answer.get(), absl::StatusCode::kUnavailable, "expected an answer");
  go_.set_value();
}

}  // namespace
}  // namespace assay::http
