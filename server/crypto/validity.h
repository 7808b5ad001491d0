// When a certificate is valid, and nothing more: also of one whose key or form certificate.h would not take, such as an Ed25519 key.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace assay::crypto {

struct Validity {
  std::string subject;         // "CN=alice, O=Example"; "": not text that can be shown
  Time not_before, not_after;  // both inclusive, RFC 5280 section 4.1.2.5
};

// `pem`: one certificate; what follows it is ignored. nullopt: not a certificate, or its times are none.
std::optional<Validity> ValidityOf(std::string_view pem);

}  // namespace assay::crypto
