#include "evidence/dcap/quote.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "codec/pem.h"
#include "crypto/certificate.h"
#include "evidence/dcap/collateral_kinds.h"

namespace assay::dcap {
namespace {

constexpr std::string_view kSpecV3 = "Intel SGX ECDSA Quote Library Reference, appendix A.4";
constexpr std::string_view kSpecV4 = "Intel TDX DCAP Quoting Library API, appendix A.3";
constexpr std::uint64_t kEcdsaP256 = 2;
constexpr std::uint64_t kTeeTypeSgx = 0x00;
constexpr std::uint64_t kTeeTypeTdx = 0x81;
constexpr std::size_t kCertificates = 3;  // PCK, its CA, Intel's root

consteval Field H(std::string_view name) { return FieldNamed(kHeaderV4, name); }

std::string_view NameOf(CertificationType type) {
  switch (type) {
    case CertificationType::kPpidClear: return "PPID in clear";
    case CertificationType::kPpidRsa2048: return "PPID encrypted with RSA-2048";
    case CertificationType::kPpidRsa3072: return "PPID encrypted with RSA-3072";
    case CertificationType::kPckLeaf: return "PCK certificate alone";
    case CertificationType::kPckChain: return "PCK certificate chain";
    case CertificationType::kQeReport: return "QE report with certification data";
    case CertificationType::kPlatformManifest: return "platform manifest";
  }
  return "unknown";
}
std::string Show(std::uint16_t type) { return Cat(type, " (", NameOf(static_cast<CertificationType>(type)), ")"); }

std::span<const Field> LayoutOf(BodyType type) {
  switch (type) {
    case BodyType::kSgxReport: return kSgxReport;
    case BodyType::kTdReport10: return kTdReport10;
    case BodyType::kTdReport15: return kTdReport15;
    case BodyType::kTdReport15Ex: return kTdReport15Ex;
  }
  return {};
}
bool IsBodyType(std::uint64_t type) { return type >= 1 && type <= 4; }

// One quote, read from front to back. Each step says why if it can't go on; later steps need the earlier ones.
class QuoteReading {
 public:
  QuoteReading(Reader reader, trust::FactCaches* caches, CheckLog& log)
      : reader_(reader), whole_(reader.remaining()), caches_(caches), log_(log) {}

  // Header and body, up to and without the length of the authentication data.
  bool ReadSigned() {
    const auto header = reader_.Take(kHeaderSize);
    if (!Cuts("header", kHeaderSize, header)) return false;
    version_ = static_cast<std::uint16_t>(LittleEndianOf(*header, H("VERSION")));
    if (!log_.Require(Check::kDcapVersion, version_ >= 3 && version_ <= 5,
                      [&] { return Refusal(Reason::kVersionUnsupported, "VERSION", "3, 4 or 5", std::to_string(version_)); })) {
      return false;
    }
    bool sound = true;
    const std::uint64_t key_type = LittleEndianOf(*header, H("ATTESTATION_KEY_TYPE"));
    sound &= log_.Require(Check::kDcapKeyType, key_type == kEcdsaP256, [&] {
      return Refusal(Reason::kAlgorithmUnsupported, "ATTESTATION_KEY_TYPE", "2 (ECDSA P-256)", std::to_string(key_type));
    });
    const ByteView vendor = SliceOf(*header, H("QE_VENDOR_ID"));
    sound &= log_.Require(Check::kDcapVendor, Equal(vendor, kIntelQeVendorId),
                          [&] { return Refusal(Reason::kFieldInvalid, "QE_VENDOR_ID", ToHex(kIntelQeVendorId), ToHex(vendor)); });
    if (version_ == 3) {
      sound &= RequireZero(*header, kHeaderV3, "header");
    } else {
      const std::uint64_t tee_type = LittleEndianOf(*header, H("TEE_TYPE"));
      sound &= log_.Require(Check::kDcapBody, tee_type == kTeeTypeSgx || tee_type == kTeeTypeTdx,
                            [&] { return Refusal(Reason::kFieldInvalid, "TEE_TYPE", "0 (SGX) or 129 (TDX)", std::to_string(tee_type)); });
      tee_ = tee_type == kTeeTypeTdx ? Tee::kTdx : Tee::kSgx;
    }
    body_type_ = tee_ == Tee::kSgx ? BodyType::kSgxReport : BodyType::kTdReport10;
    return sound && ReadBody();
  }

