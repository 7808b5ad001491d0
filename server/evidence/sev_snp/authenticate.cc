#include "evidence/sev_snp/authenticate.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/sev_snp/endorsement.h"
#include "trust/cached_chain.h"
#include "trust/revocation.h"

namespace assay::sev_snp {
namespace {

// The certificate that the report asks for, or else the best of its kind: a near miss gives the better finding.
const trust::CollateralItem* FindLeaf(const Report& report, const trust::CollateralSnapshot& collateral) {
  const bool vcek = report.signing_key() == SigningKey::kVcek;
  const trust::CollateralItem* best = nullptr;
  const auto detail_for = [&](std::string_view line) -> std::string {
    const std::optional<Product> product = ProductNamed(line);
    if (!product) return {};
    return vcek ? VcekDetail(report.chip_id(), report.reported_tcb(), *product) : TcbDetail(report.reported_tcb());
  };
  // Better: right product, then right chip and TCB, then longer validity; ties keep the snapshot's order.
  const auto rank = [&](const trust::CollateralItem& item) {
    const bool right_product = !report.product() || item.key.scope == NameOf(*report.product());
    const bool right_detail = item.key.detail == detail_for(item.key.scope);
    return std::tuple(right_product, right_detail, item.certificate->not_after());
  };
  for (const trust::CollateralItem& item : collateral.CandidatesOfKind(vcek ? kVcekKind : kVlekKind)) {
    if (item.certificate && (best == nullptr || rank(*best) < rank(item))) best = &item;
  }
  return best;
}

std::shared_ptr<const trust::VerifiedChain> VerifyChain(const trust::CollateralItem& leaf, Product product,
                                                        const evidence::AuthenticationContext& context, CheckLog& log) {
  std::vector<crypto::Certificate> pool;
  for (const std::string_view kind : {kArkKind, kAskKind, kAsvkKind}) {
    for (const trust::CollateralItem& item : context.collateral.CandidatesOfKind(kind)) {
      if (item.certificate) pool.push_back(*item.certificate);
    }
  }
  return trust::VerifyChain(*leaf.certificate, pool, context.anchors, NameOf(product), kAmdProfile, context.caches, log);
}

std::string SerialText(const Bytes& serial) { return "serial 0x" + ToHex(serial); }

}  // namespace

Revocation CheckRevocation(const crypto::Certificate& ark, const crypto::Certificate& intermediate, Product product,
                           const evidence::AuthenticationContext& context, CheckLog& log) {
  const trust::Revocation result = trust::CheckRevocation(ark, {&intermediate, 1}, context.collateral.Candidates(kCrlKind, NameOf(product)),
                                                          Check::kSnpCrlSignature, "crl", context.caches, log);
  return {result.newest, result.revoked != nullptr};
}

std::optional<trust::Authenticated<Report>> ReportAuthenticator::Authenticate(trust::Parsed<Report> parsed,
                                                                              const evidence::AuthenticationContext& context,
                                                                              CheckLog& log) {
  Report& report = parsed.Annotate(trust::UnverifiedAccess<Report>());
  const bool vcek = report.signing_key() == SigningKey::kVcek;
  const std::string_view component = NameOf(report.signing_key());
  const auto refusal = [&](Reason reason, std::string claim, std::string expected, std::string actual) {
    return Finding{.reason = reason,
                   .component = std::string(component),
                   .claim = std::move(claim),
                   .expected = std::move(expected),
                   .actual = std::move(actual)};
  };

  if (!trust::Bundle::MayAnswer(Report::kCarrierKind, report.CarriedValue(), Report::kComponent, context.challenge, log)) {
    return std::nullopt;
  }
  const trust::CollateralItem* leaf = FindLeaf(report, context.collateral);
  if (leaf == nullptr) {
    const std::string_view other = vcek ? kVlekKind : kVcekKind;
    const auto others = context.collateral.CandidatesOfKind(other);
    if (!log.Require(Check::kSnpCertificateKind, others.empty(), [&] {
          return refusal(Reason::kKeyKindMismatch, "SIGNING_KEY", Cat("a ", vcek ? "VCEK" : "VLEK", ", as SIGNING_KEY says"),
                         Cat("a ", vcek ? "VLEK" : "VCEK", " certificate"));
        })) {
      return std::nullopt;
    }
    if (others.empty()) {
      Finding missing = refusal(Reason::kCertificateMissing, "SIGNING_KEY", Cat("the certificate of the ", vcek ? "VCEK" : "VLEK"), "none");
      // AMD gives a VCEK to whoever names the chip. A VLEK, and what belongs to a chip that is not named, only the node can bring.
      if (vcek && !AllZero(report.chip_id())) {
        missing.effect = Effect::kIndeterminate;
        log.Skip(Check::kSnpCertificatePresent, std::move(missing));
      } else {
        log.Fail(Check::kSnpCertificatePresent, std::move(missing));
      }
      return std::nullopt;
    }
    leaf = &others.front();  // reached only with the check of the kind switched off
  } else {
    log.Pass(Check::kSnpCertificateKind);
  }
  log.Pass(Check::kSnpCertificatePresent);

  // Version 2 does not say which product it is; the chain does, and its root is pinned for that product alone.
  const Outcome<LeafExtensions> extensions = ReadLeafExtensions(*leaf->certificate, component);
  if (!log.Require(Check::kSnpExtensions, extensions)) return std::nullopt;
  const Product product = report.product().value_or(*extensions->product);
  if (!log.Require(Check::kSnpProduct, *extensions->product == product, [&] {
        return refusal(Reason::kProductMismatch, "productName", std::string(NameOf(product)), Printable(extensions->product_name, 64));
      })) {
    return std::nullopt;
  }
  // All defects of this certificate are worth knowing at once: none of these comparisons depends on another.
  bool matches = log.Require(Check::kSnpCertificateTcb, extensions->tcb == report.reported_tcb(), [&] {
    return refusal(Reason::kTcbMismatch, "snp.reported_tcb",
                   Cat(ToHex(report.reported_tcb()), " (", trust::ShowValue(DecodeTcb(product, report.reported_tcb())), "), as reported"),
                   Cat(ToHex(extensions->tcb), " (", trust::ShowValue(DecodeTcb(product, extensions->tcb)), "), as certified"));
  });
  if (vcek) {
    const ByteView chip_id = report.chip_id();
    if (AllZero(chip_id)) {
      matches &= log.Require(Check::kSnpHwid, false, [&] {
        return refusal(Reason::kChipIdMasked, "CHIP_ID", "the chip id that the VCEK certifies", "64 zero bytes");
      });
    } else {
      // On Turin the id is 8 bytes long and the rest of the field is zero.
      Bytes certified = extensions->hwid.value_or(Bytes{});
      certified.resize(chip_id.size(), 0);
      matches &= log.Require(Check::kSnpHwid, Equal(certified, chip_id),
                             [&] { return refusal(Reason::kHwidMismatch, "CHIP_ID", ToHex(chip_id), ToHex(certified)); });
    }
  }
  if (report.version() == 2) {
    matches &= log.Require(Check::kSnpProductKnown, product != Product::kTurin,
                           [&] { return refusal(Reason::kProductMismatch, "VERSION", "version 3 or later on Turin", "2"); });
  }
  const auto there = [&](std::string_view kind) { return !context.collateral.Candidates(kind, NameOf(product)).empty(); };
  if (!there(kArkKind) || !there(vcek ? kAskKind : kAsvkKind)) {
    CheckLog attempt;
    if (VerifyChain(*leaf, product, context, attempt) == nullptr) {
      // AMD gives its own certificates to everybody: what is missing can be fetched.
      for (Finding finding : attempt.findings()) {
        if (finding.reason != Reason::kChainIncomplete) {
          log.Fail(kAmdProfile.chain_check, std::move(finding));
          continue;
        }
        finding.effect = Effect::kIndeterminate;
        log.Skip(kAmdProfile.chain_check, std::move(finding));
      }
      return std::nullopt;
    }
  }
  const std::shared_ptr<const trust::VerifiedChain> chain = VerifyChain(*leaf, product, context, log);
  if (chain == nullptr || !matches) return std::nullopt;

  const crypto::CertificatePath& path = chain->path();
  const crypto::Certificate& intermediate = path.certificates[1];
  const Revocation revocation = CheckRevocation(chain->anchor(), intermediate, product, context, log);
  if (revocation.newest == nullptr) {
    // What that costs is decided where snp.revocation_checked is appraised.
    log.Skip(Check::kSnpRevocation, {.reason = Reason::kRevocationUnchecked,
                                     .effect = Effect::kNote,
                                     .component = "crl",
                                     .claim = "snp.revocation_checked",
                                     .expected = Cat("a revocation list of ", chain->anchor().CommonName()),
                                     .actual = "none"});
  } else if (!log.Require(Check::kSnpRevocation, !revocation.revoked, [&] {
               return Finding{.reason = Reason::kCertificateRevoked,
                              .component = std::string(intermediate.CommonName()),
                              .claim = "serial",
                              .expected = Cat("not on the list of ", chain->anchor().CommonName()),
                              .actual = SerialText(intermediate.serial())};
             })) {
    return std::nullopt;
  }
  if (log.HasRejection()) return std::nullopt;

  report.product_ = product;
  report.endorsement_ = Report::Endorsement{product, extensions->csp_id.value_or(""), revocation.newest != nullptr};

  static constexpr std::string_view kIssuers[] = {"", "ask", "ark"};
  std::vector<trust::ValidityWindow> windows;
  for (std::size_t i = 0; i < path.certificates.size(); ++i) {
    const std::string_view name = i == 0 ? component : i == 1 && !vcek ? std::string_view("asvk") : kIssuers[std::min<std::size_t>(i, 2)];
    windows.push_back(trust::WindowOf(path.certificates[i], name));
  }
  if (revocation.newest != nullptr) {
    // AMD serves a list beside each of its two chains, under numbers of its own; the newest is at least as new as the one meant.
    windows.push_back(
        trust::WindowOf(*revocation.newest, "crl", {std::string(kCrlKind), std::string(NameOf(product)), vcek ? "" : "vlek"}));
  }
  return trust::Authenticated<Report>::BySignature(std::move(parsed), trust::VerifiedKey::FromChain(chain, component),
                                                   Check::kSnpSignatureEncoding, Check::kSnpSignature, std::move(windows), log,
                                                   context.proven_signatures());
}

}  // namespace assay::sev_snp
