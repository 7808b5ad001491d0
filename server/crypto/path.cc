#include "crypto/path.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/bug.h"
#include "base/hex.h"
#include "base/strings.h"
#include "crypto/der.h"
#include "crypto/openssl_handles.h"
#include "crypto/x509_fields.h"

namespace assay::crypto {
namespace {

using X509StoreCtx = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>>;
using X509Stack = std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * stack) { sk_X509_free(stack); })>;

// What a caller may make us spend on one leaf, whatever it sends along: certificates looked at, and whole paths verified.
constexpr int kMaxSteps = 64;
constexpr int kMaxVerifications = 8;
constexpr int kAuthLevel = 2;  // at least 112 bits: RSA 2048, SHA-224

// For findings: some certificates have no subject.
std::string NameFor(const Certificate& certificate) {
  return certificate.subject().empty() ? Cat("certificate ", ToHex(certificate.sha256())) : certificate.SubjectText();
}

Finding PathFinding(Reason reason, const Certificate& certificate, std::string expected, std::string actual) {
  return {.reason = reason,
          .component = NameFor(certificate),
          .claim = "certification path",
          .expected = std::move(expected),
          .actual = std::move(actual),
          .spec = "RFC 5280 6.1"};
}

bool Contains(std::span<const Certificate> certificates, const Certificate& wanted) {
  return std::any_of(certificates.begin(), certificates.end(),
                     [&](const Certificate& certificate) { return certificate.sha256() == wanted.sha256(); });
}

bool NamesIssuer(const Certificate& subject, const Certificate& issuer) {
  return Equal(subject.data().issuer_der, issuer.data().subject_der);
}

bool IsSelfSigned(const Certificate& certificate) { return certificate.SelfIssued() && certificate.IsSignedBy(certificate.public_key()); }

X509Stack StackOf(std::span<const Certificate> certificates) {
  X509Stack stack(sk_X509_new_null());
  ASSAY_CHECK(stack != nullptr);
  for (const Certificate& certificate : certificates) ASSAY_CHECK(sk_X509_push(stack.get(), certificate.data().x509.get()) > 0);
  return stack;
}

// Why OpenSSL refused `path`. It reports a certificate that may not issue as a missing issuer; here the issuer is known.
Finding Explain(const std::vector<Certificate>& path, const X509_STORE_CTX* context) {
  const int error = X509_STORE_CTX_get_error(context);
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    const int refusal = X509_check_issued(path[i + 1].data().x509.get(), path[i].data().x509.get());
    if (refusal != X509_V_OK) {
      return PathFinding(Reason::kChainBroken, path[i], Cat("a certificate that ", NameFor(path[i + 1]), " may issue"),
                         X509_verify_cert_error_string(refusal));
    }
  }
  const int depth = std::clamp(X509_STORE_CTX_get_error_depth(context), 0, static_cast<int>(path.size()) - 1);
  return PathFinding(Reason::kChainBroken, path[static_cast<std::size_t>(depth)], "a certificate that verifies under its issuer",
                     X509_verify_cert_error_string(error));
}

