// Bundle: the graph of all authenticated parts of one node's evidence. Every part hangs by signature, commitment or key on
// one carrier, and the carrier answers the challenge in full length. What hangs on nothing is rejected.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check_log.h"
#include "trust/authenticated.h"
#include "trust/challenge.h"
#include "trust/claims.h"

namespace assay::trust {

enum class Freshness : std::uint8_t { kProven, kSkipped };

struct BundlePart {
  std::string_view component;
  std::string_view authenticated_by;
  std::string_view vouched_by;
  bool carrier;
};

// Which value of a challenge a carrier contains.
enum class CarrierKind : std::uint8_t { kReportData, kNonce };

class Bundle {
 public:
  // Starts a bundle at its carrier, after comparing T::CarriedValue() with what the challenge demands for
  // T::kCarrierKind. nullopt: it does not answer; the log says so.
  template <typename T>
  static std::optional<Bundle> Carry(const Authenticated<T>& carrier, const Challenge& challenge, CheckLog& log) {
    const std::optional<Freshness> freshness = CheckFreshness(T::kCarrierKind, carrier->CarriedValue(), T::kComponent, challenge, log);
    if (!freshness) return std::nullopt;
    Bundle bundle(*freshness);
    bundle.Take(carrier, true);
    return bundle;
  }

  // The same comparison on a part that is not authenticated yet: only ever a reason to refuse early, before signatures are
  // paid for. False, and logged, if the carrier can't answer the challenge.
  static bool MayAnswer(CarrierKind kind, ByteView carried, std::string_view component, const Challenge& challenge, CheckLog& log) {
    if (!challenge.demanded()) return true;
    return CheckFreshness(kind, carried, component, challenge, log).has_value();
  }

  // Hangs a part on the bundle: one that a part of the bundle vouches for, or that vouches for one. False, and logged, if it is neither:
  // neither a part of the same kind from elsewhere nor a chain will do.
  template <typename T>
  bool Attach(const Authenticated<T>& part, CheckLog& log) {
    const auto among = [](const std::vector<PartIdentity>& parts, const PartIdentity& one) {
      return std::find(parts.begin(), parts.end(), one) != parts.end();
    };
    const bool hangs = (part.committed_by() && among(identities_, *part.committed_by())) || among(vouching_, part.identity());
    if (!log.Require(Check::kBundleConnected, hangs, [&] {
          return Finding{.reason = Reason::kPartUnbound,
                         .component = std::string(T::kComponent),
                         .expected = "a part vouched for by one that answers the challenge",
                         .actual = "vouched for by " + std::string(part.vouched_by())};
        })) {
      return false;
    }
    Take(part, false);
    return true;
  }

  // Hangs a part on the bundle that itself answers the challenge, in its own field and in full length: one transcript demanded both, so
  // that whoever had the one made for it had the other made. False, and logged: it does not answer, or nothing was demanded, so that
  // nothing ties the two.
  template <typename T>
  bool AttachAnswer(const Authenticated<T>& part, const Challenge& challenge, CheckLog& log) {
    if (!log.Require(Check::kBundleConnected, challenge.demanded() && freshness_ == Freshness::kProven, [&] {
          return Finding{.reason = Reason::kPartUnbound,
                         .component = std::string(T::kComponent),
                         .expected = "a challenge that it and the carrier both answer",
                         .actual = "none was demanded"};
        })) {
      return false;
    }
    if (challenge.demanded() && !CheckFreshness(T::kCarrierKind, part->CarriedValue(), T::kComponent, challenge, log)) return false;
    Take(part, false);
    return true;
  }

  Freshness freshness() const { return freshness_; }
  const std::vector<BundlePart>& parts() const { return parts_; }
  const AuthenticatedClaims& claims() const { return claims_; }
  // SHA-256 of the authenticated instance identity (DESIGN, Identity). Set by the platform; empty until then.
  const Bytes& instance_identity() const { return instance_identity_; }
  void set_instance_identity(Bytes identity) { instance_identity_ = std::move(identity); }

 private:
  explicit Bundle(Freshness freshness) : freshness_(freshness) {}
  static std::optional<Freshness> CheckFreshness(CarrierKind kind, ByteView carried, std::string_view component, const Challenge& challenge,
                                                 CheckLog& log);

  template <typename T>
  void Take(const Authenticated<T>& part, bool carrier) {
    parts_.push_back({T::kComponent, part.authenticated_by(), part.vouched_by(), carrier});
    identities_.push_back(part.identity());
    if (part.committed_by()) vouching_.push_back(*part.committed_by());
    ClaimWriter writer(claims_.claims_, T::kComponent);
    part->WriteClaims(writer);
    std::sort(claims_.claims_.begin(), claims_.claims_.end(), [](const Claim& a, const Claim& b) { return a.name < b.name; });
    claims_.windows_.insert(claims_.windows_.end(), part.windows().begin(), part.windows().end());
  }

  Freshness freshness_;
  std::vector<BundlePart> parts_;
  std::vector<PartIdentity> identities_;  // of parts_
  std::vector<PartIdentity> vouching_;    // for one of parts_, or for its key
  AuthenticatedClaims claims_;
  Bytes instance_identity_;
};

}  // namespace assay::trust
