#include "service/config_file.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/strings.h"

namespace assay::service {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Messages = std::vector<std::string>;

constexpr std::string_view kComplete = R"(join:
  address: "0.0.0.0:7443"
  tls: {certificate: join.pem, key: join.key}
  connections: {total: 100, per_address: 5}
operator:
  address: "[::1]:7444"
  tls: {certificate: operator.pem, key: operator.key}
  client_ca: ca.pem
  roles:
    - {identity: "spiffe://example.org/oncall", role: admin}
  connections: {total: 10, per_address: 2}
store: {path: assay.db}
policies: [policies, more.yaml]
collateral_dir: collateral
challenges: {key_file: challenge.key, lifetime: 30s}
workers: {threads: 3, queue: 17}
tokens: {issuer: "https://assay.example", key_file: token.key}
)";

constexpr std::string_view kLeast = R"(join: {address: "127.0.0.1:0", tls: {certificate: a.pem, key: a.key}}
operator: {address: "127.0.0.1:0", tls: {certificate: a.pem, key: a.key}, client_ca: ca.pem}
store: {path: assay.db}
policies: [policies]
challenges: {key_file: challenge.key}
)";

// `text` with `from` replaced by `to`; `from` stands there exactly once.
std::string With(std::string_view text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string_view::npos) << from;
  EXPECT_EQ(text.find(from, at + 1), std::string_view::npos) << from << " stands there twice";
  return std::string(text.substr(0, at)).append(to).append(text.substr(at + from.size()));
}

Messages Refused(std::string_view text) {
  const ConfigResult result = LoadConfig("c.yaml", text, "");
  EXPECT_EQ(result.config.has_value(), result.messages.empty());
  return result.messages;
}

v1::ServerConfig Loaded(std::string_view text, const std::string& folder = "") {
  const ConfigResult result = LoadConfig("c.yaml", text, folder);
  EXPECT_THAT(result.messages, testing::IsEmpty());
  return result.config.value_or(v1::ServerConfig());
}

TEST(ConfigFile, EveryMemberIsRead) {
  const v1::ServerConfig config = Loaded(kComplete);
  EXPECT_EQ(config.join().address(), "0.0.0.0:7443");
  EXPECT_EQ(config.join().tls().certificate(), "join.pem");
  EXPECT_EQ(config.join().tls().key(), "join.key");
  EXPECT_EQ(config.join().connections().total(), 100U);
  EXPECT_EQ(config.join().connections().per_address(), 5U);
  EXPECT_EQ(config.operator_().address(), "[::1]:7444");
  EXPECT_EQ(config.operator_().tls().certificate(), "operator.pem");
  EXPECT_EQ(config.operator_().tls().key(), "operator.key");
  EXPECT_EQ(config.operator_().client_ca(), "ca.pem");
  ASSERT_EQ(config.operator_().roles_size(), 1);
  EXPECT_EQ(config.operator_().roles(0).identity(), "spiffe://example.org/oncall");
  EXPECT_EQ(config.operator_().roles(0).role(), "admin");
  EXPECT_EQ(config.operator_().connections().total(), 10U);
  EXPECT_EQ(config.operator_().connections().per_address(), 2U);
  EXPECT_EQ(config.store().path(), "assay.db");
  EXPECT_THAT(config.policies(), ElementsAre("policies", "more.yaml"));
  EXPECT_EQ(config.collateral_dir(), "collateral");
  EXPECT_EQ(config.challenges().key_file(), "challenge.key");
  EXPECT_EQ(ChallengeLifetime(config), Duration(30));
  EXPECT_EQ(config.workers().threads(), 3U);
  EXPECT_EQ(config.workers().queue(), 17U);
  EXPECT_EQ(config.tokens().issuer(), "https://assay.example");
  EXPECT_EQ(config.tokens().key_file(), "token.key");
}

