#include "service/attestation.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"
#include "codec/json_writer.h"
#include "collateral/document_kinds.h"
#include "crypto/binding_transcript.h"
#include "crypto/certificate.h"
#include "crypto/certification_request.h"
#include "crypto/signature.h"
#include "evidence/tpm/format.h"
#include "result/ear_of.h"
#include "result/flat_jwt.h"
#include "service/activation.h"
#include "store/verdict_id.h"
#include "token/jws.h"

namespace assay::service {
namespace {

constexpr std::size_t kMostItems = 32;
constexpr std::size_t kLongestCluster = 253, kLongestRole = 63, kLongestName = 253, kLongestPlatform = 64;
constexpr std::size_t kLongestSpki = 1024;
constexpr std::size_t kLongestSignature = 256;
constexpr std::size_t kLongestSecret = 64;
constexpr std::size_t kFactCapacity = 8192;
constexpr int kMostAppraisals = 3;  // of one answer, while what is remembered of the instance keeps changing
constexpr double kAttemptSamplesPerSecond = 20, kAttemptSampleBurst = 200;
constexpr std::string_view kAllAttempts = "attempts", kClockErrors = "clock";
constexpr int kMostRounds = 4;  // of gathering
constexpr std::uint32_t kRetryStoreMs = 2000, kRetryCollateralMs = 60'000, kRetryAbandonedMs = 1000, kRetryClockMs = 10'000;

std::string Text(ByteView bytes) { return std::string(AsText(bytes)); }

Refusal Invalid(std::string field, std::string expected, std::string actual) {
  return {{.reason = Reason::kRequestFieldInvalid,
           .component = std::move(field),
           .expected = std::move(expected),
           .actual = std::move(actual)}};
}

// The transcript as far as it is known without the challenge's nonce.
crypto::BindingTranscript TranscriptOf(const v1::AttestationContext& context, const v1::AttesterKeys& keys, ByteView server_spki) {
  return {.nonce = {},
          .node_spki = ToBytes(AsBytes(keys.node_spki())),
          .csr_sha256 = {},
          .cluster = context.cluster(),
          .role = context.role(),
          .name = context.name(),
          .tpm_ak = ToBytes(AsBytes(keys.tpm_ak())),
          .server_spki_sha256 = ToBytes(server_spki)};
}

// What of the context and keys a challenge is for. Of the endorsement key nothing stands in the transcript: it is bound here, and by the
// secret that is sealed to it.
crypto::Sha256Digest ContextOf(const crypto::BindingTranscript& transcript, const v1::AttesterKeys& keys) {
  Bytes context = transcript.Encode();
  if (!keys.tpm_ek().empty()) {
    for (const std::string& part : {keys.tpm_ek(), keys.tpm_ek_certificate()}) {
      AppendU32Be(context, static_cast<std::uint32_t>(part.size()));
      Append(context, AsBytes(part));
    }
  }
  return crypto::Sha256(context);
}

bool IsText(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t length = Utf8SequenceLength(text.substr(at));
    if (length == 0 || byte < 0x20 || byte == 0x7F) return false;
    at += length;
  }
  return true;
}

std::optional<Refusal> CheckText(std::string field, std::string_view text, std::size_t least, std::size_t most) {
  if (text.size() >= least && text.size() <= most && IsText(text)) return std::nullopt;
  return Invalid(std::move(field), Cat(least, " to ", most, " bytes of printable text"),
                 IsText(text) ? Cat(text.size(), " bytes") : Cat("'", Printable(text, 64), "'"));
}

// Names certificate and key whole, so a hit is as good as decoding them again.
// What a proxy shows is left out: it is not the node's.
crypto::Sha256Digest PossessionOf(const v1::AttesterKeys& keys, const Peer& peer, bool tls_terminated) {
  const std::string_view certificate =
      peer.certificate_pem && !tls_terminated ? std::string_view(*peer.certificate_pem) : std::string_view();
  Bytes shown_for;
  shown_for.reserve(8 + certificate.size() + keys.node_spki().size());
  AppendU64Be(shown_for, certificate.size());
  Append(shown_for, AsBytes(certificate));
  Append(shown_for, AsBytes(keys.node_spki()));
  return crypto::Sha256(shown_for);
}

// nullopt: no profile has this name. Empty: the deployed one.
std::optional<token::EarProfile> EarProfileNamed(std::string_view name) {
  if (name.empty()) return token::EarProfile::kVeraison2023;
  for (const token::EarProfileEntry& entry : token::AllEarProfiles()) {
    if (entry.short_name == name) return entry.profile;
  }
  return std::nullopt;
}

using Stage = telemetry::AppraisalStage;

// The time since the last stage ended is the time of the next.
class StageTimer {
 public:
  explicit StageTimer(telemetry::Metrics& metrics) : metrics_(metrics) {}
  void Ended(Stage stage) {
    const auto now = std::chrono::steady_clock::now();
    metrics_.ObserveStage(stage, std::chrono::duration<double>(now - since_).count());
    since_ = now;
  }

