#include "tests/softtee/anchors.h"

#include "base/hex.h"
#include "base/strings.h"
#include "tests/softtee/file.h"
#include "tests/softtee/intel_pki.h"
#include "tests/softtee/nitro_evidence.h"
#include "tests/softtee/snp_pki.h"

namespace assay::softtee {
namespace {

constexpr std::string_view kHead = "apiVersion: assay.v1\nkind: TestAnchors\nanchors:\n";

std::string Line(const Anchor& anchor) {
  return Cat("  - {vendor: ", anchor.vendor, ", product: ", anchor.product, ", spki_sha256: \"", ToHex(anchor.spki_sha256), "\"}\n");
}

}  // namespace

std::string AnchorsYaml(const std::vector<Anchor>& anchors) {
  std::string yaml(kHead);
  for (const Anchor& anchor : anchors) yaml += Line(anchor);
  return yaml;
}

absl::Status KeepAnchors(const std::filesystem::path& directory, std::string_view vendor, const std::vector<Anchor>& anchors) {
  const auto before = ReadFile(directory / kAnchorsFile);
  if (!before.ok() && !absl::IsNotFound(before.status())) return before.status();
  std::string yaml(kHead);
  if (before.ok()) {
    // Written by AnchorsYaml() and nobody else: one line an anchor.
    std::string_view rest = AsText(*before);
    for (std::size_t end; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
      const std::string_view line = rest.substr(0, end + 1);
      if (line.starts_with("  - {vendor: ") && !line.starts_with(Cat("  - {vendor: ", vendor, ","))) yaml += line;
    }
  }
  for (const Anchor& anchor : anchors) yaml += Line(anchor);
  if (before.ok() && AsText(*before) == yaml) return absl::OkStatus();
  return WriteFile(directory / kAnchorsFile, AsBytes(yaml), kPublicFile);
}

std::string SharedAnchorsYaml() {
  std::vector<Anchor> anchors = SnpPki::Shared().Anchors();
  for (Anchor& anchor : IntelPki::Shared().Anchors()) anchors.push_back(std::move(anchor));
  for (Anchor& anchor : NitroPki::Shared().Anchors()) anchors.push_back(std::move(anchor));
  return AnchorsYaml(anchors);
}

}  // namespace assay::softtee
