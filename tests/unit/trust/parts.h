// Parts made for tests, on the real road of trust: a statement that a VCEK of the software TEE signs, and annexes that
// only a digest in another part can vouch for.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "evidence/sev_snp/endorsement.h"
#include "tests/softtee/snp_evidence.h"
#include "trust/authenticated.h"
#include "trust/bundle.h"
#include "trust/chain.h"

namespace assay::trust::test {

struct PartParser {
  template <typename T>
  static Parsed<T> Parse(T part) {
    return Parsed<T>(ParserPass<T>(), std::move(part));
  }
};

// Its message is what it carries.
template <CarrierKind kKind>
struct StatementOf {
  using Parser = PartParser;
  using Authenticator = PartParser;
  static constexpr std::string_view kComponent = "statement";
  static constexpr CarrierKind kCarrierKind = kKind;

  Bytes message;
  Bytes r;
  Bytes s;

  LookupHints Hints() const { return {}; }
  Description Describe() const { return Description("statement"); }
  EcdsaSigned Signed() const { return {crypto::HashAlgorithm::kSha384, message, r, s}; }
  ByteView CarriedValue() const { return message; }
  void WriteClaims(ClaimWriter& claims) const {
    claims.Add("statement.text", message);
    claims.Add("a.first", true);  // written last, sorts first
  }
};
using Statement = StatementOf<CarrierKind::kReportData>;
using NonceStatement = StatementOf<CarrierKind::kNonce>;

template <int kLevel>
struct AnnexOf {
  using Parser = PartParser;
  using Authenticator = PartParser;
  static constexpr std::string_view kComponent = kLevel == 1 ? "annex" : "annex of the annex";

  Bytes content;

  LookupHints Hints() const { return {}; }
  Description Describe() const { return Description(std::string(kComponent)); }
  void WriteClaims(ClaimWriter& claims) const { claims.Add(kLevel == 1 ? "annex.content" : "annex2.content", content); }
};
using Annex = AnnexOf<1>;
using AnnexOfAnnex = AnnexOf<2>;

inline crypto::Sha256Digest AnchorDigest(softtee::Product product) {
  crypto::Sha256Digest digest{};
  const Bytes spki_sha256 = softtee::SnpPki::Shared().AnchorOf(product);
  std::copy(spki_sha256.begin(), spki_sha256.end(), digest.begin());
  return digest;
}

inline constexpr ChainProfile kProfile{.vendor = "amd",
                                       .chain_check = Check::kSnpChain,
                                       .root_check = Check::kSnpRootPinned,
                                       .profile_check = Check::kSnpProfile,
                                       .conformance = &sev_snp::CheckAmdProfile};

// A VCEK of Milan that is verified to its pinned ARK, and its private half.
struct Signer {
  softtee::Key key;
  std::shared_ptr<const VerifiedChain> chain;
};
inline const Signer& Vcek() {
  static const Signer signer = [] {
    using softtee::Authority, softtee::Product;
    const softtee::SnpPki& pki = softtee::SnpPki::Shared();
    const softtee::Tcb tcb = softtee::DefaultTcb(Product::kMilan);
    const auto certificate = [](const Bytes& der) { return crypto::Certificate::FromDer(der).value(); };
    const crypto::Certificate pool[] = {certificate(pki.CertificateOf(Authority::kAsk, Product::kMilan)),
                                        certificate(pki.CertificateOf(Authority::kArk, Product::kMilan))};
    const AnchorSet anchors({{"amd", "Milan", AnchorDigest(Product::kMilan)}}, /*simulated=*/true);
    CheckLog log;
    auto chain = ChainVerifier::Verify(certificate(pki.MintVcek(Product::kMilan, softtee::kDefaultChipId, tcb, softtee::kDefaultNow)), pool,
                                       anchors, "Milan", kProfile, log);
    ASSAY_CHECK(chain != nullptr);
    return Signer{pki.VcekKey(Product::kMilan, softtee::kDefaultChipId, tcb), std::move(chain)};
  }();
  return signer;
}

template <typename T>
T Sign(Bytes message, const softtee::Key& key = Vcek().key) {
  const softtee::EcdsaSignature signature = key.SignP384Sha384(message);
  return {std::move(message), ToBytes(signature.r), ToBytes(signature.s)};
}

template <typename T>
std::optional<Authenticated<T>> Authenticate(T statement, CheckLog& log, std::vector<ValidityWindow> windows = {},
                                             ProvenSignatures* proven = nullptr) {
  return Authenticated<T>::BySignature(PartParser::Parse(std::move(statement)), VerifiedKey::FromChain(Vcek().chain, "vcek"),
                                       Check::kSnpSignatureEncoding, Check::kSnpSignature, std::move(windows), log, proven);
}

// As if a field of `by` were the SHA-256 of `content`.
template <typename T, typename U>
Authenticated<T> Commit(Bytes content, const Authenticated<U>& by) {
  CheckLog log;
  const crypto::Sha256Digest digest = crypto::Sha256(content);
  auto part = Authenticated<T>::ByCommitment(PartParser::Parse(T{std::move(content)}), by, digest, digest, Check::kBundleConnected,
                                             {.reason = Reason::kPartUnbound}, log);
  ASSAY_CHECK(part.has_value());
  return *std::move(part);
}

}  // namespace assay::trust::test
