// A TPM 2.0 of this machine, driven through tpm2-tss' ESYS: its keys, what it signs with them, and what it keeps.
//
// Promises: keys are primary objects of the endorsement hierarchy, made from fixed templates: one TPM has the same ones after every boot, and
// nothing has to be stored. Whatever was loaded is flushed. Does not promise: that what the TPM says is true, nor that there are no others who
// use it; one at a time, as a TPM without a resource manager has room for three objects.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/bytes.h"

struct ESYS_CONTEXT;

namespace assay::agent {

// Registers of one bank, by their numbers.
struct PcrBank {
  std::uint16_t algorithm;  // TPM_ALG_ID
  std::vector<unsigned> pcrs;
  friend bool operator==(const PcrBank&, const PcrBank&) = default;
};
// "sha256:0,1,2", banks joined by "+". InvalidArgument: it is not like that, names a bank or a register twice, or one that does not exist.
absl::StatusOr<std::vector<PcrBank>> PcrBanksFrom(std::string_view text);

enum class TpmKeyType : std::uint8_t { kRsa2048, kP256, kP384 };

class Tpm {
 public:
  struct Key {
    std::uint32_t object = 0;  // of ESYS
    Bytes public_area;         // TPM2B_PUBLIC
  };
  struct Quote {
    Bytes attest;     // TPM2B_ATTEST
    Bytes signature;  // TPMT_SIGNATURE
    Bytes values;     // TPML_PCR_SELECTION, and behind it the digests of its registers
  };

  // `tcti`: as tpm2-tss names it, e.g. "device:/dev/tpmrm0" or "swtpm:path=/run/swtpm"; the path of a device alone will do. Errors, here
  // and below: NotFound, there is none; PermissionDenied, not for this user, or a password that we don't have; Internal, the machine is at
  // fault: it does not answer, or is locked out; FailedPrecondition, it refuses. The message says what to do.
  static absl::StatusOr<std::unique_ptr<Tpm>> Open(const std::string& tcti);
  ~Tpm();
  Tpm(const Tpm&) = delete;
  Tpm& operator=(const Tpm&) = delete;

  // TCG EK Credential Profile 2.6, templates L-1, L-2 and H-3.
  absl::StatusOr<Key> EndorsementKey(TpmKeyType type);
  // A restricted signing key: RSASSA or ECDSA with SHA-256, on P-384 with SHA-384. No dictionary attack bars it.
  absl::StatusOr<Key> AttestationKey(TpmKeyType type);
  absl::StatusOr<Key> Persistent(std::uint32_t handle);
  void Flush(Key& key);

  // Whole content of an NV index, which everybody may read. NotFound: not defined.
  absl::StatusOr<Bytes> Nv(std::uint32_t index);

  // The values are those at the time of the quote: read before and behind it, and again where they differ.
  absl::StatusOr<Quote> QuoteBy(const Key& attestation_key, ByteView extra_data, const std::vector<PcrBank>& banks);

  // The secret in a credential: TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET.
  absl::StatusOr<Bytes> Activate(const Key& attestation_key, const Key& endorsement_key, ByteView id_object, ByteView encrypted_secret);

  ESYS_CONTEXT* esys() const;

 private:
  struct Connection;
  explicit Tpm(std::unique_ptr<Connection> connection);
  absl::StatusOr<bool> HasHandle(std::uint32_t handle);
  absl::StatusOr<std::vector<Bytes>> ReadBank(const PcrBank& bank);
  std::unique_ptr<Connection> connection_;
};

// What a response code of tpm2-tss means for whoever called; OK for 0. `what` was tried, e.g. "TPM2_Quote".
absl::Status TpmStatus(std::uint32_t response, std::string_view what);

}  // namespace assay::agent
