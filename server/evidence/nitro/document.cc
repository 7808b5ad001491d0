#include "evidence/nitro/document.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "codec/cbor.h"
#include "codec/cose.h"
#include "crypto/certificate.h"
#include "evidence/nitro/claims.h"
#include "trust/describe_certificate.h"

namespace assay::nitro {
namespace {

constexpr std::string_view kSpec = "AWS Nitro Enclaves, attestation document";
constexpr std::string_view kDigest = "SHA384";
constexpr std::size_t kSignatureSize = 96;
constexpr std::size_t kMaxModuleId = 128;
constexpr std::size_t kMaxCertificate = 1024;
constexpr std::size_t kMaxCabundle = 7;  // with the certificate as many as a path may have
constexpr std::size_t kMaxGuestData = 1024;
constexpr std::uint64_t kEnclavePcrs = 32;
constexpr std::uint64_t kTpmPcrs = 24;
constexpr std::size_t kModuleDigits = 16;

constexpr std::string_view kPcrsMember = "pcrs", kTpmPcrsMember = "nitrotpm_pcrs";
constexpr auto kMemberNames = std::to_array<std::string_view>(
    {"module_id", "digest", "timestamp", kPcrsMember, kTpmPcrsMember, "certificate", "cabundle", "public_key", "user_data", "nonce"});

constexpr std::string_view SuffixOf(Kind kind) { return kind == Kind::kEnclave ? "-enc" : "-tpm"; }

bool IsHex(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

// Reads the members one by one and collects what is wrong with them.
class Reading {
 public:
  explicit Reading(const cbor::Value& payload) : payload_(payload) {}

  Outcome<Members> Run() {
    const cbor::Value::Map* map = payload_.AsMap();
    if (map == nullptr) {
      Complain("payload", "a map", std::string(payload_.KindName()));
      return std::move(findings_);
    }
    for (const cbor::Entry& entry : *map) {
      const std::string* name = entry.key.AsString();
      const bool known = name != nullptr && std::find(kMemberNames.begin(), kMemberNames.end(), *name) != kMemberNames.end();
      if (!known) {
        Complain("payload", "members of the specification only",
                 name == nullptr ? std::string(entry.key.KindName()) : Printable(*name, 64));
      }
    }
    Members members{};
    ReadModuleId(members);
    if (const cbor::Value* digest = Require("digest");
        digest != nullptr && (digest->AsString() == nullptr || *digest->AsString() != kDigest)) {
      Complain("digest", std::string(kDigest),
               digest->AsString() == nullptr ? std::string(digest->KindName()) : Printable(*digest->AsString(), 64));
    }
    if (const cbor::Value* timestamp = Require("timestamp")) {
      members.timestamp_ms = timestamp->AsUint64().value_or(0);
      // Milliseconds of the years to 9999; more would not be a time.
      if (members.timestamp_ms == 0 || members.timestamp_ms > 253'402'300'799'999) {
        Complain("timestamp", "milliseconds since 1970",
                 timestamp->AsUint64() ? std::to_string(*timestamp->AsUint64()) : std::string(timestamp->KindName()));
      }
    }
    ReadPcrs(members);
    if (const cbor::Value* certificate = Require("certificate")) ReadCertificate(*certificate, "certificate", members.certificate);
    ReadCabundle(members);
    members.public_key = GuestData("public_key", 1);
    members.user_data = GuestData("user_data", 0);
    members.nonce = GuestData("nonce", 0);
    if (!findings_.empty()) return std::move(findings_);
    return members;
  }

 private:
  void Complain(std::string claim, std::string expected, std::string actual) {
    findings_.push_back({.reason = Reason::kNitroMemberInvalid,
                         .component = std::string(kDocumentComponent),
                         .claim = std::move(claim),
                         .expected = std::move(expected),
                         .actual = std::move(actual),
                         .spec = std::string(kSpec)});
  }

  const cbor::Value* Require(std::string_view name) {
    const cbor::Value* value = payload_.Find(name);
    if (value == nullptr) Complain(std::string(name), "present", "absent");
    return value;
  }

  void ReadModuleId(Members& members) {
    const cbor::Value* value = Require("module_id");
    if (value == nullptr) return;
    const std::string* text = value->AsString();
    if (text == nullptr || text->empty() || text->size() > kMaxModuleId || Printable(*text, text->size()) != *text) {
      return Complain("module_id", Cat("text of 1 to ", kMaxModuleId, " printable characters"),
                      text == nullptr ? std::string(value->KindName()) : Cat(text->size(), " bytes"));
    }
    members.module_id = *text;
  }

  void ReadPcrs(Members& members) {
    const cbor::Value* enclave = payload_.Find(kPcrsMember);
    const cbor::Value* tpm = payload_.Find(kTpmPcrsMember);
    if ((enclave == nullptr) == (tpm == nullptr)) {
      return Complain("pcrs", Cat("either ", kPcrsMember, " or ", kTpmPcrsMember), enclave == nullptr ? "neither" : "both");
    }
    members.kind = enclave != nullptr ? Kind::kEnclave : Kind::kTpm;
    const std::string name(enclave != nullptr ? kPcrsMember : kTpmPcrsMember);
    const std::uint64_t limit = enclave != nullptr ? kEnclavePcrs : kTpmPcrs;
    const cbor::Value& value = enclave != nullptr ? *enclave : *tpm;
    const cbor::Value::Map* map = value.AsMap();
    if (map == nullptr || map->empty()) {
      return Complain(name, Cat("a map of 1 to ", limit, " registers"), map == nullptr ? std::string(value.KindName()) : "none");
    }
    for (const cbor::Entry& entry : *map) {
      const std::optional<std::uint64_t> index = entry.key.AsUint64();
      const Bytes* digest = entry.value.AsBytes();
      if (!index || *index >= limit) {
        Complain(name, Cat("registers 0 to ", limit - 1), index ? std::to_string(*index) : std::string(entry.key.KindName()));
      } else if (digest == nullptr || digest->size() != kPcrSize) {
        Complain(Cat(name, ".", *index), Cat(kPcrSize, " bytes, as ", kDigest, " has"),
                 digest == nullptr ? std::string(entry.value.KindName()) : Cat(digest->size(), " bytes"));
      } else {
        members.pcrs.push_back({static_cast<std::uint32_t>(*index), *digest});
      }
    }
    std::sort(members.pcrs.begin(), members.pcrs.end(), [](const Pcr& a, const Pcr& b) { return a.index < b.index; });
  }

  void ReadCertificate(const cbor::Value& value, std::string claim, Bytes& into) {
    const Bytes* der = value.AsBytes();
    if (der == nullptr || der->empty() || der->size() > kMaxCertificate) {
      return Complain(std::move(claim), Cat("1 to ", kMaxCertificate, " bytes"),
                      der == nullptr ? std::string(value.KindName()) : Cat(der->size(), " bytes"));
    }
    into = *der;
  }

  void ReadCabundle(Members& members) {
    const cbor::Value* value = Require("cabundle");
    if (value == nullptr) return;
    const cbor::Value::Array* list = value->AsArray();
    if (list == nullptr || list->empty() || list->size() > kMaxCabundle) {
      return Complain("cabundle", Cat("1 to ", kMaxCabundle, " certificates"),
                      list == nullptr ? std::string(value->KindName()) : std::to_string(list->size()));
    }
    for (std::size_t i = 0; i < list->size(); ++i) ReadCertificate((*list)[i], Cat("cabundle.", i), members.cabundle.emplace_back());
  }

  std::optional<Bytes> GuestData(std::string_view name, std::size_t least) {
    const cbor::Value* value = payload_.Find(name);
    if (value == nullptr || value->IsNull()) return std::nullopt;
    const Bytes* octets = value->AsBytes();
    if (octets == nullptr || octets->size() < least || octets->size() > kMaxGuestData) {
      Complain(std::string(name), Cat("null, or ", least, " to ", kMaxGuestData, " bytes"),
               octets == nullptr ? std::string(value->KindName()) : Cat(octets->size(), " bytes"));
      return std::nullopt;
    }
    return *octets;
  }

  const cbor::Value& payload_;
  std::vector<Finding> findings_;
};

// NitroTPMs and newer hypervisors write the map with an indefinite length; the rest is as strict as ever.
Outcome<cbor::Value> ParsePayload(ByteView payload) {
  return cbor::Parse(payload, "nitro-document payload",
                     {.bytes = kMaxDocumentSize, .depth = 3, .entries = 40, .values = 128, .indefinite = true});
}

}  // namespace

std::string_view NameOf(Kind kind) { return kind == Kind::kEnclave ? "enclave" : "tpm"; }

bool LooksLikeDocument(ByteView bytes) {
  if (!bytes.empty() && bytes.front() == 0xD2) bytes = bytes.subspan(1);
  // An array of 4, and in it a byte string of 4: a map of alg, which is a negative number of one byte.
  static constexpr auto kBegin = std::to_array<std::uint8_t>({0x84, 0x44, 0xA1, 0x01, 0x38});
  return bytes.size() > kBegin.size() && Equal(bytes.first(kBegin.size()), kBegin);
}

std::string_view InstanceOf(std::string_view module_id, Kind kind) {
  const std::string_view suffix = SuffixOf(kind);
  if (module_id.size() < suffix.size() + kModuleDigits) return {};
  const std::string_view instance = module_id.substr(0, module_id.size() - suffix.size() - kModuleDigits);
  const bool sound = instance.starts_with("i-") && IsHex(instance.substr(2)) &&
                     module_id.substr(instance.size(), suffix.size()) == suffix &&
                     IsHex(module_id.substr(module_id.size() - kModuleDigits));
  return sound ? instance : std::string_view();
}

std::optional<DocumentHint> HintIn(ByteView bytes) {
  const auto message = cose::ParseSign1(bytes, kDocumentComponent, kMaxDocumentSize);
  if (!message) return std::nullopt;
  const auto payload = ParsePayload(message->payload);
  if (!payload) return std::nullopt;
  auto members = Reading(*payload).Run();
  if (!members) return std::nullopt;
  return DocumentHint{members->kind, std::move(members->module_id)};
}

std::optional<trust::Parsed<Document>> DocumentParser::Parse(const trust::UntrustedBytes& item, CheckLog& log) {
  Outcome<cose::Sign1> message = cose::ParseSign1(item.Read().TakeRest(), kDocumentComponent, kMaxDocumentSize);
  if (!log.Require(Check::kNitroCose, message) || !message) return std::nullopt;
  if (!log.Require(Check::kNitroAlgorithm, message->algorithm == cose::kEs384 && message->signature.size() == kSignatureSize, [&] {
        return Finding{.reason = Reason::kAlgorithmUnsupported,
                       .component = std::string(kDocumentComponent),
                       .claim = "alg",
                       .expected = Cat("ES384 (-35), ", kSignatureSize, " bytes"),
                       .actual = Cat(message->algorithm, ", ", message->signature.size(), " bytes"),
                       .spec = std::string(kSpec)};
      })) {
    return std::nullopt;
  }
  const auto payload = ParsePayload(message->payload);
  if (!log.Require(Check::kNitroCose, payload) || !payload) return std::nullopt;
  Outcome<Members> members = Reading(*payload).Run();
  if (!log.Require(Check::kNitroMembers, members) || !members) return std::nullopt;
  Members read = std::move(members).value();
  read.signed_bytes = cose::SigStructure(message->protected_header, message->payload);
  read.signature = std::move(message).value().signature;
  Document document;
  document.members_ = std::make_shared<const Members>(std::move(read));
  return trust::Parsed<Document>(trust::ParserPass<Document>(), std::move(document));
}

ByteView Document::Find(std::uint32_t pcr) const {
  const auto found = std::find_if(pcrs().begin(), pcrs().end(), [pcr](const Pcr& one) { return one.index == pcr; });
  return found == pcrs().end() ? ByteView() : ByteView(found->value);
}

bool Document::debug() const {
  return std::all_of(pcrs().begin(), pcrs().end(), [](const Pcr& pcr) { return pcr.index > 2 || AllZero(pcr.value); });
}

trust::EcdsaSigned Document::Signed() const {
  const ByteView signature(members_->signature);
  const std::size_t half = signature.size() / 2;
  return {crypto::HashAlgorithm::kSha384, members_->signed_bytes, ToBytes(signature.first(half)), ToBytes(signature.subspan(half))};
}

void Document::WriteClaims(trust::ClaimWriter& claims) const {
  claims.Add(kDebugClaim, debug());
  claims.Add("nitro.digest", std::string(kDigest));
  claims.Add("nitro.instance_id", std::string(InstanceOf(module_id(), kind())));
  claims.Add(kKindClaim, std::string(NameOf(kind())));
  claims.Add("nitro.module_id", module_id());
  if (members_->nonce) claims.Add("nitro.nonce", *members_->nonce);
  if (members_->public_key) claims.Add("nitro.public_key", *members_->public_key);
  claims.Add("nitro.region", region_);
  claims.Add("nitro.timestamp", Time(std::chrono::duration_cast<Duration>(std::chrono::milliseconds(members_->timestamp_ms))));
  claims.Add("nitro.timestamp_ms", members_->timestamp_ms);
  if (members_->user_data) claims.Add("nitro.user_data", *members_->user_data);
  for (const Pcr& pcr : pcrs()) claims.Add(PcrClaim(kind(), pcr.index), pcr.value);
}

trust::Description Document::Describe() const {
  trust::Description description("Nitro attestation document", std::string(kind() == Kind::kEnclave ? "of an enclave" : "of a NitroTPM"));
  description.Add("module", Printable(module_id(), kMaxModuleId));
  description.Add("timestamp", FormatTime(Time(std::chrono::duration_cast<Duration>(std::chrono::milliseconds(members_->timestamp_ms)))));
  description.Add("debug", debug() ? "yes: PCRs 0 to 2 are zero" : "no");
  const auto octets = [&](const char* name, const std::optional<Bytes>& value) {
    description.Add(name, value ? ToHexBounded(*value) : "none");
  };
  octets("nonce", members_->nonce);
  octets("user data", members_->user_data);
  octets("public key", members_->public_key);
  for (const Pcr& pcr : pcrs()) description.Add(Cat("PCR ", pcr.index), ToHex(pcr.value));
  const auto certificate = [&](const Bytes& der) {
    const auto decoded = crypto::Certificate::FromDer(der);
    if (decoded) {
      description.Add(trust::DescribeCertificate(*decoded));
      return;
    }
    description.Add("defect", assay::Describe(decoded.findings().front()));
    description.set_malformed();
  };
  certificate(members_->certificate);
  for (auto issuer = members_->cabundle.rbegin(); issuer != members_->cabundle.rend(); ++issuer) certificate(*issuer);
  return description;
}

}  // namespace assay::nitro
