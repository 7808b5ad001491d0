#include "evidence/nitro/authenticate.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/hex.h"
#include "base/strings.h"
#include "crypto/digest.h"
#include "trust/cached_chain.h"
#include "trust/decoded_certificate.h"

namespace assay::nitro {
namespace {

Finding Refusal(Reason reason, std::string claim, std::string expected, std::string actual) {
  return {.reason = reason,
          .component = std::string(kDocumentComponent),
          .claim = std::move(claim),
          .expected = std::move(expected),
          .actual = std::move(actual)};
}

std::optional<crypto::Certificate> Decode(const Bytes& der, std::string_view component, trust::FactCaches* caches, CheckLog& log) {
  const Outcome<crypto::Certificate> decoded = trust::DecodeCertificate(trust::UntrustedBytes(der), component, caches);
  if (!log.Require(kAwsProfile.chain_check, decoded) || !decoded) return std::nullopt;
  return *decoded;
}

std::string NamesOf(const std::vector<crypto::Certificate>& certificates) {
  std::vector<std::string> names;
  for (const crypto::Certificate& certificate : certificates) names.push_back(Printable(certificate.CommonName(), 64));
  return Join(names, ", ");
}

}  // namespace

std::optional<trust::Authenticated<Document>> DocumentAuthenticator::Authenticate(trust::Parsed<Document> parsed,
                                                                                  const evidence::AuthenticationContext& context,
                                                                                  CheckLog& log) {
  Document& document = parsed.Annotate(trust::UnverifiedAccess<Document>());
  const Members& members = *document.members_;
  if (!trust::Bundle::MayAnswer(Document::kCarrierKind, document.CarriedValue(), kDocumentComponent, context.challenge, log)) {
    return std::nullopt;
  }

  const std::optional<crypto::Certificate> leaf = Decode(members.certificate, "nitro-certificate", context.caches, log);
  std::vector<crypto::Certificate> bundle;
  for (const Bytes& der : members.cabundle) {
    if (auto certificate = Decode(der, "nitro-ca", context.caches, log)) bundle.push_back(*std::move(certificate));
  }
  if (!leaf || bundle.size() != members.cabundle.size()) return std::nullopt;

  const std::string region(RegionIn(leaf->CommonName(), members.module_id));
  bool sound = log.Require(Check::kNitroModule, !region.empty() && !InstanceOf(members.module_id, members.kind).empty(), [&] {
    return Refusal(
        Reason::kNitroModuleMismatch, "module_id",
        Cat("i-<instance>-", members.kind == Kind::kEnclave ? "enc" : "tpm", "<16 digits>, and a certificate for <module_id>.<region>.aws"),
        Cat(Printable(members.module_id, 128), ", and a certificate for ", Printable(leaf->CommonName(), 128)));
  });
  const Time made(std::chrono::duration_cast<Duration>(std::chrono::milliseconds(members.timestamp_ms)));
  sound &= log.Require(Check::kNitroDocumentTime, leaf->not_before() <= made && made <= leaf->not_after(), [&] {
    return Refusal(Reason::kNitroDocumentTime, "timestamp",
                   Cat(FormatTime(leaf->not_before()), " to ", FormatTime(leaf->not_after()), ", as its certificate is valid"),
                   FormatTime(made));
  });
  const auto chain = trust::VerifyChain(*leaf, bundle, context.anchors, kProduct, kAwsProfile, context.caches, log);
  if (chain == nullptr) return std::nullopt;
  const std::vector<crypto::Certificate>& path = chain->path().certificates;
  const bool in_order =
      path.size() == bundle.size() + 1 &&
      std::equal(bundle.rbegin(), bundle.rend(), path.begin() + 1,
                 [](const crypto::Certificate& sent, const crypto::Certificate& used) { return sent.sha256() == used.sha256(); });
  if (!log.Require(Check::kNitroBundleOrder, in_order, [&] {
        std::vector<crypto::Certificate> wanted(path.rbegin(), path.rend() - 1);
        return Refusal(Reason::kNitroBundleOrder, "cabundle", NamesOf(wanted), NamesOf(bundle));
      })) {
    return std::nullopt;
  }
  document.region_ = region;

  std::vector<trust::ValidityWindow> windows;
  for (std::size_t i = 0; i < path.size(); ++i) {
    windows.push_back(trust::WindowOf(path[i], i == 0 ? "nitro-certificate" : i + 1 == path.size() ? "nitro-root" : "nitro-ca"));
  }
  // Also where module or date are wrong: whether they were changed or made so is worth knowing.
  auto authenticated =
      trust::Authenticated<Document>::BySignature(std::move(parsed), trust::VerifiedKey::FromChain(chain, "nitro-certificate"),
                                                  Check::kNitroSignatureEncoding, Check::kNitroSignature, std::move(windows), log);
  if (!sound) return std::nullopt;
  return authenticated;
}

}  // namespace assay::nitro