 private:
  telemetry::Metrics& metrics_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

void CountAppraisal(const v1::Appraisal& appraisal, telemetry::Metrics& metrics) {
  metrics.CountAppraisal(appraisal.platform(), v1::Verdict_Name(appraisal.verdict()));
  for (const v1::Finding& finding : appraisal.findings()) {
    if (finding.effect() != v1::EFFECT_NOTE) metrics.CountReason(appraisal.platform(), static_cast<Reason>(finding.code()));
  }
  const v1::Finding* deciding = appraisal::DecidingFinding(appraisal);
  if (appraisal.instance_identity().empty() && deciding != nullptr) metrics.CountAttempt(static_cast<Reason>(deciding->code()));
}

using Parameters = std::vector<std::pair<std::string, std::string>>;

Parameters ParametersOf(const crypto::Credential& credential) {
  return {{std::string(tpm::kCredentialParameter), ToHex(credential.id_object)},
          {std::string(tpm::kSealedSecretParameter), ToHex(credential.encrypted_secret)}};
}

// What a set asks of a node: the manifests of its platforms, or of the one that is hinted at. `sealed`: beside what they ask of quotes.
void WriteRequests(const appraisal::Registry& registry, const appraisal::PolicyChoice& choice, std::string_view hint,
                   const Parameters& sealed, v1::CreateChallengeResponse& response) {
  struct Need {
    bool optional = true;
    std::set<std::string> platforms;
  };
  std::map<std::pair<std::string, Parameters>, Need> needs;
  for (const platform::Platform* platform : registry.platforms) {
    if (choice.PolicyFor(platform->name) == nullptr || (!hint.empty() && hint != platform->name)) continue;
    for (const platform::ManifestEntry& entry : platform->manifest) {
      Parameters parameters;
      for (const platform::CollectionParameter& one : entry.parameters) parameters.emplace_back(one.name, one.value);
      if (entry.media_type == tpm::kQuoteMediaType) parameters.insert(parameters.end(), sealed.begin(), sealed.end());
      Need& need = needs[{std::string(entry.media_type), std::move(parameters)}];
      need.platforms.insert(std::string(platform->name));
      need.optional = need.optional && entry.least == 0;
    }
  }
  for (const auto& [what, need] : needs) {
    v1::EvidenceRequest& request = *response.add_requests();
    request.set_media_type(what.first);
    request.set_optional(need.optional);
    for (const auto& [name, value] : what.second) {
      v1::EvidenceRequest::Parameter& parameter = *request.add_parameters();
      parameter.set_name(name);
      parameter.set_value(value);
    }
    for (const std::string& platform : need.platforms) request.add_platforms(platform);
  }
}

Refusal TooLate() {
  return {{.reason = Reason::kOverloaded,
           .component = "deadline",
           .expected = "a caller that waits",
           .actual = "none: the call's deadline passed or it was cancelled"},
          kRetryAbandonedMs};
}

}  // namespace

Attestation::Attestation(AttestationInputs inputs, ChallengeCodec codec)
    : inputs_(std::move(inputs)),
      codec_(std::move(codec)),
      caches_(kFactCapacity),
      possessions_(kFactCapacity),
      attempt_samples_({.per_second = kAttemptSamplesPerSecond, .burst = kAttemptSampleBurst}),
      clock_errors_({.per_second = 1.0 / 60, .burst = 1}) {}

void Attestation::UseServerKey(const crypto::Sha256Digest& spki_sha256) {
  const Time now = inputs_.clock.Now();
  const std::lock_guard lock(server_keys_mutex_);
  std::erase_if(server_keys_, [&](const ServerKey& key) { return key.spki_sha256 == spki_sha256 || (key.until && *key.until < now); });
  for (ServerKey& key : server_keys_) {
    if (!key.until) key.until = now + inputs_.challenge_lifetime;
  }
  server_keys_.insert(server_keys_.begin(), {spki_sha256, std::nullopt});
}

std::vector<Bytes> Attestation::ServerKeysAt(Time now) const {
  if (inputs_.tls_terminated) return {Bytes()};
  const std::lock_guard lock(server_keys_mutex_);
  std::vector<Bytes> active;
  for (const ServerKey& key : server_keys_) {
    if (!key.until || now <= *key.until) active.push_back(ToBytes(key.spki_sha256));
  }
  return active;
}

crypto::Sha256Digest Attestation::PolicySetId(const v1::AttestationContext& context) const {
  const appraisal::PolicySet* set = inputs_.policies.FindSet(context.cluster(), context.role());
  Bytes id = ToBytes(inputs_.policies.Digest());
  if (set != nullptr) Append(id, AsBytes(set->name));
  return crypto::Sha256(id);
}

Answer<crypto::PublicKey> Attestation::CheckRequest(const v1::AttestationContext& context, const v1::AttesterKeys& keys,
                                                    const std::string& platform, const Peer& peer) const {
  if (auto refusal = CheckText("context.cluster", context.cluster(), 1, kLongestCluster)) return *std::move(refusal);
  if (auto refusal = CheckText("context.role", context.role(), 1, kLongestRole)) return *std::move(refusal);
  if (auto refusal = CheckText("context.name", context.name(), 0, kLongestName)) return *std::move(refusal);
  if (auto refusal = CheckText("platform", platform, 0, kLongestPlatform)) return *std::move(refusal);
  if (keys.node_spki().size() > kLongestSpki) {
    return Invalid("keys.node_spki", Cat("at most ", kLongestSpki, " bytes"), Cat(keys.node_spki().size(), " bytes"));
  }
  const crypto::Sha256Digest fact = PossessionOf(keys, peer, inputs_.tls_terminated);
  if (const auto known = possessions_.Find(fact)) return *known;
  const auto key = crypto::PublicKey::FromSpki(AsBytes(keys.node_spki()));
  if (!key) {
    const Finding& why = key.findings().front();
    return Invalid("keys.node_spki", "the DER SubjectPublicKeyInfo of an EC P-256, P-384 or RSA key",
                   keys.node_spki().empty() ? "nothing" : Cat(why.claim, " ", why.actual));
  }
  if (!inputs_.tls_terminated) {
    if (auto refusal = CheckPossession(keys, peer)) return *std::move(refusal);
  }
  possessions_.Insert(fact, std::make_shared<const crypto::PublicKey>(*key));
  return *key;
}

// By TLS: the client key of this connection is the node key.
std::optional<Refusal> Attestation::CheckPossession(const v1::AttesterKeys& keys, const Peer& peer) {
  CheckLog log;
  const auto certificates = crypto::CertificatesFrom(AsBytes(peer.certificate_pem.value_or("")), "TLS client", 1);
  const bool shown = certificates && certificates->size() == 1;
  if (!log.Require(Check::kNodeKeyPossession, shown && Equal(certificates->front().public_key().spki(), AsBytes(keys.node_spki())), [&] {
        return Finding{.reason = shown ? Reason::kNodeKeyMismatch : Reason::kChannelUnbound,
                       .component = "keys.node_spki",
                       .expected = "the key of the TLS client certificate",
                       .actual = shown                  ? "another key"
                                 : peer.certificate_pem ? "a client certificate that does not decode"
                                                        : "no client certificate"};
      })) {
    return Refusal{log.findings().front()};
  }
  return std::nullopt;
}

// By signature: TLS ends at a proxy, so that only the node key itself can speak for the node.
std::optional<Refusal> Attestation::CheckSignature(const v1::AttestRequest& request, const crypto::PublicKey& node_key) const {
  const std::string& signature = request.possession_signature();
  if (!inputs_.tls_terminated) {
    if (signature.empty()) return std::nullopt;
    return Invalid("possession_signature", "nothing: TLS ends at this server", Cat(signature.size(), " bytes"));
  }
  if (signature.size() > kLongestSignature) {
    return Invalid("possession_signature", Cat("at most ", kLongestSignature, " bytes"), Cat(signature.size(), " bytes"));
  }
  CheckLog log;
  if (!log.Require(Check::kNodeKeySignature,
                   crypto::VerifyEcdsaDer(node_key, crypto::HashAlgorithm::kSha256, AsBytes(request.challenge()), AsBytes(signature)), [&] {
                     return Finding{.reason = Reason::kPossessionUnproven,
                                    .component = "possession_signature",
                                    .expected = "the node key's ECDSA signature of the challenge, with SHA-256, in DER",
                                    .actual = signature.empty() ? "nothing" : "bytes that are not that"};
                   })) {
    return Refusal{log.findings().front()};
  }
  return std::nullopt;
}

// The transcript, and what was sealed, are about the key that was named: the evidence must not be of another.
std::optional<Refusal> Attestation::CheckAttestationKey(const v1::AttestRequest& request) {
  if (request.keys().tpm_ak().empty()) return std::nullopt;
  CheckLog log;
  for (const v1::EvidenceItem& item : request.items()) {
    if (item.media_type() != tpm::kAkMediaType) continue;
    if (!log.Require(Check::kTpmAkNamed, item.body() == request.keys().tpm_ak(), [&] {
          return Finding{.reason = Reason::kAttestationKeyMismatch,
                         .component = "items",
                         .claim = std::string(tpm::kAkMediaType),
                         .expected = "keys.tpm_ak, byte for byte",
                         .actual = "another"};
        })) {
      return Refusal{log.findings().front()};
    }
  }
  return std::nullopt;
}

// That evidence names it, by its digest in the transcript, is what the appraisal shows.
std::optional<Refusal> Attestation::CheckCsr(const v1::AttestRequest& request) {
  if (request.csr().empty()) return std::nullopt;
  const auto csr = crypto::CertificationRequest::FromDer(AsBytes(request.csr()));
  if (!csr) {
    const Finding& why = csr.findings().front();
    return Invalid("csr", Cat("a PKCS#10 request; ", why.claim, ": ", why.expected), why.actual);
  }
  CheckLog log;
  const auto refuse = [](std::string expected, std::string actual) {
    return Finding{.reason = Reason::kCsrRefused, .component = "csr", .expected = std::move(expected), .actual = std::move(actual)};
  };
  if (!log.Require(Check::kCsrKey, Equal(csr->public_key().spki(), AsBytes(request.keys().node_spki())),
                   [&] { return refuse("a request for the node key", "one for another key"); }) ||
      !log.Require(Check::kCsrSignature, csr->IsSignedByItsKey(),
                   [&] { return refuse("a request that its key signed", "one that it did not"); })) {
    return Refusal{log.findings().front()};
  }
  return std::nullopt;
}

bool Attestation::Knows(const v1::AttesterKeys& keys, const Peer& peer) const {
  // Sealing a secret for a TPM is no quick thing.
  return keys.tpm_ek().empty() && keys.node_spki().size() <= kLongestSpki &&
         possessions_.Find(PossessionOf(keys, peer, inputs_.tls_terminated)) != nullptr;
}

Answer<v1::CreateChallengeResponse> Attestation::CreateChallenge(const v1::CreateChallengeRequest& request, const Peer& peer) {
  if (const auto node_key = CheckRequest(request.context(), request.keys(), request.platform(), peer); !node_key.ok()) {
    return node_key.refusal();
  }
  const auto tpm_keys = ReadTpmKeys(request.keys());
  if (!tpm_keys.ok()) return tpm_keys.refusal();
  ChallengeFields fields{};
  inputs_.random.Fill(fields.nonce);
  fields.issued = inputs_.clock.Now();
  fields.expires = fields.issued + inputs_.challenge_lifetime;
  const Bytes server_spki = inputs_.tls_terminated ? Bytes() : ToBytes(peer.server_spki);
  fields.context = ContextOf(TranscriptOf(request.context(), request.keys(), server_spki), request.keys());
  fields.policy_set = PolicySetId(request.context());

  Parameters sealed;
  if (tpm_keys.value().endorsement_key) {
    const auto credential = SealSecret(tpm_keys.value(), fields.nonce, codec_);
    if (!credential.ok()) return credential.refusal();
    sealed = ParametersOf(credential.value());
  }
  v1::CreateChallengeResponse response;
  inputs_.metrics.CountChallengeIssued();
  response.set_challenge(Text(codec_.Seal(fields)));
  response.set_nonce(Text(fields.nonce));
  response.mutable_expires()->set_seconds(fields.expires.time_since_epoch().count());
  response.set_server_spki_sha256(Text(server_spki));
  response.set_tls_terminated(inputs_.tls_terminated);
  WriteRequests(inputs_.registry,
                appraisal::PolicyChoice::ForContext(inputs_.policies, request.context().cluster(), request.context().role()),
                request.platform(), sealed, response);
  return response;
}

std::optional<Refusal> Attestation::Consume(const ChallengeFields& challenge, Time now) {
  const absl::Status redeemed = inputs_.store.Redeem(challenge.nonce, challenge.expires, now);
  CheckLog log;
  // Its nonce may be forgotten, although it has not expired: by a clock that is behind the store's latest time, or after a restore. That
  // it may be a replay is no reason to say that it is one.
  const bool forgotten = absl::IsFailedPrecondition(redeemed);
  const bool replayed = absl::IsAlreadyExists(redeemed) || forgotten;
  std::uint32_t retry_ms = 0;
  if (!log.Require(Check::kChallengeOnce, !replayed, [&] {
        if (forgotten) {
          const std::string why(MessageOf(redeemed));
          const absl::StatusOr<Time> latest = inputs_.store.LatestTime();
          if (!latest.ok() || *latest <= challenge.expires) {
            return Finding{
                .reason = Reason::kChallengeExpired, .component = "challenge", .expected = "one whose nonce is remembered", .actual = why};
          }
          retry_ms = kRetryClockMs;
          if (clock_errors_.Take(kClockErrors)) {
            inputs_.log.Error("challenges are refused: the clock is behind the latest time that the store has seen", {{"error", why}});
          }
          return Finding{.reason = Reason::kClockBehind,
                         .component = "verifier",
                         .claim = "clock",
                         .expected = Cat("not before ", FormatTime(*latest)),
                         .actual = why};
        }
        return Finding{.reason = Reason::kChallengeConsumed,
                       .component = "challenge",
                       .expected = "one that was not answered before",
                       .actual = "one that was"};
      })) {
    return Refusal{log.findings().front(), retry_ms};
  }
  if (!redeemed.ok() && !replayed) {
    inputs_.log.Error("challenge not redeemed", {{"error", MessageOf(redeemed)}});
    return Refusal{{.reason = Reason::kStoreUnavailable,
                    .component = "store",
                    .expected = "a challenge marked as answered",
                    .actual = "a store that could not"},
                   kRetryStoreMs};
  }
  return std::nullopt;
}

struct Attestation::Pending {
  const v1::AttestRequest& request;
  Peer peer;
  Time now;
  token::EarProfile ear_profile;
  crypto::PublicKey node_key;
  crypto::BindingTranscript transcript;
  crypto::Sha512Digest report_data{};
  crypto::Sha256Digest node_key_sha256{};
  trust::Challenge demanded;
  std::vector<evidence::Item> items;
  appraisal::TpmState tpm;  // without the enrolments
  trust::CollateralSnapshot collateral;
  std::vector<collateral::Absence> absent;  // beside it
  std::vector<trust::Floor> floors;         // of the documents that the evidence may use
  int rounds = 0;
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
  StageTimer timer;
};

// A node that comes back then finds all of it; not all nodes at once.
void Attestation::SayWhatIsAbsent(const Pending& pending, const v1::Appraisal& appraisal, v1::AttestResponse& response) const {
  if (inputs_.keeper == nullptr) return response.set_retry_after_ms(appraisal.missing_collateral_size() > 0 ? kRetryCollateralMs : 0);
  std::uint32_t longest = 0;
  for (const collateral::Absence& absence : pending.absent) {
    v1::AbsentCollateral& added = *response.add_absent_collateral();
    added.set_key(Printable(absence.key.ToString()));
    added.set_code(EntryOf(absence.reason).number);
    added.set_reason(std::string(NameOf(absence.reason)));
    added.set_retry_after_ms(static_cast<std::uint32_t>(absence.retry_after.count()));
    const auto& missing = appraisal.missing_collateral();
    // What nobody fetches an operator may still import.
    const bool by_hand =
        absence.reason == Reason::kCollateralOffline && std::find(missing.begin(), missing.end(), added.key()) != missing.end();
    longest = std::max(longest, by_hand ? kRetryCollateralMs : added.retry_after_ms());
  }
  ByteArray<1> chance{};
  inputs_.random.Fill(chance);
  response.set_retry_after_ms(longest + longest / 5 * chance[0] / 256);
}

// What the node sent, and what this verifier holds: nobody keeps it from a newer list by sending an older one.
void Attestation::Gather(Pending& pending) {
  ++pending.rounds;
  pending.absent.clear();
  pending.collateral = appraisal::GatherCollateral(inputs_.registry, pending.items, inputs_.collateral, &caches_);
  if (inputs_.keeper == nullptr) return;
  const std::vector<trust::CollateralKey> missing = appraisal::Needs(inputs_.registry, pending.items, pending.collateral);
  std::vector<trust::CollateralKey> wanted;
  const std::vector<trust::CollateralKey> usable = appraisal::Needs(inputs_.registry, pending.items, {});
  for (const trust::CollateralKey& key : usable) {
    if (!collateral::IsLeaf(key) || std::find(missing.begin(), missing.end(), key) != missing.end()) wanted.push_back(key);
  }
  collateral::Gathered gathered = inputs_.keeper->Find(wanted);
  for (const trust::CollateralItem& item : pending.collateral.items()) gathered.items.push_back(item);
  pending.collateral = trust::CollateralSnapshot(std::move(gathered.items));
  pending.absent = std::move(gathered.absent);
  pending.floors.clear();
  for (const trust::Floor& floor : inputs_.keeper->Floors()) {
    // Lists of one issuer for different certificates differ in detail alone; evidence needs them under one key.
    const bool used =
        floor.channel == trust::Channel::kStandard && std::any_of(usable.begin(), usable.end(), [&floor](const trust::CollateralKey& key) {
          return key.kind == floor.edition.series.kind && key.scope == floor.edition.series.scope;
        });
    if (used) pending.floors.push_back(floor);
  }
}

void Attestation::GatherAgain(Pending& pending) { Gather(pending); }

std::vector<trust::CollateralKey> Attestation::WorthWaitingFor(const Pending& pending, collateral::Milliseconds patience) const {
  if (pending.absent.empty() || pending.rounds >= kMostRounds) return {};
  const auto left = patience - std::chrono::duration_cast<collateral::Milliseconds>(std::chrono::steady_clock::now() - pending.begun);
  std::vector<trust::CollateralKey> keys = appraisal::Needs(inputs_.registry, pending.items, pending.collateral);
  std::erase_if(keys, [&](const trust::CollateralKey& key) {
    return std::none_of(pending.absent.begin(), pending.absent.end(), [&](const collateral::Absence& absence) {
      return absence.key == key && absence.reason == Reason::kCollateralPending && absence.retry_after <= left;
    });
  });
  return keys;
}

Answer<v1::AttestResponse> Attestation::Attest(const v1::AttestRequest& request, const Peer& peer, const std::function<bool()>& abandoned) {
  auto begun = Begin(request, peer, abandoned);
  if (!begun.ok()) return begun.refusal();
  return Conclude(*begun.value(), abandoned);
}

Answer<std::shared_ptr<Attestation::Pending>> Attestation::Begin(const v1::AttestRequest& request, const Peer& peer,
                                                                 const std::function<bool()>& abandoned) {
  const Time now = inputs_.clock.Now();
  if (request.items_size() > static_cast<int>(kMostItems)) {
    return Invalid("items", Cat("at most ", kMostItems), std::to_string(request.items_size()));
  }
  if (!request.activation_secret().empty() && request.keys().tpm_ek().empty()) {
    return Invalid("activation_secret", "nothing: no activation was requested", Cat(request.activation_secret().size(), " bytes"));
  }
  if (request.activation_secret().size() > kLongestSecret) {
    return Invalid("activation_secret", Cat("at most ", kLongestSecret, " bytes"), Cat(request.activation_secret().size(), " bytes"));
  }

  const std::optional<token::EarProfile> ear_profile = EarProfileNamed(request.ear_profile());
  if (!ear_profile) return Invalid("ear_profile", "veraison, trustee or ietf-03", Cat("'", Printable(request.ear_profile(), 32), "'"));

  // While certificates are exchanged a challenge may have been made under another one than this connection shows.
  crypto::BindingTranscript transcript;
  std::optional<ChallengeFields> challenge;
  std::optional<Finding> refused;
  for (const Bytes& server_spki : ServerKeysAt(now)) {
    CheckLog log;
    transcript = TranscriptOf(request.context(), request.keys(), server_spki);
    challenge = codec_.Open(AsBytes(request.challenge()), now, ContextOf(transcript, request.keys()), PolicySetId(request.context()), log);
    if (challenge) break;
    if (!refused) refused = log.findings().front();
  }
  if (!challenge) {
    inputs_.metrics.CountChallengeRefused(refused->reason);
    return *std::move(refused);
  }
  const auto node_key = CheckRequest(request.context(), request.keys(), request.platform(), peer);
  if (!node_key.ok()) return node_key.refusal();
  const auto tpm_keys = ReadTpmKeys(request.keys());
  if (!tpm_keys.ok()) return tpm_keys.refusal();
  if (auto refusal = CheckAttestationKey(request)) return *std::move(refusal);
  if (auto refusal = CheckSignature(request, node_key.value())) return *std::move(refusal);
  if (auto refusal = CheckCsr(request)) return *std::move(refusal);
  if (abandoned()) return TooLate();
  if (auto refusal = Consume(*challenge, now)) {
    inputs_.metrics.CountChallengeRefused(refusal->finding.reason);
    return *std::move(refusal);
  }
  inputs_.metrics.CountChallengeRedeemed();
  StageTimer timer(inputs_.metrics);

  transcript.nonce = ToBytes(challenge->nonce);
  if (!request.csr().empty()) transcript.csr_sha256 = ToBytes(crypto::Sha256(AsBytes(request.csr())));
  const crypto::Sha512Digest report_data = transcript.ReportData();
  const crypto::Sha256Digest node_key_sha256 = crypto::Sha256(AsBytes(request.keys().node_spki()));
  const auto tpm_ak_sha256 = transcript.tpm_ak.empty() ? std::nullopt : std::optional(crypto::Sha256(transcript.tpm_ak));
  const trust::Challenge demanded = trust::Challenge::Demanded({.report_data = report_data,
                                                                .nonce = ToBytes(transcript.ExtraData()),
                                                                .node_key_sha256 = node_key_sha256,
                                                                .tpm_ak_sha256 = tpm_ak_sha256});
  std::vector<evidence::Item> items;
  for (const v1::EvidenceItem& item : request.items()) {
    items.push_back({item.media_type(), trust::UntrustedBytes(ToBytes(AsBytes(item.body())))});
  }
  appraisal::TpmState tpm{.asked_as = appraisal::AskedAs(request.context().cluster(), request.context().name()),
                          .attestation_key = appraisal::HintedAttestationKey(items)};
  if (const auto& ek = tpm_keys.value().endorsement_key) tpm.endorsement_key = ToBytes(ek->key().spki_sha256());
  tpm.activation = RedeemSecret(tpm_keys.value(), request.keys(), challenge->nonce, AsBytes(request.activation_secret()), codec_);
  auto pending = std::make_shared<Pending>(Pending{.request = request,
                                                   .peer = peer,
                                                   .now = now,
                                                   .ear_profile = *ear_profile,
                                                   .node_key = node_key.value(),
                                                   .transcript = std::move(transcript),
                                                   .report_data = report_data,
                                                   .node_key_sha256 = node_key_sha256,
                                                   .demanded = demanded,
                                                   .items = std::move(items),
                                                   .tpm = std::move(tpm),
                                                   .collateral = {},
                                                   .absent = {},
                                                   .floors = {},
                                                   .timer = timer});
  Gather(*pending);
  return pending;
}

Answer<v1::AttestResponse> Attestation::Conclude(Pending& pending, const std::function<bool()>& abandoned) {
  const v1::AttestRequest& request = pending.request;
  const Peer& peer = pending.peer;
  const Time now = pending.now;
  const std::vector<evidence::Item>& items = pending.items;
  const trust::CollateralSnapshot& collateral = pending.collateral;
  const trust::Challenge& demanded = pending.demanded;
  const crypto::BindingTranscript& transcript = pending.transcript;
  StageTimer& timer = pending.timer;
  timer.Ended(Stage::kGather);
  if (abandoned()) return TooLate();
  const appraisal::PolicyChoice choice =
      appraisal::PolicyChoice::ForContext(inputs_.policies, request.context().cluster(), request.context().role());
  v1::VerdictRecord record;
  record.set_id(store::NewVerdictId(now, inputs_.random));
  record.mutable_recorded_at()->set_seconds(now.time_since_epoch().count());
  *record.mutable_context() = request.context();
  record.set_node_key_sha256(Text(pending.node_key_sha256));
  record.set_demanded_report_data(Text(pending.report_data));
  record.set_demanded_nonce(Text(transcript.ExtraData()));
  if (demanded.values().tpm_ak_sha256) record.set_tpm_ak_sha256(Text(*demanded.values().tpm_ak_sha256));
  record.set_platform_hint(request.platform());
  const Bytes identity = appraisal::HintedIdentity(inputs_.registry, items, demanded);
  std::vector<store::Blob> blobs;
  for (const evidence::Item& item : items) {
    record.add_evidence_media_types(Printable(item.media_type));
    blobs.push_back({item.body.Read().TakeRest(), store::BlobClass::kEvidence, item.body.Sha256()});
  }
  for (const trust::CollateralItem& item : collateral.items()) {
    v1::CollateralEntry& entry = *record.add_collateral();
    entry.set_key(Printable(item.key.ToString()));
    entry.set_sha256(Text(item.sha256));
    entry.set_source(std::string(trust::NameOf(item.source)));
    blobs.push_back({item.body.Read().TakeRest(), store::BlobClass::kInput, item.body.Sha256()});
  }
  for (const appraisal::PolicySource& source : inputs_.policies.sources()) {
    record.add_policy_sources(Text(source.sha256));
    record.add_policy_source_names(Printable(source.name, 1024));
    blobs.push_back({source.text, store::BlobClass::kInput, source.sha256});
  }

  absl::Status recorded;
  for (int attempt = 0; attempt < kMostAppraisals; ++attempt) {
    const auto known = inputs_.store.InstanceStateOf({.identity = identity,
                                                      .node_key_sha256 = AsBytes(record.node_key_sha256()),
                                                      .cluster = request.context().cluster(),
                                                      .name = request.context().name()},
                                                     now);
    if (!known.ok()) {
      recorded = known.status();
      break;
    }
    const auto denials = inputs_.store.Denials();
    if (!denials.ok()) {
      recorded = denials.status();
      break;
    }
    const auto enrolments = inputs_.store.EnrolmentsOf(pending.tpm);
    if (!enrolments.ok()) {
      recorded = enrolments.status();
      break;
    }
    appraisal::StateSnapshot state{
        .not_before = inputs_.not_before, .instance = *known, .floors = pending.floors, .denials = *denials, .tpm = pending.tpm};
    state.tpm.enrolments = *enrolments;
    v1::RememberedState& remembered = *record.mutable_state();
    remembered.mutable_not_before()->set_seconds(inputs_.not_before.time_since_epoch().count());
    remembered.set_identity(Text(known->identity));
    remembered.set_ban(known->ban);
    remembered.set_held_as(known->held_as);
    appraisal::Write(state.tpm, remembered);
    remembered.clear_floors();
    for (const trust::Floor& floor : pending.floors) {
      v1::CollateralFloor& added = *remembered.add_floors();
      added.set_kind(floor.edition.series.kind);
      added.set_scope(floor.edition.series.scope);
      added.set_detail(floor.edition.series.detail);
      added.set_channel(std::string(trust::NameOf(floor.channel)));
      added.set_number(floor.edition.number);
      added.mutable_issued()->set_seconds(floor.edition.issued.time_since_epoch().count());
    }
    remembered.clear_denials();
    for (const appraisal::Denial& denial : *denials) {
      v1::Denial& kept = *remembered.add_denials();
      kept.set_certificate(denial.of == appraisal::Denial::Of::kCertificate);
      kept.set_value(Text(denial.value));
      kept.set_why(denial.why);
    }
    *record.mutable_appraisal() = appraisal::Appraise({.registry = inputs_.registry,
                                                       .items = items,
                                                       .platform_hint = request.platform(),
                                                       .challenge = demanded,
                                                       .channel_bound = !inputs_.tls_terminated,
                                                       .collateral = collateral,
                                                       .policies = choice,
                                                       .anchors = inputs_.anchors,
                                                       .state = state,
                                                       .at = now,
                                                       .caches = &caches_});
    timer.Ended(Stage::kAppraise);
    record.set_appraisal_sha256(Text(crypto::Sha256(AsBytes(appraisal::CanonicalJson(record.appraisal())))));
    const bool unidentified = record.appraisal().instance_identity().empty();
    if (unidentified) {
      for (std::size_t i = 0; i < blobs.size(); ++i) {
        blobs[i].kind = std::min(blobs[i].kind, i < items.size() ? store::BlobClass::kAttempt : store::BlobClass::kInput);
      }
    }
    // Attempts are samples: a flood of them must not become a flood of disk writes.
    if (unidentified && !attempt_samples_.Take(kAllAttempts)) {
      record.clear_id();
      recorded = absl::OkStatus();
      break;
    }
    recorded = inputs_.store.Record(record, blobs);
    // Aborted: somebody banned, released or named the instance meanwhile; what was appraised is no longer so.
    if (!absl::IsAborted(recorded)) break;
  }
  if (!recorded.ok()) {
    inputs_.log.Error("verdict not recorded, so not given",
                      {{"error", MessageOf(recorded)}, {"verdict_id", record.id()}, {"request_id", peer.request_id}});
    return Refusal{
        {.reason = Reason::kStoreUnavailable, .component = "store", .expected = "a recorded verdict", .actual = "a store that could not"},
        kRetryStoreMs};
  }
  timer.Ended(Stage::kStore);
  const v1::Appraisal& appraisal = record.appraisal();
  CountAppraisal(appraisal, inputs_.metrics);
  if (!appraisal.instance_identity().empty()) {
    inputs_.changed();
    if (inputs_.keeper != nullptr) inputs_.keeper->KeepLeaves(collateral.items());
  }

  const v1::Finding* deciding = appraisal::DecidingFinding(appraisal);
  inputs_.log.Info("verdict", {{"verdict", v1::Verdict_Name(appraisal.verdict())},
                               {"verdict_id", record.id()},
                               {"cluster", request.context().cluster()},
                               {"role", request.context().role()},
                               {"node", request.context().name()},
                               {"platform", appraisal.platform()},
                               {"peer", peer.address},
                               {"request_id", peer.request_id},
                               {"reason", deciding == nullptr ? "" : deciding->reason()},
                               {"simulated", appraisal.simulated()}});
  v1::AttestResponse response;
  if (inputs_.token_keys != nullptr) {
    const std::shared_ptr<const result::SigningKey> signer = inputs_.token_keys->Signer();
    const result::Issue issue{inputs_.token_issuer, pending.ear_profile, transcript.nonce, pending.node_key};
    const token::EarClaims claims = result::EarOf(record, issue);
    inputs_.metrics.CountToken(telemetry::TokenKind::kEar, telemetry::TokenResult::kIssued);
    response.set_ear(token::SignJws(*json::Canonical(token::WriteEar(claims)), signer->id(), "JWT", signer->key()));
    if (const auto flat = result::FlatClaimsOf(record, issue)) {
      response.set_jwt(token::SignJws(*json::Canonical(*flat), signer->id(), "JWT", signer->key()));
    }
    inputs_.metrics.CountToken(telemetry::TokenKind::kOidc,
                               response.jwt().empty() ? telemetry::TokenResult::kWithheld : telemetry::TokenResult::kIssued);
  }
  timer.Ended(Stage::kToken);
  response.set_verdict_id(record.id());
  if (appraisal.verdict() == v1::VERDICT_INDETERMINATE) SayWhatIsAbsent(pending, appraisal, response);
  *response.mutable_appraisal() = std::move(*record.mutable_appraisal());
  return response;
}

}  // namespace assay::service
