#include "client/agent/tpm.h"

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"

namespace assay::agent {
namespace {

constexpr int kAttempts = 3;  // of a quote whose registers are extended meanwhile
constexpr unsigned kPcrs = 24;
constexpr std::uint16_t kNvChunk = 512;  // every TPM gives as much at a time
constexpr std::size_t kMaxNv = 16 * 1024;

template <typename T>
struct EsysFree {
  void operator()(T* memory) const { ::Esys_Free(memory); }
};
// What ESYS gives away, e.g. Esys_ReadPublic(…, Out(area), …).
template <typename T>
using Owned = std::unique_ptr<T, EsysFree<T>>;
template <typename T>
class Out {
 public:
  explicit Out(Owned<T>& to) : to_(to) {}
  ~Out() { to_.reset(raw_); }
  Out(const Out&) = delete;
  operator T**() { return &raw_; }  // NOLINT(google-explicit-constructor)

 private:
  Owned<T>& to_;
  T* raw_ = nullptr;
};

// A TPM2B from bytes that fit it; nullopt: they don't.
template <typename Buffer>
std::optional<Buffer> BufferOf(ByteView bytes) {
  Buffer buffer{};
  if (bytes.size() > sizeof buffer.buffer) return std::nullopt;
  buffer.size = static_cast<UINT16>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), buffer.buffer);
  return buffer;
}

template <auto Marshal, typename Structure>
Bytes Marshalled(const Structure& structure) {
  Bytes bytes(2 * sizeof structure + 8);
  std::size_t size = 0;
  if (Marshal(&structure, bytes.data(), bytes.size(), &size) != TSS2_RC_SUCCESS) size = 0;
  bytes.resize(size);
  return bytes;
}

template <auto Unmarshal, typename Structure>
std::optional<Structure> Unmarshalled(ByteView bytes) {
  Structure structure{};
  std::size_t size = 0;
  if (bytes.empty() || Unmarshal(bytes.data(), bytes.size(), &size, &structure) != TSS2_RC_SUCCESS || size != bytes.size()) {
    return std::nullopt;
  }
  return structure;
}

struct Bank {
  std::string_view name;
  std::uint16_t algorithm;
};
constexpr auto kBanks =
    std::to_array<Bank>({{"sha1", TPM2_ALG_SHA1}, {"sha256", TPM2_ALG_SHA256}, {"sha384", TPM2_ALG_SHA384}, {"sha512", TPM2_ALG_SHA512}});

TPML_PCR_SELECTION SelectionOf(const std::vector<PcrBank>& banks) {
  TPML_PCR_SELECTION list{};
  for (const PcrBank& bank : banks) {
    TPMS_PCR_SELECTION& entry = list.pcrSelections[list.count++];
    entry.hash = bank.algorithm;
    entry.sizeofSelect = 3;
    for (const unsigned pcr : bank.pcrs) entry.pcrSelect[pcr / 8] = static_cast<BYTE>(entry.pcrSelect[pcr / 8] | 1U << pcr % 8);
  }
  return list;
}

// --- templates -----------------------------------------------------------------------------------------------------

constexpr TPMA_OBJECT kNeverLeaves =
    TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_RESTRICTED;

// TPM2_PolicySecret of the endorsement hierarchy; for H-3 that, or what an NV index says.
constexpr std::string_view kPolicyA = "837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa";
constexpr std::string_view kPolicyBSha384 =
    "b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12";

TPMT_SYM_DEF_OBJECT Aes(UINT16 bits) {
  TPMT_SYM_DEF_OBJECT symmetric{};
  symmetric.algorithm = TPM2_ALG_AES;
  symmetric.keyBits.aes = bits;
  symmetric.mode.aes = TPM2_ALG_CFB;
  return symmetric;
}
constexpr TPMT_SYM_DEF_OBJECT kNoCipher{.algorithm = TPM2_ALG_NULL, .keyBits = {}, .mode = {}};