// Verifies exactly `path`, its last certificate trusted as it is. The defect, if there is one.
std::optional<Finding> FindDefect(const std::vector<Certificate>& path) {
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    if (!path[i].SignatureAlgorithmsAgree()) {
      return PathFinding(Reason::kChainBroken, path[i], "the same signature algorithm inside and outside", "two different ones");
    }
    if (!IsCollisionResistant(path[i].signature_algorithm())) {
      return PathFinding(Reason::kChainBroken, path[i], "signed with ECDSA or RSA and SHA-256, SHA-384 or SHA-512",
                         Cat("algorithm ", path[i].signature_algorithm().oid));
    }
  }
  // X509_check_ca() also takes version 1 and a mere keyCertSign for a CA.
  for (std::size_t i = 1; i + 1 < path.size(); ++i) {
    if (!path[i].is_ca()) return PathFinding(Reason::kChainBroken, path[i], "basicConstraints with cA TRUE", "absent or FALSE");
  }

  const ErrorQueueGuard guard;
  const std::span<const Certificate> all(path);
  const X509Stack intermediates = StackOf(path.size() > 2 ? all.subspan(1, path.size() - 2) : std::span<const Certificate>());
  const X509Stack anchor = StackOf(all.last(1));
  const X509StoreCtx context(X509_STORE_CTX_new());
  ASSAY_CHECK(context != nullptr && X509_STORE_CTX_init(context.get(), nullptr, path.front().data().x509.get(), intermediates.get()) == 1);
  X509_STORE_CTX_set0_trusted_stack(context.get(), anchor.get());
  X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
  X509_VERIFY_PARAM_set_depth(parameters, static_cast<int>(kMaxPathLength) - 2);
  X509_VERIFY_PARAM_set_auth_level(parameters, kAuthLevel);
  if (X509_verify_cert(context.get()) != 1) return Explain(path, context.get());

  // Belt and braces: what was verified is what will be handed out.
  const STACK_OF(X509)* verified = X509_STORE_CTX_get0_chain(context.get());
  bool same = sk_X509_num(verified) == static_cast<int>(path.size());
  for (std::size_t i = 0; same && i < path.size(); ++i) {
    same = sk_X509_value(verified, static_cast<int>(i)) == path[i].data().x509.get();
  }
  if (!same) return PathFinding(Reason::kChainBroken, path.front(), "one way to chain these certificates", "another");
  return std::nullopt;
}

// Depth-first search for a path that verifies. Names alone lead the way; signatures are only asked where several
// certificates bear the issuer's name (renewed, cross-signed, or sent to confuse).
class PathSearch {
 public:
  PathSearch(std::span<const Certificate> intermediates, std::span<const Certificate> anchors)
      : intermediates_(intermediates), anchors_(anchors) {}

  Outcome<CertificatePath> From(const Certificate& leaf) {
    path_.push_back(leaf);
    if (Extend()) return CertificatePath{path_};
    return *failure_;
  }

 private:
  // True if path_, extended as needed, verifies up to an anchor. False leaves path_ as it was and failure_ set.
  bool Extend() {
    const Certificate last = path_.back();
    if (Contains(anchors_, last)) return Verify(path_, [] {});
    if (++steps_ > kMaxSteps || verifications_ > kMaxVerifications) {
      return Fail(PathFinding(Reason::kSizeOverLimit, path_.front(), Cat("a path found within ", kMaxSteps, " steps"), "more"));
    }
    if (IsSelfSigned(last)) {
      Verify(path_, [&] {
        Fail(PathFinding(Reason::kRootNotPinned, last, Cat("one of ", anchors_.size(), " anchors"),
                         Cat("self-signed, key SHA-256 ", ToHex(last.public_key().spki_sha256()))));
      });
      return false;
    }
    if (path_.size() == kMaxPathLength) {
      return Fail(PathFinding(Reason::kSizeOverLimit, last, Cat("an anchor within ", kMaxPathLength, " certificates"), "none"));
    }
    const std::vector<Certificate> issuers = IssuersOf(last);
    for (const Certificate& issuer : issuers) {
      path_.push_back(issuer);
      if (Extend()) return true;
      path_.pop_back();
    }
    return false;
  }

  // Anchors first. Empty only with failure_ set.
  std::vector<Certificate> IssuersOf(const Certificate& subject) {
    std::vector<Certificate> issuers;
    const auto consider = [&](std::span<const Certificate> candidates) {
      for (const Certificate& candidate : candidates) {
        if (NamesIssuer(subject, candidate) && !Contains(path_, candidate) && !Contains(issuers, candidate)) issuers.push_back(candidate);
      }
    };
    consider(anchors_);
    consider(intermediates_);
    if (issuers.empty()) {
      Fail(PathFinding(Reason::kChainIncomplete, subject, Cat("a certificate of ", subject.IssuerText()), "none was given"));
    }
    if (issuers.size() > 1) {
      steps_ += static_cast<int>(issuers.size());  // each signature, before it is verified
      if (steps_ > kMaxSteps) {
        Fail(PathFinding(Reason::kSizeOverLimit, path_.front(), Cat("a path found within ", kMaxSteps, " steps"), "more"));
        return {};
      }
      std::erase_if(issuers, [&](const Certificate& issuer) { return !subject.IsSignedBy(issuer.public_key()); });
      if (issuers.empty()) {
        Fail(PathFinding(Reason::kChainBroken, subject, Cat("a signature by one of the certificates named ", subject.IssuerText()),
                         "a signature by none of them"));
      }
    }
    return issuers;
  }

