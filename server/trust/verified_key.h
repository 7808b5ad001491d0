// VerifiedKey: a public key, and why it may vouch for evidence.
//
// Promises: there are only the makers below; a key that merely comes with evidence is none. Does not promise that the key's
// certificates are valid now: windows are reported by what was authenticated with it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/check_log.h"
#include "crypto/public_key.h"
#include "trust/activation.h"
#include "trust/chain.h"
#include "trust/enrolled_keys.h"
#include "trust/part_identity.h"

namespace assay::trust {

// The only ways for a key to become one that vouches. Each later way arrives with the format that needs it.
enum class KeyOrigin : std::uint8_t { kChain, kCommitment, kActivation, kEnrolment };

template <typename T>
class Authenticated;

class VerifiedKey {
 public:
  // The leaf key of a chain to a pinned anchor. `component` names the certificate, e.g. "vcek".
  static VerifiedKey FromChain(std::shared_ptr<const VerifiedChain> chain, std::string_view component) {
    const crypto::PublicKey key = chain->leaf().public_key();
    return VerifiedKey(key, KeyOrigin::kChain, component);
  }
  // A key to which a field of an authenticated part commits: `committed` is that field of `by`, `recomputed` the digest over
  // the key's bytes, both in full length. nullopt: they differ; the log says so.
  template <typename U>
  static std::optional<VerifiedKey> FromCommitment(const crypto::PublicKey& key, const Authenticated<U>& by, ByteView committed,
                                                   ByteView recomputed, std::string_view component, Check check, const Finding& on_mismatch,
                                                   CheckLog& log) {
    if (!log.Require(check, !committed.empty() && EqualConstantTime(committed, recomputed), [&] { return on_mismatch; })) {
      return std::nullopt;
    }
    return VerifiedKey(key, KeyOrigin::kCommitment, component, std::make_shared<const PartIdentity>(by.identity()));
  }
  // The key that an authenticated part itself contains, whole.
  template <typename U>
  static VerifiedKey FromContent(const Authenticated<U>& by, std::string_view component) {
    return VerifiedKey(by->ContainedKey(), KeyOrigin::kCommitment, component, std::make_shared<const PartIdentity>(by.identity()));
  }

  // A key of the same TPM as `by`: the TPM gave back a secret that was sealed to the key of `by` for the object of that name.
  // `name` is recomputed from the key's public area. nullopt: the activation is of another pair; the log says so.
  static std::optional<VerifiedKey> FromActivation(const crypto::PublicKey& key, const VerifiedKey& by, const Activation& activation,
                                                   ByteView name, std::string_view component, Check check, const Finding& on_mismatch,
                                                   CheckLog& log) {
    if (!log.Require(check, activation.IsOf(by.key(), name), [&] { return on_mismatch; })) return std::nullopt;
    return VerifiedKey(key, KeyOrigin::kActivation, component, by.committed_by());
  }
  // A key that an operator enrolled under `name`, which is recomputed from the key or from its public area. nullopt: nobody
  // did; the log says so.
  static std::optional<VerifiedKey> FromEnrolment(const crypto::PublicKey& key, const EnrolledKeys& enrolled, ByteView name,
                                                  std::string_view component, Check check, const Finding& on_mismatch, CheckLog& log) {
    if (!log.Require(check, enrolled.Contains(name), [&] { return on_mismatch; })) return std::nullopt;
    return VerifiedKey(key, KeyOrigin::kEnrolment, component);
  }

  const crypto::PublicKey& key() const { return key_; }
  KeyOrigin origin() const { return origin_; }
  std::string_view component() const { return component_; }
  // The part that commits to the key or contains it, or the endorsement key that it was activated by: what the key signs hangs on that part.
  // nullptr: none, but a chain or an operator.
  const std::shared_ptr<const PartIdentity>& committed_by() const { return committed_by_; }

 private:
  VerifiedKey(crypto::PublicKey key, KeyOrigin origin, std::string_view component,
              std::shared_ptr<const PartIdentity> committed_by = nullptr)
      : key_(std::move(key)), origin_(origin), component_(component), committed_by_(std::move(committed_by)) {}
  crypto::PublicKey key_;
  KeyOrigin origin_;
  std::string_view component_;  // static storage
  std::shared_ptr<const PartIdentity> committed_by_;
};

}  // namespace assay::trust