TPM2B_PUBLIC EkTemplate(TpmKeyType type) {
  const bool high = type == TpmKeyType::kP384;
  TPM2B_PUBLIC made{};
  TPMT_PUBLIC& area = made.publicArea;
  area.nameAlg = high ? TPM2_ALG_SHA384 : TPM2_ALG_SHA256;
  area.objectAttributes = kNeverLeaves | TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_DECRYPT | (high ? TPMA_OBJECT_USERWITHAUTH : 0U);
  area.authPolicy = *BufferOf<TPM2B_DIGEST>(*FromHex(high ? kPolicyBSha384 : kPolicyA));
  if (type == TpmKeyType::kRsa2048) {
    area.type = TPM2_ALG_RSA;
    area.parameters.rsaDetail = {.symmetric = Aes(128), .scheme = {.scheme = TPM2_ALG_NULL, .details = {}}, .keyBits = 2048, .exponent = 0};
    area.unique.rsa.size = 256;
    return made;
  }
  area.type = TPM2_ALG_ECC;
  area.parameters.eccDetail = {.symmetric = Aes(high ? 256 : 128),
                               .scheme = {.scheme = TPM2_ALG_NULL, .details = {}},
                               .curveID = high ? TPM2_ECC_NIST_P384 : TPM2_ECC_NIST_P256,
                               .kdf = {.scheme = TPM2_ALG_NULL, .details = {}}};
  area.unique.ecc.x.size = area.unique.ecc.y.size = high ? 0 : 32;
  return made;
}

TPM2B_PUBLIC AkTemplate(TpmKeyType type) {
  TPM2B_PUBLIC made{};
  TPMT_PUBLIC& area = made.publicArea;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = kNeverLeaves | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_SIGN_ENCRYPT;
  if (type == TpmKeyType::kRsa2048) {
    area.type = TPM2_ALG_RSA;
    area.parameters.rsaDetail = {.symmetric = kNoCipher,
                                 .scheme = {.scheme = TPM2_ALG_RSASSA, .details = {.rsassa = {.hashAlg = TPM2_ALG_SHA256}}},
                                 .keyBits = 2048,
                                 .exponent = 0};
    return made;
  }
  const bool high = type == TpmKeyType::kP384;
  area.type = TPM2_ALG_ECC;
  area.parameters.eccDetail = {
      .symmetric = kNoCipher,
      .scheme = {.scheme = TPM2_ALG_ECDSA,
                 .details = {.ecdsa = {.hashAlg = static_cast<TPMI_ALG_HASH>(high ? TPM2_ALG_SHA384 : TPM2_ALG_SHA256)}}},
      .curveID = high ? TPM2_ECC_NIST_P384 : TPM2_ECC_NIST_P256,
      .kdf = {.scheme = TPM2_ALG_NULL, .details = {}}};
  return made;
}

// --- errors --------------------------------------------------------------------------------------------------------

constexpr TSS2_RC kLayerMask = 0xFF0000;
constexpr TSS2_RC kFormatOne = 0x080;
constexpr TSS2_RC kFormatOneCode = 0x0BF;  // without the number of the handle, parameter or session

// The TPM's own response, without whose it is; nullopt: a layer in front of it failed.
std::optional<TSS2_RC> TpmResponse(TSS2_RC response) {
  const TSS2_RC layer = response & kLayerMask;
  if (layer != TSS2_TPM_RC_LAYER && layer != TSS2_RESMGR_TPM_RC_LAYER) return std::nullopt;
  const TSS2_RC code = response & 0xFFFF;
  return (code & kFormatOne) != 0 ? code & kFormatOneCode : code;
}

}  // namespace

