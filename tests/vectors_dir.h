// Where the conformance vectors lie: $ASSAY_VECTORS, else ../shared/vectors beside the source tree.
//
// A test that reads them begins with ASSAY_VECTORS_OR_SKIP(dir): it is skipped, visibly, where they are absent, and fails
// there if $ASSAY_REQUIRE_VECTORS is 1, so that CI can't lose them unnoticed.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

#include "base/bug.h"
#include "base/bytes.h"
#include "tests/places/places.h"

namespace assay::test {

inline std::filesystem::path VectorsPath() {
  if (const char* path = std::getenv("ASSAY_VECTORS"); path != nullptr && *path != '\0') return path;
  return std::filesystem::path(test::SourceDir()).parent_path() / "shared" / "vectors";
}

inline std::optional<std::filesystem::path> VectorsDir() {
  std::filesystem::path path = VectorsPath();
  if (!std::filesystem::is_directory(path)) return std::nullopt;
  return path;
}

inline bool VectorsRequired() {
  const char* required = std::getenv("ASSAY_REQUIRE_VECTORS");
  return required != nullptr && std::string_view(required) == "1";
}

inline Bytes ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  ASSAY_CHECK(file.good());
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

}  // namespace assay::test

// Declares `dir`, the folder of the vectors, or leaves the test.
#define ASSAY_VECTORS_OR_SKIP(dir)                                                                            \
  if (!::assay::test::VectorsDir()) {                                                                         \
    if (::assay::test::VectorsRequired()) FAIL() << "vectors: not found at " << ::assay::test::VectorsPath(); \
    GTEST_SKIP() << "vectors: SKIPPED (not found at " << ::assay::test::VectorsPath() << ")";                 \
  }                                                                                                           \
  const std::filesystem::path dir = *::assay::test::VectorsDir()
