// Whole TPM evidence in one call: a quote that authenticates, its key's public area and certificate, the values quoted, and on demand
// exactly one thing wrong.
//
//   const TpmEvidence evidence = MintTpm(TpmPki::Shared(), {.extra_data = challenge});
//
// Promises: without a fault, evidence that a verifier with this PKI's anchor must accept; with one, evidence that differs from that in what
// AllTpmFaults() says and in nothing else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/softtee/anchors.h"
#include "tests/softtee/certificate.h"
#include "tests/softtee/snp_evidence.h"
#include "tests/softtee/tpm_structures.h"

namespace assay::softtee {

inline constexpr std::string_view kTpmQuoteType = "application/vnd.assay.tpm-quote";
inline constexpr std::string_view kTpmAkType = "application/vnd.assay.tpm-ak";
inline constexpr std::string_view kTpmPcrsType = "application/vnd.assay.tpm-pcrs";

// A root and an issuer of AK and EK certificates, and the keys of one TPM.
struct TpmPki {
  // Made once per process.
  static const TpmPki& Shared();
  // The authorities of `directory`, made and kept there as the others are, and in it the TPM of the machine called `machine`, which has the
  // same keys every time. Several processes may call this at once. Errors: as of KeptKeys.
  static absl::StatusOr<TpmPki> Open(const std::filesystem::path& directory, std::string_view machine);

  Key root = Key::GenerateP256();
  Key issuer = Key::GenerateP256();
  Key stranger = Key::GenerateP256();
  Key rsa_ak = Key::GenerateRsa(2048);
  Key p256_ak = Key::GenerateP256();
  Key p384_ak = Key::Derive(AsBytes("p384"));
  Key rsa_ek = Key::GenerateRsa(2048);
  Key p256_ek = Key::GenerateP256();

