// AMD's key hierarchy as the software TEE rebuilds it: for each product an ARK, an ASK (issues VCEKs) and an ASVK (issues
// VLEKs); names, parameters, extensions and their order as in AMD's own certificates (AMD 57230).
//
// Promises: three different ARKs, one a product; VCEK and VLEK keys are functions of the PKI's seed, chip id or CSP id and
// TCB, as on real chips. ASK and ASVK keys are shared by the products, which no verifier can see. Does not promise
// secrecy: whoever holds the directory can sign anything. Nothing of it is ever part of the source tree.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "tests/softtee/anchors.h"
#include "tests/softtee/certificate.h"
#include "tests/softtee/key.h"
#include "tests/softtee/snp_report.h"

namespace assay::softtee {

enum class Authority : std::uint8_t { kArk, kAsk, kAsvk };

inline constexpr unsigned kAmdRsaBits = 4096;

// "OU=Engineering, C=US, L=Santa Clara, ST=CA, O=Advanced Micro Devices, CN=<common name>", the string types as AMD's.
Bytes AmdName(std::string_view common_name, std::string_view organization = "Advanced Micro Devices");
std::string CommonNameOf(Authority authority, Product product);  // "ARK-Milan", "SEV-Milan", "SEV-VLEK-Milan"

// 1.3.6.1.4.1.3704.1.<suffix>
std::string AmdOid(std::string_view suffix);

class SnpPki {
 public:
  // In memory. Six RSA keys: some seconds for 4096 bits.
  static SnpPki Generate(unsigned rsa_bits = kAmdRsaBits);
  // Of `directory`, which is made and filled if it is not there (private keys 0600); `rsa_bits` counts only then. Several
  // processes may call this at once. Errors: Unavailable or NotFound (files), InvalidArgument (a key that is none).
  static absl::StatusOr<SnpPki> Open(const std::filesystem::path& directory, unsigned rsa_bits = kAmdRsaBits);
  // One for the whole process, kept in the build directory. For tests.
  static const SnpPki& Shared();

  const Bytes& CertificateOf(Authority authority, Product product) const { return certificates_.at({authority, product}); }
  const Key& KeyOf(Authority authority, Product product) const;
  // Of the size of the others and known to nobody: for chains that end in no pinned root.
  const Key& StrangerKey() const { return keys_.at("stranger"); }
  // SHA-256 of the ARK's SubjectPublicKeyInfo: what a verifier pins.
  Bytes AnchorOf(Product product) const { return Sha256(KeyOf(Authority::kArk, product).SubjectPublicKeyInfo()); }
  std::vector<Anchor> Anchors() const;  // of all three products
  // The `kind: TestAnchors` document with them.
  std::string AnchorsYaml() const { return softtee::AnchorsYaml(Anchors()); }

  // What CertificateOf() was signed from.
  static Certificate DescribeAuthority(Authority authority, Product product, const Key& key, const Key& ark_key);

  // Leaf keys and the certificates that AMD would issue for them, ready to be changed and signed with the key of kAsk or
  // kAsvk. Validity begins 30 days before `now`; a VCEK lives 7 years, a VLEK 1 year.
  Key VcekKey(Product product, const ByteArray<64>& chip_id, const Tcb& tcb) const;
  Key VlekKey(Product product, std::string_view csp_id, const Tcb& tcb) const;
  static Certificate DescribeVcek(Product product, const ByteArray<64>& chip_id, const Tcb& tcb, const Key& vcek, Time now);
  static Certificate DescribeVlek(Product product, std::string_view csp_id, const Tcb& tcb, const Key& vlek, Time now);
  Bytes MintVcek(Product product, const ByteArray<64>& chip_id, const Tcb& tcb, Time now) const;
  Bytes MintVlek(Product product, std::string_view csp_id, const Tcb& tcb, Time now) const;

  // The ARK's list, which names revoked ASKs and ASVKs: empty, number 1, from a day before `now` to a year after it.
  RevocationList DescribeCrl(Product product, Time now) const;
  Bytes MintCrl(Product product, Time now) const;

 private:
  SnpPki() = default;
  void MintAuthorities();
  absl::Status Load(const std::filesystem::path& directory);
  absl::Status Save(const std::filesystem::path& directory) const;

  std::map<std::string, Key> keys_;  // by file name without ending
  Bytes seed_;                       // of the leaf keys
  std::map<std::pair<Authority, Product>, Bytes> certificates_;
};

inline constexpr Product kProducts[] = {Product::kMilan, Product::kGenoa, Product::kTurin};

}  // namespace assay::softtee
