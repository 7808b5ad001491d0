// Who is asked for collateral, and how: every address is configuration. None is ever taken from evidence.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::collateral {

// A monotonic instant: what waiting goes by. Validity goes by Time.
using Moment = std::chrono::steady_clock::time_point;
using Milliseconds = std::chrono::milliseconds;

enum class Upstream : std::uint8_t {
  kAmdKds,             // AMD's Key Distribution Service
  kAzureThim,          // Azure's cache of VCEKs
  kIntelPcs,           // Intel's Provisioning Certification Service, or any PCCS
  kIntelCertificates,  // where Intel publishes root and root CRL; a PCCS does without
  kGceStorage,         // Google's launch endorsements
};
inline constexpr std::size_t kUpstreams = 5;
inline constexpr std::array<Upstream, kUpstreams> kAllUpstreams = {Upstream::kAmdKds, Upstream::kAzureThim, Upstream::kIntelPcs,
                                                                   Upstream::kIntelCertificates, Upstream::kGceStorage};
std::string_view NameOf(Upstream upstream);       // "amd_kds"
std::string_view PublicUrlOf(Upstream upstream);  // its vendor's own address, e.g. "https://kdsintf.amd.com"

struct UpstreamConfig {
  std::string base_url = "";  // https://host[:port][/path], no slash behind it
  std::string ca_pem = "";    // who may vouch for the server; "": the system's
  double per_minute = 60;     // requests in the long run
  double burst = 10;          // requests at once
  Milliseconds deadline{10'000};
};

struct UpstreamConfigs {
  std::array<std::optional<UpstreamConfig>, kUpstreams> of = {};  // by Upstream; unset: not asked
  bool pccs = false;       // kIntelPcs is a PCCS: it has the root CRL, too, and serves it in hexadecimal
  std::string proxy = "";  // "http://host:port"; "": none, whatever the environment says

  const std::optional<UpstreamConfig>& Of(Upstream upstream) const { return of[static_cast<std::size_t>(upstream)]; }
  std::optional<UpstreamConfig>& Of(Upstream upstream) { return of[static_cast<std::size_t>(upstream)]; }
  bool None() const;
};

}  // namespace assay::collateral
