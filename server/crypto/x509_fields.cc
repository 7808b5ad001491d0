#include "crypto/x509_fields.h"

#include <openssl/asn1.h>
#include <openssl/objects.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <set>

#include "base/strings.h"
#include "crypto/openssl_handles.h"
#include "crypto/signature.h"

namespace assay::crypto {
namespace {

using Asn1Object = std::unique_ptr<ASN1_OBJECT, Freer<ASN1_OBJECT_free>>;

std::string OidText(const ASN1_OBJECT* object) {
  std::array<char, 128> text{};
  const int size = OBJ_obj2txt(text.data(), static_cast<int>(text.size()), object, 1);
  // Longer ones exist in theory; cut off they would equal others.
  if (size <= 0 || static_cast<std::size_t>(size) >= text.size()) return {};
  return text.data();
}

std::optional<std::vector<NameAttribute>> AttributesOf(const X509_NAME* name) {
  std::vector<NameAttribute> attributes;
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    unsigned char* utf8 = nullptr;
    const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
    if (size < 0) return std::nullopt;
    NameAttribute attribute{.oid = OidText(X509_NAME_ENTRY_get_object(entry)),
                            .value = Printable(AsText({utf8, static_cast<std::size_t>(size)}))};
    OPENSSL_free(utf8);
    if (attribute.oid.empty()) return std::nullopt;
    attributes.push_back(std::move(attribute));
  }
  return attributes;
}

// RFC 4514 section 3, the types that occur in practice.
constexpr std::pair<std::string_view, std::string_view> kShortNames[] = {{"2.5.4.3", "CN"},
                                                                         {"2.5.4.5", "serialNumber"},
                                                                         {"2.5.4.6", "C"},
                                                                         {"2.5.4.7", "L"},
                                                                         {"2.5.4.8", "ST"},
                                                                         {"2.5.4.9", "STREET"},
                                                                         {"2.5.4.10", "O"},
                                                                         {"2.5.4.11", "OU"},
                                                                         {"0.9.2342.19200300.100.1.25", "DC"},
                                                                         {"0.9.2342.19200300.100.1.1", "UID"}};

constexpr std::string_view kMgf1 = "1.2.840.113549.1.1.8";
constexpr std::string_view kRsaPss = "1.2.840.113549.1.1.10";
constexpr std::pair<std::string_view, HashAlgorithm> kHashes[] = {{"1.3.14.3.2.26", HashAlgorithm::kSha1},
                                                                  {"2.16.840.1.101.3.4.2.1", HashAlgorithm::kSha256},
                                                                  {"2.16.840.1.101.3.4.2.2", HashAlgorithm::kSha384},
                                                                  {"2.16.840.1.101.3.4.2.3", HashAlgorithm::kSha512}};
struct PlainAlgorithm {
  std::string_view oid;
  SignatureAlgorithm::Kind kind;
  HashAlgorithm hash;
};
constexpr auto kPlainAlgorithms = std::to_array<PlainAlgorithm>({
    {"1.2.840.10045.4.1", SignatureAlgorithm::Kind::kEcdsa, HashAlgorithm::kSha1},
    {"1.2.840.10045.4.3.2", SignatureAlgorithm::Kind::kEcdsa, HashAlgorithm::kSha256},
    {"1.2.840.10045.4.3.3", SignatureAlgorithm::Kind::kEcdsa, HashAlgorithm::kSha384},
    {"1.2.840.10045.4.3.4", SignatureAlgorithm::Kind::kEcdsa, HashAlgorithm::kSha512},
    {"1.2.840.113549.1.1.5", SignatureAlgorithm::Kind::kRsaPkcs1, HashAlgorithm::kSha1},
    {"1.2.840.113549.1.1.11", SignatureAlgorithm::Kind::kRsaPkcs1, HashAlgorithm::kSha256},
    {"1.2.840.113549.1.1.12", SignatureAlgorithm::Kind::kRsaPkcs1, HashAlgorithm::kSha384},
    {"1.2.840.113549.1.1.13", SignatureAlgorithm::Kind::kRsaPkcs1, HashAlgorithm::kSha512},
});

struct AlgorithmIdentifier {
  std::string oid;
  std::optional<DerElement> parameters;

