// The certificate of an operator's connection against the clock, call by call. TLS looks at it in a full handshake only: a resumed session
// (RFC 8446 section 2.2) brings it back as it was accepted then, and a connection outlives the moment at which it was looked at.
#pragma once

#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/finding.h"

namespace assay::service {

// `pem`: the certificate that the peer showed, alone. The first second at which it is not valid any more. Otherwise unauthenticated: it
// has ended by `now`, or has not begun, or is not one certificate. Does not promise that anybody signed it: the handshake saw to that.
std::variant<Time, Finding> CertificateUntil(std::string_view pem, Time now);

}  // namespace assay::service