  bool ReadAuthentication() {
    const auto length = reader_.U32Le();
    if (!Cuts("authentication data length", 4, length)) return false;
    const auto data = reader_.Take(*length);
    if (!Cuts("authentication data", *length, data)) return false;
    end_ = reader_.position();
    Reader inside(*data);
    const auto signature = inside.Take(kSignatureSize);
    if (!Cuts("signature", kSignatureSize, signature)) return false;
    const auto key = inside.Take(kPublicKeySize);
    if (!Cuts("attestation key", kPublicKeySize, key)) return false;
    signature_ = *signature;
    attestation_key_ = *key;
    if (version_ == 3) return ReadCertification(inside);
    // From version 4 on the rest of version 3's data lies in an envelope of its own.
    const auto envelope = Enveloped(inside, "certification data");
    if (!envelope) return false;
    if (!log_.Require(Check::kDcapCertification, envelope->type == CertificationType::kQeReport, [&] {
          return Refusal(Reason::kCertificationUnsupported, "certification data type",
                         Show(static_cast<std::uint16_t>(CertificationType::kQeReport)), Show(static_cast<std::uint16_t>(envelope->type)));
        })) {
      return false;
    }
    return ReadCertification(Reader(envelope->content));
  }

  bool ReadTail() {
    const ByteView tail = reader_.TakeRest();
    const bool zero = tail.empty() || AllZero(tail);
    return log_.Require(Check::kDcapTail, zero, [&] {
      return Refusal(Reason::kReservedNotZero, "bytes behind the quote", "only zeros: no signature covers them", ToHexBounded(tail, 24));
    });
  }

  std::uint16_t version() const { return version_; }
  Tee tee() const { return tee_; }
  BodyType body_type() const { return body_type_; }
  // Where the parts lie, as offsets: the views move to the quote's own copy of the bytes.
  std::size_t body_offset() const { return body_offset_; }
  std::size_t signed_size() const { return signed_size_; }
  std::size_t end() const { return end_; }
  ByteView signature() const { return signature_; }
  ByteView attestation_key() const { return attestation_key_; }
  ByteView qe_report() const { return qe_report_; }
  ByteView qe_signature() const { return qe_signature_; }
  ByteView qe_authentication_data() const { return qe_authentication_data_; }
  const std::shared_ptr<const QuoteChain>& chain() const { return chain_; }
  const crypto::Sha256Digest& chain_name() const { return chain_name_; }

 private:
  struct Envelope {
    CertificationType type;
    ByteView content;
  };

  Finding Refusal(Reason reason, std::string field, std::string expected, std::string actual) const {
    return {.reason = reason,
            .component = std::string(kQuoteComponent),
            .claim = std::move(field),
            .expected = std::move(expected),
            .actual = std::move(actual),
            .spec = std::string(version_ == 3 ? kSpecV3 : kSpecV4)};
  }

  template <typename Taken>
  bool Cuts(std::string_view part, std::uint64_t size, const std::optional<Taken>& taken) {
    return log_.Require(Check::kDcapLengths, taken.has_value(), [&] {
      return Refusal(Reason::kLengthWrong, std::string(part), Cat(size, " bytes"),
                     Cat("the data around it, of ", whole_, " bytes in all, ends before"));
    }) && taken.has_value();
  }
  // With the check switched off, the bytes that the quote has too many are left out.
  bool Ends(std::string_view part, const Reader& reader) {
    return log_.Require(Check::kDcapLengths, reader.AtEnd(), [&] {
      return Refusal(Reason::kLengthWrong, std::string(part), "exactly its parts", Cat(reader.remaining(), " bytes more"));
    });
  }
  bool RequireZero(ByteView structure, std::span<const Field> layout, std::string_view part) {
    bool sound = true;
    for (const Field& field : layout) {
      if (field.use != FieldUse::kReservedZero) continue;
      const ByteView reserved = SliceOf(structure, field);
      sound &= log_.Require(Check::kDcapReservedZero, AllZero(reserved), [&] {
        return Refusal(Reason::kReservedNotZero, Cat(part, ".", field.name), Cat(field.size, " zero bytes"), ToHexBounded(reserved, 24));
      });
    }
    return sound;
  }

