// Private keys of our own: EC P-256, for node keys, tokens and development TLS. Evidence never brings one.
//
// Promises: the key is on P-256 with a named curve and its public half belongs to it; moved, never copied; OpenSSL cleanses
// the secret number when the key dies. Does not promise: protection against who can read this process's memory.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/outcome.h"
#include "crypto/public_key.h"

namespace assay::crypto {

// Text that holds a secret: moved, never copied, overwritten when it dies.
class SecretText {
 public:
  explicit SecretText(std::string text) : text_(std::make_unique<std::string>(std::move(text))) {}
  ~SecretText();
  SecretText(SecretText&&) noexcept = default;
  SecretText& operator=(SecretText&&) = delete;
  std::string_view view() const { return *text_; }

 private:
  std::unique_ptr<std::string> text_;  // on the heap, so that moving leaves nothing behind
};

class PrivateKey {
 public:
  static PrivateKey GenerateP256();
  // Unencrypted PKCS #8 ("PRIVATE KEY") or SEC 1 ("EC PRIVATE KEY"); what follows the first block must be blank.
  // encoding_malformed or key_unsupported; findings never show any of the text.
  static Outcome<PrivateKey> FromPem(std::string_view pem);
  SecretText ToPem() const;  // PKCS #8

  ~PrivateKey();
  PrivateKey(PrivateKey&&) noexcept;
  PrivateKey& operator=(PrivateKey&&) noexcept;

  const PublicKey& public_key() const;

  // ECDSA with SHA-256, FIPS 186-4 with a fresh random number each time.
  Bytes SignDer(ByteView message) const;    // Ecdsa-Sig-Value
  Bytes SignP1363(ByteView message) const;  // r || s, 64 bytes: JWS ES256, COSE

  // DER certificate over this key, signed by it: version 3, random serial, digitalSignature, clientAuth, no CA. It carries
  // the key into a TLS handshake and proves nothing by itself.
  // InvalidArgument: `common_name` not 1 to 64 characters of UTF-8, or not_after before not_before.
  absl::StatusOr<Bytes> SelfSignedCertificate(std::string_view common_name, Time not_before, Time not_after) const;

  // DER PKCS #10 request (RFC 2986) with subject CN = `common_name` and no attributes. InvalidArgument as above.
  absl::StatusOr<Bytes> CertificateRequest(std::string_view common_name) const;

 private:
  struct Handle;
  explicit PrivateKey(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

}  // namespace assay::crypto
