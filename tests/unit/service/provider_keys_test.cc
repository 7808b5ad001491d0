// Key sets as they change, from a file and over real sockets.
#include "service/provider_keys.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/bug.h"
#include "base/strings.h"
#include "http/http_listener.h"
#include "tests/provider/openid_provider.h"
#include "tests/softtee/dev_tls.h"

namespace assay::service {
namespace {

using namespace std::chrono_literals;
using provider::Key;
using testing::HasSubstr;

std::string FileText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A provider's page whose answers a test decides, one after the other; a test waits until it was asked.
class KeyPage {
 public:
  explicit KeyPage(const std::filesystem::path& tls) {
    auto listener =
        http::HttpListener::Listen("idp", "127.0.0.1:0", http::TlsPem{FileText(tls / "server.pem"), FileText(tls / "server.key")});
    ASSAY_CHECK(listener.ok());
    listener_ = *std::move(listener);
    listener_->Add("/keys", [this] {
      const std::lock_guard lock(mutex_);
      ++asked_;
      woken_.notify_all();
      return http::Response{.status = status_, .content_type = "application/json", .body = body_};
    });
    listener_->Serve();
  }
  std::string url() const { return Cat("https://", listener_->address(), "/keys"); }
  void Say(int status, std::string body) {
    const std::lock_guard lock(mutex_);
    status_ = status;
    body_ = std::move(body);
  }
  int asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  void AwaitAsked(int times) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(woken_.wait_for(lock, 30s, [&] { return asked_ >= times; }));
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable woken_;
  int asked_ = 0, status_ = 200;
  std::string body_;
  std::unique_ptr<http::HttpListener> listener_;
};

class ProviderKeysTest : public testing::Test {
 protected:
  ProviderKeysTest() : directory_(std::filesystem::temp_directory_path() / "assay-provider-keys-XXXXXX") {
    std::string path = directory_.string();
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    directory_ = path;
    EXPECT_TRUE(softtee::MakeDevTls(directory_, "localhost", clock_.Now()).ok());
    config_.set_issuer("https://idp.example");
    config_.set_audience("assay");
    config_.set_jwks(File("keys.json"));
  }
  ~ProviderKeysTest() override { std::filesystem::remove_all(directory_); }

