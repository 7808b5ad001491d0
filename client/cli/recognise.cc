#include "client/cli/recognise.h"

#include <algorithm>

#include "base/hex.h"
#include "base/strings.h"
#include "crypto/certificate.h"
#include "crypto/crl.h"
#include "trust/describe_certificate.h"

namespace assay::cli {
namespace {

constexpr std::size_t kFirstBytesShown = 16;

ByteView AllOf(const trust::UntrustedBytes& bytes) { return bytes.Read().TakeRest(); }

std::optional<trust::Description> DescribePki(ByteView bytes) {
  if (const auto certificates = crypto::CertificatesFrom(bytes, "certificate"); certificates && !certificates->empty()) {
    if (certificates->size() == 1) return trust::DescribeCertificate(certificates->front());
    trust::Description chain("certificates", Cat(certificates->size(), " documents"));
    for (const crypto::Certificate& certificate : *certificates) chain.Add(trust::DescribeCertificate(certificate));
    return chain;
  }
  if (const auto list = crypto::CertificateList::FromDer(bytes)) return trust::DescribeRevocationList(*list);
  return std::nullopt;
}

}  // namespace

std::optional<trust::Description> DescribeContent(const appraisal::Registry& registry, const trust::UntrustedBytes& bytes) {
  if (bytes.size() == 0) return std::nullopt;
  for (const evidence::Format* format : registry.formats) {
    if (auto description = format->describe(bytes)) return description;
  }
  return DescribePki(AllOf(bytes));
}

Finding Unrecognised(std::string_view name, const trust::UntrustedBytes& bytes) {
  if (bytes.size() == 0) {
    return {.reason = Reason::kItemEmpty, .component = std::string(name), .expected = "a file with content", .actual = "0 bytes"};
  }
  const ByteView all = AllOf(bytes);
  return {.reason = Reason::kContentUnrecognised,
          .component = std::string(name),
          .expected = "evidence, certificate, CRL or certificate table",
          .actual = Cat(all.size(), " bytes that begin ", ToHex(all.first(std::min(all.size(), kFirstBytesShown)))),
          .remedy = "Check that the right file was given, and that nothing was cut off or put around it."};
}

std::optional<Finding> Sort(const appraisal::Registry& registry, std::string_view name, const trust::UntrustedBytes& bytes, Pile& pile) {
  for (const evidence::Format* format : registry.formats) {
    if (const std::string_view media_type = format->media_type_of(bytes); !media_type.empty()) {
      pile.evidence.push_back({std::string(media_type), bytes});
      pile.evidence_names.emplace_back(name);
      return std::nullopt;
    }
  }
  bool known = false;
  for (const evidence::Format* format : registry.formats) {
    std::vector<trust::CollateralItem> items = format->recognise(bytes, trust::CollateralSource::kSupplied, nullptr);
    known |= !items.empty();
    for (trust::CollateralItem& item : items) pile.collateral.push_back(std::move(item));
  }
  if (known) return std::nullopt;
  const auto description = DescribeContent(registry, bytes);
  if (!description) return Unrecognised(name, bytes);
  return Finding{.reason = Reason::kItemUnexpected,
                 .component = std::string(name),
                 .expected = "evidence, or endorsements of a vendor that this build knows",
                 .actual = Printable(description->name(), 64),
                 .remedy = "Leave the file out; if it holds several documents, give each as a file of its own."};
}

}  // namespace assay::cli
