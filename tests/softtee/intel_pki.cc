#include "tests/softtee/intel_pki.h"
#include "tests/places/places.h"

#include <cstdio>
#include <cstdlib>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "tests/softtee/file.h"

namespace assay::softtee {
namespace {

constexpr std::string_view kKeyNames[] = {"intel_root", "intel_platform_ca", "intel_processor_ca", "intel_tcb_signing", "intel_stranger"};
constexpr std::string_view kSeedFile = "intel_seed.key";

std::string_view NameOf(IntelKind kind) {
  switch (kind) {
    case IntelKind::kRoot: return "intel_root";
    case IntelKind::kPlatformCa: return "intel_platform_ca";
    case IntelKind::kProcessorCa: return "intel_processor_ca";
    case IntelKind::kTcbSigning: return "intel_tcb_signing";
    case IntelKind::kPck: break;
  }
  return {};
}

}  // namespace

IntelPki IntelPki::Generate() {
  IntelPki pki;
  for (const std::string_view name : kKeyNames) pki.keys_.emplace(name, Key::GenerateP256());
  pki.seed_ = RandomBytes(32);
  return pki;
}

absl::StatusOr<IntelPki> IntelPki::Open(const std::filesystem::path& directory) {
  const absl::StatusOr<DirectoryLock> lock = DirectoryLock::Take(directory);
  if (!lock.ok()) return lock.status();
  // The seed is written last: with it the PKI is whole, and a file that is missing then was lost, not never made.
  const auto path_of = [&](std::string_view name) { return directory / Cat(name, ".key"); };
  IntelPki pki;
  if (std::filesystem::exists(directory / kSeedFile)) {
    for (const std::string_view name : kKeyNames) {
      const auto pem = ReadFile(path_of(name));
      if (!pem.ok()) return pem.status();
      auto key = Key::FromPem(AsText(*pem));
      if (!key.ok()) return absl::InvalidArgumentError(ToAbsl(Cat(path_of(name).string(), ": ", MessageOf(key.status()))));
      pki.keys_.emplace(name, *std::move(key));
    }
    auto seed = ReadFile(directory / kSeedFile);
    if (!seed.ok()) return seed.status();
    pki.seed_ = *std::move(seed);
  } else {
    pki = Generate();
    for (const auto& [name, key] : pki.keys_) {
      if (const absl::Status status = WriteFile(path_of(name), AsBytes(key.ToPem()), kPrivateFile); !status.ok()) return status;
    }
  }
  if (const absl::Status status = KeepAnchors(directory, "intel", pki.Anchors()); !status.ok()) return status;
  if (!std::filesystem::exists(directory / kSeedFile)) {
    if (const absl::Status status = WriteFile(directory / kSeedFile, pki.seed_, kPrivateFile); !status.ok()) return status;
  }
  return pki;
}

const IntelPki& IntelPki::Shared() {
  static const IntelPki pki = [] {
    auto opened = Open(test::SoftteePkiDir());
    if (!opened.ok()) {
      std::fprintf(stderr, "software TEE: %s\n", std::string(MessageOf(opened.status())).c_str());
      std::abort();
    }
    return *std::move(opened);
  }();
  return pki;
}

const Key& IntelPki::KeyOf(IntelKind kind) const { return keys_.find(NameOf(kind))->second; }

QuoteKeys IntelPki::KeysFor(const Machine& machine, bool platform_ca) const {
  const auto derived = [&](std::string_view use) {
    Bytes seed = seed_;
    Append(seed, AsBytes(use));
    Append(seed, DescribePckExtension(machine, platform_ca).Der());
    return Key::Derive(seed, Key::Curve::kP256);
  };
  return {.root = KeyOf(IntelKind::kRoot),
          .ca = KeyOf(platform_ca ? IntelKind::kPlatformCa : IntelKind::kProcessorCa),
          .pck = derived("PCK"),
          .attestation = derived("attestation key")};
}

}  // namespace assay::softtee
