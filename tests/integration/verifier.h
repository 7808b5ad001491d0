// A verifier for one test: its own directory, TLS, store and PKI, listening on free ports.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "assay/v1/verdict_record.pb.h"
#include "client/agent/join.h"
#include "client/lib/client.h"
#include "service/server.h"
#include "store/verdict_store.h"
#include "tests/softtee/dcap_evidence.h"
#include "tests/softtee/snp_evidence.h"

namespace assay::integration {

// The files that assayd runs on, in a directory that goes with it.
class Site {
 public:
  Site();
  ~Site();
  Site(const Site&) = delete;

  const std::filesystem::path& root() const { return root_; }
  std::string File(std::string_view name) const { return (root_ / name).string(); }
  std::string Text(std::string_view name) const;
  void Write(std::string_view name, std::string_view text) const;
  // YAML with free ports; the identity of the development viewer is viewer.
  std::string Config() const;

 private:
  std::filesystem::path root_;
};

// Bearer tokens for a verifier, of the issuer https://idp.example for the audience assay: its subjects viewer, operator and admin
// have the role of their name.
struct TokensToo {
  std::string jwks;                 // what stands in the file jwks.json
  std::string more = "";            // further YAML of operator.oidc, e.g. ", subject_claim: email"
  std::string where = "jwks.json";  // operator.oidc.jwks
};

// assayd in this process.
class Verifier {
 public:
  // `listener` goes into the join listener's section, e.g. "connections: {per_address: 3}".
  // `more` is further YAML of the whole file; it replaces the sections that it has. `prepare` may change files before the start.
  explicit Verifier(
      std::string_view listener = "", std::string_view more = "", const std::optional<TokensToo>& tokens = std::nullopt,
      const std::function<void(const Site&)>& prepare = [](const Site&) {},
      const appraisal::Registry* registry = nullptr);  // nullptr: this build's

  const Site& site() const { return site_; }
  service::Server& server() { return *server_; }
  std::string join() const { return server_->join_address(); }
  std::string operators() const { return server_->operator_address(); }
  std::string log() const { return log_text_.str(); }
  // What the verifier takes for the time differs by this from now on; the clients' does not.
  void ShiftClock(Duration by) { clock_.shift = by.count(); }

 private:
  struct ShiftedClock final : Clock {
    Time Now() const override { return SystemClock().Now() + Duration(shift.load()); }
    std::atomic<Duration::rep> shift = 0;
  };
  Site site_;
  ShiftedClock clock_;
  SystemRandom random_;
  std::ostringstream log_text_;
  telemetry::Log log_;
  std::unique_ptr<service::Server> server_;
};

// A node: its key, and the connection that shows it.
struct NodeOptions {
  bool with_certificate = true;
  std::string key_pem = {};  // empty: a new key
};
class Node final : public agent::JoinConnection {
 public:
  Node(const std::string& address, const Site& site, const NodeOptions& options = {});

  absl::StatusOr<v1::CreateChallengeResponse> CreateChallenge(const v1::CreateChallengeRequest& request) override;
  absl::StatusOr<v1::AttestResponse> Attest(const v1::AttestRequest& request) override;
  std::optional<crypto::Sha256Digest> ServerKey() const override;

  const crypto::PrivateKey& key() const { return key_; }
  v1::CreateChallengeRequest Ask() const;  // for cluster demo, role worker

 private:
  crypto::PrivateKey key_;
  std::unique_ptr<client::JoinClient> client_;
};

// Mints for the challenge at hand.
class Minting final : public agent::ReportSource {
 public:
  explicit Minting(softtee::SnpOptions options = {}) : options_(std::move(options)) {}
  absl::StatusOr<std::vector<agent::CollectedItem>> Collect(const crypto::Sha512Digest& report_data) override;

 private:
  softtee::SnpOptions options_;
};

// The same for TDX and SGX. Empty `only`: every item; else those of these media types.
class MintingDcap final : public agent::ReportSource {
 public:
  explicit MintingDcap(softtee::DcapOptions options = {}, std::vector<std::string_view> only = {})
      : options_(std::move(options)), only_(std::move(only)) {}
  absl::StatusOr<std::vector<agent::CollectedItem>> Collect(const crypto::Sha512Digest& report_data) override;

 private:
  softtee::DcapOptions options_;
  std::vector<std::string_view> only_;
};

absl::StatusOr<v1::AttestResponse> JoinAs(Node& node, softtee::SnpOptions options = {}, const std::string& name = "node-1");
absl::StatusOr<v1::AttestResponse> JoinWith(Node& node, agent::EvidenceSource& source, const std::string& platform = "");

// The connection of an operator with this role of the development PKI: "viewer", "operator" or "admin"; or with none of them:
// "" shows no certificate, "self-signed" its own, "foreign" a viewer's of another CA.
client::ChannelOptions OperatorChannel(const std::string& address, const Site& site, std::string_view who);

// A program of this build, run to its end or until told otherwise.
class Process {
 public:
  Process(const std::vector<std::string>& arguments, const std::string& output_file);
  ~Process();  // kill -9 if it still runs
  void Signal(int number) const;
  int Wait();  // exit code, or 128 + signal
  bool Running();
  pid_t id() const { return pid_; }

 private:
  pid_t pid_;
  std::optional<int> ended_;
};

}  // namespace assay::integration
