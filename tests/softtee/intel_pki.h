// Intel's key hierarchy as the software TEE rebuilds it: root, Platform CA, Processor CA, TCB signing, and the PCK and attestation key of
// each machine.
//
// Promises: PCK and attestation keys are functions of the PKI's seed and of the machine, as on real hardware. Does not promise secrecy:
// whoever holds the directory can sign anything. Nothing of it is ever part of the source tree.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/softtee/anchors.h"
#include "tests/softtee/signed_quote.h"

namespace assay::softtee {

class IntelPki {
 public:
  static IntelPki Generate();
  // Of `directory`, beside AMD's, which is made and filled if it is not there (private keys 0600); its anchor stands in anchors.yaml
  // afterwards. Several processes may call this at once. Errors: Unavailable or NotFound (files), InvalidArgument (a key that is none).
  static absl::StatusOr<IntelPki> Open(const std::filesystem::path& directory);
  // One for the whole process, kept in the build directory. For tests.
  static const IntelPki& Shared();

  const Key& KeyOf(IntelKind kind) const;  // not kPck: that is a machine's
  // Known to nobody: for chains that end in no pinned root.
  const Key& StrangerKey() const { return keys_.at("intel_stranger"); }
  // SHA-256 of the root's SubjectPublicKeyInfo: what a verifier pins.
  std::vector<Anchor> Anchors() const { return {{"intel", "SGX", Sha256(KeyOf(IntelKind::kRoot).SubjectPublicKeyInfo())}}; }

  QuoteKeys KeysFor(const Machine& machine, bool platform_ca) const;

 private:
  IntelPki() = default;

  std::map<std::string, Key, std::less<>> keys_;  // by file name without ending
  Bytes seed_;                                    // of the machines' keys
};

}  // namespace assay::softtee