  bool ReadBody() {
    std::uint64_t size = SizeOf(body_type_);
    if (version_ == 5) {
      const auto type = reader_.U16Le();
      const auto declared = reader_.U32Le();
      if (!Cuts("body type and size", 6, declared)) return false;
      const bool known = IsBodyType(*type) && (*type == 1) == (tee_ == Tee::kSgx);
      if (!log_.Require(Check::kDcapBody, known, [&] {
            return Refusal(Reason::kFieldInvalid, "body type",
                           tee_ == Tee::kSgx ? "1 (SGX report)" : "2, 3 or 4 (TD report 1.0, 1.5, 1.5 extended)", std::to_string(*type));
          })) {
        return false;
      }
      if (known) body_type_ = static_cast<BodyType>(*type);
      size = SizeOf(body_type_);
      if (!log_.Require(Check::kDcapBody, *declared == size, [&] {
            return Refusal(Reason::kLengthWrong, "body size", Cat(size, " bytes for type ", *type), Cat(*declared, " bytes"));
          })) {
        return false;
      }
    }
    body_offset_ = reader_.position();
    const auto body = reader_.Take(size);
    if (!Cuts(tee_ == Tee::kSgx ? "SGX report" : "TD report", size, body)) return false;
    signed_size_ = reader_.position();
    return RequireZero(*body, LayoutOf(body_type_), "report");
  }

  std::optional<Envelope> Enveloped(Reader& reader, std::string_view part) {
    const auto type = reader.U16Le();
    const auto length = reader.U32Le();
    if (!Cuts(Cat(part, " type and length"), 6, length)) return std::nullopt;
    const auto content = reader.Take(*length);
    if (!Cuts(part, *length, content) || !Ends(part, reader)) return std::nullopt;
    return Envelope{static_cast<CertificationType>(*type), *content};
  }

  // QE report, its signature, authentication data, and the certification data that speaks for the PCK.
  bool ReadCertification(Reader reader) {
    const auto report = reader.Take(kSgxReportSize);
    if (!Cuts("QE report", kSgxReportSize, report)) return false;
    const auto signature = reader.Take(kSignatureSize);
    if (!Cuts("QE report signature", kSignatureSize, signature)) return false;
    const auto size = reader.U16Le();
    if (!Cuts("QE authentication data length", 2, size)) return false;
    const auto data = reader.Take(*size);
    if (!Cuts("QE authentication data", *size, data)) return false;
    qe_report_ = *report;
    qe_signature_ = *signature;
    qe_authentication_data_ = *data;
    if (!RequireZero(*report, kSgxReport, "QE report")) return false;

    const auto certification = Enveloped(reader, "PCK certification data");
    if (!certification) return false;
    if (!log_.Require(Check::kDcapCertification, certification->type == CertificationType::kPckChain, [&] {
          return Refusal(Reason::kCertificationUnsupported, "PCK certification data type",
                         Show(static_cast<std::uint16_t>(CertificationType::kPckChain)),
                         Show(static_cast<std::uint16_t>(certification->type)));
        })) {
      return false;
    }
    return ReadChain(AsText(certification->content));
  }

