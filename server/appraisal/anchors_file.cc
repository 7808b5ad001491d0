#include "appraisal/anchors_file.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/strings.h"
#include "codec/syntax_error.h"
#include "codec/yaml.h"

namespace assay::appraisal {
namespace {

class Reading {
 public:
  absl::StatusOr<trust::AnchorSet> Finish(const yaml::Node& document) {
    Note(yaml::RequireKnownKeys(document, {"apiVersion", "kind", "anchors"}));
    Expect(document, "apiVersion", "assay.v1");
    Expect(document, "kind", "TestAnchors");
    if (const auto list = Take(yaml::RequireKey(document, "anchors"))) {
      if (const auto elements = Take(yaml::AsSequence(**list))) {
        for (const yaml::Node& element : *elements) Add(element);
        if (elements->empty()) Note(yaml::ErrorAt((*list)->position, "at least one anchor", "none"));
      }
    }
    if (!messages_.empty()) return absl::InvalidArgumentError(Join(messages_, "\n"));
    return trust::AnchorSet(std::move(anchors_), /*simulated=*/true);
  }

 private:
  void Note(const Finding& finding) { messages_.push_back(codec::MessageOf(finding)); }
  template <typename T>
  void Note(const Outcome<T>& outcome) {
    for (const Finding& finding : outcome.findings()) Note(finding);
  }
  template <typename T>
  std::optional<T> Take(Outcome<T> outcome) {
    Note(outcome);
    return outcome.ok() ? std::optional<T>(std::move(outcome).value()) : std::nullopt;
  }

  std::optional<std::string> Text(const yaml::Node& node, std::string_view key) {
    const auto value = Take(yaml::RequireKey(node, key));
    return value ? Take(yaml::AsString(**value)) : std::nullopt;
  }

  void Expect(const yaml::Node& document, std::string_view key, std::string_view wanted) {
    const auto text = Text(document, key);
    if (text && *text != wanted) Note(yaml::ErrorAt(document.Find(key)->position, Cat("'", wanted, "'"), codec::Quoted(*text)));
  }

  void Add(const yaml::Node& element) {
    Note(yaml::RequireKnownKeys(element, {"vendor", "product", "spki_sha256"}));
    const auto vendor = Text(element, "vendor");
    const auto product = Text(element, "product");
    const auto key = Take(yaml::RequireKey(element, "spki_sha256"));
    const auto digest = key ? Take(yaml::AsHexString(**key)) : std::nullopt;
    if (!vendor || !product || !digest) return;
    trust::Anchor anchor{*vendor, *product, {}};
    if (digest->size() != anchor.spki_sha256.size()) {
      Note(yaml::ErrorAt((*key)->position, "a SHA-256 digest of 32 bytes", Cat(digest->size(), " bytes")));
      return;
    }
    std::copy(digest->begin(), digest->end(), anchor.spki_sha256.begin());
    anchors_.push_back(std::move(anchor));
  }

  std::vector<trust::Anchor> anchors_;
  std::vector<std::string> messages_;
};

}  // namespace

trust::AnchorSet BuiltinAnchors(const Registry& registry) {
  std::vector<trust::Anchor> anchors;
  for (const evidence::Format* format : registry.formats) anchors.insert(anchors.end(), format->anchors.begin(), format->anchors.end());
  return trust::AnchorSet(std::move(anchors), /*simulated=*/false);
}

absl::StatusOr<trust::AnchorSet> ParseTestAnchors(std::string_view name, std::string_view text) {
  const Outcome<yaml::Node> document = yaml::Parse(text, name);
  if (!document) return absl::InvalidArgumentError(codec::MessageOf(document.findings().front()));
  return Reading().Finish(*document);
}

absl::StatusOr<trust::AnchorSet> LoadTestAnchors(const std::string& path) {
  const absl::StatusOr<Bytes> bytes = ReadFile("test anchors", path);
  if (!bytes.ok()) return bytes.status();
  return ParseTestAnchors(path, AsText(*bytes));
}

}  // namespace assay::appraisal
