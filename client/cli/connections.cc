#include "client/cli/connections.h"

#include <utility>

#include "base/files.h"
#include "base/strings.h"
#include "client/lib/client.h"
#include "codec/pem.h"
#include "crypto/certificate.h"

namespace assay::cli {
namespace {

constexpr Duration kClockTolerance = std::chrono::minutes(5);
constexpr Duration kNodeCertificateLife = std::chrono::hours(1);

absl::StatusOr<std::string> ReadText(std::string_view what, const std::string& path) {
  const absl::StatusOr<Bytes> bytes = ReadFile(what, path);
  if (!bytes.ok()) return bytes.status();
  return std::string(AsText(*bytes));
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

absl::StatusOr<std::unique_ptr<agent::JoinConnection>> ConnectAsNode(const ServerOptions& server, const crypto::PrivateKey& node_key, Time now) {
  client::ChannelOptions options;
  options.address = server.address;
  absl::StatusOr<std::string> ca = ReadText("--ca", server.ca);
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
  struct Part {
    std::string_view what;
    const std::string& path;
    std::string& text;
  };
  for (const Part& part : {Part{"--ca", server.ca, options.ca_pem}, Part{"--cert", credentials.certificate, options.certificate_pem},
                           Part{"--key", credentials.key, options.key_pem}}) {
    absl::StatusOr<std::string> text = ReadText(part.what, part.path);
    if (!text.ok()) return text.status();
    part.text = *std::move(text);
  }
  return std::make_unique<client::VerdictClient>(options);
}

}  // namespace assay::cli
