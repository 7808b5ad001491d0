// PCR values foretold from what a machine boots: what firmware (PFP section 3.3.4; EDK2), systemd's stub and the Linux EFI stub extend.
//
// Promises: each value follows from its inputs alone. Does not promise that a given firmware measures this and no more: compare with a
// machine that you trust once.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/outcome.h"
#include "crypto/digest.h"
#include "evidence/tcg_log/pe_image.h"

namespace assay::tcg_log {

inline constexpr std::uint32_t kPredictedApplications = 4, kPredictedSecureBoot = 7, kPredictedLinuxStub = 9, kPredictedUki = 11,
                               kPredictedStub = 12;

// A PCR that starts at zero.
class PcrChain {
 public:
  explicit PcrChain(crypto::HashAlgorithm hash) : hash_(hash), value_(crypto::DigestSize(hash), 0) {}
  PcrChain& Measure(ByteView data) { return Extend(crypto::Digest(hash_, data)); }
  PcrChain& Extend(ByteView digest) {
    Append(value_, digest);
    value_ = crypto::Digest(hash_, value_);
    return *this;
  }
  const Bytes& value() const { return value_; }

 private:
  crypto::HashAlgorithm hash_;
  Bytes value_;
};

// PCR 4: the boot manager's call, the separator, and each image that firmware loads, in order.
Bytes PredictApplications(crypto::HashAlgorithm hash, std::span<const PeImage> images);

// Contents of the variables, without the four bytes of attributes that efivarfs puts before them. `authorities`: what lets images start, in
// order, each the variable's name and the value measured: of db an EFI_SIGNATURE_DATA.
struct SecureBootVariables {
  bool enabled = true;
  Bytes pk, kek, db, dbx;
  std::vector<std::pair<std::string, Bytes>> authorities = {};
};
bool IsAuthority(std::string_view variable);  // one whose vendor is known: db, Shim, SbatLevel, MokListTrusted
Bytes PredictSecureBoot(crypto::HashAlgorithm hash, const SecureBootVariables& variables);  // PCR 7

// PCR 9 as the Linux EFI stub leaves it: load options, where it has any, then the initrd. Of firmware and loaders that measure nothing there.
Bytes PredictLinuxStub(crypto::HashAlgorithm hash, const std::string& load_options, std::span<const Bytes> initrds);

// PCR 11: every section of a unified kernel image, and then the words of systemd's phases. Finding field_invalid: a section stands
// there twice, or is larger in memory than in the image.
Outcome<Bytes> PredictUki(crypto::HashAlgorithm hash, const PeImage& image, std::span<const std::string> phases);

// PCR 12: a command line that the stub is given beside the image's own.
Bytes PredictStub(crypto::HashAlgorithm hash, const std::string& command_line);

}  // namespace assay::tcg_log
