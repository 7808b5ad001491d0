// Authenticated<T>: may be believed. Two makers only, both here.
//
//   BySignature    a VerifiedKey signed the bytes of this part
//   ByCommitment   a field of another authenticated part equals this part's digest or replay
//
// Promises: no other code can make one (tests/must_not_compile). Does not promise that what it says is good enough, nor
// that it is fresh: appraisal and Bundle judge that.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/check_log.h"
#include "crypto/signature.h"
#include "trust/claims.h"
#include "trust/parsed.h"
#include "trust/part_identity.h"
#include "trust/proven_signatures.h"
#include "trust/verified_key.h"

namespace assay::trust {

// An ECDSA signature and what it is said to sign, as T lays them out. Views into the parsed part.
struct EcdsaSigned {
  crypto::HashAlgorithm hash;
  ByteView message;
  Bytes r;  // big-endian, order size
  Bytes s;
};

// The same of an RSA signature.
struct RsaSigned {
  enum class Padding : std::uint8_t { kPkcs1, kPss };
  Padding padding;
  crypto::HashAlgorithm hash;  // of PSS in its mask, too
  ByteView message;
  ByteView signature;  // size of the modulus
};

// Of a part that keys of either kind sign.
using AnySigned = std::variant<EcdsaSigned, RsaSigned>;

// Whether the numbers of the signature are such as the key could have made, and whether it made them.
bool IsWellEncoded(const crypto::PublicKey& key, const EcdsaSigned& is_signed);
bool IsWellEncoded(const crypto::PublicKey& key, const RsaSigned& is_signed);
bool IsWellEncoded(const crypto::PublicKey& key, const AnySigned& is_signed);
bool Verifies(const crypto::PublicKey& key, const EcdsaSigned& is_signed);
bool Verifies(const crypto::PublicKey& key, const RsaSigned& is_signed);
bool Verifies(const crypto::PublicKey& key, const AnySigned& is_signed);
// The same, or what is remembered of it. Of a well-encoded signature.
bool Verifies(const crypto::PublicKey& key, const AnySigned& is_signed, ProvenSignatures& proven);

template <typename T>
class Authenticated {
 public:
  const T& value() const { return parsed_.value_; }
  const T* operator->() const { return &parsed_.value_; }

  std::string_view component() const { return T::kComponent; }
  std::string_view authenticated_by() const { return authenticated_by_; }  // "signature" or "commitment"
  std::string_view vouched_by() const { return vouched_by_; }              // component of the key or of the committing part
  std::span<const ValidityWindow> windows() const { return windows_; }
  const PartIdentity& identity() const { return identity_; }
  // The part that commits to this one, or to the key that signed it; nullopt: what vouches for the key is no evidence, so only a challenge
  // can tie it to a node.
  const std::optional<PartIdentity>& committed_by() const { return committed_by_; }

  // T::Signed() gives message and signature. nullopt: the log says why.
  // `encoding_check` covers r and s as scalars, or the size of an RSA signature; `signature_check` the signature itself. `proven`: of parts
  // that come again unchanged; nullptr: this one is made anew each time, or nothing is remembered.
  static std::optional<Authenticated> BySignature(Parsed<T> parsed, const VerifiedKey& key, Check encoding_check, Check signature_check,
                                                  std::vector<ValidityWindow> windows, CheckLog& log, ProvenSignatures* proven = nullptr) {
    const auto is_signed = parsed.value_.Signed();
    const auto finding = [&](std::string actual) {
      return Finding{.reason = Reason::kSignatureInvalid,
                     .component = std::string(T::kComponent),
                     .claim = "SIGNATURE",
                     .expected = "a signature by the key of " + std::string(key.component()),
                     .actual = std::move(actual)};
    };
    if (!log.Require(encoding_check, IsWellEncoded(key.key(), is_signed), [&] {
          return finding(key.key().kind() == crypto::KeyKind::kRsa ? "one of another size or kind than the key"
                                                                   : "r or s outside 1 to n-1");
        })) {
      return std::nullopt;
    }
    const bool verifies = proven == nullptr ? Verifies(key.key(), is_signed) : Verifies(key.key(), is_signed, *proven);
    if (!log.Require(signature_check, verifies, [&] { return finding("one that does not verify"); })) { return std::nullopt; }
    return Authenticated(std::move(parsed), "signature", key.component(), std::move(windows),
                         key.committed_by() == nullptr ? std::nullopt : std::optional(*key.committed_by()));
  }

  // `committed` is the field of `by` that must equal `recomputed`, both in full length; an empty digest commits to nothing. `windows`: of
  // what else vouches for the part, where a signature of its own does.
  template <typename U>
  static std::optional<Authenticated> ByCommitment(Parsed<T> parsed, const Authenticated<U>& by, ByteView committed, ByteView recomputed,
                                                   Check check, const Finding& on_mismatch, CheckLog& log,
                                                   std::vector<ValidityWindow> windows = {}) {
    if (!log.Require(check, !committed.empty() && EqualConstantTime(committed, recomputed), [&] { return on_mismatch; })) {
      return std::nullopt;
    }
    return Authenticated(std::move(parsed), "commitment", by.component(), std::move(windows), by.identity());
  }

 private:
  Authenticated(Parsed<T> parsed, std::string_view authenticated_by, std::string_view vouched_by, std::vector<ValidityWindow> windows,
                std::optional<PartIdentity> committed_by)
      : parsed_(std::move(parsed)),
        authenticated_by_(authenticated_by),
        vouched_by_(vouched_by),
        windows_(std::move(windows)),
        committed_by_(std::move(committed_by)) {}

  Parsed<T> parsed_;
  std::string_view authenticated_by_;
  std::string_view vouched_by_;
  std::vector<ValidityWindow> windows_;
  PartIdentity identity_;
  std::optional<PartIdentity> committed_by_;
};

}  // namespace assay::trust
