// Quotes that really authenticate, under a root of this process that bears Intel's names: the software TEE's, with lists and root as
// collateral is handed over.
#pragma once

#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "tests/softtee/certificate.h"
#include "tests/softtee/key.h"
#include "tests/softtee/signed_quote.h"
#include "tests/unit/dcap/plain_quote.h"
#include "trust/anchors.h"
#include "trust/collateral.h"

namespace assay::dcap::test {

inline const Time kNotBefore = *ParseTime("2026-01-01T00:00:00Z");
inline const Time kNotAfter = *ParseTime("2033-01-01T00:00:00Z");

using ExtensionParts = softtee::PckExtension;
inline Bytes Member(std::string_view suffix, ByteView value) { return softtee::PckMember(suffix, value); }
inline ExtensionParts PlainExtension(bool platform_ca = true) { return softtee::DescribePckExtension({}, platform_ca); }
using softtee::IntelName;
using softtee::kCaSerial;
using softtee::kPckSerial;

struct Pki : softtee::QuoteKeys {
  static const Pki& Shared();

  trust::AnchorSet Anchors() const;
};

inline Bytes Sign(const softtee::Key& key, ByteView message) { return softtee::SignP1363(key, message); }

using MintOptions = softtee::QuoteOptions;
inline Bytes Mint(const MintOptions& options = {}, const Pki& pki = Pki::Shared()) { return softtee::MintQuote(options, pki); }
inline Bytes PckDer(const MintOptions& options = {}, const Pki& pki = Pki::Shared()) { return softtee::MintPck(options, pki); }

// The root's certificate as collateral.
trust::CollateralItem RootItem(const Pki& pki = Pki::Shared());

struct ListOptions {
  bool root = false;  // the root's list, else that of the Platform CA
  std::vector<Bytes> serials = {};
  std::uint64_t number = 1;
  const softtee::Key* signer = nullptr;
  std::string_view issuer = "";  // common name, if not that of the CA
};
trust::CollateralItem List(const ListOptions& options = {}, const Pki& pki = Pki::Shared());

}  // namespace assay::dcap::test
