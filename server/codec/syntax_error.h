// Errors of text formats: where, what was expected, what was found. The one form that PEM, JSON and YAML share.
//
// The place goes into Finding::component as "name:line:column" (or "name:line"), lines and columns counted from 1,
// columns in bytes, so that an editor or terminal can jump there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/absl_bridge.h"
#include "base/finding.h"

namespace assay::codec {

struct Place {
  std::size_t line = 1;
  std::size_t column = 1;
};
Place PlaceOf(std::string_view text, std::size_t offset);  // an offset behind the end is taken as the end

std::string ShowPlace(std::string_view name, Place place);  // "policy.yaml:12:9"

// What stands at `offset`, for people: "'x'", "byte 0x80", "the end of the input".
std::string ShowCharacterAt(std::string_view text, std::size_t offset);
std::string Quoted(std::string_view text);  // in single quotes, printable, at most 64 bytes of it

Finding SyntaxError(std::string place, std::string expected, std::string actual);                    // encoding_malformed
Finding OverLimit(std::string place, std::string_view what, std::size_t limit, std::string actual);  // size_over_limit

// "policy.yaml:12:9: expected true or false, found 'yes'"
std::string MessageOf(const Finding& finding);

}  // namespace assay::codec