  template <typename WhenSound>
  bool Verify(const std::vector<Certificate>& path, WhenSound when_sound) {
    ++verifications_;
    if (auto defect = FindDefect(path)) return Fail(*std::move(defect));
    when_sound();
    return true;
  }

  // Of several failures, the one that got furthest tells most: a path that broke or ended in a foreign root says more than
  // a missing issuer on some side way.
  bool Fail(Finding finding) {
    if (!failure_ || failure_->reason == Reason::kChainIncomplete) failure_ = std::move(finding);
    return false;
  }

  std::span<const Certificate> intermediates_;
  std::span<const Certificate> anchors_;
  std::vector<Certificate> path_;
  std::optional<Finding> failure_;
  int steps_ = 0;
  int verifications_ = 0;
};

constexpr std::size_t kMaxSerialSize = 20;

bool Has(const std::optional<std::uint16_t>& usage, KeyUsage bit) { return usage && (*usage & static_cast<std::uint16_t>(bit)) != 0; }

// RFC 5280 4.2.1.1: SEQUENCE { keyIdentifier [0] OPTIONAL, … }
bool HasKeyIdentifier(const Extension& authority_key_identifier) {
  DerReader outer(authority_key_identifier.value);
  DerReader fields(outer.Take(der::kSequence).value_or(ByteView{}));
  return fields.NextIs(der::Context(0));
}

// RFC 5280 4.2.1.10: SEQUENCE { permittedSubtrees [0] OPTIONAL, excludedSubtrees [1] OPTIONAL }, at least one, none empty.
bool HasSubtrees(const Extension& name_constraints) {
  DerReader outer(name_constraints.value);
  DerReader fields(outer.Take(der::kSequence).value_or(ByteView{}));
  if (fields.AtEnd()) return false;
  while (const auto subtrees = fields.Next()) {
    if (subtrees->content.empty()) return false;
  }
  return true;
}

// RFC 5280 4.2.2.1: SEQUENCE SIZE (1..MAX) OF SEQUENCE { accessMethod OBJECT IDENTIFIER, accessLocation GeneralName }
bool HasAccessDescriptions(const Extension& authority_info_access) {
  if (!IsDer(authority_info_access.value)) return false;
  DerReader outer(authority_info_access.value);
  DerReader descriptions(outer.Take(der::kSequence).value_or(ByteView{}));
  if (descriptions.AtEnd()) return false;
  while (!descriptions.AtEnd()) {
    DerReader fields(descriptions.Take(der::kSequence).value_or(ByteView{}));
    if (!fields.Take(der::kOid) || !fields.Next() || !fields.AtEnd()) return false;
  }
  return true;
}

}  // namespace

Outcome<CertificatePath> BuildPath(const Certificate& leaf, std::span<const Certificate> intermediates,
                                   std::span<const Certificate> anchors) {
  return PathSearch(intermediates, anchors).From(leaf);
}