TEST(ConfigFile, WhatIsLeftOutHasItsDefault) {
  const v1::ServerConfig config = Loaded(kLeast);
  EXPECT_EQ(config.workers().threads(), 0U);
  EXPECT_FALSE(config.join().tls_terminated()) << "nodes are bound to their channel unless somebody says otherwise";
  EXPECT_EQ(config.workers().queue(), 256U);
  EXPECT_EQ(ChallengeLifetime(config), Duration(60));
  EXPECT_EQ(config.collateral_dir(), "");
  EXPECT_FALSE(config.has_tokens());
  EXPECT_EQ(config.operator_().roles_size(), 0) << "then nobody may do anything";
}

TEST(ConfigFile, WhetherAProxyTerminatesTlsIsTrueOrFalse) {
  const auto with = [](std::string_view value) {
    std::string text(kComplete);
    const std::string_view connections = "connections: {total: 100, per_address: 5}";
    return LoadConfig("c.yaml", text.replace(text.find(connections), connections.size(), Cat("tls_terminated: ", value)), "");
  };
  EXPECT_TRUE(with("true").config->join().tls_terminated());
  EXPECT_FALSE(with("false").config->join().tls_terminated());
  for (const char* value : {"yes", "1", "\"true\"", "[true]", "True"}) {
    const ConfigResult refused = with(value);
    EXPECT_FALSE(refused.config) << value;
    ASSERT_EQ(refused.messages.size(), 1u) << value;
    EXPECT_THAT(refused.messages[0], HasSubstr("c.yaml:4:19: expected ")) << value;
  }
}

TEST(ConfigFile, ThePrintedDefaultLoads) {
  const v1::ServerConfig config = Loaded(DefaultConfigYaml());
  EXPECT_EQ(config.join().address(), "0.0.0.0:7443");
  EXPECT_EQ(config.join().connections().total(), 2000U);
  EXPECT_EQ(config.join().connections().per_address(), 32U);
  EXPECT_EQ(config.operator_().address(), "127.0.0.1:7444");
  EXPECT_EQ(config.workers().queue(), Loaded(kLeast).workers().queue()) << "it shows what holds without it";
  EXPECT_EQ(ChallengeLifetime(config), ChallengeLifetime(Loaded(kLeast)));
}

TEST(ConfigFile, RelativePathsAreRelativeToTheFile) {
  const v1::ServerConfig config = Loaded(With(With(kComplete, "join.pem", "../tls/./join.pem"), "join.key", "/run/join.key"), "/etc/assay");
  EXPECT_EQ(config.join().tls().certificate(), "/etc/tls/join.pem");
  EXPECT_EQ(config.join().tls().key(), "/run/join.key") << "an absolute path stays";
  EXPECT_EQ(config.operator_().tls().certificate(), "/etc/assay/operator.pem");
  EXPECT_EQ(config.operator_().tls().key(), "/etc/assay/operator.key");
  EXPECT_EQ(config.operator_().client_ca(), "/etc/assay/ca.pem");
  EXPECT_EQ(config.store().path(), "/etc/assay/assay.db");
  EXPECT_THAT(config.policies(), ElementsAre("/etc/assay/policies", "/etc/assay/more.yaml"));
  EXPECT_EQ(config.collateral_dir(), "/etc/assay/collateral");
  EXPECT_EQ(config.challenges().key_file(), "/etc/assay/challenge.key");
  EXPECT_EQ(config.tokens().key_file(), "/etc/assay/token.key");
  EXPECT_EQ(config.tokens().issuer(), "https://assay.example") << "no path";
  EXPECT_EQ(config.operator_().roles(0).identity(), "spiffe://example.org/oncall") << "no path";
}

