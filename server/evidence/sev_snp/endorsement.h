// AMD's endorsement certificates: VCEK and VLEK, the chain above them, their extensions, their revocation lists.
// Source: AMD publication 57230 (VCEK certificate and KDS interface); encodings as found in genuine certificates.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/outcome.h"
#include "crypto/certificate.h"
#include "crypto/crl.h"
#include "crypto/path.h"
#include "evidence/sev_snp/product.h"
#include "trust/anchors.h"
#include "trust/collateral.h"

namespace assay::sev_snp {

// Kinds of collateral.
inline constexpr std::string_view kVcekKind = "amd.vcek";
inline constexpr std::string_view kVlekKind = "amd.vlek";
inline constexpr std::string_view kAskKind = "amd.ask";    // SEV-<product>, issues VCEKs
inline constexpr std::string_view kAsvkKind = "amd.asvk";  // SEV-VLEK-<product>, issues VLEKs
inline constexpr std::string_view kArkKind = "amd.ark";
inline constexpr std::string_view kCrlKind = "amd.crl";  // of the ARK: lists ASK and ASVK serials

// Details under which leaves are found: chip id as KDS wants it (8 bytes on Turin) and TCB, in hexadecimal.
std::string VcekDetail(ByteView chip_id, const RawTcb& tcb, Product product);
std::string TcbDetail(const RawTcb& tcb);

// What the extensions 1.3.6.1.4.1.3704.1.x of a leaf say.
struct LeafExtensions {
  std::string product_name;  // .2, e.g. "Milan-B0"; only the line before '-' is reliable
  std::optional<Product> product;
  RawTcb tcb{};                       // .3.x, put together in the order of the product's TCB_VERSION
  std::optional<Bytes> hwid;          // .4, VCEK: 64 bytes, on Turin 8
  std::optional<std::string> csp_id;  // .5, VLEK
};
// Every extension exactly once and exactly encoded: INTEGERs in minimal DER and at most 255, IA5Strings, HWID raw. A VCEK
// has .4 and no .5, a VLEK the reverse. Findings: certificate_extension.
Outcome<LeafExtensions> ReadLeafExtensions(const crypto::Certificate& leaf, std::string_view component);

enum class CertificateKind : std::uint8_t { kVcek, kVlek, kAsk, kAsvk, kArk };
struct CertificateRole {
  CertificateKind kind;
  std::optional<Product> product;  // leaves: from their extension, if it can be read
};
// By common name; says what the certificate claims to be, nothing more. nullopt: none of AMD's.
std::optional<CertificateRole> RoleOf(const crypto::Certificate& certificate);

// The profile `amd`: exactly leaf, ASK or ASVK, ARK of one product; AMD's names; RSASSA-PSS with SHA-384, MGF1 with SHA-384,
// salt 48, trailer 1; RSA-4096 above an EC P-384 leaf; ARK certSign and cRLSign, ASK certSign only with pathLen 0; no
// critical extension that is unknown. Accepts what genuine leaves have: serial 0, no AKI, SKI, keyUsage, basicConstraints.
std::vector<Finding> CheckAmdProfile(const crypto::CertificatePath& path);

// The production pins: SHA-256 of the SubjectPublicKeyInfo of ARK-Milan, ARK-Genoa, ARK-Turin.
std::span<const trust::Anchor> AmdAnchors();

}  // namespace assay::sev_snp