absl::Status TpmStatus(std::uint32_t response, std::string_view what) {
  if (response == TSS2_RC_SUCCESS) return absl::OkStatus();
  const std::string said = Cat(what, ": expected success, actual: ", ::Tss2_RC_Decode(response), ". ");
  const std::optional<TSS2_RC> code = TpmResponse(response);
  if (!code) {
    const bool transport = (response & kLayerMask) == TSS2_TCTI_RC_LAYER;
    return absl::InternalError(
        Cat(said, transport ? "The TPM does not answer: is it there, and does nobody else use it without a resource manager?"
                            : "Is tpm2-tss whole, and the TPM one of version 2.0?"));
  }
  switch (*code) {
    case TPM2_RC_LOCKOUT:
      return absl::InternalError(Cat(
          said,
          "The TPM is locked out after wrong passwords: wait until it recovers, or reset it with tpm2_dictionarylockout --clear-lockout."));
    case TPM2_RC_BAD_AUTH:
    case TPM2_RC_AUTH_FAIL:
      return absl::PermissionDeniedError(
          Cat(said, "A password is set where none is expected: on the endorsement hierarchy, or on the key."));
    case TPM2_RC_HANDLE: return absl::NotFoundError(Cat(said, "There is no such object in the TPM."));
    case TPM2_RC_INITIALIZE: return absl::InternalError(Cat(said, "Firmware or kernel must start the TPM first (TPM2_Startup)."));
    case TPM2_RC_FAILURE: return absl::InternalError(Cat(said, "The TPM failed its self-test; only a restart of the machine may help."));
    case TPM2_RC_RETRY:
    case TPM2_RC_YIELDED:
    case TPM2_RC_TESTING:
    case TPM2_RC_OBJECT_MEMORY:
    case TPM2_RC_SESSION_MEMORY:
      return absl::InternalError(
          Cat(said, "The TPM is busy: use the kernel's resource manager (/dev/tpmrm0), or flush what others left in it."));
    default: return absl::FailedPreconditionError(Cat(said, "The TPM refuses."));
  }
}

absl::StatusOr<std::vector<PcrBank>> PcrBanksFrom(std::string_view text) {
  const auto refuse = [text] {
    return absl::InvalidArgumentError(
        Cat("pcr_selection: expected e.g. sha256:0,1,2, banks joined by '+', actual '", Printable(text, 128), "'"));
  };
  std::vector<PcrBank> banks;
  for (std::string_view rest = text;;) {
    const std::string_view one = rest.substr(0, rest.find('+'));
    const std::size_t colon = one.find(':');
    if (colon == std::string_view::npos) return refuse();
    const auto known = std::find_if(kBanks.begin(), kBanks.end(), [&](const Bank& bank) { return bank.name == one.substr(0, colon); });
    if (known == kBanks.end() ||
        std::any_of(banks.begin(), banks.end(), [&](const PcrBank& bank) { return bank.algorithm == known->algorithm; })) {
      return refuse();
    }
    PcrBank bank{known->algorithm, {}};
    for (std::string_view list = one.substr(colon + 1);;) {
      const std::string_view number = list.substr(0, list.find(','));
      unsigned pcr = 0;
      const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), pcr);
      if (error != std::errc() || end != number.data() + number.size() || pcr >= kPcrs ||
          std::find(bank.pcrs.begin(), bank.pcrs.end(), pcr) != bank.pcrs.end()) {
        return refuse();
      }
      bank.pcrs.push_back(pcr);
      if (number.size() == list.size()) break;
      list.remove_prefix(number.size() + 1);
    }
    std::sort(bank.pcrs.begin(), bank.pcrs.end());
    banks.push_back(std::move(bank));
    if (one.size() == rest.size()) return banks;
    rest.remove_prefix(one.size() + 1);
  }
}

// --- the connection ------------------------------------------------------------------------------------------------

struct Tpm::Connection {
  TSS2_TCTI_CONTEXT* transport = nullptr;
  ESYS_CONTEXT* esys = nullptr;
  std::vector<ESYS_TR> loaded = {};  // to flush

  ~Connection() {
    for (const ESYS_TR object : loaded) ::Esys_FlushContext(esys, object);
    ::Esys_Finalize(&esys);
    ::Tss2_TctiLdr_Finalize(&transport);
  }
};

