// The style of our protos, checked over descriptors: what a proto linter would check, plus what an Appraisal needs to
// be canonical. Sources: Google's protobuf style guide (names, enums), Google AIP-190 and AIP-192 (names, comments).
//
// Promises: every deviation is one line that begins with the full name of what deviates. Does not promise compatibility
// between versions of a proto.
#pragma once

#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>

namespace assay::protos {

// A leading comment on every message, field, enum, enum value, service and rpc; package = folder; names; enum zero
// values and prefixes; services end in Service; each rpc has a request and a response of its own, named after it.
std::vector<std::string> CheckStyle(const std::vector<const google::protobuf::FileDescriptor*>& files);

// Nothing that has more than one encoding or order in canonical JSON: no float, double or map anywhere below `message`.
std::vector<std::string> CheckCanonical(const google::protobuf::Descriptor& message);

}  // namespace assay::protos
