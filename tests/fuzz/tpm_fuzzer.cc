// TPM structures: any bytes are refused with findings, or read whole, as an item and as each structure in it; nothing of what was read can
// be cut off or added to unnoticed.
#include "base/bug.h"
#include "evidence/tpm/attest.h"
#include "evidence/tpm/creation_data.h"
#include "evidence/tpm/format.h"
#include "evidence/tpm/pcr_values.h"
#include "evidence/tpm/public_area.h"
#include "evidence/tpm/signature.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/softtee/tpm_evidence.h"

namespace assay {
namespace {

// What was read, as text; findings exactly if nothing was.
template <typename Read>
std::optional<std::string> TextOf(Read read) {
  CheckLog log;
  const auto result = read(log);
  ASSAY_CHECK(result.has_value() != log.HasRejection());
  for (const Finding& finding : log.findings()) ASSAY_CHECK(!finding.expected.empty() && !finding.actual.empty());
  return result;
}

std::string Text(const trust::Description& description) {
  std::string text = description.name() + "=" + description.value() + "\n";
  for (const trust::Description& child : description.children()) text += Text(child);
  return text;
}

template <typename Parsed>
std::optional<std::string> Shown(const std::optional<Parsed>& parsed) {
  return parsed ? std::optional(Text(parsed->Describe())) : std::nullopt;
}

std::optional<std::string> Quote(const Bytes& bytes) {
  return TextOf([&](CheckLog& log) { return Shown(tpm::AttestParser::ParseQuoteItem(trust::UntrustedBytes(bytes), log)); });
}
std::optional<std::string> Attest(const Bytes& bytes) {
  return TextOf([&](CheckLog& log) { return Shown(tpm::AttestParser::ParseQuote(bytes, {}, log)); });
}
std::optional<std::string> Creation(const Bytes& bytes) {
  return TextOf([&](CheckLog& log) { return Shown(tpm::AttestParser::ParseCreation(bytes, {}, log)); });
}
std::optional<std::string> Data(const Bytes& bytes) {
  return TextOf([&](CheckLog& log) { return Shown(tpm::CreationDataParser::Parse(bytes, log)); });
}
std::optional<std::string> Values(const Bytes& bytes) {
  return TextOf([&](CheckLog& log) { return Shown(tpm::PcrValuesParser::Parse(trust::UntrustedBytes(bytes), log)); });
}
std::optional<std::string> Area(const Bytes& bytes) {
  const auto area = tpm::PublicArea::FromTpm2b(bytes, "key");
  if (!area) return std::nullopt;
  ASSAY_CHECK(area->name().size() > 20 && Equal(area->tpmt(), ByteView(bytes).subspan(2)) && Equal(area->Tpm2b(), bytes));
  return Text(area->Describe("key"));
}
std::optional<std::string> Signature(const Bytes& bytes) {
  return TextOf([&](CheckLog& log) -> std::optional<std::string> {
    const auto signature = tpm::ParseSignature(bytes, tpm::ShapeOf(bytes), "signature", log);
    if (!signature) return std::nullopt;
    ASSAY_CHECK(signature->rsa.size() + signature->r.size() + signature->s.size() <= bytes.size());
    return std::string("signature");
  });
}

// A structure whose end only its own lengths tell: neither a byte less nor one more is one.
template <typename Read>
void CheckWhole(const Bytes& bytes, Read read) {
  if (!read(bytes)) return;
  Bytes other = bytes;
  other.push_back(0);
  ASSAY_CHECK(!read(other));
  other = bytes;
  other.pop_back();
  ASSAY_CHECK(!read(other));
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() {
  using namespace softtee;
  std::vector<Bytes> seeds;
  const TpmPki& pki = TpmPki::Shared();
  for (const TpmAk ak : {TpmAk::kRsassa, TpmAk::kP256, TpmAk::kP384}) {
    const TpmEvidence evidence = MintTpm(pki, {.extra_data = Bytes(32, 1), .ak = ak});
    for (const Item& item : evidence.items) seeds.push_back(item.body);
    seeds.push_back(evidence.attest);
    seeds.push_back(evidence.signature);
  }
  seeds.push_back(MintTpm(pki, {.ak = TpmAk::kP256, .shape = TpmShape::kDer}).items.front().body);
  seeds.push_back(MintTpm(pki, {.shape = TpmShape::kRaw}).items.front().body);
  seeds.push_back(MintTpm(pki, {.banks = {RampBank(kTpmSha1), RampBank(kTpmSha512)}}).pcrs);
  seeds.push_back(EkOf(pki.rsa_ek).Tpm2b());
  seeds.push_back(TpmCreationData(Bytes(32, 2)));
  TpmAttest creation;
  creation.type = 0x801A;
  creation.body = Tpm2b(AkOf(pki.p256_ak).Name());
  Append(creation.body, Tpm2b(Bytes(32, 3)));
  seeds.push_back(creation.Marshal());
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input = ToBytes(ByteView(data, size));
  const trust::UntrustedBytes bytes(input);
  CheckWhole(input, &Attest);
  CheckWhole(input, &Creation);
  CheckWhole(input, &Data);
  CheckWhole(input, &Values);
  CheckWhole(input, &Area);
  Signature(input);
  const auto quote = Quote(input);
  const auto description = tpm::kFormat.describe(bytes);
  const std::string_view media_type = tpm::kFormat.media_type_of(bytes);
  ASSAY_CHECK(media_type.empty() || description.has_value());
  ASSAY_CHECK(!quote || (media_type == tpm::kQuoteMediaType && !description->malformed()));
  tpm::kFormat.recognise(bytes, trust::CollateralSource::kNode, nullptr);
  return 0;
}

}  // namespace assay
