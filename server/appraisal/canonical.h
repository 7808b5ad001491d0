// The canonical form of our messages, by reflection: what a proto gains, the form gains. See assay/v1/verdict.proto.
//
// Promises: the same message gives the same bytes: JSON after RFC 8785, member names as in the proto, enum values by name,
// bytes as lower-case hexadecimal, 64-bit integers as decimal strings, times in RFC 3339 UTC, unset members absent.
#pragma once

#include <string>

#include "codec/json.h"

namespace google::protobuf {
class Message;
}

namespace assay::appraisal {

json::Value TreeOf(const google::protobuf::Message& message);
std::string CanonicalJson(const google::protobuf::Message& message);

}  // namespace assay::appraisal
