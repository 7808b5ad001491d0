// Where a node's evidence comes from: one implementation per source.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "crypto/digest.h"

namespace assay::agent {

struct CollectedItem {
  std::string media_type;
  Bytes body;  // exactly as the source returned it
};

// Keys of a TPM, as the request for a challenge names them (proto AttesterKeys). All empty: there is none.
struct TpmKeys {
  Bytes attestation_key;          // TPM2B_PUBLIC; field 7 of the binding transcript
  Bytes endorsement_key;          // TPM2B_PUBLIC; empty: not to be used
  Bytes endorsement_certificate;  // DER; empty: none
};

// What a challenge demands of the source.
struct Demand {
  struct Request {
    std::string media_type;
    std::vector<std::pair<std::string, std::string>> parameters;
    // nullptr: none of that name.
    const std::string* Find(std::string_view name) const {
      const auto found = std::find_if(parameters.begin(), parameters.end(), [name](const auto& one) { return one.first == name; });
      return found == parameters.end() ? nullptr : &found->second;
    }
  };
  crypto::Sha512Digest report_data;  // of the binding transcript: what reports and quotes of TDX carry,
  crypto::Sha256Digest extra_data;   // and what quotes of TPMs do
  std::vector<Request> requests;
};

struct CollectedEvidence {
  std::vector<CollectedItem> items;
  Bytes activation_secret = {};  // empty: none was asked for
};

class EvidenceSource {
 public:
  virtual ~EvidenceSource() = default;
  // Before a challenge is asked for. Errors as below.
  virtual absl::StatusOr<TpmKeys> Keys() { return TpmKeys{}; }
  // Fresh evidence whose carrier contains what is demanded. NotFound: this machine has no such source. The message says what was expected
  // where, and what to do.
  virtual absl::StatusOr<CollectedEvidence> Answer(const Demand& demand) = 0;
};

// A source whose carrier has report_data, and that needs nothing else.
class ReportSource : public EvidenceSource {
 public:
  absl::StatusOr<CollectedEvidence> Answer(const Demand& demand) final {
    absl::StatusOr<std::vector<CollectedItem>> items = Collect(demand.report_data);
    if (!items.ok()) return items.status();
    return CollectedEvidence{*std::move(items)};
  }
  virtual absl::StatusOr<std::vector<CollectedItem>> Collect(const crypto::Sha512Digest& report_data) = 0;
};

}  // namespace assay::agent