  std::vector<Anchor> Anchors() const { return AnchorsFor("operator"); }
  // The same root as that of another vendor's TPMs.
  std::vector<Anchor> AnchorsFor(std::string_view vendor) const { return {{vendor, "tpm", Sha256(root.SubjectPublicKeyInfo())}}; }
};

enum class TpmAk : std::uint8_t { kRsassa, kRsapss, kRsapssMostSalt, kP256, kP384 };
enum class TpmShape : std::uint8_t { kTpmt, kRaw, kDer };
// What there is for whoever has to vouch for the attestation key: its certificate, nothing, or a certificate of the endorsement key.
enum class TpmVouching : std::uint8_t { kAkCertificate, kNothing, kEkCertificate };

enum class TpmFault : std::uint8_t {
  // Quote, layout
  kQuoteTruncated,
  kTrailingByteInAttest,
  kMagic,
  kCreationAsQuote,
  kTimeAsQuote,
  kSafe2,
  kNoPcrs,
  kPcr24,
  kBankTwice,
  kBankUnknown,
  kSignatureTruncated,
  kSignatureTrailing,
  kSignatureMissing,
  kHmacScheme,
  kSignatureHashUnknown,
  // Values, layout
  kPcrsTruncated,
  kPcrsTrailing,
  kPcrsNoSelection,
  kPcrsBankTwice,
  // Key, layout
  kAkTruncated,
  kAkTrailing,
  kAkRsa1024,
  kAkExponent3,
  kAkP521,
  kAkKeyedHash,
  // Quote, signature and binding
  kQuoteChanged,
  kSignatureDamaged,
  kQuoteOfOtherKey,
  kExtraDataOther,
  kExtraDataPrefix,
  kExtraDataLonger,
  kSelectionFewer,
  kSelectionMore,
  kSelectionOtherBank,
  kSchemeOther,
  kHashOther,
  kSignerOtherAlgorithm,
  kSignerIsHandle,
  kSha1Signature,
  // Values
  kPcrChanged,
  kPcrsOfOtherSelection,
  kPcrsSwapped,
  kDigestByBank,
  // Key
  kAkUnrestricted,
  kAkNotFixedTpm,
  kAkNotFixedParent,
  kAkImported,
  kAkDecrypts,
  kAkDoesNotSign,
  kAkNameSha1,
  kAkOther,
  // Certificate
  kEkCertificate,
  kCertificateMissing,
  kCertificateOfOtherKey,
  kCertificateOtherIssuerKey,
  kRootSelfMade,
  kIssuerMissing,
  kCertificateIsCa,
  kCertificateUsages,
  kCertificatePurpose,
  kCertificateExpired,
  kCertificateNotYetValid,
  kIssuerExpired,
  kCertificateRevoked,
  kCertificateGarbage,
  // Endorsement key
  kEkTruncated,
  kEkUnrestricted,
  kEkNotFixedTpm,
  kEkImported,
  kEkSigns,
  kEkNoSymmetric,
  kEkNameSha1,
  kEkOther,
  kEkCertificateOfOtherKey,
  kEkCertificateForSigning,
  kEkCertificateUsages,
  kEkCertificatePurpose,
  kEkCertificateOtherIssuerKey,
  kEkRootSelfMade,
  kEkIssuerMissing,
  kEkCertificateExpired,
  kEkCertificateRevoked,
};

// What is put together before it is signed: where faults and tests take hold.
struct TpmParts {
  const TpmPki& pki;
  Key ak;
  TpmPublic area;
  TpmAttest attest;  // body is marshalled from the three below
  std::vector<TpmBank> quoted;
  std::uint16_t digest_hash = kTpmSha256;
  std::uint16_t scheme = kTpmRsassa;
  std::uint16_t signature_hash = kTpmSha256;
  bool most_salt = false;
  TpmShape shape = TpmShape::kTpmt;
  std::vector<TpmBank> sent;  // tpm-pcrs
  Key signer;                 // of the quote
  Certificate certificate, issuer;
  Key certificate_issuer, issuer_issuer;
  Key root;
  bool with_certificate = true, with_issuer = true, with_root = true;
  TpmPublic ek_area;
  std::optional<RevocationList> list = {};
  std::function<void(Bytes&)> marshalled = {};  // TPMS_ATTEST, when it is signed
  std::function<void(Bytes&)> signature = {};
  std::function<void(Bytes&)> quote_item = {};
  std::function<void(Bytes&)> selection = {};  // TPML_PCR_SELECTION in the quote, before it is signed
  std::function<void(Bytes&)> pcrs_item = {};
  std::function<void(Bytes&)> ak_item = {};
  std::function<void(Bytes&)> ek_item = {};
  std::function<void(Bytes&)> certificate_item = {};
  std::function<void(Certificate&)> root_certificate = {};
};

struct TpmOptions {
  Bytes extra_data = {};
  TpmAk ak = TpmAk::kRsassa;
  TpmShape shape = TpmShape::kTpmt;
  TpmVouching vouching = TpmVouching::kAkCertificate;
  bool p256_ek = false;             // of the endorsement keys the one on P-256
  std::vector<TpmBank> banks = {};  // default: all of SHA-256, ramps
  bool primary = true;              // the key is a primary object of the endorsement hierarchy
  Time now = kDefaultNow;
  std::function<void(TpmParts&)> prepare = {};  // how a cloud's authorities and TPMs do it, before the fault
  std::optional<TpmFault> fault = {};
  std::function<void(TpmParts&)> change = {};  // behind it
};

struct TpmEvidence {
  std::vector<Item> items;  // quote, values, public area, certificates, list; of an endorsement key only the issuers
  Bytes attest, signature, ak, pcrs;
  Bytes ak_name;
  Bytes ek, ek_name, ek_certificate;  // as the request for the challenge names them; no certificate: empty
  const Bytes* Find(std::string_view media_type) const;
};
TpmEvidence MintTpm(const TpmPki& pki, const TpmOptions& options);

// The certificate of an endorsement key, DER, by the PKI's issuer, or by `by` under its name. `change`: before it is signed.
Bytes MintEkCertificate(const TpmPki& pki, const Key& ek, const std::function<void(Certificate&)>& change = {}, const Key* by = nullptr,
                        Time now = kDefaultNow);
// The issuer's and the root's, DER.
Bytes MintTpmIssuer(const TpmPki& pki, Time now = kDefaultNow);
Bytes MintTpmRoot(const TpmPki& pki, Time now = kDefaultNow);

// All 24 registers: byte k of register i is 16 * i + k.
TpmBank RampBank(std::uint16_t algorithm);
// Qualified name of a primary object of the endorsement hierarchy.
Bytes EndorsementName(ByteView name);

struct TpmFaultEntry {
  TpmFault fault;
  std::string_view name;    // stable, snake_case
  std::string_view reason;  // name of the finding that a verifier must give, as in base/reasons.def
  std::string_view what;
  TpmVouching vouching = TpmVouching::kAkCertificate;  // where it is one
};
std::span<const TpmFaultEntry> AllTpmFaults();              // in the order of the enumeration
const TpmFaultEntry* TpmFaultNamed(std::string_view name);  // nullptr: none
// Whether there is something for it to be wrong with where this is what vouches for the key.
bool CanExist(const TpmFaultEntry& entry, TpmVouching vouching);
void Apply(TpmFault fault, TpmParts& parts);

}  // namespace assay::softtee