Tpm::Tpm(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Tpm::~Tpm() = default;
ESYS_CONTEXT* Tpm::esys() const { return connection_->esys; }

absl::StatusOr<std::unique_ptr<Tpm>> Tpm::Open(const std::string& tcti) {
  constexpr std::string_view kDevice = "device:";
  const std::string configuration = tcti.starts_with('/') ? Cat(kDevice, tcti) : tcti;
  if (configuration.starts_with(kDevice)) {
    const std::string path = configuration.substr(kDevice.size());
    if (::access(path.c_str(), R_OK | W_OK) != 0) {
      const std::string said =
          Cat("'", Printable(path, 256), "': expected a TPM that may be read and written, actual: ", std::strerror(errno), ". ");
      if (errno == EACCES || errno == EPERM) return absl::PermissionDeniedError(Cat(said, "Run as a member of the group tss."));
      return absl::NotFoundError(Cat(said, "Has this machine a TPM 2.0? Linux shows it as /dev/tpmrm0."));
    }
  }
  // What is wrong is said once, here. Whoever debugs tpm2-tss sets TSS2_LOG.
  ::setenv("TSS2_LOG", "all+NONE", 0);
  auto connection = std::make_unique<Connection>();
  if (const TSS2_RC rc = ::Tss2_TctiLdr_Initialize(configuration.c_str(), &connection->transport); rc != TSS2_RC_SUCCESS) {
    return absl::NotFoundError(
        Cat("'", Printable(tcti, 256), "': expected a TPM, actual: ", ::Tss2_RC_Decode(rc),
            ". Give it as device:/dev/tpmrm0 or swtpm:path=SOCKET; is the library of that transport installed (libtss2-tcti-…)?"));
  }
  if (absl::Status status = TpmStatus(::Esys_Initialize(&connection->esys, connection->transport, nullptr), "Esys_Initialize");
      !status.ok()) {
    return status;
  }
  std::unique_ptr<Tpm> tpm(new Tpm(std::move(connection)));
  // A TPM that does not answer is told now, not by the first key.
  if (const absl::StatusOr<bool> answers = tpm->HasHandle(0); !answers.ok()) return answers.status();
  return tpm;
}

absl::StatusOr<bool> Tpm::HasHandle(std::uint32_t handle) {
  Owned<TPMS_CAPABILITY_DATA> data;
  TPMI_YES_NO more = 0;
  const TSS2_RC rc = ::Esys_GetCapability(esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES, handle, 1, &more, Out(data));
  if (absl::Status status = TpmStatus(rc, "TPM2_GetCapability"); !status.ok()) return status;
  return data->data.handles.count > 0 && data->data.handles.handle[0] == handle;
}

// --- keys ----------------------------------------------------------------------------------------------------------

namespace {

absl::StatusOr<Tpm::Key> Primary(ESYS_CONTEXT* esys, std::vector<ESYS_TR>& loaded, const TPM2B_PUBLIC& area, std::string_view what) {
  const TPM2B_SENSITIVE_CREATE sensitive{};
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION no_pcrs{};
  ESYS_TR object = ESYS_TR_NONE;
  Owned<TPM2B_PUBLIC> made;
  const TSS2_RC rc = ::Esys_CreatePrimary(esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &area,
                                          &outside, &no_pcrs, &object, Out(made), nullptr, nullptr, nullptr);
  if (absl::Status status = TpmStatus(rc, Cat("TPM2_CreatePrimary of the ", what)); !status.ok()) return status;
  loaded.push_back(object);
  return Tpm::Key{object, Marshalled<&::Tss2_MU_TPM2B_PUBLIC_Marshal>(*made)};
}

}  // namespace

absl::StatusOr<Tpm::Key> Tpm::EndorsementKey(TpmKeyType type) {
  return Primary(esys(), connection_->loaded, EkTemplate(type), "endorsement key");
}
absl::StatusOr<Tpm::Key> Tpm::AttestationKey(TpmKeyType type) {
  return Primary(esys(), connection_->loaded, AkTemplate(type), "attestation key");
}

absl::StatusOr<Tpm::Key> Tpm::Persistent(std::uint32_t handle) {
  const absl::StatusOr<bool> there = HasHandle(handle);
  if (!there.ok()) return there.status();
  Bytes shown;
  AppendU32Be(shown, handle);
  if (!*there) {
    return absl::NotFoundError(
        Cat("handle 0x", ToHex(shown), ": expected a key, actual: none. tpm2_getcap handles-persistent lists those that there are."));
  }
  ESYS_TR object = ESYS_TR_NONE;
  if (absl::Status status =
          TpmStatus(::Esys_TR_FromTPMPublic(esys(), handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object), "TPM2_ReadPublic");
      !status.ok()) {
    return status;
  }
  Owned<TPM2B_PUBLIC> area;
  const TSS2_RC rc = ::Esys_ReadPublic(esys(), object, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, Out(area), nullptr, nullptr);
  if (absl::Status status = TpmStatus(rc, "TPM2_ReadPublic"); !status.ok()) return status;
  return Key{object, Marshalled<&::Tss2_MU_TPM2B_PUBLIC_Marshal>(*area)};
}

void Tpm::Flush(Key& key) {
  const auto one = std::find(connection_->loaded.begin(), connection_->loaded.end(), key.object);
  if (one == connection_->loaded.end()) return;  // persistent
  ::Esys_FlushContext(esys(), key.object);
  connection_->loaded.erase(one);
  key.object = 0;
}

// --- what it keeps -------------------------------------------------------------------------------------------------

absl::StatusOr<Bytes> Tpm::Nv(std::uint32_t index) {
  const absl::StatusOr<bool> there = HasHandle(index);
  if (!there.ok()) return there.status();
  if (!*there) return absl::NotFoundError(Cat("NV index ", index, ": not defined"));
  ESYS_TR object = ESYS_TR_NONE;
  if (absl::Status status =
          TpmStatus(::Esys_TR_FromTPMPublic(esys(), index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object), "TPM2_NV_ReadPublic");
      !status.ok()) {
    return status;
  }
  Owned<TPM2B_NV_PUBLIC> area;
  const TSS2_RC rc = ::Esys_NV_ReadPublic(esys(), object, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, Out(area), nullptr);
  if (absl::Status status = TpmStatus(rc, "TPM2_NV_ReadPublic"); !status.ok()) return status;
  const std::size_t size = std::min<std::size_t>(area->nvPublic.dataSize, kMaxNv);
  Bytes content;
  while (content.size() < size) {
    const auto count = static_cast<UINT16>(std::min<std::size_t>(kNvChunk, size - content.size()));
    Owned<TPM2B_MAX_NV_BUFFER> chunk;
    const TSS2_RC read = ::Esys_NV_Read(esys(), object, object, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, count,
                                        static_cast<UINT16>(content.size()), Out(chunk));
    if (absl::Status status = TpmStatus(read, "TPM2_NV_Read"); !status.ok()) return status;
    if (chunk->size == 0) break;
    Append(content, ByteView(chunk->buffer).first(chunk->size));
  }
  return content;
}

// --- what it signs -------------------------------------------------------------------------------------------------

// In ascending order. A TPM gives some eight at a time, and says which.
absl::StatusOr<std::vector<Bytes>> Tpm::ReadBank(const PcrBank& bank) {
  std::vector<Bytes> values;
  PcrBank left = bank;
  while (!left.pcrs.empty()) {
    const TPML_PCR_SELECTION wanted = SelectionOf({left});
    Owned<TPML_PCR_SELECTION> given;
    Owned<TPML_DIGEST> digests;
    UINT32 counter = 0;
    const TSS2_RC rc = ::Esys_PCR_Read(esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &wanted, &counter, Out(given), Out(digests));
    if (absl::Status status = TpmStatus(rc, "TPM2_PCR_Read"); !status.ok()) return status;
    if (digests->count == 0 || digests->count > left.pcrs.size()) {
      return absl::FailedPreconditionError(
          "TPM2_PCR_Read: expected the registers of the bank, actual: fewer. The TPM has no such bank: tpm2_pcrallocate shows which it has.");
    }
    for (UINT32 i = 0; i < digests->count; ++i) {
      values.push_back(ToBytes(ByteView(digests->digests[i].buffer).first(digests->digests[i].size)));
    }
    left.pcrs.erase(left.pcrs.begin(), left.pcrs.begin() + digests->count);
  }
  return values;
}

absl::StatusOr<Tpm::Quote> Tpm::QuoteBy(const Key& attestation_key, ByteView extra_data, const std::vector<PcrBank>& banks) {
  const TPML_PCR_SELECTION selection = SelectionOf(banks);
  const std::optional<TPM2B_DATA> qualifying = BufferOf<TPM2B_DATA>(extra_data);
  if (!qualifying) {
    return absl::InvalidArgumentError(
        Cat("extra data: expected at most ", sizeof(TPM2B_DATA::buffer), " bytes, actual ", extra_data.size()));
  }
  const auto read_all = [&]() -> absl::StatusOr<std::vector<Bytes>> {
    std::vector<Bytes> all;
    for (const PcrBank& bank : banks) {
      absl::StatusOr<std::vector<Bytes>> values = ReadBank(bank);
      if (!values.ok()) return values.status();
      all.insert(all.end(), values->begin(), values->end());
    }
    return all;
  };
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const absl::StatusOr<std::vector<Bytes>> before = read_all();
    if (!before.ok()) return before.status();
    const TPMT_SIG_SCHEME as_the_key_says{.scheme = TPM2_ALG_NULL, .details = {}};
    Owned<TPM2B_ATTEST> attest;
    Owned<TPMT_SIGNATURE> signature;
    const TSS2_RC rc = ::Esys_Quote(esys(), attestation_key.object, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &*qualifying,
                                    &as_the_key_says, &selection, Out(attest), Out(signature));
    if (absl::Status status = TpmStatus(rc, "TPM2_Quote"); !status.ok()) return status;
    const absl::StatusOr<std::vector<Bytes>> behind = read_all();
    if (!behind.ok()) return behind.status();
    if (*before != *behind) continue;
    Quote quote{
        {}, Marshalled<&::Tss2_MU_TPMT_SIGNATURE_Marshal>(*signature), Marshalled<&::Tss2_MU_TPML_PCR_SELECTION_Marshal>(selection)};
    quote.attest = {static_cast<std::uint8_t>(attest->size >> 8), static_cast<std::uint8_t>(attest->size & 0xFF)};
    Append(quote.attest, ByteView(attest->attestationData).first(attest->size));
    for (const Bytes& value : *behind) Append(quote.values, value);
    return quote;
  }
  return absl::InternalError(Cat("TPM2_Quote: expected registers that hold still, actual: extended during each of ", kAttempts,
                                 " attempts. Try again when the machine has booted."));
}

