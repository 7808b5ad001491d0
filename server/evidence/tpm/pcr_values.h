// The values of the registers that a quote is about: an item tpm-pcrs, TPML_PCR_SELECTION (TPM 2.0 part 2, section 10.9.7) and behind it
// the digests, one behind the other in the order of the selection, ascending inside a bank: exactly what pcrDigest is the hash of.
//
// PcrValuesParser promises: a selection as a quote's has to be, and as many bytes behind it as the registers have. Nothing signs
// the values; they are believed as far as they hash to the pcrDigest of an authenticated quote with the same selection.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/check_log.h"
#include "evidence/tpm/attest.h"
#include "trust/authenticated.h"
#include "trust/claims.h"
#include "trust/parsed.h"
#include "trust/untrusted_bytes.h"

namespace assay::tpm {

inline constexpr std::string_view kPcrsComponent = "tpm-pcrs";

struct PcrValue {
  std::uint16_t bank;  // TPM_ALG_ID, the same numbers as in event logs
  std::uint32_t index;
  ByteView value;
};

class PcrValues {
 public:
  using Parser = class PcrValuesParser;
  using Authenticator = class PcrValuesAuthenticator;
  static constexpr std::string_view kComponent = kPcrsComponent;

  const std::vector<PcrSelection>& selection() const { return selection_; }
  // In the order of the selection. The views live as long as this object or a copy of it.
  std::span<const PcrValue> values() const { return values_; }
  ByteView Find(std::uint16_t bank, std::uint32_t index) const;  // empty: not among them

  trust::LookupHints Hints() const { return {}; }
  trust::Description Describe() const;
  void WriteClaims(trust::ClaimWriter& claims) const;

 private:
  friend class PcrValuesParser;
  friend class PcrValuesAuthenticator;
  PcrValues() = default;
  std::shared_ptr<const Bytes> raw_;  // what the views point into
  ByteView digests_;
  std::vector<PcrSelection> selection_;
  std::vector<PcrValue> values_;
};

class PcrValuesParser {
 public:
  // nullopt: the log says why.
  static std::optional<trust::Parsed<PcrValues>> Parse(const trust::UntrustedBytes& item, CheckLog& log);
};

bool LooksLikePcrValues(ByteView bytes);

class PcrValuesAuthenticator {
 public:
  // By commitment: the selection is that of the quote, and the values hash to its pcrDigest by the hash of its signature, whatever
  // the banks. nullopt: the log says why.
  static std::optional<trust::Authenticated<PcrValues>> Authenticate(trust::Parsed<PcrValues> parsed,
                                                                     const trust::Authenticated<Quote>& quote, CheckLog& log);
};

}  // namespace assay::tpm
