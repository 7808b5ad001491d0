// PEM: textual encodings of RFC 7468.
//
// Promises: every block found is whole: BEGIN and END lines with one label, canonical base64 between them. Text outside
// blocks is ignored, as RFC 7468 section 2 allows, but a line there that holds a broken or misplaced boundary is
// refused, so that damage never makes a block vanish. No block at all is an error: absence is never success. More lax
// than the "strict" grammar of section 3 in two ways, which genuine vendor chains need: base64 lines may be of any
// length, and blanks may stand at the end of a line. Headers (RFC 1421) and blank lines inside a block are refused.
// Does not promise: that the bytes are DER, or what the label says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/outcome.h"

namespace assay::codec {

struct PemBlock {
  std::string label;  // "CERTIFICATE", "X509 CRL", …
  Bytes der;          // at least one byte
};

struct PemLimits {
  std::size_t bytes = std::size_t{1} << 20;  // of the text
  std::size_t blocks = 64;
};

// Findings name `name` and the line: "chain.pem:14".
Outcome<std::vector<PemBlock>> ParsePem(std::string_view text, std::string_view name = "pem", const PemLimits& limits = {});

// 64 characters a line, line feeds.
std::string EncodePem(std::string_view label, ByteView der);

}  // namespace assay::codec
