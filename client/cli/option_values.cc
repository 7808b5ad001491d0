#include "client/cli/option_values.h"

#include <algorithm>

#include "base/files.h"
#include "base/hex.h"
#include "base/strings.h"
#include "crypto/binding_transcript.h"

namespace assay::cli {
namespace {

constexpr std::size_t kLongestNonce = 64;  // the largest of extraData (a digest), Nitro nonce as we use it, and report_data

std::string Shown(std::string_view text) { return text.empty() ? "nothing" : Cat("'", Printable(text, 64), "'"); }

// Why `text` is not hexadecimal; only called where it is not.
std::string HexDefect(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!FromHex(Cat(text[i], '0'))) return Cat(Shown(text.substr(i, 1)), " at position ", i + 1);
  }
  return Cat("an odd number of digits, ", text.size());
}

absl::Status Bad(std::string_view option, std::string_view expected, std::string_view actual, std::string_view remedy) {
  return absl::InvalidArgumentError(Cat(option, ": expected ", expected, ", actual ", actual, ". ", remedy));
}

}  // namespace

absl::StatusOr<Time> ParseAtOption(std::string_view text) {
  if (const auto time = ParseTime(text)) return *time;
  return Bad("--at", "a UTC time such as 2026-11-24T02:00:00Z", Shown(text),
             "Give date and time in full and end it with Z; leave --at out for the present.");
}

absl::StatusOr<ByteArray<64>> ParseReportDataOption(std::string_view text) {
  constexpr std::string_view kExpected = "64 bytes, as 128 hexadecimal digits";
  constexpr std::string_view kRemedy = "Give the whole field: a shorter value is never compared as a prefix.";
  const auto bytes = FromHex(text);
  if (!bytes) return Bad("--report-data", kExpected, HexDefect(text), kRemedy);
  ByteArray<64> report_data{};
  if (bytes->size() != report_data.size()) return Bad("--report-data", kExpected, Cat(bytes->size(), " bytes"), kRemedy);
  std::copy(bytes->begin(), bytes->end(), report_data.begin());
  return report_data;
}

absl::StatusOr<Bytes> ParseNonceOption(std::string_view text) {
  constexpr std::string_view kExpected = "1 to 64 bytes in hexadecimal digits";
  constexpr std::string_view kRemedy = "Give the nonce exactly as it was demanded of the TPM or of the Nitro document.";
  auto bytes = FromHex(text);
  if (!bytes) return Bad("--nonce", kExpected, HexDefect(text), kRemedy);
  if (bytes->empty() || bytes->size() > kLongestNonce) return Bad("--nonce", kExpected, Cat(bytes->size(), " bytes"), kRemedy);
  return *std::move(bytes);
}

absl::StatusOr<std::uint32_t> ParseTpmHandleOption(std::string_view text) {
  const auto bytes = text.starts_with("0x") ? FromHex(text.substr(2)) : std::nullopt;
  if (bytes && bytes->size() == 4 && bytes->front() == 0x81) {
    return static_cast<std::uint32_t>((*bytes)[0]) << 24 | static_cast<std::uint32_t>((*bytes)[1]) << 16 |
           static_cast<std::uint32_t>((*bytes)[2]) << 8 | (*bytes)[3];
  }
  return absl::InvalidArgumentError(Cat("--tpm-key-handle: expected the handle of a persistent key, 0x81000000 to 0x81ffffff, actual '",
                                        Printable(text, 64), "'. tpm2_getcap handles-persistent lists them."));
}

absl::StatusOr<trust::Challenge> ChallengeOf(const FreshnessOptions& options) {
  const int given = (options.nonce ? 1 : 0) + (options.report_data ? 1 : 0) + (options.no_freshness ? 1 : 0) + (options.transcript ? 1 : 0);
  if (given > 1) {
    std::string actual;
    if (options.nonce) actual += " --nonce";
    if (options.report_data) actual += " --report-data";
    if (options.no_freshness) actual += " --no-freshness";
    if (options.transcript) actual += " --transcript";
    return absl::InvalidArgumentError(
        Cat("freshness: expected at most one of --nonce, --report-data, --transcript and --no-freshness, actual:", actual,
            ". Give the one value that the evidence was demanded to carry."));
  }
  if (options.transcript) {
    const absl::StatusOr<Bytes> bytes = ReadFile("--transcript", *options.transcript);
    if (!bytes.ok()) return bytes.status();
    const auto transcript = crypto::BindingTranscript::Decode(*bytes);
    if (!transcript) {
      return Bad("--transcript", "a binding transcript, version 1", Cat("another ", bytes->size(), " bytes"),
                 "Give the bytes whose digests the evidence was demanded to carry (docs/join.md).");
    }
    const auto digest_of = [](const Bytes& field) { return field.empty() ? std::nullopt : std::optional(crypto::Sha256(field)); };
    return trust::Challenge::Demanded({.report_data = transcript->ReportData(),
                                       .nonce = ToBytes(transcript->ExtraData()),
                                       .node_key_sha256 = digest_of(transcript->node_spki),
                                       .tpm_ak_sha256 = digest_of(transcript->tpm_ak)});
  }
  if (options.report_data) {
    const auto report_data = ParseReportDataOption(*options.report_data);
    if (!report_data.ok()) return report_data.status();
    return trust::Challenge::Demanded({.report_data = *report_data, .nonce = {}});
  }
  if (options.nonce) {
    auto nonce = ParseNonceOption(*options.nonce);
    if (!nonce.ok()) return nonce.status();
    return trust::Challenge::Demanded({.report_data = {}, .nonce = *std::move(nonce)});
  }
  return trust::Challenge::NotDemanded(options.no_freshness);
}

}  // namespace assay::cli