  bool HasNoParameters() const { return !parameters; }
  bool HasNullParameters() const { return parameters && parameters->tag == der::kNull; }
};

std::optional<AlgorithmIdentifier> ReadAlgorithmIdentifier(ByteView content) {
  DerReader reader(content);
  const auto algorithm = reader.Next(der::kOid);
  if (!algorithm) return std::nullopt;
  AlgorithmIdentifier read{.oid = OidText(*algorithm), .parameters = std::nullopt};
  if (!reader.AtEnd()) read.parameters = reader.Next();
  if (read.oid.empty() || !reader.AtEnd()) return std::nullopt;
  return read;
}

std::optional<HashAlgorithm> HashOf(ByteView algorithm_identifier_content) {
  const auto identifier = ReadAlgorithmIdentifier(algorithm_identifier_content);
  if (!identifier || !(identifier->HasNoParameters() || identifier->HasNullParameters())) return std::nullopt;
  for (const auto& [text, hash] : kHashes) {
    if (identifier->oid == text) return hash;
  }
  return std::nullopt;
}

// The one SEQUENCE inside an explicit tag.
std::optional<ByteView> SequenceIn(const DerElement& tagged) {
  DerReader reader(tagged.content);
  const auto content = reader.Take(der::kSequence);
  return content && reader.AtEnd() ? content : std::nullopt;
}
std::optional<int> SmallIntegerIn(const DerElement& tagged) {
  DerReader reader(tagged.content);
  const auto content = reader.Take(der::kInteger);
  return content && reader.AtEnd() ? SmallInteger(*content) : std::nullopt;
}

// RFC 4055 section 3.1. Defaults: SHA-1, MGF1 with SHA-1, 20, 1. AMD's certificate authorities write trailerField although
// it is the default, so a written default is no error here.
void ReadPssParameters(const DerElement& parameters, SignatureAlgorithm& algorithm) {
  std::optional<HashAlgorithm> hash = HashAlgorithm::kSha1;
  std::optional<HashAlgorithm> mgf_hash = HashAlgorithm::kSha1;
  std::optional<int> salt_length = 20;
  std::optional<int> trailer_field = 1;
  DerReader reader(parameters.content);
  if (const auto tagged = reader.Next(der::ContextConstructed(0))) {
    const auto content = SequenceIn(*tagged);
    hash = content ? HashOf(*content) : std::nullopt;
  }
  if (const auto tagged = reader.Next(der::ContextConstructed(1))) {
    mgf_hash.reset();
    const auto content = SequenceIn(*tagged);
    const auto generator = content ? ReadAlgorithmIdentifier(*content) : std::nullopt;
    if (generator && generator->oid == kMgf1 && generator->parameters && generator->parameters->tag == der::kSequence) {
      mgf_hash = HashOf(generator->parameters->content);
    }
  }
  if (const auto tagged = reader.Next(der::ContextConstructed(2))) salt_length = SmallIntegerIn(*tagged);
  if (const auto tagged = reader.Next(der::ContextConstructed(3))) trailer_field = SmallIntegerIn(*tagged);
  if (parameters.tag != der::kSequence || !reader.AtEnd() || !salt_length || !trailer_field) return;
  algorithm.hash = hash;
  algorithm.mgf_hash = mgf_hash;
  algorithm.salt_length = *salt_length;
  algorithm.trailer_field = *trailer_field;
}

std::optional<unsigned> Digits(ByteView text) {
  unsigned value = 0;
  for (const std::uint8_t digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(digit - '0');
  }
  return value;
}

}  // namespace

std::string OidText(const DerElement& oid) {
  const ErrorQueueGuard guard;
  const unsigned char* next = oid.whole.data();
  const Asn1Object object(d2i_ASN1_OBJECT(nullptr, &next, static_cast<long>(oid.whole.size())));
  return object == nullptr ? std::string() : OidText(object.get());
}

std::optional<SignedStructure> ReadSignedStructure(ByteView bytes) {
  if (!IsDer(bytes)) return std::nullopt;
  DerReader outer(bytes);
  DerReader fields(outer.Take(der::kSequence).value_or(ByteView{}));
  const auto tbs = fields.Next(der::kSequence);
  const auto algorithm = fields.Next(der::kSequence);
  const auto signature = fields.Take(der::kBitString);
  if (!tbs || !algorithm || !signature || !fields.AtEnd() || (*signature)[0] != 0) return std::nullopt;
  return SignedStructure{*tbs, *algorithm, signature->subspan(1)};
}

std::optional<Name> ReadName(DerReader& reader) {
  const ErrorQueueGuard guard;
  const auto element = reader.Next(der::kSequence);
  if (!element) return std::nullopt;
  const unsigned char* next = element->whole.data();
  const X509NamePtr name(d2i_X509_NAME(nullptr, &next, static_cast<long>(element->whole.size())));
  if (name == nullptr) return std::nullopt;
  auto attributes = AttributesOf(name.get());
  if (!attributes) return std::nullopt;
  return Name{element->whole, *std::move(attributes)};
}

std::string TextOf(const std::vector<NameAttribute>& attributes) {
  std::string text;
  for (const NameAttribute& attribute : attributes) {
    if (!text.empty()) text += ", ";
    const auto known =
        std::find_if(std::begin(kShortNames), std::end(kShortNames), [&](const auto& entry) { return entry.first == attribute.oid; });
    text += Cat(known == std::end(kShortNames) ? std::string_view(attribute.oid) : known->second, '=');
    for (const char c : attribute.value) {
      // RFC 4514 section 2.4, so that a value can't look like another attribute.
      if (std::string_view("\"+,;<>").find(c) != std::string_view::npos) text += '\\';
      text += c;
    }
  }
  return text;
}

