// Google's launch endorsement: which launch measurements its guest firmware has, signed by Google. google/gce-tcb-verifier,
// proto/endorsement.proto.
//
//   VMLaunchEndorsement  1 serialized_uefi_golden: VMGoldenMeasurement, marshalled   2 signature over these bytes, RSASSA-PSS with SHA-256
//   VMGoldenMeasurement  1 timestamp   2 cl_spec   3 commit   4 cert   5 digest   6 ca_bundle   7 sev_snp   8 tdx
//   VMSevSnp             1 svn   2 measurements by number of VMSAs   3 family_id   4 image_id   5 policy   6 ca_bundle   7 svsm_measurement
//   VMTdx                1 svn   2 measurements: 1 ram_gib   2 early_accept   3 mrtd
//
// The parser promises: both messages, each field that it knows once and of its type and size, measurements of 48 bytes, no number of VMSAs
// twice. It does not promise that anybody signed them: that is LaunchEndorsementAuthenticator's part. What the endorsement says about who
// may have signed it, ca_bundle, is never believed: its certificates at most help to find a path to a root that the operator pinned.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check_log.h"
#include "base/clock.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "trust/authenticated.h"
#include "trust/claims.h"
#include "trust/fact_caches.h"
#include "trust/parsed.h"
#include "trust/untrusted_bytes.h"

namespace assay::gce_endorsement {

inline constexpr std::string_view kEndorsementComponent = "gce-endorsement";

// As collateral: gce.launch_endorsement/sevsnp/<measurement>, gce.launch_endorsement/tdx/<MRTD>, as Google's storage has them.
inline constexpr std::string_view kEndorsementKind = "gce.launch_endorsement";
inline constexpr std::string_view kSevSnpScope = "sevsnp", kTdxScope = "tdx";

// Of these many VMSAs, thus vCPUs. nullopt: svsm_measurement, whatever their number.
struct SnpMeasurement {
  std::optional<std::uint32_t> vmsas;
  crypto::Sha384Digest measurement{};
};
struct TdxMeasurement {
  std::uint32_t ram_gib = 0;
  bool early_accept = false;
  crypto::Sha384Digest mrtd{};
};

struct Golden {
  Time timestamp{};
  std::uint64_t cl_spec = 0;          // 0: not said
  Bytes commit;                       // empty: not said
  crypto::Sha384Digest digest{};      // of the firmware image
  bool sev_snp = false, tdx = false;  // whether it says anything of them
  std::uint32_t snp_svn = 0, tdx_svn = 0;
  std::vector<SnpMeasurement> snp;
  std::vector<TdxMeasurement> td;
};

class LaunchEndorsement {
 public:
  using Parser = class LaunchEndorsementParser;
  using Authenticator = class LaunchEndorsementAuthenticator;
  static constexpr std::string_view kComponent = kEndorsementComponent;

  const Golden& golden() const { return golden_; }
  const crypto::Certificate& certificate() const { return certificate_; }

  trust::LookupHints Hints() const;  // under each measurement that it lists
  trust::Description Describe() const;
  trust::RsaSigned Signed() const;

 private:
  friend class LaunchEndorsementParser;
  friend class LaunchEndorsementAuthenticator;
  explicit LaunchEndorsement(crypto::Certificate certificate) : certificate_(std::move(certificate)) {}
  Bytes serialized_, signature_;
  Golden golden_;
  crypto::Certificate certificate_;
  std::vector<crypto::Certificate> bundle_;
  crypto::Sha256Digest name_{};  // of the fact below
  bool known_ = false;           // it was such a fact
};

// How an endorsement reads that was found authentic: every machine of one firmware sends the same. Who signed it is not part of it.
struct EndorsementFact final : trust::FormatFact {
  explicit EndorsementFact(LaunchEndorsement read) : endorsement(std::move(read)) {}
  LaunchEndorsement endorsement;
};

class LaunchEndorsementParser {
 public:
  // nullopt: the log says why. `caches` may be nullptr.
  static std::optional<trust::Parsed<LaunchEndorsement>> Parse(const trust::UntrustedBytes& bytes, CheckLog& log,
                                                               trust::FactCaches* caches = nullptr);
};

// Whether the bytes begin like an endorsement.
bool LooksLikeEndorsement(ByteView bytes);

}  // namespace assay::gce_endorsement
