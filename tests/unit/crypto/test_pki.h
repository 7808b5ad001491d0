// Keys, certificates and revocation lists made at run time, so that a test can get one thing wrong at a time. Written with
// OpenSSL and a DER composer of its own: nothing here uses the code under test.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace assay::crypto::test {

// --- DER, composed by hand
Bytes Der(std::uint8_t tag, ByteView content);
Bytes Concat(std::initializer_list<ByteView> parts);
Bytes FromHexText(std::string_view hex);  // blanks allowed; aborts if it is no hex

// --- keys
class TestKey {
 public:
  static TestKey Ec(const char* group);  // "P-256", "P-384", "P-521", "secp256k1", …
  static TestKey Rsa(unsigned bits, unsigned exponent = 65537);
  static TestKey Ed25519();
  Bytes Spki() const;
  Bytes Sign(const char* md, ByteView message) const;  // DER for EC, PKCS #1 for RSA
  Bytes SignPss(const char* md, const char* mgf, int salt_length, ByteView message) const;
  EVP_PKEY* get() const { return key_.get(); }

 private:
  explicit TestKey(EVP_PKEY* key);
  std::shared_ptr<EVP_PKEY> key_;
};

Bytes RsaSpki(ByteView modulus, ByteView exponent);  // INTEGER contents as given

// --- certificates
struct CertificateSpec {
  std::string subject = "leaf";  // common name; "" = empty name
  std::string issuer = "root";
  std::vector<std::uint8_t> serial = {0x01};  // unsigned
  int version = 3;
  Time not_before = Time(std::chrono::sys_days(std::chrono::year(2024) / 1 / 1));
  Time not_after = Time(std::chrono::sys_days(std::chrono::year(2034) / 1 / 1));
  // OpenSSL's configuration syntax, e.g. {"basicConstraints", "critical,CA:TRUE"}.
  std::vector<std::pair<std::string, std::string>> extensions;
  const char* md = "SHA-256";
  bool pss = false;
};
// `key` is certified, `signer` signs.
Bytes MakeCertificate(const CertificateSpec& spec, const TestKey& key, const TestKey& signer);

// basicConstraints, keyUsage and identifiers as an ordinary CA has them.
CertificateSpec CaSpec(std::string subject, std::string issuer, int path_length = -1);
CertificateSpec LeafSpec(std::string subject, std::string issuer);

// A tbsCertificate or tbsCertList of the test's own, signed with ECDSA and SHA-256.
Bytes SignStructure(ByteView tbs, const TestKey& signer);
extern const Bytes kEcdsaSha256Algorithm;  // AlgorithmIdentifier, DER
Bytes NameDer(std::string_view common_name);

// --- revocation lists
struct CrlSpec {
  std::string issuer = "root";
  std::vector<Bytes> revoked;  // INTEGER contents
  bool version_2 = true;
  std::string this_update = "240101000000Z";  // UTCTime
  std::optional<std::string> next_update = "340101000000Z";
  Bytes entry_extensions = {};         // DER Extensions appended to each entry, or empty
  std::vector<Bytes> extensions = {};  // DER Extension each
};
Bytes MakeCrl(const CrlSpec& spec, const TestKey& signer);
Bytes ExtensionDer(ByteView oid, bool critical, ByteView value);  // oid: contents

}  // namespace assay::crypto::test
