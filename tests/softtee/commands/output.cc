#include "tests/softtee/commands/output.h"

#include <cstdio>
#include <filesystem>

#include "base/strings.h"
#include "tests/softtee/file.h"
#include "tests/softtee/key.h"

namespace assay::softtee {

// Media types and base64 hold nothing that JSON would have to escape.
void PrintJson(const std::vector<Item>& items, const TpmWords* tpm) {
  std::string json = "{\"items\":[";
  for (const Item& item : items) {
    json += Cat(json.back() == '}' ? "," : "", "{\"media_type\":\"", item.media_type, "\",\"body\":\"", ToBase64(item.body), "\"}");
  }
  json += "]";
  if (tpm != nullptr) {
    json += Cat(",\"tpm\":{\"attestation_key\":\"", ToBase64(tpm->attestation_key), "\",\"endorsement_key\":\"",
                ToBase64(tpm->endorsement_key), "\",\"endorsement_certificate\":\"", ToBase64(tpm->endorsement_certificate),
                "\",\"activation_secret\":\"", ToBase64(tpm->activation_secret), "\"}");
  }
  std::puts((json + "}").c_str());
}

int WriteFiles(const std::string& directory, const NamedFiles& files) {
  const absl::StatusOr<DirectoryLock> lock = DirectoryLock::Take(directory);
  absl::Status status = lock.status();
  for (const auto& [name, body] : files) {
    if (status.ok()) status = WriteFile(std::filesystem::path(directory) / name, body, kPublicFile);
  }
  return status.ok() ? kOk : FailAt("--out", status);
}

NamedFiles FilesOf(const std::vector<Item>& items) {
  NamedFiles files;
  for (const Item& item : items) {
    files.emplace_back(Cat(item.media_type.substr(item.media_type.find_last_of("./") + 1), ".", files.size()), item.body);
  }
  return files;
}

}  // namespace assay::softtee
