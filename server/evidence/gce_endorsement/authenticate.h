// From a launch endorsement to what it says of one machine: signed under a root that the operator pinned, and listing the very measurement
// that the hardware signs.
//
// The format knows no reports: the platform hands over the measurement as an authenticated part contains it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/check_log.h"
#include "evidence/format.h"
#include "evidence/gce_endorsement/endorsement.h"
#include "trust/authenticated.h"

namespace assay::gce_endorsement {

// Under which the operator pins the root. This build pins none: Google's is not among the things that could be verified when it was made.
inline constexpr std::string_view kVendor = "google";
inline constexpr std::string_view kProduct = "launch_endorsement";

// The entry of an endorsement that is about this machine.
class EndorsedFirmware {
 public:
  using Parser = class LaunchEndorsementAuthenticator;
  using Authenticator = class LaunchEndorsementAuthenticator;
  static constexpr std::string_view kComponent = kEndorsementComponent;

  Time timestamp() const { return golden_.timestamp; }

  trust::LookupHints Hints() const { return {}; }
  trust::Description Describe() const { return trust::Description("endorsed firmware"); }
  void WriteClaims(trust::ClaimWriter& claims) const;

 private:
  friend class LaunchEndorsementAuthenticator;
  explicit EndorsedFirmware(const Golden& golden) : golden_(golden) {}
  Golden golden_;
  std::optional<SnpMeasurement> snp_;
  std::optional<TdxMeasurement> td_;
};

class LaunchEndorsementAuthenticator {
 public:
  // False: no anchor is configured, so that nothing about the endorsement can be decided; the checks show as skipped.
  static bool HasAnchor(const evidence::AuthenticationContext& context, CheckLog& log);
  // nullopt: the log says why.
  static std::optional<trust::Authenticated<LaunchEndorsement>> Authenticate(trust::Parsed<LaunchEndorsement> parsed,
                                                                             const evidence::AuthenticationContext& context, CheckLog& log);

  // `measurement`: MEASUREMENT of the SEV-SNP report `by`. nullopt: the endorsement does not list it; the log says so.
  template <typename U>
  static std::optional<trust::Authenticated<EndorsedFirmware>> MatchSnp(const trust::Authenticated<LaunchEndorsement>& endorsement,
                                                                        const trust::Authenticated<U>& by, ByteView measurement,
                                                                        CheckLog& log) {
    EndorsedFirmware firmware(endorsement->golden());
    firmware.snp_ = FindSnp(endorsement->golden(), measurement);
    const Bytes listed = firmware.snp_ ? ToBytes(firmware.snp_->measurement) : Bytes();
    return Commit(std::move(firmware), endorsement, by, measurement, listed, log);
  }
  // `mrtd`: MRTD of the TDX quote `by`.
  template <typename U>
  static std::optional<trust::Authenticated<EndorsedFirmware>> MatchTdx(const trust::Authenticated<LaunchEndorsement>& endorsement,
                                                                        const trust::Authenticated<U>& by, ByteView mrtd, CheckLog& log) {
    EndorsedFirmware firmware(endorsement->golden());
    firmware.td_ = FindTdx(endorsement->golden(), mrtd);
    const Bytes listed = firmware.td_ ? ToBytes(firmware.td_->mrtd) : Bytes();
    return Commit(std::move(firmware), endorsement, by, mrtd, listed, log);
  }

 private:
  static std::optional<SnpMeasurement> FindSnp(const Golden& golden, ByteView measurement);
  static std::optional<TdxMeasurement> FindTdx(const Golden& golden, ByteView mrtd);
  static Finding MismatchOf(const Golden& golden, ByteView measurement);

  template <typename U>
  static std::optional<trust::Authenticated<EndorsedFirmware>> Commit(EndorsedFirmware firmware,
                                                                      const trust::Authenticated<LaunchEndorsement>& endorsement,
                                                                      const trust::Authenticated<U>& by, ByteView measurement,
                                                                      ByteView listed, CheckLog& log) {
    trust::Parsed<EndorsedFirmware> parsed(trust::ParserPass<EndorsedFirmware>(), std::move(firmware));
    return trust::Authenticated<EndorsedFirmware>::ByCommitment(std::move(parsed), by, measurement, listed, Check::kGceEndorsementMatch,
                                                                MismatchOf(endorsement->golden(), measurement), log,
                                                                {endorsement.windows().begin(), endorsement.windows().end()});
  }
};

}  // namespace assay::gce_endorsement
