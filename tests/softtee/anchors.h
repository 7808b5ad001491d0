// The document `kind: TestAnchors` for --insecure-test-anchors, one for all PKIs of a directory.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/bytes.h"

namespace assay::softtee {

inline constexpr std::string_view kAnchorsFile = "anchors.yaml";

struct Anchor {
  std::string_view vendor;
  std::string_view product;
  Bytes spki_sha256;
};

std::string AnchorsYaml(const std::vector<Anchor>& anchors);

// The directory's anchors of that vendor become these, those of others stay. The caller holds the directory's lock.
absl::Status KeepAnchors(const std::filesystem::path& directory, std::string_view vendor, const std::vector<Anchor>& anchors);

// Of the PKIs that the tests of this build share: AMD's, Intel's and AWS's.
std::string SharedAnchorsYaml();

}  // namespace assay::softtee
