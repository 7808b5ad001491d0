#include "appraisal/anchors_file.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "appraisal/lint.h"
#include "base/files.h"
#include "base/strings.h"
#include "codec/syntax_error.h"
#include "codec/yaml.h"

namespace assay::appraisal {
namespace {

void Expect(const yaml::Node& document, std::string_view key, std::string_view wanted, Lint& lint) {
  const auto text = lint.TextOf(document, key);
  if (text && *text != wanted) {
    lint.Say(yaml::ErrorAt(document.Find(key)->position, codec::Quoted(wanted), codec::Quoted(*text)));
  }
}

std::optional<trust::Anchor> ReadAnchor(const yaml::Node& element, Lint& lint) {
  lint.Take(yaml::RequireKnownKeys(element, {"vendor", "product", "spki_sha256"}));
  if (element.kind != yaml::Kind::kMapping) return std::nullopt;
  const auto vendor = lint.TextOf(element, "vendor");
  const auto product = lint.TextOf(element, "product");
  const yaml::Node* key = lint.Key(element, "spki_sha256");
  const auto digest = key == nullptr ? std::nullopt : lint.Take(yaml::AsHexString(*key));
  if (!vendor || !product || !digest) return std::nullopt;
  trust::Anchor anchor{*vendor, *product, {}};
  if (digest->size() != anchor.spki_sha256.size()) {
    lint.Say(yaml::ErrorAt(key->position, "a SHA-256 digest of 32 bytes", Cat(digest->size(), " bytes")));
    return std::nullopt;
  }
  std::copy(digest->begin(), digest->end(), anchor.spki_sha256.begin());
  return anchor;
}

std::vector<trust::Anchor> ReadDocument(const yaml::Node& document, Lint& lint) {
  std::vector<trust::Anchor> anchors;
  lint.Take(yaml::RequireKnownKeys(document, {"apiVersion", "kind", "anchors"}));
  if (document.kind != yaml::Kind::kMapping) return anchors;
  Expect(document, "apiVersion", "assay.v1", lint);
  Expect(document, "kind", "TestAnchors", lint);
  const yaml::Node* list = lint.Key(document, "anchors");
  if (list == nullptr) return anchors;
  const auto elements = lint.Elements(*list);
  if (elements.empty() && list->kind == yaml::Kind::kSequence) {
    lint.Say(yaml::ErrorAt(list->position, "at least one anchor", "none"));
  }
  for (const yaml::Node& element : elements) {
    if (auto anchor = ReadAnchor(element, lint)) anchors.push_back(*std::move(anchor));
  }
  return anchors;
}

}  // namespace

trust::AnchorSet BuiltinAnchors(const Registry& registry) {
  std::vector<trust::Anchor> anchors;
  for (const evidence::Format* format : registry.formats)
    anchors.insert(anchors.end(), format->anchors.begin(), format->anchors.end());
  return trust::AnchorSet(std::move(anchors), /*simulated=*/false);
}

absl::StatusOr<trust::AnchorSet> ParseTestAnchors(std::string_view name, std::string_view text) {
  Lint lint;
  std::vector<trust::Anchor> anchors;
  if (const auto document = lint.Take(yaml::Parse(text, name))) anchors = ReadDocument(*document, lint);
  if (lint.empty()) return trust::AnchorSet(std::move(anchors), /*simulated=*/true);
  std::vector<std::string> messages;
  for (const LintMessage& message : std::move(lint).Finish()) messages.push_back(message.ToString());
  return absl::InvalidArgumentError(Join(messages, "\n"));
}

absl::StatusOr<trust::AnchorSet> LoadTestAnchors(const std::string& path) {
  const absl::StatusOr<Bytes> bytes = ReadFile("test anchors", path);
  if (!bytes.ok()) return bytes.status();
  return ParseTestAnchors(path, AsText(*bytes));
}

}  // namespace assay::appraisal