std::optional<Time> ReadTime(DerReader& reader) {
  const auto element = reader.Next();
  if (!element) return std::nullopt;
  ByteView text = element->content;
  std::optional<unsigned> year;
  if (element->tag == der::kUtcTime && text.size() == 13) {
    year = Digits(text.first(2));
    if (year) *year += *year < 50 ? 2000U : 1900U;  // RFC 5280 4.1.2.5.1
    text = text.subspan(2);
  } else if (element->tag == der::kGeneralizedTime && text.size() == 15) {
    year = Digits(text.first(4));
    text = text.subspan(4);
  }
  if (!year || text.back() != 'Z') return std::nullopt;
  const auto month = Digits(text.subspan(0, 2)), day = Digits(text.subspan(2, 2)), hour = Digits(text.subspan(4, 2)),
             minute = Digits(text.subspan(6, 2)), second = Digits(text.subspan(8, 2));
  if (!month || !day || !hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month), std::chrono::day(*day));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
}

std::optional<std::vector<Extension>> ReadExtensions(ByteView list) {
  DerReader reader(list);
  std::vector<Extension> extensions;
  std::set<std::string> seen;
  while (!reader.AtEnd()) {
    const auto content = reader.Take(der::kSequence);
    if (!content) return std::nullopt;
    DerReader fields(*content);
    const auto type = fields.Next(der::kOid);
    if (!type) return std::nullopt;
    Extension extension{.oid = OidText(*type), .critical = false, .value = {}};
    if (const auto critical = fields.Take(der::kBoolean)) {
      if ((*critical)[0] == 0) return std::nullopt;  // X.690 11.5: a default is not written
      extension.critical = true;
    }
    const auto value = fields.Take(der::kOctetString);
    if (!value || !fields.AtEnd() || extension.oid.empty() || !seen.insert(extension.oid).second) return std::nullopt;
    extension.value = ToBytes(*value);
    extensions.push_back(std::move(extension));
  }
  if (extensions.empty()) return std::nullopt;
  return extensions;
}

const Extension* FindIn(const std::vector<Extension>& extensions, std::string_view oid) {
  const auto found = std::find_if(extensions.begin(), extensions.end(), [&](const Extension& extension) { return extension.oid == oid; });
  return found == extensions.end() ? nullptr : &*found;
}

SignatureAlgorithm AlgorithmOf(const DerElement& algorithm_identifier) {
  SignatureAlgorithm algorithm;
  const auto identifier = ReadAlgorithmIdentifier(algorithm_identifier.content);
  if (!identifier) return algorithm;
  algorithm.oid = identifier->oid;
  if (identifier->oid == kRsaPss) {
    algorithm.kind = SignatureAlgorithm::Kind::kRsaPss;
    if (identifier->parameters) ReadPssParameters(*identifier->parameters, algorithm);
    return algorithm;
  }
  for (const PlainAlgorithm& plain : kPlainAlgorithms) {
    if (identifier->oid != plain.oid) continue;
    // RFC 5758 3.2: ECDSA has none. RFC 4055 section 5: PKCS #1 has NULL.
    const bool as_specified =
        plain.kind == SignatureAlgorithm::Kind::kEcdsa ? identifier->HasNoParameters() : identifier->HasNullParameters();
    if (!as_specified) return algorithm;
    algorithm.kind = plain.kind;
    algorithm.hash = plain.hash;
  }
  return algorithm;
}

bool IsCollisionResistant(const SignatureAlgorithm& algorithm) {
  return algorithm.kind != SignatureAlgorithm::Kind::kOther && algorithm.hash && *algorithm.hash != HashAlgorithm::kSha1;
}

bool VerifySigned(const SignatureAlgorithm& algorithm, const PublicKey& key, ByteView message, ByteView signature) {
  if (!IsCollisionResistant(algorithm)) return false;
  switch (algorithm.kind) {
    case SignatureAlgorithm::Kind::kEcdsa: return VerifyEcdsaDer(key, *algorithm.hash, message, signature);
    case SignatureAlgorithm::Kind::kRsaPkcs1: return VerifyRsaPkcs1(key, *algorithm.hash, message, signature);
    case SignatureAlgorithm::Kind::kRsaPss:
      return algorithm.mgf_hash && algorithm.trailer_field == 1 &&
             VerifyRsaPss(key, *algorithm.hash, *algorithm.mgf_hash, algorithm.salt_length, message, signature);
    case SignatureAlgorithm::Kind::kOther: break;
  }
  return false;
}

}  // namespace assay::crypto
