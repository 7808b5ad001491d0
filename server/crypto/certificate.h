// X.509 certificates: decoded once, immutable, cheap to copy (shared), usable from several threads.
//
// Promises: the bytes are exactly one DER certificate of version 3 (or 1, as is), re-encodable to the same bytes, no
// extension twice, at most 16 KiB. Does not promise: that anybody signed it, that it is valid now, or that any field
// makes sense: path.h and the vendors' profiles judge that.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/outcome.h"
#include "crypto/public_key.h"

namespace assay::crypto {

inline constexpr std::size_t kMaxCertificateSize = 16 * 1024;

struct NameAttribute {
  std::string oid;    // dotted, e.g. "2.5.4.3"
  std::string value;  // UTF-8, printable; the ASN.1 string type is not kept
};

struct Extension {
  std::string oid;  // dotted
  bool critical = false;
  Bytes value;  // contents of the OCTET STRING
};

// RFC 5280 4.1.1.2 AlgorithmIdentifier as far as profiles need it.
struct SignatureAlgorithm {
  enum class Kind : std::uint8_t { kEcdsa, kRsaPkcs1, kRsaPss, kOther } kind = Kind::kOther;
  std::optional<HashAlgorithm> hash;      // nullopt: one that is not in HashAlgorithm
  std::optional<HashAlgorithm> mgf_hash;  // PSS only
  int salt_length = -1;                   // PSS only
  int trailer_field = -1;                 // PSS only; 1 is the standard one
  std::string oid;
};

// RFC 5280 4.2.1.3, in the order of the bit string.
enum class KeyUsage : std::uint16_t {
  kDigitalSignature = 1U << 0,
  kNonRepudiation = 1U << 1,
  kKeyEncipherment = 1U << 2,
  kDataEncipherment = 1U << 3,
  kKeyAgreement = 1U << 4,
  kKeyCertSign = 1U << 5,
  kCrlSign = 1U << 6,
  kEncipherOnly = 1U << 7,
  kDecipherOnly = 1U << 8
};

class Certificate {
 public:
  // certificate_malformed or key_unsupported; `component` names the certificate in findings.
  static Outcome<Certificate> FromDer(ByteView der, std::string_view component = "certificate");

  ByteView der() const;
  const Sha256Digest& sha256() const;  // of der()
  int version() const;                 // 1, 2 or 3
  const Bytes& serial() const;         // content of the INTEGER, big-endian two's complement, as encoded
  const std::vector<NameAttribute>& subject() const;
  const std::vector<NameAttribute>& issuer() const;
  std::string SubjectText() const;  // "CN=SEV-VCEK, O=Advanced Micro Devices", attributes as encoded
  std::string IssuerText() const;
  std::string_view CommonName() const;  // "" if there is none or more than one
  bool SelfIssued() const;              // subject equals issuer, byte for byte
  Time not_before() const;
  Time not_after() const;  // inclusive, RFC 5280 4.1.2.5
  const PublicKey& public_key() const;
  const SignatureAlgorithm& signature_algorithm() const;
  bool SignatureAlgorithmsAgree() const;  // inner and outer AlgorithmIdentifier are the same bytes
  const std::vector<Extension>& extensions() const;
  const Extension* FindExtension(std::string_view oid) const;
  bool is_ca() const;  // basicConstraints present with cA TRUE
  std::optional<int> path_length() const;
  std::optional<std::uint16_t> key_usage() const;  // or-ed KeyUsage bits; nullopt = no such extension

  // Whether `issuer`'s key made this certificate's signature, by the algorithm in it (kinds of SignatureAlgorithm only).
  bool IsSignedBy(const PublicKey& issuer) const;

  struct Data;
  const Data& data() const { return *data_; }

 private:
  explicit Certificate(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  std::shared_ptr<const Data> data_;
};

// All certificates in a PEM text (RFC 7468, label CERTIFICATE) or the one DER certificate that the bytes are. At most
// `limit`; text between the blocks is ignored, a broken block is not.
Outcome<std::vector<Certificate>> CertificatesFrom(ByteView pem_or_der, std::string_view component, std::size_t limit = 16);

}  // namespace assay::crypto
