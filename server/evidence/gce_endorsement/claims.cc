#include "evidence/gce_endorsement/claims.h"

#include <algorithm>
#include <array>

namespace assay::gce_endorsement {
namespace {

using evidence::ClaimSpec;
using enum evidence::ClaimType;
using enum evidence::Duty;

// An endorsement that is not there may be had from Google: what it would have said can't be decided, and is not decided against the node.
constexpr evidence::RuleMeaning kEndorsed{.absent = Effect::kIndeterminate};

// clang-format off: a claim, a row
constexpr auto kClaims = std::to_array<ClaimSpec>({
    {"gce.firmware_cl_spec",
     kNumber,
     kOptional,
     0,
     {},
     "cl_spec of Google's launch endorsement: the change that the firmware was built from; absent if it says none"},
    {"gce.firmware_commit", kOctets, kOptional, 0, {}, "commit of Google's launch endorsement; absent if it says none"},
    {"gce.firmware_digest", kOctets, kOptional, 48, {}, "digest of Google's launch endorsement: SHA-384 of the firmware image", kEndorsed},
    {"gce.firmware_early_accept",
     kFlag,
     kOptional,
     0,
     {},
     "early_accept of the endorsed MRTD: firmware accepts all memory before it boots anything"},
    {"gce.firmware_ram_gib", kNumber, kOptional, 0, {}, "ram_gib of the endorsed MRTD: the memory that it is for"},
    {"gce.firmware_svn",
     kNumber,
     kOptional,
     0,
     {},
     "svn of Google's launch endorsement, of SEV-SNP or TDX: the firmware's security version. Absent without an endorsement that is believed",
     kEndorsed},
    {"gce.firmware_timestamp", kDate, kOptional, 0, {}, "timestamp of Google's launch endorsement", kEndorsed},
    {"gce.firmware_vcpus",
     kNumber,
     kOptional,
     0,
     {},
     "How many VMSAs, thus vCPUs, the endorsed SEV-SNP measurement is for; absent with an SVSM"},
});
// clang-format on

static_assert(std::is_sorted(kClaims.begin(), kClaims.end(), [](const ClaimSpec& a, const ClaimSpec& b) { return a.name < b.name; }));

}  // namespace

std::span<const ClaimSpec> ClaimTable() { return kClaims; }

}  // namespace assay::gce_endorsement
