// Quotes that really authenticate, under a root of this process that bears Intel's names. Written with literal offsets and the software
// TEE's DER writer; every part can be changed before it is signed, so that a test makes exactly one thing wrong.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "tests/softtee/certificate.h"
#include "tests/softtee/key.h"
#include "tests/unit/dcap/plain_quote.h"
#include "trust/anchors.h"
#include "trust/collateral.h"

namespace assay::dcap::test {

inline const Time kNotBefore = *ParseTime("2026-01-01T00:00:00Z");
inline const Time kNotAfter = *ParseTime("2033-01-01T00:00:00Z");

// Members of the PCK's SGX extension; each is one DER SEQUENCE of OID and value.
struct ExtensionParts {
  std::vector<Bytes> members;
  Bytes Der() const;
};
Bytes Member(std::string_view suffix, ByteView value);  // below 1.2.840.113741.1.13.1.
ExtensionParts PlainExtension(bool platform_ca = true);

struct Pki {
  softtee::Key root = softtee::Key::GenerateP256();
  softtee::Key ca = softtee::Key::GenerateP256();
  softtee::Key pck = softtee::Key::GenerateP256();
  softtee::Key attestation = softtee::Key::GenerateP256();
  static const Pki& Shared();

  trust::AnchorSet Anchors() const;
};

Bytes Sign(const softtee::Key& key, ByteView message);  // ECDSA P-256 with SHA-256, r || s

Bytes IntelName(std::string_view common_name);

struct MintOptions {
  PlainQuote kind = TdxV4();
  bool platform_ca = true;
  std::function<void(Bytes& body)> body = nullptr;
  std::function<void(Bytes& report)> qe_report = nullptr;     // before it is signed
  std::function<void(PlainQuote& quote)> quote = nullptr;     // when all is signed
  std::function<void(softtee::Certificate&)> pck_certificate = nullptr;
  std::function<void(softtee::Certificate&)> ca_certificate = nullptr;
  std::function<void(softtee::Certificate&)> root_certificate = nullptr;
  const softtee::Key* signs_pck = nullptr;                    // default: the CA; and so on
  const softtee::Key* signs_qe_report = nullptr;
  const softtee::Key* signs_quote = nullptr;
  std::vector<std::size_t> order = {0, 1, 2};                 // of PCK, CA, root in the PEM text; may repeat
};
Bytes Mint(const MintOptions& options = {}, const Pki& pki = Pki::Shared());

// Certificates in DER.
Bytes PckDer(const MintOptions& options = {}, const Pki& pki = Pki::Shared());

// The root's certificate as collateral.
trust::CollateralItem RootItem(const Pki& pki = Pki::Shared());

struct ListOptions {
  bool root = false;             // the root's list, else that of the Platform CA
  std::vector<Bytes> serials = {};
  std::uint64_t number = 1;
  const softtee::Key* signer = nullptr;
  std::string_view issuer = "";  // common name, if not that of the CA
};
trust::CollateralItem List(const ListOptions& options = {}, const Pki& pki = Pki::Shared());

inline const Bytes kPckSerial = {0x11, 0x22};
inline const Bytes kCaSerial = {0x33, 0x44};

}  // namespace assay::dcap::test
