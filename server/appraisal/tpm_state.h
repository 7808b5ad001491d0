// What is remembered about the keys of a node's TPM: which of them the operators enrolled, and how the credential activation ended.
// Part of the state snapshot: read once, recorded, and the same again in a replay.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/v1/verdict_record.pb.h"
#include "base/bytes.h"
#include "base/check_log.h"
#include "crypto/digest.h"
#include "evidence/format.h"
#include "trust/activation.h"
#include "trust/claims.h"
#include "trust/enrolled_keys.h"

namespace assay::appraisal {

// A key that operators enrolled.
struct Enrolment {
  enum class Of : std::uint8_t { kAttestationKey, kEndorsementKey };
  Of of;
  Bytes spki_sha256;
  Bytes tpm_name;    // empty: it was enrolled without its public area
  std::string node;  // "cluster/name" that it is for; empty: any
  std::string why;   // by whom, when, why
  friend bool operator==(const Enrolment&, const Enrolment&) = default;
};

// Of a secret that the challenge sealed.
struct ActivationOutcome {
  enum class Result : std::uint8_t { kRedeemed, kAbsent, kWrong };
  Result result;
  Bytes endorsement_key;          // TPM2B_PUBLIC
  Bytes endorsement_certificate;  // DER; empty: none
  Bytes attestation_key_name;
};

struct TpmState {
  std::string asked_as = {};   // "cluster/name"; empty: no name was asked for
  Bytes attestation_key = {};  // SHA-256 of the SPKI that the evidence hints at; what is authenticated has to be it. Empty: none
  Bytes endorsement_key = {};  // SHA-256 of the SPKI that the request named; empty: none
  std::vector<Enrolment> enrolments = {};  // of these keys, or for that name; sorted by kind and digest
  std::optional<ActivationOutcome> activation = {};

  bool IsEmpty() const { return enrolments.empty() && !activation; }
  void AppendTo(Bytes& listing) const;  // everything, for a digest; nothing if it is empty
};

std::string AskedAs(std::string_view cluster, std::string_view name);
// SHA-256 of the SubjectPublicKeyInfo of the attestation key that the items name, unauthenticated. Empty: none.
Bytes HintedAttestationKey(std::span<const evidence::Item> items);

// As a record keeps it. `asked_as` follows from the record's context.
void Write(const TpmState& state, v1::RememberedState& out);
TpmState TpmStateOf(const v1::VerdictRecord& record);

// Of a state, what authentication takes. Outlives the context that it makes, and the state outlives it.
class TpmInputs {
 public:
  explicit TpmInputs(const TpmState& state);
  const trust::EnrolledKeys& attestation_keys() const { return attestation_keys_; }
  const trust::EnrolledKeys& endorsement_keys() const { return endorsement_keys_; }
  const trust::Activation* activation() const { return activation_ ? &*activation_ : nullptr; }
  const evidence::NamedEndorsementKey* endorsement_key() const { return endorsement_key_ ? &*endorsement_key_ : nullptr; }

 private:
  trust::EnrolledKeys attestation_keys_, endorsement_keys_;
  std::optional<trust::Activation> activation_;
  std::optional<evidence::NamedEndorsementKey> endorsement_key_;
};

// A secret that came back wrong speaks against the node, whatever else vouches for its key.
void JudgeActivation(const TpmState& state, CheckLog& log);

// Attack 26: a key that is enrolled for a name comes under that name, and under that name comes no other. `claims`: nullptr where
// authentication failed; then it is told of the keys that the node named, so that an operator sees who knocks under whose name.
// Without any enrolment nothing is looked at.
void JudgeEnrolments(const TpmState& state, const trust::AuthenticatedClaims* claims, CheckLog& log);

}  // namespace assay::appraisal