TEST(ConfigFile, AFileIsReadFromItsFolder) {
  std::string folder = (std::filesystem::temp_directory_path() / "assay-config-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/assayd.yaml";
  std::ofstream(path) << kLeast;
  const auto loaded = LoadConfigFile(path);
  ASSERT_TRUE(loaded.ok());
  ASSERT_TRUE(loaded->config);
  EXPECT_EQ(loaded->config->store().path(), folder + "/assay.db");
  std::ofstream(path) << "[";
  const auto broken = LoadConfigFile(path);
  ASSERT_TRUE(broken.ok());
  ASSERT_EQ(broken->messages.size(), 1U);
  EXPECT_EQ(broken->messages[0].find(path + ":1:"), 0U) << broken->messages[0];
  EXPECT_TRUE(absl::IsNotFound(LoadConfigFile(folder + "/none.yaml").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(LoadConfigFile(folder).status())) << "a directory";
  EXPECT_THAT(std::string(MessageOf(LoadConfigFile(folder + "/none.yaml").status())), HasSubstr("--config '" + folder + "/none.yaml'"));
  std::filesystem::remove_all(folder);
}

TEST(ConfigFile, AMissingMemberIsNamedWhereItBelongs) {
  struct Case {
    std::string_view from, to, message;
  };
  for (const Case& c : {
           Case{"store: {path: assay.db}\n", "", "c.yaml:1:1: expected the key 'store', found no such key"},
           Case{"policies: [policies]\n", "", "c.yaml:1:1: expected the key 'policies', found no such key"},
           Case{"challenges: {key_file: challenge.key}\n", "", "c.yaml:1:1: expected the key 'challenges', found no such key"},
           Case{"address: \"127.0.0.1:0\", tls: {certificate: a.pem, key: a.key}}\nop", "tls: {certificate: a.pem, key: a.key}}\nop",
                "c.yaml:1:7: expected the key 'address', found no such key"},
           Case{", tls: {certificate: a.pem, key: a.key}}\n", "}\n", "c.yaml:1:7: expected the key 'tls', found no such key"},
           Case{", tls: {certificate: a.pem, key: a.key}, client_ca: ca.pem", ", tls: {certificate: a.pem}, client_ca: ca.pem",
                "c.yaml:2:41: expected the key 'key', found no such key"},
           Case{", tls: {certificate: a.pem, key: a.key}, client_ca: ca.pem", ", tls: {key: a.key}, client_ca: ca.pem",
                "c.yaml:2:41: expected the key 'certificate', found no such key"},
           Case{", tls: {certificate: a.pem, key: a.key}, client_ca: ca.pem", ", client_ca: ca.pem",
                "c.yaml:2:11: expected the key 'tls', found no such key"},
           Case{", client_ca: ca.pem", "", "c.yaml:2:11: expected the key 'client_ca', found no such key"},
           Case{"operator: {address: \"127.0.0.1:0\", ", "operator: {", "c.yaml:2:11: expected the key 'address', found no such key"},
           Case{"{path: assay.db}", "{}", "c.yaml:3:8: expected the key 'path', found no such key"},
           Case{"{key_file: challenge.key}", "{lifetime: 30s}", "c.yaml:5:13: expected the key 'key_file', found no such key"},
           Case{"client_ca: ca.pem", "client_ca: ca.pem, roles: [{role: viewer}]",
                "c.yaml:2:102: expected the key 'identity', found no such key"},
           Case{"client_ca: ca.pem", "client_ca: ca.pem, roles: [{identity: a}]",
                "c.yaml:2:102: expected the key 'role', found no such key"},
           Case{"challenges:", "tokens: {issuer: a}\nchallenges:",
                "c.yaml: tokens: expected either key_directory or key_file, actual: neither"},
           Case{"challenges:", "tokens: {key_file: a}\nchallenges:", "c.yaml:5:9: expected the key 'issuer', found no such key"},
       }) {
    EXPECT_THAT(Refused(With(kLeast, c.from, c.to)), ElementsAre(c.message)) << c.to;
  }
  EXPECT_EQ(Refused("workers: {threads: 1}").size(), 5U) << "all of them at once";
}

TEST(ConfigFile, AnUnknownKeyIsNamedWithTheNearest) {
  struct Case {
    std::string_view from, to, message;
  };
  for (
      const Case& c : {
          Case{
              "workers:", "worker:",
              "c.yaml:16:1: expected one of the keys join, operator, store, policies, collateral_dir, challenges, workers, tokens, http, https, collateral, air_gap, tpm_ek_roots, gce_endorsement_roots, found 'worker'; did you mean 'workers'?"},
          Case{"threads:", "thread:", "c.yaml:16:11: expected one of the keys threads, queue, found 'thread'; did you mean 'threads'?"},
          Case{"lifetime:", "life_time:",
               "c.yaml:15:39: expected one of the keys key_file, lifetime, found 'life_time'; did you mean 'lifetime'?"},
          Case{"per_address: 5", "per_adress: 5",
               "c.yaml:4:29: expected one of the keys total, per_address, found 'per_adress'; did you mean 'per_address'?"},
          Case{", role: admin", ", role: admin, rolle: admin",
               "c.yaml:10:62: expected one of the keys identity, role, found 'rolle'; did you mean 'role'?"},
          Case{
              "collateral_dir: collateral", "something_else: 1",
              "c.yaml:14:1: expected one of the keys join, operator, store, policies, collateral_dir, challenges, workers, tokens, http, https, collateral, air_gap, tpm_ek_roots, gce_endorsement_roots, found 'something_else'"},
          Case{
              "store:", "Store: {}\nstore:",
              "c.yaml:12:1: expected one of the keys join, operator, store, policies, collateral_dir, challenges, workers, tokens, http, https, collateral, air_gap, tpm_ek_roots, gce_endorsement_roots, found 'Store'; did you mean 'store'?"},
      }) {
    EXPECT_THAT(Refused(With(kComplete, c.from, c.to)), ElementsAre(c.message)) << c.to;
  }
}

TEST(ConfigFile, AKeyTwiceIsRefused) {
  EXPECT_THAT(Refused(With(kComplete, "workers:", "store: {path: other.db}\nworkers:")),
              ElementsAre("c.yaml:16:1: expected each key once, found 'store' again, first at line 12"));
  EXPECT_THAT(Refused(With(kComplete, "total: 100", "total: 100, total: 7")),
              ElementsAre("c.yaml:4:29: expected each key once, found 'total' again, first at line 4"));
}

TEST(ConfigFile, AMemberOfAnotherTypeIsRefused) {
  struct Case {
    std::string_view from, to, message;
  };
  for (const Case& c : {
           Case{"\"0.0.0.0:7443\"", "[a]", "c.yaml:2:12: expected text, found a sequence"},
           Case{"{certificate: join.pem, key: join.key}", "join.pem", "c.yaml:3:8: expected a mapping, found 'join.pem'"},
           Case{"certificate: join.pem", "certificate: {file: join.pem}", "c.yaml:3:22: expected text, found a mapping"},
           Case{"key: join.key", "key: [join.key]", "c.yaml:3:37: expected text, found a sequence"},
           Case{"{total: 100, per_address: 5}", "100", "c.yaml:4:16: expected a mapping, found '100'"},
           Case{"total: 100", "total: many", "c.yaml:4:24: expected an integer (decimal or 0x…, 64 bits), found 'many'"},
           Case{"total: 100", "total: \"100\"", "c.yaml:4:24: expected an integer (decimal or 0x…, 64 bits), found '100' in quotes"},
           Case{"total: 100", "total: -1", "c.yaml:4:24: expected an integer (decimal or 0x…, 64 bits), found '-1'"},
           Case{"total: 100", "total: 1.5", "c.yaml:4:24: expected an integer (decimal or 0x…, 64 bits), found '1.5'"},
           Case{"per_address: 5", "per_address: 05", "c.yaml:4:42: expected an integer (decimal or 0x…, 64 bits), found '05'"},
           Case{"client_ca: ca.pem", "client_ca: [ca.pem]", "c.yaml:8:14: expected text, found a sequence"},
           Case{"identity: \"spiffe://example.org/oncall\"", "identity: {uri: x}", "c.yaml:10:18: expected text, found a mapping"},
           Case{"role: admin", "role: [admin]", "c.yaml:10:55: expected text, found a sequence"},
           Case{"- {identity: \"spiffe://example.org/oncall\", role: admin}", "- oncall",
                "c.yaml:10:7: expected a mapping, found 'oncall'"},
           Case{"{path: assay.db}", "assay.db", "c.yaml:12:8: expected a mapping, found 'assay.db'"},
           Case{"path: assay.db", "path: [assay.db]", "c.yaml:12:15: expected text, found a sequence"},
           Case{"[policies, more.yaml]", "policies", "c.yaml:13:11: expected a sequence, found 'policies'"},
           Case{"[policies, more.yaml]", "[policies, [more.yaml]]", "c.yaml:13:22: expected text, found a sequence"},
           Case{"collateral_dir: collateral", "collateral_dir: [collateral]", "c.yaml:14:17: expected text, found a sequence"},
           Case{"key_file: challenge.key", "key_file: {}", "c.yaml:15:24: expected text, found a mapping"},
           Case{"lifetime: 30s", "lifetime: [30s]", "c.yaml:15:49: expected text, found a sequence"},
           Case{"{threads: 3, queue: 17}", "[3, 17]", "c.yaml:16:10: expected a mapping, found a sequence"},
           Case{"threads: 3", "threads: three", "c.yaml:16:20: expected an integer (decimal or 0x…, 64 bits), found 'three'"},
           Case{"queue: 17", "queue: {}", "c.yaml:16:30: expected an integer (decimal or 0x…, 64 bits), found a mapping"},
           Case{"issuer: \"https://assay.example\"", "issuer: [x]", "c.yaml:17:18: expected text, found a sequence"},
           Case{"key_file: token.key", "key_file: [x]", "c.yaml:17:53: expected text, found a sequence"},
           // A key without value: most often the rest of a section that was commented out.
           Case{" {path: assay.db}", "", "c.yaml:12:1: expected a mapping, found nothing"},
           Case{"[policies, more.yaml]", "~", "c.yaml:13:11: expected a sequence, found nothing"},
           Case{"threads: 3", "threads: null", "c.yaml:16:20: expected an integer (decimal or 0x…, 64 bits), found nothing"},
       }) {
    EXPECT_THAT(Refused(With(kComplete, c.from, c.to)), ElementsAre(c.message)) << c.to;
  }
  // The sections of which kComplete has two sides alike.
  EXPECT_THAT(Refused(With(kLeast, "join: {address: \"127.0.0.1:0\", tls: {certificate: a.pem, key: a.key}}", "join: yes")),
              ElementsAre("c.yaml:1:7: expected a mapping, found 'yes'"));
  EXPECT_THAT(Refused(With(kLeast, "operator: {address: \"127.0.0.1:0\", tls: {certificate: a.pem, key: a.key}, client_ca: ca.pem}",
                           "operator: []")),
              ElementsAre("c.yaml:2:11: expected a mapping, found a sequence"));
  EXPECT_THAT(Refused(With(kLeast, "challenges: {key_file: challenge.key}", "challenges: challenge.key")),
              ElementsAre("c.yaml:5:13: expected a mapping, found 'challenge.key'"));
  EXPECT_THAT(Refused(With(kLeast, "policies: [policies]", "policies: [policies]\ntokens: token.key")),
              ElementsAre("c.yaml:5:9: expected a mapping, found 'token.key'"));
  EXPECT_THAT(Refused(With(kLeast, "client_ca: ca.pem", "client_ca: ca.pem, roles: viewer")),
              ElementsAre("c.yaml:2:101: expected a sequence, found 'viewer'"));
}

TEST(ConfigFile, AMemberOutOfItsRangeIsRefused) {
  struct Case {
    std::string_view from, to, message;
  };
  for (const Case& c : {
           Case{"threads: 3", "threads: 1025", "c.yaml:16:20: expected at most 1024, found 1025"},
           Case{"threads: 3", "threads: 18446744073709551615", "c.yaml:16:20: expected at most 1024, found 18446744073709551615"},
           Case{"threads: 3", "threads: 18446744073709551616",
                "c.yaml:16:20: expected an integer (decimal or 0x…, 64 bits), found '18446744073709551616'"},
           Case{"queue: 17", "queue: 1000001", "c.yaml:16:30: expected at most 1000000, found 1000001"},
           Case{"queue: 17", "queue: 4294967297", "c.yaml:16:30: expected at most 1000000, found 4294967297"},
           Case{"total: 100", "total: 1000001", "c.yaml:4:24: expected at most 1000000, found 1000001"},
           Case{"per_address: 5", "per_address: 0xFFFFFFFFFFFFFFFF", "c.yaml:4:42: expected at most 1000000, found 18446744073709551615"},
           Case{"lifetime: 30s", "lifetime: 4s", "c.yaml:15:49: expected a duration from 5s to 60s, found '4s'"},
           Case{"lifetime: 30s", "lifetime: 61s", "c.yaml:15:49: expected a duration from 5s to 60s, found '61s'"},
           Case{"lifetime: 30s", "lifetime: 0s", "c.yaml:15:49: expected a duration from 5s to 60s, found '0s'"},
           Case{"lifetime: 30s", "lifetime: 30", "c.yaml:15:49: expected a duration from 5s to 60s, found '30'"},
           Case{"lifetime: 30s", "lifetime: 1h", "c.yaml:15:49: expected a duration from 5s to 60s, found '1h'"},
           Case{"lifetime: 30s", "lifetime: \"\"", "c.yaml:15:49: expected a duration from 5s to 60s, found ''"},
           Case{"lifetime: 30s", "lifetime: 99999999999999999999s",
                "c.yaml:15:49: expected a duration from 5s to 60s, found '99999999999999999999s'"},
           Case{"role: admin", "role: root", "c.yaml:10:55: expected viewer, operator or admin, found 'root'"},
           Case{"role: admin", "role: Admin", "c.yaml:10:55: expected viewer, operator or admin, found 'Admin'"},
           Case{"role: admin", "role: \"\"", "c.yaml:10:55: expected text, found nothing"},
           Case{"identity: \"spiffe://example.org/oncall\"", "identity: \"\"", "c.yaml:10:18: expected text, found nothing"},
           Case{"[policies, more.yaml]", "[]", "c.yaml:13:11: expected at least one element, found none"},
           Case{"[policies, more.yaml]", "[\"\"]", "c.yaml:13:12: expected text, found nothing"},
           Case{"path: assay.db", "path: \"\"", "c.yaml:12:15: expected text, found nothing"},
           Case{"client_ca: ca.pem", "client_ca: \"\"", "c.yaml:8:14: expected text, found nothing"},
           Case{"issuer: \"https://assay.example\"", "issuer: \"\"", "c.yaml:17:18: expected text, found nothing"},
           Case{"key_file: token.key", "key_file: \"\"", "c.yaml: tokens: expected either key_directory or key_file, actual: neither"},
           Case{"key_file: challenge.key", "key_file: \"\"", "c.yaml:15:24: expected text, found nothing"},
       }) {
    EXPECT_THAT(Refused(With(kComplete, c.from, c.to)), ElementsAre(c.message)) << c.to;
  }
}

TEST(ConfigFile, BothEndsOfEveryRangeAreInside) {
  for (const auto& [from, to] :
       std::vector<std::pair<std::string_view, std::string_view>>{{"threads: 3", "threads: 1024"},
                                                                  {"threads: 3", "threads: 0"},
                                                                  {"queue: 17", "queue: 1000000"},
                                                                  {"total: 100", "total: 1000000"},
                                                                  {"total: 100", "total: 0"},
                                                                  {"lifetime: 30s", "lifetime: 5s"},
                                                                  {"lifetime: 30s", "lifetime: 60s"},
                                                                  {"lifetime: 30s", "lifetime: 1m"},
                                                                  {"collateral_dir: collateral", "collateral_dir: \"\""}}) {
    Loaded(With(kComplete, from, to));
  }
  EXPECT_EQ(Loaded(With(kComplete, "queue: 17", "queue: 0")).workers().queue(), 256U) << "no queue at all is none that anybody wants";
  EXPECT_EQ(Loaded(With(kComplete, "collateral_dir: collateral", "collateral_dir: \"\""), "/etc/assay").collateral_dir(), "")
      << "not the folder";
}

TEST(ConfigFile, AnAddressIsHostAndPort) {
  for (const std::string_view good : {"127.0.0.1:0", "[::]:65535", "localhost:1", "example.org:00443"}) {
    Loaded(With(kComplete, "0.0.0.0:7443", good));
  }
  for (const std::string_view bad : {"0.0.0.0", "7443", ":7443", "0.0.0.0:", "0.0.0.0:65536", "0.0.0.0:99999", "0.0.0.0:100000",
                                     "0.0.0.0:http", "0.0.0.0:-1", "0.0.0.0:+1", "0.0.0.0: 1", "0.0.0.0:0x50", "[::1]"}) {
    EXPECT_THAT(Refused(With(kComplete, "0.0.0.0:7443", bad)),
                ElementsAre(Cat("c.yaml:2:12: expected host:port, as '0.0.0.0:7443' or '[::1]:7443', found '", bad, "'")));
  }
  EXPECT_THAT(Refused(With(kComplete, "0.0.0.0:7443", "")), ElementsAre("c.yaml:2:12: expected text, found nothing"));
  // Of an IPv6 address without brackets nobody can say where it ends.
  for (const std::string_view bad : {"::1", "::1:7444", "[::1:7444", "::1]:7444", "[]:7444", "[::1]x:7444"}) {
    EXPECT_THAT(Refused(With(kComplete, "[::1]:7444", bad)),
                ElementsAre(Cat("c.yaml:6:12: expected host:port, as '0.0.0.0:7443' or '[::1]:7443', found '", bad, "'")));
  }
}

TEST(ConfigFile, EveryDefectIsNamedAndNotOnlyTheFirst) {
  std::string text = With(kComplete, "total: 100", "total: many");
  text = With(text, "role: admin", "role: root");
  text = With(text, "store: {path: assay.db}\n", "");
  text = With(text, "lifetime: 30s", "lifetime: 1h");
  text = With(text, "queue: 17", "queu: 17");
  EXPECT_EQ(Refused(text).size(), 5U) << Join(Refused(text), "\n");
}

TEST(ConfigFile, WhatIsNoMappingIsNoConfiguration) {
  EXPECT_THAT(Refused(""), ElementsAre("c.yaml: expected a document, found nothing"));
  EXPECT_THAT(Refused("# nothing but a comment\n"), ElementsAre("c.yaml: expected a document, found nothing"));
  EXPECT_THAT(Refused("join"), ElementsAre("c.yaml:1:1: expected a mapping, found 'join'"));
  EXPECT_THAT(Refused("[join]"), ElementsAre("c.yaml:1:1: expected a mapping, found a sequence"));
  EXPECT_THAT(Refused(std::string(kLeast) + "---\n" + std::string(kLeast)), ElementsAre(HasSubstr("expected one document")));
  EXPECT_THAT(Refused(With(kLeast, "{path: assay.db}", "{path: *db}")), ElementsAre(HasSubstr("c.yaml:3:")));
  EXPECT_THAT(Refused(std::string(kLeast) + "workers: {threads: 1\n"), ElementsAre(HasSubstr("c.yaml:")));
  EXPECT_THAT(Refused(std::string("join: \xff")), ElementsAre(HasSubstr("c.yaml:1:7: expected valid UTF-8")));
  EXPECT_THAT(Refused(std::string(2 << 20, ' ')), ElementsAre(HasSubstr("at most 1048576 bytes")));
}

}  // namespace
}  // namespace assay::service
