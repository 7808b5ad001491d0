#include "client/agent/tpm_collector.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/files.h"
#include "base/hex.h"
#include "base/strings.h"
#include "crypto/certificate.h"

namespace assay::agent {
namespace {

constexpr std::string_view kQuoteType = "application/vnd.assay.tpm-quote";
constexpr std::string_view kPcrsType = "application/vnd.assay.tpm-pcrs";
constexpr std::string_view kAkType = "application/vnd.assay.tpm-ak";
constexpr std::string_view kLogType = "application/vnd.assay.tcg-event-log";

// TCG EK Credential Profile 2.6, 2.2.1.4 and 2.2.1.5.
struct CertificateIndex {
  TpmKeyType type;
  std::uint32_t index;
};
constexpr auto kCertificateIndices =
    std::to_array<CertificateIndex>({{TpmKeyType::kRsa2048, 0x01C00002}, {TpmKeyType::kP256, 0x01C0000A}, {TpmKeyType::kP384, 0x01C00016}});

// Some makers fill the index up behind the certificate: the DER itself says where it ends.
Bytes TrimmedDer(const Bytes& content) {
  if (content.size() < 4 || content[0] != 0x30 || content[1] != 0x82) return content;
  const std::size_t size = 4 + (std::size_t{content[2]} << 8 | content[3]);
  return size <= content.size() ? Bytes(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(size)) : content;
}

// Unique part of a TPM2B_PUBLIC: the coordinates, or the modulus, stand at its end. Whether the certificate's key has them.
bool IsOf(const crypto::Certificate& certificate, const Bytes& public_area) {
  const ByteView spki = certificate.public_key().spki();
  constexpr std::size_t kTail = 32;
  if (public_area.size() < kTail) return false;
  const ByteView tail = ByteView(public_area).last(kTail);
  return std::search(spki.begin(), spki.end(), tail.begin(), tail.end()) != spki.end();
}

absl::StatusOr<Bytes> HexOf(const Demand::Request& request, std::string_view name) {
  const std::string* text = request.Find(name);
  if (text == nullptr) return Bytes();
  auto bytes = FromHex(*text);
  if (!bytes) {
    return absl::InvalidArgumentError(
        Cat("challenge: ", name, ": expected hexadecimal digits, actual '", Printable(*text, 64), "'. Is this an Assay server?"));
  }
  return *std::move(bytes);
}

}  // namespace

absl::Status TpmCollector::Open() {
  if (tpm_ != nullptr) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<Tpm>> tpm = Tpm::Open(options_.tcti);
  if (!tpm.ok()) return tpm.status();
  tpm_ = *std::move(tpm);
  absl::StatusOr<Tpm::Key> key = options_.attestation_key_handle ? tpm_->Persistent(*options_.attestation_key_handle)
                                                                 : tpm_->AttestationKey(options_.attestation_key_type);
  if (!key.ok()) return key.status();
  attestation_key_ = *std::move(key);
  return absl::OkStatus();
}

absl::StatusOr<TpmKeys> TpmCollector::EndorsementKeyOf() {
  for (const CertificateIndex& one : kCertificateIndices) {
    absl::StatusOr<Bytes> content = tpm_->Nv(one.index);
    if (absl::IsNotFound(content.status())) continue;
    if (!content.ok()) return content.status();
    Bytes der = TrimmedDer(*content);
    const auto certificate = crypto::Certificate::FromDer(der, "tpm-ek-certificate");
    if (!certificate) continue;  // of no use to anybody
    absl::StatusOr<Tpm::Key> key = tpm_->EndorsementKey(one.type);
    if (!key.ok()) return key.status();
    if (IsOf(*certificate, key->public_area)) {
      endorsement_key_ = *std::move(key);
      return TpmKeys{attestation_key_.public_area, endorsement_key_.public_area, std::move(der)};
    }
    tpm_->Flush(*key);
  }
  absl::StatusOr<Tpm::Key> key = tpm_->EndorsementKey(TpmKeyType::kRsa2048);
  if (!key.ok()) return key.status();
  endorsement_key_ = *std::move(key);
  return TpmKeys{attestation_key_.public_area, endorsement_key_.public_area, {}};
}

absl::StatusOr<TpmKeys> TpmCollector::Keys() {
  if (absl::Status status = Open(); !status.ok()) return status;
  return EndorsementKeyOf();
}

absl::StatusOr<CollectedEvidence> TpmCollector::Answer(const Demand& demand) {
  if (absl::Status status = Open(); !status.ok()) return status;
  // The server has one for each way in which platforms want a quote; one that seals a secret for our keys first.
  const Demand::Request* chosen = nullptr;
  for (const Demand::Request& request : demand.requests) {
    if (request.media_type != kQuoteType) continue;
    if (chosen == nullptr || (chosen->Find("credential_blob") == nullptr && request.Find("credential_blob") != nullptr)) chosen = &request;
  }
  if (chosen == nullptr) {
    return absl::FailedPreconditionError(
        "challenge: expected a request for a TPM quote, actual: none. The server's policies for this cluster and role take no TPM: ask its operator, or attest without --tpm.");
  }
  const std::string* selection = chosen->Find("pcr_selection");
  if (selection == nullptr) {
    return absl::InvalidArgumentError("challenge: pcr_selection: expected the registers to quote, actual: none. Is this an Assay server?");
  }
  const absl::StatusOr<std::vector<PcrBank>> banks = PcrBanksFrom(*selection);
  if (!banks.ok()) return banks.status();
  const absl::StatusOr<Bytes> blob = HexOf(*chosen, "credential_blob"), secret = HexOf(*chosen, "encrypted_secret");
  if (!blob.ok()) return blob.status();
  if (!secret.ok()) return secret.status();

  CollectedEvidence evidence;
  if (!blob->empty() && !endorsement_key_.public_area.empty()) {
    absl::StatusOr<Bytes> recovered = tpm_->Activate(attestation_key_, endorsement_key_, *blob, *secret);
    if (!recovered.ok()) return recovered.status();
    evidence.activation_secret = *std::move(recovered);
  }
  absl::StatusOr<Tpm::Quote> quote = tpm_->QuoteBy(attestation_key_, demand.extra_data, *banks);
  if (!quote.ok()) return quote.status();
  Bytes signed_quote = std::move(quote->attest);
  Append(signed_quote, quote->signature);
  evidence.items = {{std::string(kQuoteType), std::move(signed_quote)},
                    {std::string(kPcrsType), std::move(quote->values)},
                    {std::string(kAkType), attestation_key_.public_area}};

  absl::StatusOr<Bytes> log = ReadFile("--event-log", options_.event_log.value_or(kEventLogPath));
  if (!log.ok() && options_.event_log) return log.status();
  // An empty file is the kernel's way to say that the firmware left none.
  if (log.ok() && !log->empty()) evidence.items.push_back({std::string(kLogType), *std::move(log)});
  return evidence;
}

}  // namespace assay::agent