  std::string File(std::string_view name) const { return (directory_ / name).string(); }
  void Write(std::string_view name, std::string_view text) const { std::ofstream(File(name), std::ios::binary | std::ios::trunc) << text; }
  static std::string SetOf(std::string_view key_id) {
    static const Key key = Key::Make("ES256");
    return provider::KeySet(key.Jwk(key_id));
  }
  static std::string Names(const ProviderKeys& keys) {
    std::vector<std::string> names;
    for (const token::ProviderKey& key : *keys.Current()) names.push_back(key.key_id);
    return Join(names, ",");
  }
  std::unique_ptr<ProviderKeys> Open(const FetchTimes& times) {
    auto material = LoadProviderMaterial(config_, clock_.Now());
    ASSAY_CHECK(material.ok());
    return std::make_unique<ProviderKeys>(config_, *std::move(material), times, clock_, log_, metrics_);
  }
  template <typename Holds>
  static bool Eventually(const Holds& holds) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!holds() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(5ms);
    return holds();
  }
  int Count(std::string_view text) const {
    const std::string all = log_text_.str();
    int count = 0;
    for (std::size_t at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++count;
    return count;
  }

  SystemClock clock_;
  std::filesystem::path directory_;
  v1::Oidc config_;
  std::ostringstream log_text_;
  telemetry::Log log_{log_text_, clock_};
  telemetry::Metrics metrics_{"test", {}};
};

TEST_F(ProviderKeysTest, AFileIsReadAnewWhenItChanges) {
  Write("keys.json", SetOf("a"));
  const auto keys = Open({.refresh = 1h});
  EXPECT_EQ(Names(*keys), "a");
  keys->TakeUpChanges();
  EXPECT_EQ(Count("taken up"), 0) << "nothing has changed";
  Write("keys.json", SetOf("bcd"));
  keys->TakeUpChanges();
  EXPECT_EQ(Names(*keys), "bcd");
  for (const std::string_view bad : {"", "{}", R"({"keys":[]})", "not json"}) {
    Write("keys.json", bad);
    keys->TakeUpChanges();
    EXPECT_EQ(Names(*keys), "bcd") << "the last good one goes on";
  }
  std::filesystem::remove(File("keys.json"));
  keys->TakeUpChanges();
  EXPECT_EQ(Names(*keys), "bcd");
  EXPECT_EQ(Count("keys of the OpenID provider not taken up"), 1) << "in a row, once";
  EXPECT_THAT(metrics_.Expose(), HasSubstr(R"(assay_reloads_total{result="failure",what="oidc_keys"} 1)"));
  Write("keys.json", SetOf("e"));
  keys->TakeUpChanges();
  EXPECT_EQ(Names(*keys), "e");
  EXPECT_THAT(metrics_.Expose(), HasSubstr(R"(assay_reloads_total{result="success",what="oidc_keys"} 2)"));
}

TEST_F(ProviderKeysTest, WhatCantBeReadIsSaid) {
  EXPECT_TRUE(absl::IsNotFound(LoadProviderMaterial(config_, clock_.Now()).status()));
  Write("keys.json", "{}");
  EXPECT_THAT(std::string(MessageOf(LoadProviderMaterial(config_, clock_.Now()).status())), HasSubstr("operator.oidc.jwks"));
  config_.set_jwks("https://idp.example/keys");
  EXPECT_TRUE(LoadProviderMaterial(config_, clock_.Now())->keys.empty());
  config_.set_jwks_ca(File("absent"));
  EXPECT_TRUE(absl::IsNotFound(LoadProviderMaterial(config_, clock_.Now()).status()));
  config_.set_jwks_ca(File("keys.json"));
  EXPECT_THAT(std::string(MessageOf(LoadProviderMaterial(config_, clock_.Now()).status())), HasSubstr("operator.oidc.jwks_ca"));
}

TEST_F(ProviderKeysTest, TheLastGoodFetchedSetIsKept) {
  KeyPage page(directory_);
  config_.set_jwks(page.url());
  config_.set_jwks_ca(File("ca.pem"));
  page.Say(200, SetOf("a"));
  const auto keys = Open({.refresh = 1ms, .retry = 1ms, .least = 1ms});
  ASSERT_TRUE(Eventually([&] { return Names(*keys) == "a"; }));
  int asked = 0;
  for (const auto& [status, body] : {std::pair(500, SetOf("x")), std::pair(302, SetOf("x")), std::pair(200, std::string("{}")),
                                     std::pair(200, std::string(2'000'000, ' '))}) {
    page.Say(status, body);
    asked = page.asked() + 2;  // the one behind this answer has been taken up
    page.AwaitAsked(asked + 1);
    EXPECT_EQ(Names(*keys), "a") << status;
  }
  page.Say(200, SetOf("b"));
  EXPECT_TRUE(Eventually([&] { return Names(*keys) == "b"; }));
}

TEST_F(ProviderKeysTest, AnUnknownKeyIsAskedForOnceInAWhile) {
  KeyPage page(directory_);
  config_.set_jwks(page.url());
  config_.set_jwks_ca(File("ca.pem"));
  page.Say(200, SetOf("a"));
  {
    const auto keys = Open({.refresh = 1h, .retry = 1h, .least = 1h});
    ASSERT_TRUE(Eventually([&] { return Names(*keys) == "a"; }));
    for (int i = 0; i < 1000; ++i) keys->Miss();
    EXPECT_EQ(page.asked(), 1) << "not before its time, whoever asks and how often";
  }
  const auto keys = Open({.refresh = 1h, .retry = 1h, .least = 1ms});
  ASSERT_TRUE(Eventually([&] { return Names(*keys) == "a"; }));
  page.Say(200, SetOf("b"));
  EXPECT_TRUE(Eventually([&] {
    keys->Miss();
    return Names(*keys) == "b";
  })) << "long before the hour";
}

}  // namespace
}  // namespace assay::service
