#include "trust/revocation.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/strings.h"

namespace assay::trust {
namespace {

bool IsNewer(const crypto::CertificateList& a, const crypto::CertificateList& b) {
  const auto number = [](const crypto::CertificateList& list) {
    Bytes value = list.number().value_or(Bytes{});
    value.erase(value.begin(), std::find_if(value.begin(), value.end(), [](std::uint8_t byte) { return byte != 0; }));
    return std::pair(value.size(), value);
  };
  return std::pair(number(a), a.this_update()) > std::pair(number(b), b.this_update());
}

}  // namespace

Edition EditionOf(const crypto::CertificateList& list, CollateralKey series) {
  std::uint64_t number = 0;
  for (const std::uint8_t byte : list.number().value_or(Bytes{})) {
    if (number >> 56 != 0) return {std::move(series), ~std::uint64_t{0}, list.this_update()};
    number = number << 8 | byte;
  }
  return {std::move(series), number, list.this_update()};
}

ValidityWindow WindowOf(const crypto::CertificateList& list, std::string_view component, CollateralKey series) {
  return {.component = std::string(component),
          .not_before = list.this_update(),
          .not_after = list.next_update(),
          .revocation_list = true,
          .edition = EditionOf(list, std::move(series))};
}

Revocation CheckRevocation(const crypto::Certificate& issuer, std::span<const crypto::Certificate> subjects,
                           std::span<const CollateralItem> candidates, Check signature_check, std::string_view component,
                           FactCaches* caches, CheckLog& log) {
  Revocation result;
  std::vector<Finding> not_authentic;
  const crypto::Sha256Digest& signer = issuer.public_key().spki_sha256();
  for (const CollateralItem& item : candidates) {
    if (!item.revocation_list) continue;
    const crypto::CertificateList& list = *item.revocation_list;
    const auto cached = caches == nullptr ? nullptr : caches->revocation_lists.Find(item.sha256);
    if (cached == nullptr || cached->signer != signer) {
      if (!list.IsIssuedBy(issuer) && !SwitchedOff(signature_check)) {
        not_authentic.push_back({.reason = Reason::kCrlNotAuthentic,
                                 .component = std::string(component),
                                 .expected = Cat("a list signed by ", Printable(issuer.CommonName(), 64)),
                                 .actual = Cat("issuer ", Printable(list.IssuerText(), 128))});
        continue;
      }
      if (caches != nullptr) caches->revocation_lists.Insert(item.sha256, std::make_shared<const SignedList>(SignedList{list, signer}));
    }
    for (const crypto::Certificate& subject : subjects) {
      if (result.revoked == nullptr && list.Revokes(subject.serial())) result.revoked = &subject;
    }
    if (result.newest == nullptr || IsNewer(list, *result.newest)) result.newest = std::make_shared<const crypto::CertificateList>(list);
  }
  if (result.newest != nullptr) log.Pass(signature_check);
  for (Finding& finding : not_authentic) {
    if (result.newest != nullptr) {
      finding.effect = Effect::kNote;
      log.Add(std::move(finding));
    } else {
      log.Fail(signature_check, std::move(finding));
    }
  }
  return result;
}

}  // namespace assay::trust
