#include "client/agent/join.h"

#include <utility>
#include <vector>

#include "base/hex.h"
#include "base/strings.h"
#include "crypto/binding_transcript.h"
#include "crypto/challenge_form.h"

namespace assay::agent {
namespace {

constexpr std::size_t kNonceSize = 32;  // field 1 of the binding transcript

std::string Text(ByteView bytes) { return std::string(AsText(bytes)); }

// Field 8 of the transcript is taken from the connection, never from the answer: the answer only has to agree.
absl::Status CheckChallenge(const v1::CreateChallengeResponse& challenge, const JoinConnection& connection) {
  const auto refuse = [](std::string_view field, std::string_view expected, std::string_view actual, std::string_view remedy) {
    return absl::UnauthenticatedError(Cat("challenge: ", field, ": expected ", expected, ", actual ", actual, ". ", remedy));
  };
  if (challenge.nonce().size() != kNonceSize) {
    return refuse("nonce", "32 bytes", Cat(challenge.nonce().size(), " bytes"), "Is this an Assay server?");
  }
  // Whoever sends it may have the node key sign it: nothing is signed that could mean something elsewhere.
  if (const ByteView bytes = AsBytes(challenge.challenge()); !crypto::HasChallengeForm(bytes)) {
    return refuse("challenge", Cat(crypto::kChallengeSize, " bytes of version ", int{crypto::kChallengeVersion}),
                  bytes.empty() ? "none" : Cat(bytes.size(), " bytes that begin with ", ToHex(bytes.first(1))),
                  "Is this an Assay server, of a version that this program knows? Nothing was signed or sent.");
  }
  if (challenge.tls_terminated()) {
    if (challenge.server_spki_sha256().empty()) return absl::OkStatus();
    return refuse("server_spki_sha256", "nothing, as a proxy terminates TLS", ToHexBounded(AsBytes(challenge.server_spki_sha256())),
                  "Ask the server's operator.");
  }
  const std::optional<crypto::Sha256Digest> key = connection.ServerKey();
  if (!key) return refuse("server_spki_sha256", "the key of the server's TLS certificate", "a connection without one", "Use TLS.");
  if (!Equal(*key, AsBytes(challenge.server_spki_sha256()))) {
    return refuse("server_spki_sha256", Cat(ToHex(*key), " (the certificate of this connection)"),
                  challenge.server_spki_sha256().empty() ? "nothing" : ToHexBounded(AsBytes(challenge.server_spki_sha256())),
                  "Somebody stands between this node and the server: no evidence was sent.");
  }
  return absl::OkStatus();
}

std::vector<Demand::Request> RequestsOf(const v1::CreateChallengeResponse& challenge) {
  std::vector<Demand::Request> requests;
  for (const v1::EvidenceRequest& one : challenge.requests()) {
    Demand::Request& request = requests.emplace_back(Demand::Request{one.media_type(), {}});
    for (const v1::EvidenceRequest::Parameter& parameter : one.parameters()) {
      request.parameters.emplace_back(parameter.name(), parameter.value());
    }
  }
  return requests;
}

}  // namespace

absl::StatusOr<v1::AttestResponse> Join(const JoinRequest& request, const crypto::PrivateKey& node_key, EvidenceSource& source,
                                        JoinConnection& connection) {
  const ByteView spki = node_key.public_key().spki();
  v1::CreateChallengeRequest ask;
  ask.mutable_context()->set_cluster(request.cluster);
  ask.mutable_context()->set_role(request.role);
  ask.mutable_context()->set_name(request.name);
  ask.mutable_keys()->set_node_spki(Text(spki));
  const absl::StatusOr<TpmKeys> tpm = source.Keys();
  if (!tpm.ok()) return tpm.status();
  ask.mutable_keys()->set_tpm_ak(Text(tpm->attestation_key));
  ask.mutable_keys()->set_tpm_ek(Text(tpm->endorsement_key));
  ask.mutable_keys()->set_tpm_ek_certificate(Text(tpm->endorsement_certificate));
  ask.set_platform(request.platform);
  const absl::StatusOr<v1::CreateChallengeResponse> challenge = connection.CreateChallenge(ask);
  if (!challenge.ok()) return challenge.status();
  if (absl::Status status = CheckChallenge(*challenge, connection); !status.ok()) return status;

  const crypto::BindingTranscript transcript{
      .nonce = ToBytes(AsBytes(challenge->nonce())),
      .node_spki = ToBytes(spki),
      .csr_sha256 = {},
      .cluster = request.cluster,
      .role = request.role,
      .name = request.name,
      .tpm_ak = tpm->attestation_key,
      .server_spki_sha256 = challenge->tls_terminated() ? Bytes() : ToBytes(*connection.ServerKey()),
  };
  const absl::StatusOr<CollectedEvidence> evidence =
      source.Answer({transcript.ReportData(), transcript.ExtraData(), RequestsOf(*challenge)});
  if (!evidence.ok()) return evidence.status();

  v1::AttestRequest answer;
  answer.set_challenge(challenge->challenge());
  *answer.mutable_context() = ask.context();
  *answer.mutable_keys() = ask.keys();
  answer.set_platform(request.platform);
  answer.set_ear_profile(request.ear_profile);
  answer.set_activation_secret(Text(evidence->activation_secret));
  for (const CollectedItem& item : evidence->items) {
    v1::EvidenceItem* sent = answer.add_items();
    sent->set_media_type(item.media_type);
    sent->set_body(Text(item.body));
  }
  if (challenge->tls_terminated()) answer.set_possession_signature(Text(node_key.SignDer(AsBytes(challenge->challenge()))));
  return connection.Attest(answer);
}

}  // namespace assay::agent