std::vector<Finding> CheckRfc5280(const CertificatePath& path) {
  std::vector<Finding> findings;
  for (std::size_t i = 0; i < path.certificates.size(); ++i) {
    const Certificate& certificate = path.certificates[i];
    const bool is_leaf = i == 0;
    const bool is_issuer = i > 0;
    const auto demand = [&](bool holds, std::string_view claim, std::string_view expected, std::string actual, std::string_view section) {
      if (holds) return;
      findings.push_back({.reason = Reason::kCertificateProfile,
                          .component = NameFor(certificate),
                          .claim = std::string(claim),
                          .expected = std::string(expected),
                          .actual = std::move(actual),
                          .spec = Cat("RFC 5280 ", section)});
    };
    const auto extension = [&](std::string_view oid) { return certificate.FindExtension(oid); };

    demand(certificate.version() == 3, "version", "3", std::to_string(certificate.version()), "4.1.2.1");
    const Bytes& serial = certificate.serial();
    demand(serial.size() <= kMaxSerialSize && serial[0] < 0x80 && !AllZero(serial), "serialNumber", "positive, at most 20 octets",
           Cat("0x", ToHexBounded(serial, 24)), "4.1.2.2");
    demand(certificate.SignatureAlgorithmsAgree(), "signature", "the same algorithm inside and outside", "two different ones", "4.1.1.2");
    // Nobody asks who signed an anchor: it is trusted for its key.
    const bool is_anchor = i + 1 == path.certificates.size();
    demand(is_anchor || IsCollisionResistant(certificate.signature_algorithm()), "signatureAlgorithm", "ECDSA or RSA with SHA-2",
           Cat("algorithm ", certificate.signature_algorithm().oid), "4.1.1.2");
    demand(!certificate.issuer().empty(), "issuer", "a non-empty name", "empty", "4.1.2.4");

    // A self-signed certificate may omit the identifier of its own key.
    const Extension* authority = extension(oid::kAuthorityKeyIdentifier);
    demand(authority != nullptr || certificate.SelfIssued(), "authorityKeyIdentifier", "present", "absent", "4.2.1.1");
    if (authority != nullptr) {
      demand(!authority->critical, "authorityKeyIdentifier", "non-critical", "critical", "4.2.1.1");
      demand(HasKeyIdentifier(*authority), "authorityKeyIdentifier", "with keyIdentifier", "without", "4.2.1.1");
    }
    const Extension* subject_key = extension(oid::kSubjectKeyIdentifier);
    demand(subject_key != nullptr || !is_issuer, "subjectKeyIdentifier", "present in a CA", "absent", "4.2.1.2");
    demand(subject_key == nullptr || !subject_key->critical, "subjectKeyIdentifier", "non-critical", "critical", "4.2.1.2");

    const Extension* constraints = extension(oid::kBasicConstraints);
    if (is_issuer) {
      demand(certificate.is_ca(), "basicConstraints", "cA TRUE", "absent or FALSE", "4.2.1.9");
      demand(constraints == nullptr || constraints->critical, "basicConstraints", "critical in a CA", "non-critical", "4.2.1.9");
      demand(!certificate.key_usage() || Has(certificate.key_usage(), KeyUsage::kKeyCertSign), "keyUsage", "keyCertSign in a CA", "not set",
             "4.2.1.3");
      demand(!certificate.subject().empty(), "subject", "a non-empty name in a CA", "empty", "4.1.2.6");
    }
    demand(certificate.is_ca() || !Has(certificate.key_usage(), KeyUsage::kKeyCertSign), "keyUsage", "keyCertSign only in a CA", "set",
           "4.2.1.9");
    // Not RFC 5280's but ours: nothing that attests may also issue.
    demand(!is_leaf || path.certificates.size() == 1 || !certificate.is_ca(), "basicConstraints", "no CA at the end of a path", "cA TRUE",
           "4.2.1.9");

    if (const Extension* names = extension(oid::kNameConstraints)) {
      demand(certificate.is_ca(), "nameConstraints", "only in a CA", "present", "4.2.1.10");
      demand(names->critical, "nameConstraints", "critical", "non-critical", "4.2.1.10");
      demand(HasSubtrees(*names), "nameConstraints", "at least one subtree", "none", "4.2.1.10");
    }
    if (certificate.subject().empty()) {
      const Extension* alternative = extension(oid::kSubjectAltName);
      demand(alternative != nullptr && alternative->critical, "subjectAltName", "critical where the subject is empty",
             alternative == nullptr ? "absent" : "non-critical", "4.2.1.6");
    }
    const Extension* access = extension(oid::kAuthorityInfoAccess);
    demand(access == nullptr || !access->critical, "authorityInfoAccess", "non-critical", "critical", "4.2.2.1");
    demand(access == nullptr || HasAccessDescriptions(*access), "authorityInfoAccess", "at least one access description", "none",
           "4.2.2.1");
  }
  return findings;
}

}  // namespace assay::crypto
