#include "evidence/gce_endorsement/authenticate.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/gce_endorsement/claims.h"
#include "trust/cached_chain.h"
#include "trust/chain.h"
#include "trust/fact_caches.h"
#include "trust/verified_key.h"

namespace assay::gce_endorsement {
namespace {

constexpr int kLeastRsaBits = 3072;
constexpr std::string_view kCertificateComponent = "gce-endorsement-certificate";

std::vector<Finding> Conforms(const crypto::CertificatePath& path) {
  std::vector<Finding> findings;
  const crypto::Certificate& leaf = path.leaf();
  const auto demand = [&](bool holds, std::string claim, std::string expected, std::string actual) {
    if (holds) return;
    findings.push_back({.reason = Reason::kCertificateProfile,
                        .component = std::string(kCertificateComponent),
                        .claim = std::move(claim),
                        .expected = std::move(expected),
                        .actual = std::move(actual)});
  };
  demand(path.certificates.size() >= 2, "path", "a certificate and its issuers", "the root itself");
  demand(leaf.public_key().kind() == crypto::KeyKind::kRsa && leaf.public_key().bits() >= kLeastRsaBits, "key",
         Cat("RSA of at least ", kLeastRsaBits, " bits"), Cat(NameOf(leaf.public_key().kind()), ", ", leaf.public_key().bits(), " bits"));
  return findings;
}

constexpr trust::ChainProfile kProfile{.vendor = kVendor,
                                       .chain_check = Check::kGceEndorsementChain,
                                       .root_check = Check::kGceEndorsementRoot,
                                       .profile_check = Check::kGceEndorsementProfile,
                                       .conformance = &Conforms};

}  // namespace

bool LaunchEndorsementAuthenticator::HasAnchor(const evidence::AuthenticationContext& context, CheckLog& log) {
  if (context.anchors.HasAnchorFor(kVendor, kProduct)) return true;
  log.Skip(Check::kGceEndorsementRoot, {.reason = Reason::kEndorsementUnanchored,
                                        .effect = Effect::kNote,
                                        .component = std::string(kEndorsementComponent),
                                        .claim = "cert",
                                        .expected = Cat("an anchor of vendor ", kVendor, " for ", kProduct),
                                        .actual = "none"});
  return false;
}

std::optional<trust::Authenticated<LaunchEndorsement>> LaunchEndorsementAuthenticator::Authenticate(
    trust::Parsed<LaunchEndorsement> parsed, const evidence::AuthenticationContext& context, CheckLog& log) {
  const LaunchEndorsement& endorsement = parsed.Unverified(trust::UnverifiedAccess<LaunchEndorsement>());
  std::vector<crypto::Certificate> pool = endorsement.bundle_;
  for (const trust::CollateralItem& item : context.collateral.items()) {
    if (item.certificate) pool.push_back(*item.certificate);
  }
  const auto chain = trust::VerifyChain(endorsement.certificate(), pool, context.anchors, kProduct, kProfile, context.caches, log);
  if (chain == nullptr) return std::nullopt;
  std::vector<trust::ValidityWindow> windows;
  for (const crypto::Certificate& certificate : chain->path().certificates) {
    windows.push_back(trust::WindowOf(certificate, kCertificateComponent));
  }
  // It is of the firmware, not of the machine: every machine sends the same one.
  trust::ProvenSignatures* proven = context.caches == nullptr ? nullptr : &context.caches->signatures;
  auto authenticated = trust::Authenticated<LaunchEndorsement>::BySignature(
      std::move(parsed), trust::VerifiedKey::FromChain(chain, kCertificateComponent), Check::kGceEndorsementSignatureEncoding,
      Check::kGceEndorsementSignature, std::move(windows), log, proven);
  if (authenticated && context.caches != nullptr && !(*authenticated)->known_) {
    context.caches->documents.Insert((*authenticated)->name_, std::make_shared<const EndorsementFact>(authenticated->value()));
  }
  return authenticated;
}

std::optional<SnpMeasurement> LaunchEndorsementAuthenticator::FindSnp(const Golden& golden, ByteView measurement) {
  const auto found = std::find_if(golden.snp.begin(), golden.snp.end(),
                                  [measurement](const SnpMeasurement& one) { return Equal(one.measurement, measurement); });
  return found == golden.snp.end() ? std::nullopt : std::optional(*found);
}

std::optional<TdxMeasurement> LaunchEndorsementAuthenticator::FindTdx(const Golden& golden, ByteView mrtd) {
  const auto found = std::find_if(golden.td.begin(), golden.td.end(), [mrtd](const TdxMeasurement& one) { return Equal(one.mrtd, mrtd); });
  return found == golden.td.end() ? std::nullopt : std::optional(*found);
}

Finding LaunchEndorsementAuthenticator::MismatchOf(const Golden& golden, ByteView measurement) {
  return {.reason = Reason::kEndorsementMismatch,
          .component = std::string(kEndorsementComponent),
          .claim = "measurements",
          .expected = ToHex(measurement),
          .actual = Cat(golden.snp.size(), " measurements of SEV-SNP and ", golden.td.size(), " of TDX, none of them this one")};
}

void EndorsedFirmware::WriteClaims(trust::ClaimWriter& claims) const {
  claims.Add("gce.firmware_digest", ToBytes(golden_.digest));
  claims.Add("gce.firmware_svn", std::uint64_t{td_ ? golden_.tdx_svn : golden_.snp_svn});
  claims.Add("gce.firmware_timestamp", golden_.timestamp);
  if (golden_.cl_spec != 0) claims.Add("gce.firmware_cl_spec", golden_.cl_spec);
  if (!golden_.commit.empty()) claims.Add("gce.firmware_commit", golden_.commit);
  if (snp_ && snp_->vmsas) claims.Add("gce.firmware_vcpus", std::uint64_t{*snp_->vmsas});
  if (td_) {
    claims.Add("gce.firmware_ram_gib", std::uint64_t{td_->ram_gib});
    claims.Add("gce.firmware_early_accept", td_->early_accept);
  }
}

}  // namespace assay::gce_endorsement
