// TPMS_CREATION_DATA (TPM 2.0 part 2, section 15.1): how an object came into being, believed as far as a creation attestation
// commits to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/check_log.h"
#include "evidence/tpm/attest.h"
#include "trust/authenticated.h"
#include "trust/parsed.h"

namespace assay::tpm {

inline constexpr std::string_view kCreationDataComponent = "tpm-creation-data";

class CreationData {
 public:
  using Parser = class CreationDataParser;
  using Authenticator = class CreationDataAuthenticator;
  static constexpr std::string_view kComponent = kCreationDataComponent;

  ByteView parent_name() const { return parent_name_; }
  ByteView parent_qualified_name() const { return parent_qualified_name_; }
  ByteView outside_info() const { return outside_info_; }

  trust::LookupHints Hints() const { return {}; }
  trust::Description Describe() const;

 private:
  friend class CreationDataParser;
  friend class CreationDataAuthenticator;
  CreationData() = default;
  Bytes raw_;
  Bytes parent_name_;
  Bytes parent_qualified_name_;
  Bytes outside_info_;
};

class CreationDataParser {
 public:
  static std::optional<trust::Parsed<CreationData>> Parse(ByteView bytes, CheckLog& log);  // nullopt: the log says why
};

class CreationDataAuthenticator {
 public:
  // By commitment: the data hash to creationHash, by the hash of the object's Name, and the object is the one of `area`.
  static std::optional<trust::Authenticated<CreationData>> Authenticate(trust::Parsed<CreationData> parsed,
                                                                        const trust::Authenticated<Creation>& creation,
                                                                        const PublicArea& area, CheckLog& log);
};

// A key whose creation in the same TPM an authenticated key attests. `area` is of the created key. nullopt: the log says why.
std::optional<VouchedAk> VouchByCreation(PublicArea area, const trust::Authenticated<Creation>& creation, CheckLog& log);

}  // namespace assay::tpm