  // No signature covers this text, so whatever is not a certificate is refused: but for line ends, it must be the text that the
  // certificates in it are written as, at most with the zero behind it with which Intel's libraries end a string.
  bool ReadChain(std::string_view text) {
    while (text.ends_with('\0')) text.remove_suffix(1);
    chain_name_ = crypto::Sha256(AsBytes(text));
    if (caches_ != nullptr) chain_ = std::dynamic_pointer_cast<const QuoteChain>(caches_->machines.Find(chain_name_));
    if (chain_ != nullptr) {
      log_.Pass(Check::kDcapPckPem);
      return true;
    }
    const auto chain = std::make_shared<QuoteChain>();
    const auto blocks = codec::ParsePem(text, "dcap-quote/pck.pem", {.bytes = kMaxQuoteSize, .blocks = 16});
    if (!blocks) {
      for (const Finding& finding : blocks.findings()) log_.Fail(Check::kDcapPckPem, finding);
      return false;
    }
    std::string rewritten;
    bool certificates_only = true;
    for (const codec::PemBlock& block : *blocks) {
      certificates_only &= block.label == "CERTIFICATE";
      rewritten += codec::EncodePem(block.label, block.der);
      chain->ders.push_back(block.der);
    }
    chain_ = chain;
    const auto without_line_ends = [](std::string_view lines) {
      std::string rest(lines);
      std::erase_if(rest, [](char c) { return c == '\n' || c == '\r'; });
      return rest;
    };
    return log_.Require(Check::kDcapPckPem,
                        certificates_only && blocks->size() == kCertificates && without_line_ends(text) == without_line_ends(rewritten),
                        [&] {
                          return Refusal(Reason::kEncodingMalformed, "PCK certificate chain", "three PEM certificates and nothing else",
                                         Cat(blocks->size(), " PEM blocks in ", text.size(), " bytes"));
                        });
  }