absl::StatusOr<Bytes> Tpm::Activate(const Key& attestation_key, const Key& endorsement_key, ByteView id_object, ByteView encrypted_secret) {
  const auto blob = Unmarshalled<&::Tss2_MU_TPM2B_ID_OBJECT_Unmarshal, TPM2B_ID_OBJECT>(id_object);
  const auto secret = Unmarshalled<&::Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal, TPM2B_ENCRYPTED_SECRET>(encrypted_secret);
  const auto area = Unmarshalled<&::Tss2_MU_TPM2B_PUBLIC_Unmarshal, TPM2B_PUBLIC>(endorsement_key.public_area);
  if (!blob || !secret || !area) {
    return absl::InvalidArgumentError(
        "credential: expected one TPM2B_ID_OBJECT and one TPM2B_ENCRYPTED_SECRET, actual: something else. Is this an Assay server?");
  }
  ESYS_TR authorization = ESYS_TR_PASSWORD;
  const bool by_policy = (area->publicArea.objectAttributes & TPMA_OBJECT_USERWITHAUTH) == 0;
  if (by_policy) {
    const TPMT_SYM_DEF no_cipher{.algorithm = TPM2_ALG_NULL, .keyBits = {}, .mode = {}};
    const TSS2_RC rc = ::Esys_StartAuthSession(esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nullptr,
                                               TPM2_SE_POLICY, &no_cipher, area->publicArea.nameAlg, &authorization);
    if (absl::Status status = TpmStatus(rc, "TPM2_StartAuthSession"); !status.ok()) return status;
    connection_->loaded.push_back(authorization);
    const TSS2_RC allowed = ::Esys_PolicySecret(esys(), ESYS_TR_RH_ENDORSEMENT, authorization, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                                nullptr, nullptr, nullptr, 0, nullptr, nullptr);
    if (absl::Status status = TpmStatus(allowed, "TPM2_PolicySecret"); !status.ok()) return status;
  }
  Owned<TPM2B_DIGEST> recovered;
  const TSS2_RC rc = ::Esys_ActivateCredential(esys(), attestation_key.object, endorsement_key.object, ESYS_TR_PASSWORD, authorization,
                                               ESYS_TR_NONE, &*blob, &*secret, Out(recovered));
  if (by_policy) {
    std::erase(connection_->loaded, authorization);
    ::Esys_FlushContext(esys(), authorization);
  }
  if (absl::Status status = TpmStatus(rc, "TPM2_ActivateCredential"); !status.ok()) return status;
  return ToBytes(ByteView(recovered->buffer).first(recovered->size));
}

}  // namespace assay::agent
