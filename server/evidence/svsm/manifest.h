// Manifests of a Secure VM Service Module (SVSM): what it says of the services that it runs, and to what the hardware report commits that
// it asks for. AMD 58019 (SVSM specification), section 7, attestation protocol; coconut-svsm/svsm kernel/src/protocols/attest.rs.
//
// ManifestParser promises: either the manifest of all services, whose header, table and data have the lengths that they declare, do not
// overlap, name no service twice and leave nothing over; or that of the virtual TPM alone, which is a TPMT_PUBLIC. At most 16 KiB. Nobody
// has signed it: it is believed as far as a hardware report commits to these very bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/check_log.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "trust/authenticated.h"
#include "trust/claims.h"
#include "trust/description.h"
#include "trust/parsed.h"
#include "trust/untrusted_bytes.h"

namespace assay::svsm {

inline constexpr std::string_view kManifestComponent = "svsm-manifest";
inline constexpr std::string_view kVtpmGuid = "c476f1eb-0123-45a5-9641-b4e7dde5bfe3";
inline constexpr std::size_t kMostManifestBytes = 16 * 1024;

// What the report data of the hardware report must be: SHA-512 of the nonce that the SVSM was given, and the manifest.
crypto::Sha512Digest CommitmentTo(ByteView nonce, ByteView manifest);

class Manifest {
 public:
  using Parser = class ManifestParser;
  using Authenticator = class ManifestAuthenticator;
  static constexpr std::string_view kComponent = kManifestComponent;

  ByteView raw() const { return raw_; }
  // The virtual TPM's endorsement key, a TPMT_PUBLIC, for that format to read.
  ByteView vtpm() const { return vtpm_; }
  const std::vector<std::string>& services() const { return services_; }  // GUIDs, sorted

  trust::LookupHints Hints() const { return {}; }
  trust::Description Describe() const;
  void WriteClaims(trust::ClaimWriter& claims) const;

 private:
  friend class ManifestParser;
  Manifest() = default;
  Bytes raw_, vtpm_;
  std::vector<std::string> services_;
};

class ManifestParser {
 public:
  // nullopt: the log says why.
  static std::optional<trust::Parsed<Manifest>> Parse(const trust::UntrustedBytes& bytes, CheckLog& log);
};

class ManifestAuthenticator {
 public:
  // By commitment: `report_data` is that field of `by`, the hardware report; `nonce` what the challenge demanded of the SVSM. nullopt: the
  // log says why.
  template <typename U>
  static std::optional<trust::Authenticated<Manifest>> Authenticate(trust::Parsed<Manifest> parsed, const trust::Authenticated<U>& by,
                                                                    ByteView report_data, ByteView nonce, CheckLog& log) {
    const crypto::Sha512Digest expected = CommitmentTo(nonce, parsed.Unverified(trust::UnverifiedAccess<Manifest>()).raw());
    const Finding mismatch{.reason = Reason::kSvsmManifestNotCommitted,
                           .component = std::string(by.component()),
                           .claim = "report_data",
                           .expected = ToHex(expected),
                           .actual = ToHex(report_data)};
    return trust::Authenticated<Manifest>::ByCommitment(std::move(parsed), by, report_data, expected, Check::kSvsmCommitted, mismatch, log);
  }
};

// The manifest of all services, by its GUID. That of the virtual TPM alone looks like nothing in particular.
bool LooksLikeManifest(ByteView bytes);

}  // namespace assay::svsm
