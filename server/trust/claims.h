// Claims: typed values that authenticated evidence contains.
//
// Promises: an AuthenticatedClaims is only ever filled from Authenticated<T> parts (bundle.h), so holding one is proof
// that the values were signed. Does not promise that they are good: appraisal judges that.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "trust/collateral.h"

namespace assay::trust {

struct VersionComponent {
  std::string_view name;  // static storage, e.g. "microcode"
  std::uint64_t number;
  friend bool operator==(const VersionComponent&, const VersionComponent&) = default;
};

// A version of several components, compared component by component, never as one number.
struct ComponentVersion {
  std::vector<VersionComponent> components;  // in the specification's order
  Bytes raw;                                 // as signed, memory order
  friend bool operator==(const ComponentVersion&, const ComponentVersion&) = default;
};

// A set of names, e.g. of advisories.
struct Names {
  std::vector<std::string> names;  // sorted, each once
  friend bool operator==(const Names&, const Names&) = default;
};

using Value = std::variant<bool, std::uint64_t, std::string, Bytes, ComponentVersion, Time, Names>;

// "true", "0x30000" style is for policies; this is for people: bool, decimal, text, hex, "boot_loader 4, tee 0, snp 24",
// "2025-05-14T00:00:00Z", "INTEL-SA-00001, INTEL-SA-00002" or "none".
std::string ShowValue(const Value& value);

struct Claim {
  std::string_view name;  // static storage: the format's claim table, e.g. "snp.measurement"
  Value value;
  std::string_view component;  // static storage, e.g. "sev-snp-report"
};

// Validity of something that vouched: a fact that authentication reports and appraisal judges.
struct ValidityWindow {
  std::string component;  // "vcek", "ask", "ark", "crl", "tcb-info"
  Time not_before;
  Time not_after;  // inclusive
  bool revocation_list = false;
  // A document of the vendor's, or the certificate under which it is signed: the verifier's own input, which it can get anew.
  bool document = false;
  std::optional<Edition> edition = {};           // of a document or revocation list; it was issued at not_before
  std::optional<crypto::Sha256Digest> key = {};  // of a certificate: SHA-256 of its SubjectPublicKeyInfo
};

class ClaimWriter;

class AuthenticatedClaims {
 public:
  std::span<const Claim> all() const { return claims_; }  // sorted by name
  const Claim* Find(std::string_view name) const;         // nullptr: absent
  template <typename T>
  const T* Get(std::string_view name) const {  // nullptr: absent or of another type
    const Claim* claim = Find(name);
    return claim == nullptr ? nullptr : std::get_if<T>(&claim->value);
  }
  std::span<const ValidityWindow> windows() const { return windows_; }

 private:
  friend class Bundle;
  AuthenticatedClaims() = default;
  std::vector<Claim> claims_;
  std::vector<ValidityWindow> windows_;
};

// Handed to T::WriteClaims by Bundle, and by nobody else.
class ClaimWriter {
 public:
  void Add(std::string_view name, Value value) { claims_.push_back({name, std::move(value), component_}); }

 private:
  friend class Bundle;
  ClaimWriter(std::vector<Claim>& claims, std::string_view component) : claims_(claims), component_(component) {}
  std::vector<Claim>& claims_;
  std::string_view component_;
};

}  // namespace assay::trust