  Reader reader_;
  const std::size_t whole_;
  trust::FactCaches* const caches_;
  CheckLog& log_;
  std::uint16_t version_ = 0;
  Tee tee_ = Tee::kSgx;
  BodyType body_type_ = BodyType::kSgxReport;
  std::size_t body_offset_ = 0;
  std::size_t signed_size_ = 0;
  std::size_t end_ = 0;
  ByteView signature_;
  ByteView attestation_key_;
  ByteView qe_report_;
  ByteView qe_signature_;
  ByteView qe_authentication_data_;
  std::shared_ptr<const QuoteChain> chain_;
  crypto::Sha256Digest chain_name_{};
};

}  // namespace

std::string_view NameOf(Tee tee) { return tee == Tee::kSgx ? "SGX" : "TDX"; }

std::size_t SizeOf(BodyType type) {
  switch (type) {
    case BodyType::kSgxReport: return kSgxReportSize;
    case BodyType::kTdReport10: return kTdReport10Size;
    case BodyType::kTdReport15: return kTdReport15Size;
    case BodyType::kTdReport15Ex: return kTdReport15ExSize;
  }
  return 0;
}

std::optional<ParsedQuote> QuoteParser::Parse(const trust::UntrustedBytes& bytes, trust::FactCaches* caches, CheckLog& log) {
  if (!log.Require(Check::kDcapTail, bytes.size() <= kMaxQuoteSize, [&] {
        return Finding{.reason = Reason::kSizeOverLimit,
                       .component = std::string(kQuoteComponent),
                       .claim = "length",
                       .expected = Cat("at most ", kMaxQuoteSize, " bytes"),
                       .actual = Cat(bytes.size(), " bytes")};
      })) {
    return std::nullopt;
  }
  Reader reader = bytes.Read();
  QuoteReading reading(reader, caches, log);
  if (!reading.ReadSigned() || !reading.ReadAuthentication() || !reading.ReadTail()) return std::nullopt;

  const ByteView read = *reader.Take(reading.end());
  const auto raw = std::make_shared<const Bytes>(ToBytes(read));
  const auto own = [&](ByteView part) {
    return part.empty() ? ByteView() : ByteView(*raw).subspan(static_cast<std::size_t>(part.data() - read.data()), part.size());
  };
  Quote quote;
  quote.raw_ = raw;
  quote.version_ = reading.version();
  quote.tee_ = reading.tee();
  quote.body_type_ = reading.body_type();
  quote.signed_ = ByteView(*raw).first(reading.signed_size());
  quote.body_ = quote.signed_.subspan(reading.body_offset());
  quote.signature_ = own(reading.signature());
  quote.chain_ = reading.chain();
  quote.chain_name_ = reading.chain_name();
  QeReport qe_report;
  qe_report.raw_ = raw;
  qe_report.report_ = own(reading.qe_report());
  qe_report.signature_ = own(reading.qe_signature());
  qe_report.attestation_key_ = own(reading.attestation_key());
  qe_report.authentication_data_ = own(reading.qe_authentication_data());
  return ParsedQuote{{trust::ParserPass<Quote>(), std::move(quote)}, {trust::ParserPass<QeReport>(), std::move(qe_report)}};
}

ByteView Quote::report_data() const {
  return tee_ == Tee::kSgx ? Slice(FieldNamed(kSgxReport, "REPORTDATA")) : Slice(FieldNamed(kTdReport15Ex, "REPORTDATA"));
}

trust::EcdsaSigned Quote::Signed() const {
  return {crypto::HashAlgorithm::kSha256, signed_, ToBytes(signature_.first(kCoordinateSize)),
          ToBytes(signature_.subspan(kCoordinateSize))};
}

trust::EcdsaSigned QeReport::Signed() const {
  return {crypto::HashAlgorithm::kSha256, report_, ToBytes(signature_.first(kCoordinateSize)),
          ToBytes(signature_.subspan(kCoordinateSize))};
}

trust::LookupHints Quote::Hints() const {
  const bool tdx = tee_ == Tee::kTdx;
  std::vector<trust::CollateralKey> keys = {{std::string(kQeIdentityKind), tdx ? "TD_QE" : "QE", {}},
                                            {std::string(kTcbSigningKind), {}, {}},
                                            {std::string(kRootCrlKind), {}, {}}};
  // Where to look, not what to believe: names and FMSPC are looked for in the bytes, as decoding a certificate costs more than verifying one.
  for (const Bytes& der : chain_->ders) {
    const std::string_view text = AsText(der);
    if (text.find(NameOf(CertificateKind::kPck)) == std::string_view::npos) continue;
    const bool platform = text.find(NameOf(CertificateKind::kPlatformCa)) != std::string_view::npos;
    keys.push_back({std::string(kPckCrlKind), std::string(platform ? kPlatformScope : kProcessorScope), {}});
    // OID 1.2.840.113741.1.13.1.4, then an OCTET STRING of 6 bytes.
    static constexpr std::string_view kFmspc = "\x2A\x86\x48\x86\xF8\x4D\x01\x0D\x01\x04\x04\x06";
    const std::size_t at = text.find(kFmspc);
    if (at != std::string_view::npos && at + kFmspc.size() + 6 <= text.size()) {
      keys.push_back({std::string(kTcbInfoKind), std::string(NameOf(tee_)), ToHex(AsBytes(text.substr(at + kFmspc.size(), 6)))});
    }
  }
  return trust::LookupHints(std::move(keys));
}

namespace {

// Every field of a structure but its reserved ones, by the specification's name.
void AddFields(ByteView structure, std::span<const Field> layout, trust::Description& description) {
  for (const Field& field : layout) {
    if (field.use != FieldUse::kValue) continue;
    const bool number = field.size <= 4 && field.name != "VMID";
    description.Add(std::string(field.name), number ? std::to_string(LittleEndianOf(structure, field)) : ToHex(SliceOf(structure, field)));
  }
}

}  // namespace

trust::Description Quote::Describe() const {
  trust::Description description(tee_ == Tee::kTdx ? "Intel TDX quote" : "Intel SGX quote", Cat("version ", version_));
  trust::Description header("header");
  if (version_ == 3) AddFields(*raw_, kHeaderV3, header);
  else AddFields(*raw_, kHeaderV4, header);
  description.Add(std::move(header));
  static constexpr std::array<std::string_view, 5> kTitles = {"", "SGX report", "TD report 1.0", "TD report 1.5", "TD report 1.5 extended"};
  trust::Description report{std::string(kTitles[static_cast<std::size_t>(body_type_)])};
  AddFields(body_, LayoutOf(body_type_), report);
  description.Add(std::move(report));
  return description;
}

trust::Description QeReport::Describe() const {
  trust::Description description("report of the quoting enclave");
  AddFields(report_, kSgxReport, description);
  description.Add("attestation key", ToHex(attestation_key_));
  description.Add("authentication data", ToHexBounded(authentication_data_));
  return description;
}

}  // namespace assay::dcap
