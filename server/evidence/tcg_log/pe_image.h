// PE/COFF images of EFI applications, as far as boots measure them: Microsoft's PE format specification; Windows Authenticode Portable
// Executable Signature Format 1.0 for the digest that firmware extends PCR 4 with.
//
// ReadPeImage promises: headers and sections inside the image, sections apart from each other; no more of them than kMaxPeSections. It does
// not promise that the image would start, nor that anybody signed it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/outcome.h"
#include "crypto/digest.h"

namespace assay::tcg_log {

inline constexpr std::size_t kMaxPeSections = 96;  // as many as Windows loads

struct PeSection {
  std::string name;    // up to its first zero
  std::size_t offset;  // of its data in the image
  ByteView data;
  std::size_t virtual_size;  // in memory
};

struct PeImage {
  ByteView image;
  std::size_t check_sum_offset;
  std::size_t certificates_offset;  // of the directory entry; 0: the image has none
  std::size_t certificates_size;    // of the table at the image's end
  std::size_t headers_size;
  std::vector<PeSection> sections;  // in the order of the image's headers
};

// Views of `image`. Finding: field_invalid.
Outcome<PeImage> ReadPeImage(ByteView image);

Bytes AuthenticodeDigest(const PeImage& image, crypto::HashAlgorithm hash);

}  // namespace assay::tcg_log
