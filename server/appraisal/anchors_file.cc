#include "appraisal/anchors_file.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "appraisal/lint.h"
#include "base/absl_bridge.h"
#include "base/files.h"
#include "base/strings.h"
#include "codec/syntax_error.h"
#include "codec/yaml.h"
#include "evidence/tpm/ak_certificate.h"
#include "evidence/tpm/format.h"

namespace assay::appraisal {
namespace {

void Expect(const yaml::Node& document, std::string_view key, std::string_view wanted, Lint& lint) {
  const auto text = lint.TextOf(document, key);
  if (text && *text != wanted) { lint.Say(yaml::ErrorAt(document.Find(key)->position, codec::Quoted(wanted), codec::Quoted(*text))); }
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
  if (elements.empty() && list->kind == yaml::Kind::kSequence) { lint.Say(yaml::ErrorAt(list->position, "at least one anchor", "none")); }
  for (const yaml::Node& element : elements) {
    if (auto anchor = ReadAnchor(element, lint)) anchors.push_back(*std::move(anchor));
  }
  return anchors;
}

}  // namespace

trust::AnchorSet BuiltinAnchors(const Registry& registry) {
  std::vector<trust::Anchor> anchors;
  for (const evidence::Format* format : registry.formats) anchors.insert(anchors.end(), format->anchors.begin(), format->anchors.end());
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

absl::StatusOr<TpmRoots> LoadTpmRoots(const std::string& path) {
  const absl::StatusOr<Bytes> bytes = ReadFile("tpm_ek_roots", path);
  if (!bytes.ok()) return bytes.status();
  TpmRoots roots;
  const auto refuse = [&](std::string_view actual) {
    return absl::InvalidArgumentError(
        ToAbsl(Cat("tpm_ek_roots '", Printable(path), "': expected certificates of authorities, PEM or DER, actual: ", actual,
                   ". Leave out what is none.")));
  };
  for (trust::CollateralItem& item : tpm::kFormat.recognise(trust::UntrustedBytes(*bytes), trust::CollateralSource::kSupplied, nullptr)) {
    if (!item.certificate || item.key.kind != tpm::kCaKind) {
      return refuse(item.certificate ? Printable(item.certificate->SubjectText(), 128) : std::string("something else"));
    }
    roots.anchors.push_back({std::string(tpm::kOperatorVendor), std::string(tpm::kProduct), item.certificate->public_key().spki_sha256()});
    roots.certificates.push_back(std::move(item));
  }
  if (roots.anchors.empty()) return refuse("none");
  return roots;
}

trust::AnchorSet WithAnchors(const trust::AnchorSet& anchors, const std::vector<trust::Anchor>& more) {
  std::vector<trust::Anchor> all(anchors.anchors().begin(), anchors.anchors().end());
  all.insert(all.end(), more.begin(), more.end());
  return trust::AnchorSet(std::move(all), anchors.simulated());
}

absl::StatusOr<trust::AnchorSet> LoadTestAnchors(const std::string& path) {
  const absl::StatusOr<Bytes> bytes = ReadFile("test anchors", path);
  if (!bytes.ok()) return bytes.status();
  return ParseTestAnchors(path, AsText(*bytes));
}

absl::StatusOr<trust::AnchorSet> LoadAnchors(const Registry& registry, const std::string& test_anchors,
                                             const std::vector<std::string>& tpm_ek_roots) {
  absl::StatusOr<trust::AnchorSet> anchors =
      test_anchors.empty() ? absl::StatusOr<trust::AnchorSet>(BuiltinAnchors(registry)) : LoadTestAnchors(test_anchors);
  for (const std::string& path : tpm_ek_roots) {
    if (!anchors.ok()) return anchors;
    const absl::StatusOr<TpmRoots> roots = LoadTpmRoots(path);
    if (!roots.ok()) return roots.status();
    anchors = WithAnchors(*anchors, roots->anchors);
  }
  return anchors;
}

}  // namespace assay::appraisal
