// Certificate revocation lists: any bytes are refused with one finding or read; what was read reads the same again,
// finds each of its serials and no other, and is an authority's only if that authority really signed it.
#include <algorithm>
#include <set>

#include "base/bug.h"
#include "crypto/crl.h"
#include "crypto/der.h"
#include "evidence/sev_snp/unpack.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/fuzz/snp_seeds.h"

namespace assay {
namespace {

using crypto::CertificateList;
using softtee::Fault;

std::vector<Bytes> Lists() {
  static const std::vector<Bytes> lists = [] {
    std::vector<Bytes> ders = fuzz::EndorsementsOf(fuzz::SoundSnp(), {"crl"});
    for (Bytes& der : fuzz::EndorsementsOf(fuzz::FaultySnp(Fault::kCrlRevokesIntermediate, Fault::kCrlGarbage), {"crl"})) {
      ders.push_back(std::move(der));
    }
    // Serials of all lengths that RFC 5280 allows, beside each other.
    const softtee::SnpPki& pki = softtee::SnpPki::Shared();
    softtee::RevocationList list = pki.DescribeCrl(softtee::Product::kMilan, softtee::kDefaultNow);
    for (std::size_t length = 1; length <= 20; ++length) {
      list.revoked_serials.push_back(Bytes(length, static_cast<std::uint8_t>(7 * length)));
    }
    ders.push_back(list.SignedBy(pki.KeyOf(softtee::Authority::kArk, softtee::Product::kMilan)));
    return ders;
  }();
  return lists;
}

void CheckSerials(const CertificateList& list) {
  const std::vector<Bytes>& serials = list.revoked_serials();
  ASSAY_CHECK(std::is_sorted(serials.begin(), serials.end()));
  for (const Bytes& serial : serials) {
    ASSAY_CHECK(!serial.empty() && list.Revokes(serial));
    Bytes other = serial;
    other.push_back(0x01);
    ASSAY_CHECK(list.Revokes(other) == (std::find(serials.begin(), serials.end(), other) != serials.end()));
  }
  ASSAY_CHECK(!list.Revokes({}));
}

void CheckIssuer(const CertificateList& list) {
  static const std::vector<crypto::Certificate> authorities =
      fuzz::Certificates(fuzz::EndorsementsOf(fuzz::SoundSnp(), {"ark", "ask", "asvk"}));
  static const std::set<Bytes> ever_signed = [] {
    std::set<Bytes> parts;
    for (const Bytes& der : Lists()) parts.insert(fuzz::SignedPartOf(der));
    return parts;
  }();
  for (const crypto::Certificate& authority : authorities) {
    if (!list.IsIssuedBy(authority)) continue;
    ASSAY_CHECK(authority.CommonName().starts_with("ARK-") && authority.SubjectText() == list.IssuerText());
    ASSAY_CHECK(ever_signed.contains(fuzz::SignedPartOf(list.der())));
  }
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() { return Lists(); }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView der(data, size);
  const auto list = CertificateList::FromDer(der);
  if (!list) {
    ASSAY_CHECK(list.findings().size() == 1);
    const Reason reason = list.findings().front().reason;
    ASSAY_CHECK(reason == Reason::kCrlMalformed || reason == Reason::kSizeOverLimit);
    return 0;
  }
  ASSAY_CHECK(Equal(list->der(), der) && crypto::IsDer(der) && !crypto::Certificate::FromDer(der));
  const auto again = CertificateList::FromDer(list->der());
  ASSAY_CHECK(again.ok() && again->sha256() == list->sha256() && again->IssuerText() == list->IssuerText() &&
              again->this_update() == list->this_update() && again->next_update() == list->next_update() &&
              again->number() == list->number() && again->revoked_serials() == list->revoked_serials());
  Bytes longer = ToBytes(der);
  longer.push_back(0);
  ASSAY_CHECK(!CertificateList::FromDer(longer) && !CertificateList::FromDer(der.first(size - 1)));
  const auto unpacked = sev_snp::Unpack(sev_snp::Container::kRevocationList, trust::UntrustedBytes(ToBytes(der)),
                                        trust::CollateralSource::kSupplied, nullptr);
  ASSAY_CHECK(unpacked.ok() && unpacked->size() <= 1);
  for (const trust::CollateralItem& item : *unpacked) ASSAY_CHECK(item.revocation_list && item.sha256 == list->sha256());
  CheckSerials(*list);
  CheckIssuer(*list);
  return 0;
}

}  // namespace assay
