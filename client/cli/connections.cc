#include "client/cli/connections.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/absl_bridge.h"
#include "base/files.h"
#include "base/strings.h"
#include "client/lib/client.h"
#include "codec/pem.h"
#include "crypto/certificate.h"
#include "token/bearer.h"

namespace assay::cli {
namespace {

constexpr Duration kClockTolerance = std::chrono::minutes(5);
constexpr Duration kNodeCertificateLife = std::chrono::hours(1);

absl::StatusOr<std::string> ReadText(std::string_view what, const std::string& path) {
  const absl::StatusOr<Bytes> bytes = ReadFile(what, path);
  if (!bytes.ok()) return bytes.status();
  return std::string(AsText(*bytes));
}

// gRPC reads PEM alone, and takes everything else for no certificate at all.
absl::StatusOr<std::string> ReadCertificates(std::string_view what, const std::string& path) {
  absl::StatusOr<std::string> text = ReadText(what, path);
  if (!text.ok() || text->find("-----BEGIN ") != std::string::npos) return text;
  const auto certificates = crypto::CertificatesFrom(AsBytes(*text), what);
  if (certificates && certificates->size() == 1) return codec::EncodePem("CERTIFICATE", certificates->front().der());
  return absl::InvalidArgumentError(
      ToAbsl(Cat(what, " '", Printable(path), "': expected certificates in PEM, actual: none that can be read.")));
}

// One token on one line. What is wrong with it is said without any of it.
absl::StatusOr<std::string> ReadToken(const std::string& path) {
  absl::StatusOr<std::string> text = ReadText("--bearer-token-file", path);
  if (!text.ok()) return text.status();
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  const bool plain = std::all_of(text->begin(), text->end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!text->empty() && text->size() <= token::kMaxBearerSize && plain) return text;
  return absl::InvalidArgumentError(ToAbsl(Cat("--bearer-token-file '", Printable(path), "': expected one token of at most ",
                                               token::kMaxBearerSize, " characters on one line, actual: ",
                                               text->empty() ? "nothing"
                                               : plain       ? "more"
                                                             : "other text",
                                               ".")));
}

// Of a key that is not P-256, or of what can't be read, TLS has the word.
bool AreOfDifferentKeys(const std::string& certificate_pem, const std::string& key_pem) {
  const auto certificates = crypto::CertificatesFrom(AsBytes(certificate_pem), "--cert");
  const auto key = crypto::PrivateKey::FromPem(key_pem);
  return certificates && !certificates->empty() && key && !(certificates->front().public_key() == key->public_key());
}

class NodeConnection final : public agent::JoinConnection {
 public:
  explicit NodeConnection(const client::ChannelOptions& options) : client_(options) {}
  absl::StatusOr<v1::CreateChallengeResponse> CreateChallenge(const v1::CreateChallengeRequest& request) override {
    return client_.CreateChallenge(request);
  }
  absl::StatusOr<v1::AttestResponse> Attest(const v1::AttestRequest& request) override { return client_.Attest(request); }
  std::optional<crypto::Sha256Digest> ServerKey() const override {
    const auto certificates = crypto::CertificatesFrom(AsBytes(client_.server_certificate_pem()), "server", 1);
    if (!certificates || certificates->size() != 1) return std::nullopt;
    return certificates->front().public_key().spki_sha256();
  }

 private:
  client::JoinClient client_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<agent::JoinConnection>> ConnectAsNode(const ServerOptions& server, const crypto::PrivateKey& node_key,
                                                                     Time now) {
  client::ChannelOptions options;
  options.address = server.address;
  absl::StatusOr<std::string> ca = ReadCertificates("--ca", server.ca);
  if (!ca.ok()) return ca.status();
  options.ca_pem = *std::move(ca);
  const absl::StatusOr<Bytes> certificate = node_key.SelfSignedCertificate("assay node", now - kClockTolerance, now + kNodeCertificateLife);
  if (!certificate.ok()) return certificate.status();
  options.certificate_pem = codec::EncodePem("CERTIFICATE", *certificate);
  options.key_pem = std::string(node_key.ToPem().view());
  return std::make_unique<NodeConnection>(options);
}

absl::StatusOr<std::unique_ptr<client::VerdictClient>> ConnectAsOperator(const ServerOptions& server, const OperatorOptions& credentials) {
  client::ChannelOptions options;
  options.address = server.address;
  const bool token = !credentials.bearer_token.empty(), certificate = !credentials.certificate.empty() || !credentials.key.empty();
  if (token == certificate) {
    return absl::InvalidArgumentError(ToAbsl(Cat("credentials: expected either --cert and --key, or --bearer-token-file (or $",
                                                 kBearerTokenVariable, "), actual: ", token ? "both" : "neither", ".")));
  }
  if (!token && (credentials.certificate.empty() || credentials.key.empty())) {
    return absl::InvalidArgumentError(
        ToAbsl(Cat("credentials: expected --cert and --key, actual: ", credentials.key.empty() ? "no --key" : "no --cert", ".")));
  }
  struct Part {
    std::string_view what;
    const std::string& path;
    std::string& text;
  };
  std::vector<Part> parts = {{"--ca", server.ca, options.ca_pem}};
  if (token) {
    // Once now, so that a file that can't be used is said before anything is sent.
    if (const auto read = ReadToken(credentials.bearer_token); !read.ok()) return read.status();
    options.bearer_token = [path = credentials.bearer_token] { return ReadToken(path); };
  } else {
    parts.push_back({"--cert", credentials.certificate, options.certificate_pem});
    parts.push_back({"--key", credentials.key, options.key_pem});
  }
  for (const Part& part : parts) {
    absl::StatusOr<std::string> text = part.what == "--key" ? ReadText(part.what, part.path) : ReadCertificates(part.what, part.path);
    if (!text.ok()) return text.status();
    part.text = *std::move(text);
  }
  if (!token && AreOfDifferentKeys(options.certificate_pem, options.key_pem)) {
    return absl::InvalidArgumentError(
        ToAbsl(Cat("--key '", Printable(credentials.key), "': expected the key of the certificate in --cert '",
                   Printable(credentials.certificate), "', actual: another key. Give the two that belong together.")));
  }
  return std::make_unique<client::VerdictClient>(options);
}

}  // namespace assay::cli
