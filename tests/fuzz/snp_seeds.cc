#include "tests/fuzz/snp_seeds.h"

#include <algorithm>
#include <utility>

#include "base/bug.h"
#include "crypto/der.h"
#include "evidence/sev_snp/format.h"

namespace assay::fuzz {
namespace {

softtee::Evidence Mint(const softtee::SnpOptions& options) {
  auto evidence = softtee::MintSnp(softtee::SnpPki::Shared(), options);
  ASSAY_CHECK(evidence.ok());
  return *std::move(evidence);
}

}  // namespace

const std::vector<softtee::Evidence>& SoundSnp() {
  static const std::vector<softtee::Evidence> all = [] {
    std::vector<softtee::Evidence> minted;
    for (const softtee::Product product : softtee::kProducts) {
      for (const softtee::SigningKey key : {softtee::SigningKey::kVcek, softtee::SigningKey::kVlek}) {
        minted.push_back(Mint({.product = product, .signing_key = key}));
      }
    }
    for (const std::uint32_t version : {2U, 4U, 5U}) minted.push_back(Mint({.version = version}));
    return minted;
  }();
  return all;
}

std::vector<softtee::Evidence> FaultySnp(softtee::Fault first, softtee::Fault last) {
  std::vector<softtee::Evidence> minted;
  for (const softtee::FaultEntry& entry : softtee::AllFaults()) {
    if (first <= entry.fault && entry.fault <= last) minted.push_back(Mint(softtee::OptionsFor(entry.fault)));
  }
  return minted;
}

std::vector<Bytes> EndorsementsOf(const std::vector<softtee::Evidence>& evidence, const std::vector<std::string_view>& names) {
  std::vector<Bytes> ders;
  for (const softtee::Evidence& one : evidence) {
    for (const softtee::Endorsement& endorsement : one.endorsements) {
      if (std::find(names.begin(), names.end(), endorsement.name) != names.end()) ders.push_back(endorsement.der);
    }
  }
  return ders;
}

std::vector<Bytes> BodiesOf(const std::vector<softtee::Evidence>& evidence, std::string_view media_type) {
  std::vector<Bytes> bodies;
  for (const softtee::Evidence& one : evidence) {
    if (const Bytes* body = one.Find(media_type)) bodies.push_back(*body);
  }
  return bodies;
}

trust::AnchorSet SnpAnchors() {
  std::vector<trust::Anchor> anchors;
  for (const softtee::Product product : softtee::kProducts) {
    trust::Anchor anchor{"amd", std::string(softtee::NameOf(product)), {}};
    const Bytes digest = softtee::SnpPki::Shared().AnchorOf(product);
    ASSAY_CHECK(digest.size() == anchor.spki_sha256.size());
    std::copy(digest.begin(), digest.end(), anchor.spki_sha256.begin());
    anchors.push_back(std::move(anchor));
  }
  return trust::AnchorSet(std::move(anchors), /*simulated=*/true);
}

trust::CollateralSnapshot SnpCollateral() {
  std::vector<trust::CollateralItem> items;
  for (const Bytes& table : BodiesOf(SoundSnp(), softtee::kCertTableType)) {
    for (trust::CollateralItem& item : sev_snp::kFormat.recognise(trust::UntrustedBytes(table), trust::CollateralSource::kNode, nullptr)) {
      items.push_back(std::move(item));
    }
  }
  return trust::CollateralSnapshot(std::move(items));
}

std::vector<crypto::Certificate> Certificates(const std::vector<Bytes>& ders) {
  std::vector<crypto::Certificate> certificates;
  for (const Bytes& der : ders) certificates.push_back(crypto::Certificate::FromDer(der).value());
  return certificates;
}

Bytes SignedPartOf(ByteView der) {
  crypto::DerReader outer(der);
  const auto content = outer.Take(crypto::der::kSequence);
  if (!content) return {};
  const auto part = crypto::DerReader(*content).Next(crypto::der::kSequence);
  return part ? ToBytes(part->whole) : Bytes{};
}

}  // namespace assay::fuzz
