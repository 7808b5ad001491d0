#include "tests/integration/verifier.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/absl_bridge.h"
#include "base/bug.h"
#include "base/strings.h"
#include "codec/pem.h"
#include "crypto/certificate.h"
#include "registry/builtin_registry.h"
#include "service/config_file.h"
#include "tests/places/places.h"
#include "tests/softtee/dev_tls.h"

extern char** environ;

namespace assay::integration {
namespace {

Time Now() { return SystemClock().Now(); }

}  // namespace

Site::Site() {
  std::string path = (std::filesystem::temp_directory_path() / "assay-integration-XXXXXX").string();
  ASSAY_CHECK(::mkdtemp(path.data()) != nullptr);
  root_ = path;
  ASSAY_CHECK(softtee::MakeDevTls(root_ / "tls", "localhost", Now()).ok());
  std::filesystem::copy(test::SourceDir() + "/deploy/demo/policies", root_ / "policies");
  Write("anchors.yaml", softtee::SharedAnchorsYaml());
  Write("assayd.yaml", Config());
}

Site::~Site() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

std::string Site::Text(std::string_view name) const {
  std::ifstream file(File(name), std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void Site::Write(std::string_view name, std::string_view text) const {
  std::ofstream file(File(name), std::ios::binary | std::ios::trunc);
  file << text;
  ASSAY_CHECK(file.flush().good());
}

std::string Site::Config() const {
  return R"(join: {address: "127.0.0.1:0", tls: {certificate: tls/server.pem, key: tls/server.key}}
operator:
  address: "127.0.0.1:0"
  tls: {certificate: tls/server.pem, key: tls/server.key}
  client_ca: tls/ca.pem
  roles:
    - {identity: "spiffe://dev.assay/operator/viewer", role: viewer}
    - {identity: "spiffe://dev.assay/operator/operator", role: operator}
store: {path: assay.db}
policies: [policies]
challenges: {key_file: challenge.key}
tokens: {issuer: "https://assay.example", key_file: token.key}
workers: {threads: 2, queue: 64}
)";
}

Verifier::Verifier(std::string_view listener, std::string_view more, const std::optional<TokensToo>& tokens,
                   const std::function<void(const Site&)>& prepare, const appraisal::Registry* registry)
    : log_(log_text_, clock_) {
  prepare(site_);
  std::string text = site_.Text("assayd.yaml");
  std::string section(listener);
  // Tests are quicker than nodes; those about rates name their own.
  if (section.find("rates:") == std::string::npos) {
    section += Cat(section.empty() ? "" : ", ", "rates: {per_address: 100000, total: 100000}");
  }
  text.insert(text.find("join: {") + 7, Cat(section, ", "));
  if (!more.empty()) {
    const std::size_t begin = text.find(Cat("\n", more.substr(0, more.find(':') + 1)));
    if (begin != std::string::npos) text.erase(begin + 1, text.find('\n', begin + 1) - begin);
    text += Cat(more, "\n");
  }
  if (tokens) {
    site_.Write("jwks.json", tokens->jwks);
    std::string roles = "  roles:\n";
    for (const std::string_view role : {"viewer", "operator", "admin"}) {
      roles += Cat("    - {identity: \"oidc:https://idp.example#", role, "\", role: ", role, "}\n");
    }
    text.replace(text.find("  roles:\n"), 9, roles);
    text.insert(text.find("  roles:\n"),
                Cat("  oidc: {issuer: \"https://idp.example\", audience: assay, jwks: \"", tokens->where, "\"", tokens->more, "}\n"));
  }
  service::ConfigResult config = service::LoadConfig("assayd.yaml", text, site_.root().string());
  for (const std::string& message : config.messages) ADD_FAILURE() << message;
  auto started = service::Server::Start(
      {*std::move(config.config), site_.File("anchors.yaml"), registry == nullptr ? BuiltinRegistry() : *registry, clock_, random_, log_});
  if (!started.ok()) {
    ADD_FAILURE() << MessageOf(started.status());
    std::abort();
  }
  server_ = *std::move(started);
}

Node::Node(const std::string& address, const Site& site, const NodeOptions& options)
    : key_(options.key_pem.empty() ? crypto::PrivateKey::GenerateP256() : std::move(crypto::PrivateKey::FromPem(options.key_pem)).value()) {
  client::ChannelOptions channel;
  channel.address = address;
  channel.ca_pem = site.Text("tls/ca.pem");
  if (options.with_certificate) {
    channel.certificate_pem =
        codec::EncodePem("CERTIFICATE", *key_.SelfSignedCertificate("node", Now() - Duration(60), Now() + Duration(3600)));
    channel.key_pem = std::string(key_.ToPem().view());
  }
  client_ = std::make_unique<client::JoinClient>(channel);
}

absl::StatusOr<v1::CreateChallengeResponse> Node::CreateChallenge(const v1::CreateChallengeRequest& request) {
  return client_->CreateChallenge(request);
}
absl::StatusOr<v1::AttestResponse> Node::Attest(const v1::AttestRequest& request) { return client_->Attest(request); }

std::optional<crypto::Sha256Digest> Node::ServerKey() const {
  const auto certificates = crypto::CertificatesFrom(AsBytes(client_->server_certificate_pem()), "server", 1);
  return certificates && certificates->size() == 1 ? std::optional(certificates->front().public_key().spki_sha256()) : std::nullopt;
}

v1::CreateChallengeRequest Node::Ask() const {
  v1::CreateChallengeRequest request;
  request.mutable_context()->set_cluster("demo");
  request.mutable_context()->set_role("worker");
  request.mutable_keys()->set_node_spki(std::string(AsText(key_.public_key().spki())));
  return request;
}

absl::StatusOr<std::vector<agent::CollectedItem>> Minting::Collect(const crypto::Sha512Digest& report_data) {
  softtee::SnpOptions options = options_;
  options.report_data = report_data;
  options.now = Now();
  auto minted = softtee::MintSnp(softtee::SnpPki::Shared(), options);
  if (!minted.ok()) return minted.status();
  std::vector<agent::CollectedItem> items;
  for (softtee::Item& item : minted->items) items.push_back({std::move(item.media_type), std::move(item.body)});
  return items;
}

absl::StatusOr<std::vector<agent::CollectedItem>> MintingDcap::Collect(const crypto::Sha512Digest& report_data) {
  softtee::DcapOptions options = options_;
  options.report_data = report_data;
  options.now = Now();
  auto minted = softtee::MintDcap(softtee::IntelPki::Shared(), options);
  if (!minted.ok()) return minted.status();
  std::vector<agent::CollectedItem> items;
  for (softtee::Item& item : minted->items) {
    if (only_.empty() || std::find(only_.begin(), only_.end(), item.media_type) != only_.end()) {
      items.push_back({std::move(item.media_type), std::move(item.body)});
    }
  }
  return items;
}

absl::StatusOr<v1::AttestResponse> JoinWith(Node& node, agent::EvidenceSource& source, const std::string& platform) {
  return agent::Join({.cluster = "demo", .role = "worker", .name = "td-1", .platform = platform}, node.key(), source, node);
}

absl::StatusOr<v1::AttestResponse> JoinAs(Node& node, softtee::SnpOptions options, const std::string& name) {
  Minting source(std::move(options));
  return agent::Join({.cluster = "demo", .role = "worker", .name = name}, node.key(), source, node);
}

client::ChannelOptions OperatorChannel(const std::string& address, const Site& site, std::string_view who) {
  client::ChannelOptions options;
  options.address = address;
  options.ca_pem = site.Text("tls/ca.pem");
  options.timeout = std::chrono::seconds(20);
  if (who == "self-signed") {
    const crypto::PrivateKey key = crypto::PrivateKey::GenerateP256();
    options.certificate_pem =
        codec::EncodePem("CERTIFICATE", *key.SelfSignedCertificate("viewer", Now() - Duration(60), Now() + Duration(600)));
    options.key_pem = std::string(key.ToPem().view());
  } else if (who == "foreign") {
    const Site foreign;
    options.certificate_pem = foreign.Text("tls/viewer.pem");
    options.key_pem = foreign.Text("tls/viewer.key");
  } else if (!who.empty()) {
    options.certificate_pem = site.Text(Cat("tls/", who, ".pem"));
    options.key_pem = site.Text(Cat("tls/", who, ".key"));
  }
  return options;
}

Process::Process(const std::vector<std::string>& arguments, const std::string& output_file) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  ASSAY_CHECK(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
}

Process::~Process() {
  if (ended_) return;
  Signal(SIGKILL);
  Wait();
}

void Process::Signal(int number) const { ::kill(pid_, number); }

int Process::Wait() {
  if (ended_) return *ended_;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
  ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return *ended_;
}

bool Process::Running() {
  if (ended_) return false;
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

}  // namespace assay::integration
