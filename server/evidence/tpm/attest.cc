#include "evidence/tpm/attest.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/hex.h"
#include "base/reader.h"
#include "base/strings.h"
#include "evidence/tpm/algorithms.h"
#include "evidence/tpm/claims.h"
#include "evidence/tpm/selection.h"
#include "evidence/tpm/unmarshal.h"

namespace assay::tpm {
namespace {

constexpr std::string_view kSpec = "TPM 2.0 part 2, 10.12";

Finding Defect(Reason reason, std::string_view component, std::string claim, std::string expected, std::string actual) {
  return {.reason = reason,
          .component = std::string(component),
          .claim = std::move(claim),
          .expected = std::move(expected),
          .actual = std::move(actual),
          .spec = std::string(kSpec)};
}

std::string Hex32(std::uint32_t number) {
  Bytes bytes;
  AppendU32Be(bytes, number);
  return Cat("0x", ToHex(bytes));
}

std::string ShowType(std::uint16_t type) {
  switch (type) {
    case TPM2_ST_ATTEST_QUOTE: return "a quote";
    case TPM2_ST_ATTEST_CREATION: return "an attestation of creation";
    case TPM2_ST_ATTEST_CERTIFY: return "an attestation of an object";
    case TPM2_ST_ATTEST_NV: return "an attestation of an NV index";
    case TPM2_ST_ATTEST_TIME: return "an attestation of the time";
    case TPM2_ST_ATTEST_SESSION_AUDIT: return "an audit of a session";
    case TPM2_ST_ATTEST_COMMAND_AUDIT: return "an audit of commands";
    default: return Hex32(type);
  }
}

// The first bytes tell magic and type, even if the rest is of a type that can't be unmarshalled.
bool CheckPrefix(ByteView attest, std::uint16_t wanted, std::string_view component, CheckLog& log) {
  Reader reader(attest);
  const std::uint32_t magic = reader.U32Be().value_or(0);
  const std::uint16_t type = reader.U16Be().value_or(0);
  bool sound = log.Require(Check::kTpmMagic, magic == TPM2_GENERATED_VALUE, [&] {
    return Defect(Reason::kTpmNotGenerated, component, "magic", Cat(Hex32(TPM2_GENERATED_VALUE), ", TPM_GENERATED_VALUE"), Hex32(magic));
  });
  sound &= log.Require(Check::kTpmType, type == wanted,
                       [&] { return Defect(Reason::kTpmAttestType, component, "type", ShowType(wanted), ShowType(type)); });
  return sound;
}

// Where a quote's selection begins: behind qualifiedSigner, extraData, clockInfo (17) and firmwareVersion (8).
bool SelectionFits(ByteView attest) {
  Reader reader(attest);
  reader.Skip(6);
  for (int i = 0; i < 2; ++i) reader.Skip(reader.U16Be().value_or(0));
  return reader.Skip(25) && HoldsSelections(reader);
}

// What all attestations begin with. nullopt: the log says why.
std::optional<std::pair<TPMS_ATTEST, AttestHeader>> ReadAttest(ByteView attest, Signature signature, std::uint16_t type,
                                                               std::string_view component, CheckLog& log) {
  const bool sound = CheckPrefix(attest, type, component, log);
  std::optional<TPMS_ATTEST> read;
  if (sound && (type != TPM2_ST_ATTEST_QUOTE || SelectionFits(attest))) {
    read = UnmarshalAll<&Tss2_MU_TPMS_ATTEST_Unmarshal, TPMS_ATTEST>(attest);
  }
  if (!sound) return std::nullopt;
  log.Require(Check::kTpmStructure, read.has_value(), [&] {
    return Defect(Reason::kTpmStructureMalformed, component, "TPMS_ATTEST", "exactly one marshalled structure",
                  Cat(attest.size(), " bytes that are none"));
  });
  // The union of another type than the one that is wanted is never read as if it were of that.
  if (!read || read->type != type) return std::nullopt;
  if (!log.Require(Check::kTpmClockInfo, read->clockInfo.safe <= 1, [&] {
        return Defect(Reason::kTpmStructureMalformed, component, "clockInfo.safe", "0 or 1", std::to_string(read->clockInfo.safe));
      })) {
    return std::nullopt;
  }
  AttestHeader header{.attest = ToBytes(attest),
                      .qualified_signer = ToBytes(ViewOf(read->qualifiedSigner)),
                      .extra_data = ToBytes(ViewOf(read->extraData)),
                      .clock = read->clockInfo.clock,
                      .reset_count = read->clockInfo.resetCount,
                      .restart_count = read->clockInfo.restartCount,
                      .safe = read->clockInfo.safe != 0,
                      .firmware_version = read->firmwareVersion,
                      .signature = std::move(signature)};
  return std::pair(*read, std::move(header));
}

void AddHeader(const AttestHeader& header, trust::Description& description) {
  description.Add("extra data", header.extra_data.empty() ? "none" : ToHex(header.extra_data));
  description.Add("qualified signer", ToHex(header.qualified_signer));
  description.Add("clock", Cat(header.clock, " ms", header.safe ? "" : ", not safe"));
  description.Add("reset count", std::to_string(header.reset_count));
  description.Add("restart count", std::to_string(header.restart_count));
  description.Add("firmware version", ToHex(FirmwareVersionOf(header)));
  const Signature& signature = header.signature;
  switch (signature.shape) {
    case SignatureShape::kTpmt:
      description.Add("signature", Cat(ShowAlgorithm(signature.scheme), " with ", ShowAlgorithm(signature.hash)));
      break;
    case SignatureShape::kRawRsa: description.Add("signature", Cat("RSA, raw, ", signature.rsa.size() * 8, " bits")); break;
    case SignatureShape::kEcdsaDer: description.Add("signature", "ECDSA, DER"); break;
  }
}

// r and s as the curve has them; longer ones stay as they are, and are none of its scalars.
Bytes Scalar(ByteView number, crypto::KeyKind kind) {
  const std::size_t size = kind == crypto::KeyKind::kEcP256 ? 32 : 48;
  while (number.size() > size && number.front() == 0) number = number.subspan(1);
  Bytes padded(number.size() < size ? size - number.size() : 0, 0);
  Append(padded, number);
  return padded;
}

}  // namespace

bool LooksLikeQuoteItem(ByteView bytes) {
  Reader reader(bytes);
  const auto size = reader.U16Be();
  return size && *size >= 6 && *size < reader.remaining() && reader.U32Be() == TPM2_GENERATED_VALUE &&
         reader.U16Be() == TPM2_ST_ATTEST_QUOTE;
}

std::optional<trust::Parsed<Quote>> AttestParser::ParseQuote(ByteView attest, Signature signature, CheckLog& log) {
  auto read = ReadAttest(attest, std::move(signature), TPM2_ST_ATTEST_QUOTE, kQuoteComponent, log);
  if (!read) return std::nullopt;
  const TPMS_QUOTE_INFO& info = read->first.attested.quote;
  std::optional<std::vector<PcrSelection>> selection = ReadSelection(info.pcrSelect, kQuoteComponent, log);
  if (!selection) return std::nullopt;
  Quote quote;
  quote.header_ = std::make_shared<const AttestHeader>(std::move(read->second));
  quote.selection_ = *std::move(selection);
  quote.pcr_digest_ = ToBytes(ViewOf(info.pcrDigest));
  return trust::Parsed<Quote>(trust::ParserPass<Quote>(), std::move(quote));
}

std::optional<trust::Parsed<Creation>> AttestParser::ParseCreation(ByteView attest, Signature signature, CheckLog& log) {
  auto read = ReadAttest(attest, std::move(signature), TPM2_ST_ATTEST_CREATION, kCreationComponent, log);
  if (!read) return std::nullopt;
  Creation creation;
  creation.header_ = std::make_shared<const AttestHeader>(std::move(read->second));
  creation.object_name_ = ToBytes(ViewOf(read->first.attested.creation.objectName));
  creation.creation_hash_ = ToBytes(ViewOf(read->first.attested.creation.creationHash));
  return trust::Parsed<Creation>(trust::ParserPass<Creation>(), std::move(creation));
}

std::optional<trust::Parsed<Quote>> AttestParser::ParseQuoteItem(const trust::UntrustedBytes& item, CheckLog& log) {
  Reader reader = item.Read();
  const auto size = reader.U16Be();
  const auto attest = size ? reader.Take(*size) : std::nullopt;
  if (!log.Require(Check::kTpmStructure, attest && !reader.AtEnd() && item.size() <= kMaxItemSize,
                   [&] {
                     return Defect(Reason::kTpmStructureMalformed, kQuoteComponent, "TPM2B_ATTEST",
                                   Cat("a size, as many bytes, and a signature, in at most ", kMaxItemSize, " bytes"),
                                   Cat(item.size(), " bytes"));
                   }) ||
      !attest) {
    return std::nullopt;
  }
  const ByteView rest = reader.TakeRest();
  std::optional<Signature> signature = ParseSignature(rest, ShapeOf(rest), kQuoteComponent, log);
  // Defects of the one don't hide those of the other.
  auto quote = ParseQuote(*attest, signature.value_or(Signature{}), log);
  if (!signature) return std::nullopt;
  return quote;
}

trust::Description Quote::Describe() const {
  trust::Description description("TPM quote", ShowSelection(selection_));
  AddHeader(*header_, description);
  description.Add("PCR digest", ToHex(pcr_digest_));
  return description;
}

trust::Description Creation::Describe() const {
  trust::Description description("TPM creation attestation");
  AddHeader(*header_, description);
  description.Add("object name", ToHex(object_name_));
  description.Add("creation hash", ToHex(creation_hash_));
  return description;
}

template <typename T>
bool AttestAuthenticator::Endorse(T& attestation, VouchedAk ak, CheckLog& log) {
  const AttestHeader& header = *attestation.header_;
  const Signature& signature = header.signature;
  const std::optional<SigningScheme> fixed = ak.area ? ak.area->scheme() : std::nullopt;
  const bool rsa = ak.key.key().kind() == crypto::KeyKind::kRsa;
  // What the shape doesn't say, the key does.
  SigningScheme scheme{signature.scheme, signature.hash};
  if (signature.shape != SignatureShape::kTpmt) {
    scheme = fixed.value_or(SigningScheme{rsa ? kAlgRsassa : kAlgEcdsa, kAlgSha256});
    if (signature.shape == SignatureShape::kEcdsaDer) scheme.scheme = kAlgEcdsa;
    else if (scheme.scheme == kAlgEcdsa) scheme.scheme = kAlgRsassa;
  }
  const std::optional<crypto::HashAlgorithm> hash = HashOf(scheme.hash);
  const bool fits =
      hash && rsa == (scheme.scheme != kAlgEcdsa) && (!fixed || (fixed->scheme == scheme.scheme && fixed->hash == scheme.hash));
  bool sound = log.Require(Check::kTpmScheme, fits, [&] {
    return Defect(Reason::kAkSchemeMismatch, T::kComponent, "signature",
                  fixed ? Cat(ShowAlgorithm(fixed->scheme), " with ", ShowAlgorithm(fixed->hash), ", as the key's public area fixes")
                        : Cat("a scheme of keys of kind ", crypto::NameOf(ak.key.key().kind())),
                  Cat(ShowAlgorithm(scheme.scheme), " with ", ShowAlgorithm(scheme.hash)));
  });
  // Part 1, section 16: a qualified name has the algorithm of the key's Name, whatever its parents'.
  const ByteView signer = header.qualified_signer;
  const std::uint16_t name_algorithm = signer.size() < 2 ? std::uint16_t{0} : static_cast<std::uint16_t>(signer[0] << 8 | signer[1]);
  const auto name_hash = HashOf(name_algorithm);
  const bool is_name =
      name_hash && signer.size() == 2 + crypto::DigestSize(*name_hash) && (!ak.area || ak.area->name_algorithm() == name_algorithm);
  sound &= log.Require(Check::kTpmQualifiedSigner, is_name, [&] {
    return Defect(Reason::kQualifiedSignerMismatch, T::kComponent, "qualifiedSigner",
                  ak.area ? Cat("a name by ", ShowAlgorithm(ak.area->name_algorithm()), ", as the key has")
                          : std::string("a name: algorithm and digest"),
                  ToHexBounded(signer));
  });
  if (!sound || !hash) return false;
  trust::AnySigned is_signed;
  if (scheme.scheme == kAlgEcdsa) {
    is_signed =
        trust::EcdsaSigned{*hash, header.attest, Scalar(signature.r, ak.key.key().kind()), Scalar(signature.s, ak.key.key().kind())};
  } else {
    const auto padding = scheme.scheme == kAlgRsapss ? trust::RsaSigned::Padding::kPss : trust::RsaSigned::Padding::kPkcs1;
    is_signed = trust::RsaSigned{padding, *hash, header.attest, signature.rsa};
  }
  attestation.endorsement_ = AttestEndorsement{std::move(ak), *hash, std::move(is_signed)};
  return true;
}

bool AttestAuthenticator::MayAnswer(const trust::Parsed<Quote>& parsed, const trust::Challenge& challenge, CheckLog& log) {
  const Quote& quote = parsed.Unverified(trust::UnverifiedAccess<Quote>());
  return trust::Bundle::MayAnswer(Quote::kCarrierKind, quote.CarriedValue(), Quote::kComponent, challenge, log);
}

std::optional<trust::Authenticated<Quote>> AttestAuthenticator::Authenticate(trust::Parsed<Quote> parsed, VouchedAk ak,
                                                                             const std::vector<PcrSelection>* demanded,
                                                                             const trust::Challenge& challenge, CheckLog& log) {
  Quote& quote = parsed.Annotate(trust::UnverifiedAccess<Quote>());
  if (!trust::Bundle::MayAnswer(Quote::kCarrierKind, quote.CarriedValue(), Quote::kComponent, challenge, log)) return std::nullopt;
  if (demanded != nullptr && !log.Require(Check::kTpmSelectionDemanded, quote.selection() == *demanded, [&] {
        return Defect(Reason::kPcrSelectionNotDemanded, kQuoteComponent, "pcrSelect", ShowSelection(*demanded),
                      ShowSelection(quote.selection()));
      })) {
    return std::nullopt;
  }
  const trust::VerifiedKey key = ak.key;
  std::vector<trust::ValidityWindow> windows = ak.windows;
  if (!Endorse(quote, std::move(ak), log)) return std::nullopt;
  return trust::Authenticated<Quote>::BySignature(std::move(parsed), key, Check::kTpmSignatureEncoding, Check::kTpmSignature,
                                                  std::move(windows), log);
}

std::optional<trust::Authenticated<Creation>> AttestAuthenticator::Authenticate(trust::Parsed<Creation> parsed, VouchedAk ak,
                                                                                CheckLog& log) {
  const trust::VerifiedKey key = ak.key;
  std::vector<trust::ValidityWindow> windows = ak.windows;
  if (!Endorse(parsed.Annotate(trust::UnverifiedAccess<Creation>()), std::move(ak), log)) return std::nullopt;
  return trust::Authenticated<Creation>::BySignature(std::move(parsed), key, Check::kTpmSignatureEncoding, Check::kTpmSignature,
                                                     std::move(windows), log);
}

}  // namespace assay::tpm
