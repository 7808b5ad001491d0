#include "appraisal/tpm_state.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/tpm/claims.h"
#include "evidence/tpm/format.h"

namespace assay::appraisal {
namespace {

std::string Text(ByteView bytes) { return std::string(AsText(bytes)); }

void AppendPart(Bytes& listing, ByteView part) {
  AppendU64Be(listing, part.size());
  Append(listing, part);
}

v1::ActivationResult ProtoOf(ActivationOutcome::Result result) {
  switch (result) {
    case ActivationOutcome::Result::kRedeemed: return v1::ACTIVATION_RESULT_REDEEMED;
    case ActivationOutcome::Result::kAbsent: return v1::ACTIVATION_RESULT_ABSENT;
    case ActivationOutcome::Result::kWrong: return v1::ACTIVATION_RESULT_WRONG;
  }
  return v1::ACTIVATION_RESULT_WRONG;
}

// What a record of another version calls otherwise vouches for nothing.
ActivationOutcome::Result ResultOf(v1::ActivationResult result) {
  switch (result) {
    case v1::ACTIVATION_RESULT_REDEEMED: return ActivationOutcome::Result::kRedeemed;
    case v1::ACTIVATION_RESULT_ABSENT: return ActivationOutcome::Result::kAbsent;
    default: return ActivationOutcome::Result::kWrong;
  }
}

trust::EnrolledKeys KeysOf(const TpmState& state, Enrolment::Of of) {
  std::vector<Bytes> names;
  for (const Enrolment& enrolment : state.enrolments) {
    // With its public area a key was enrolled as the object that it is, not as whatever has this key.
    if (enrolment.of == of) names.push_back(enrolment.tpm_name.empty() ? enrolment.spki_sha256 : enrolment.tpm_name);
  }
  return trust::EnrolledKeys(std::move(names));
}

std::string ShowKey(ByteView digest) { return digest.empty() ? "none" : Cat("SHA-256 ", ToHex(digest)); }

}  // namespace

void TpmState::AppendTo(Bytes& listing) const {
  if (IsEmpty()) return;
  for (const ByteView part : {AsBytes("tpm"), AsBytes(asked_as), ByteView(attestation_key), ByteView(endorsement_key)}) {
    AppendPart(listing, part);
  }
  AppendU64Be(listing, enrolments.size());
  for (const Enrolment& enrolment : enrolments) {
    listing.push_back(static_cast<std::uint8_t>(enrolment.of));
    for (const ByteView part :
         {ByteView(enrolment.spki_sha256), ByteView(enrolment.tpm_name), AsBytes(enrolment.node), AsBytes(enrolment.why)}) {
      AppendPart(listing, part);
    }
  }
  if (!activation) return;
  listing.push_back(static_cast<std::uint8_t>(activation->result));
  for (const ByteView part :
       {ByteView(activation->endorsement_key), ByteView(activation->endorsement_certificate), ByteView(activation->attestation_key_name)}) {
    AppendPart(listing, part);
  }
}

std::string AskedAs(std::string_view cluster, std::string_view name) { return name.empty() ? std::string() : Cat(cluster, "/", name); }

Bytes HintedAttestationKey(std::span<const evidence::Item> items) {
  // Without a quote there is no such key, and certificates are of something else.
  const bool quoted =
      std::any_of(items.begin(), items.end(), [](const evidence::Item& item) { return item.media_type == tpm::kQuoteMediaType; });
  const auto key = quoted ? tpm::HintedAk(items) : std::nullopt;
  return key ? ToBytes(key->spki_sha256()) : Bytes();
}

void Write(const TpmState& state, v1::RememberedState& out) {
  out.set_attestation_key_sha256(Text(state.attestation_key));
  out.set_endorsement_key_sha256(Text(state.endorsement_key));
  out.clear_enrolments();
  for (const Enrolment& enrolment : state.enrolments) {
    v1::RememberedEnrolment& added = *out.add_enrolments();
    added.set_endorsement_key(enrolment.of == Enrolment::Of::kEndorsementKey);
    added.set_spki_sha256(Text(enrolment.spki_sha256));
    added.set_tpm_name(Text(enrolment.tpm_name));
    added.set_node(enrolment.node);
    added.set_why(enrolment.why);
  }
  out.clear_activation();
  if (!state.activation) return;
  v1::RememberedActivation& activation = *out.mutable_activation();
  activation.set_result(ProtoOf(state.activation->result));
  activation.set_endorsement_key(Text(state.activation->endorsement_key));
  activation.set_endorsement_certificate(Text(state.activation->endorsement_certificate));
  activation.set_attestation_key_name(Text(state.activation->attestation_key_name));
}

TpmState TpmStateOf(const v1::VerdictRecord& record) {
  const v1::RememberedState& from = record.state();
  TpmState state{.asked_as = AskedAs(record.context().cluster(), record.context().name()),
                 .attestation_key = ToBytes(AsBytes(from.attestation_key_sha256())),
                 .endorsement_key = ToBytes(AsBytes(from.endorsement_key_sha256()))};
  for (const v1::RememberedEnrolment& enrolment : from.enrolments()) {
    state.enrolments.push_back({enrolment.endorsement_key() ? Enrolment::Of::kEndorsementKey : Enrolment::Of::kAttestationKey,
                                ToBytes(AsBytes(enrolment.spki_sha256())), ToBytes(AsBytes(enrolment.tpm_name())), enrolment.node(),
                                enrolment.why()});
  }
  if (from.has_activation()) {
    const v1::RememberedActivation& activation = from.activation();
    state.activation =
        ActivationOutcome{ResultOf(activation.result()), ToBytes(AsBytes(activation.endorsement_key())),
                          ToBytes(AsBytes(activation.endorsement_certificate())), ToBytes(AsBytes(activation.attestation_key_name()))};
  }
  return state;
}

TpmInputs::TpmInputs(const TpmState& state)
    : attestation_keys_(KeysOf(state, Enrolment::Of::kAttestationKey)), endorsement_keys_(KeysOf(state, Enrolment::Of::kEndorsementKey)) {
  // Of one that ended wrong there is nothing left to ask.
  if (!state.activation || state.activation->result == ActivationOutcome::Result::kWrong) return;
  endorsement_key_ = evidence::NamedEndorsementKey{trust::UntrustedBytes(state.activation->endorsement_key),
                                                   trust::UntrustedBytes(state.activation->endorsement_certificate)};
  crypto::Sha256Digest sealed_to{};
  if (state.activation->result != ActivationOutcome::Result::kRedeemed || state.endorsement_key.size() != sealed_to.size()) return;
  std::copy(state.endorsement_key.begin(), state.endorsement_key.end(), sealed_to.begin());
  activation_ = trust::Activation::Recorded(sealed_to, state.activation->attestation_key_name);
}

void JudgeActivation(const TpmState& state, CheckLog& log) {
  if (!state.activation || state.activation->result == ActivationOutcome::Result::kAbsent) return;
  log.Require(Check::kTpmActivationSecret, state.activation->result == ActivationOutcome::Result::kRedeemed, [&] {
    return Finding{.reason = Reason::kActivationWrong,
                   .component = "activation_secret",
                   .claim = "secret",
                   .expected = Cat("the secret sealed for the attestation key ", ToHex(state.activation->attestation_key_name)),
                   .actual = "another"};
  });
}

void JudgeEnrolments(const TpmState& state, const trust::AuthenticatedClaims* claims, CheckLog& log) {
  for (const Enrolment& enrolment : state.enrolments) {
    if (enrolment.node.empty()) continue;
    const bool endorsement = enrolment.of == Enrolment::Of::kEndorsementKey;
    const Bytes* proven = claims == nullptr ? nullptr : claims->Get<Bytes>(endorsement ? tpm::kEkKeyDigestClaim : tpm::kAkKeyDigestClaim);
    const ByteView key = claims == nullptr   ? ByteView(endorsement ? state.endorsement_key : state.attestation_key)
                         : proven == nullptr ? ByteView()
                                             : ByteView(*proven);
    const bool same = !key.empty() && Equal(key, enrolment.spki_sha256);
    const bool its_name = enrolment.node == state.asked_as;
    log.Require(Check::kEnrolledName, same == its_name, [&] {
      const std::string_view kind = endorsement ? "endorsement key" : "attestation key";
      return Finding{
          .reason = Reason::kEnrolmentConflict,
          .component = std::string(kind),
          .claim = its_name ? "key" : "context.name",
          .expected = its_name ? Cat(ShowKey(enrolment.spki_sha256), ", ", enrolment.why) : Cat(enrolment.node, ", ", enrolment.why),
          .actual = its_name                 ? ShowKey(key)
                    : state.asked_as.empty() ? std::string("no name")
                                             : state.asked_as};
    });
  }
}

}  // namespace assay::appraisal
