#include "tests/softtee/nitro_evidence.h"
#include "tests/places/places.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "base/absl_bridge.h"
#include "base/bug.h"
#include "base/strings.h"
#include "tests/softtee/der.h"
#include "tests/softtee/file.h"

namespace assay::softtee {
namespace {

using std::chrono::days, std::chrono::hours, std::chrono::seconds;

constexpr std::string_view kSeedFile = "nitro_seed.key";

// C, O, OU, CN, as in AWS's own certificates.
Bytes AwsName(std::string_view common_name) {
  const auto part = [](std::string_view oid, const Bytes& value) { return der::Set({der::Sequence({der::Oid(oid), value})}); };
  return der::Sequence({part("2.5.4.6", der::PrintableString("US")), part("2.5.4.10", der::Utf8String("Amazon")),
                        part("2.5.4.11", der::Utf8String("AWS")), part("2.5.4.3", der::Utf8String(common_name))});
}

Extension LeafUsage() {
  Extension usage = extension::KeyUsage(kDigitalSignature | 0x4000);  // and nonRepudiation
  usage.critical = false;
  return usage;
}

Certificate Describe(std::string_view subject, std::string_view issuer, const Key& key, Time from, Time to,
                     std::vector<Extension> extensions) {
  return {.serial = {0x53, 0x17},
          .issuer = AwsName(issuer),
          .subject = AwsName(subject),
          .not_before = from,
          .not_after = to,
          .subject_public_key_info = key.SubjectPublicKeyInfo(),
          .extensions = std::move(extensions),
          .style = SignatureStyle::kEcdsaSha384};
}

std::map<unsigned, Bytes> Ramps(unsigned count) {
  std::map<unsigned, Bytes> pcrs;
  for (unsigned i = 0; i < count; ++i) {
    Bytes& value = pcrs[i];
    for (unsigned k = 0; k < 48; ++k) value.push_back(static_cast<std::uint8_t>(16 * i + k));
  }
  return pcrs;
}

}  // namespace

namespace cbor {

Bytes Head(unsigned major, std::uint64_t argument) {
  const auto initial = static_cast<std::uint8_t>(major << 5);
  if (argument < 24) return {static_cast<std::uint8_t>(initial | argument)};
  const unsigned size = argument <= 0xFF ? 0 : argument <= 0xFFFF ? 1 : argument <= 0xFFFFFFFF ? 2 : 3;
  Bytes head{static_cast<std::uint8_t>(initial | (24 + size))};
  for (unsigned shift = 8U << size; shift > 0; shift -= 8) head.push_back(static_cast<std::uint8_t>(argument >> (shift - 8)));
  return head;
}
Bytes Number(std::uint64_t value) { return Head(0, value); }
Bytes Text(std::string_view text) {
  Bytes out = Head(3, text.size());
  Append(out, AsBytes(text));
  return out;
}
Bytes String(ByteView bytes) {
  Bytes out = Head(2, bytes.size());
  Append(out, bytes);
  return out;
}
Bytes Null() { return {0xF6}; }
Bytes Array(const std::vector<Bytes>& elements) {
  Bytes out = Head(4, elements.size());
  for (const Bytes& element : elements) Append(out, element);
  return out;
}
Bytes Map(const Members& members, bool indefinite) {
  Bytes out = indefinite ? Bytes{0xBF} : Head(5, members.size());
  for (const auto& [key, value] : members) {
    Append(out, key);
    Append(out, value);
  }
  if (indefinite) out.push_back(0xFF);
  return out;
}

}  // namespace cbor

NitroPki NitroPki::Generate() {
  NitroPki pki;
  pki.seed_ = RandomBytes(32);
  pki.Derive();
  return pki;
}

void NitroPki::Derive() {
  for (const std::string_view role : {"root", "regional", "zonal", "instance", "module", "stranger"}) {
    Bytes seed = seed_;
    Append(seed, AsBytes(role));
    keys_.insert_or_assign(std::string(role), Key::Derive(seed));
  }
}

absl::StatusOr<NitroPki> NitroPki::Open(const std::filesystem::path& directory) {
  const absl::StatusOr<DirectoryLock> lock = DirectoryLock::Take(directory);
  if (!lock.ok()) return lock.status();
  NitroPki pki = Generate();
  if (std::filesystem::exists(directory / kSeedFile)) {
    auto seed = ReadFile(directory / kSeedFile);
    if (!seed.ok()) return seed.status();
    pki.seed_ = *std::move(seed);
    pki.Derive();
  } else if (const absl::Status status = WriteFile(directory / kSeedFile, pki.seed_, kPrivateFile); !status.ok()) {
    return status;
  }
  if (const absl::Status status = KeepAnchors(directory, "aws", pki.Anchors()); !status.ok()) return status;
  return pki;
}

const NitroPki& NitroPki::Shared() {
  static const NitroPki pki = [] {
    auto opened = Open(test::SoftteePkiDir());
    if (!opened.ok()) {
      std::fprintf(stderr, "software TEE: %s\n", std::string(MessageOf(opened.status())).c_str());
      std::abort();
    }
    return *std::move(opened);
  }();
  return pki;
}

const Key& NitroPki::KeyOf(std::string_view role) const {
  const auto found = keys_.find(role);
  ASSAY_CHECK(found != keys_.end());
  return found->second;
}

Evidence MintNitro(const NitroPki& pki, const NitroOptions& options) {
  const Time now = options.now;
  NitroParts parts{.pki = pki,
                   .tpm = options.tpm,
                   .module_id = options.instance_id + (options.tpm ? "-tpm0000000000000000" : "-enc0123456789abcdef"),
                   .timestamp_ms = static_cast<std::uint64_t>(now.time_since_epoch().count()) * 1000 + 437,
                   .pcrs = options.pcrs.empty() ? Ramps(options.tpm ? 24 : 16) : options.pcrs,
                   .public_key = options.public_key,
                   .user_data = options.user_data,
                   .nonce = options.nonce.empty() ? std::nullopt : std::optional(options.nonce),
                   .path = {},
                   .document_key = pki.KeyOf("module")};
  parts.indefinite = options.indefinite;
  const std::string region = parts.region;
  const std::string root = "aws.nitro-enclaves", regional = Cat("733655d6d68f7bdf.", region, ".", root),
                    zonal = Cat("74d947fb1bac401d.zonal.", region, ".", root), instance = Cat(options.instance_id, ".", region, ".", root);
  const std::uint16_t signing = kDigitalSignature | kKeyCertSign | kCrlSign;
  parts.path = {
      {Describe(Cat(parts.module_id, ".", region, ".aws"), instance, pki.KeyOf("module"), now - seconds(3), now + hours(3),
                {extension::BasicConstraints(false, {}), LeafUsage()}),
       pki.KeyOf("instance")},
      {Describe(instance, zonal, pki.KeyOf("instance"), now - hours(1), now + hours(23),
                {extension::BasicConstraints(true, 0), extension::KeyUsage(kKeyCertSign)}),
       pki.KeyOf("zonal")},
      {Describe(zonal, regional, pki.KeyOf("zonal"), now - days(2), now + days(3),
                {extension::BasicConstraints(true, 1), extension::KeyUsage(signing)}),
       pki.KeyOf("regional")},
      {Describe(regional, root, pki.KeyOf("regional"), now - days(5), now + days(15),
                {extension::BasicConstraints(true, 2), extension::KeyUsage(signing)}),
       pki.KeyOf("root")},
      {Describe(root, root, pki.KeyOf("root"), now - days(2000), now + days(8000),
                {extension::BasicConstraints(true, {}), extension::KeyUsage(signing)}),
       pki.KeyOf("root")},
  };
  if (options.fault) Apply(*options.fault, parts);
  if (options.change) options.change(parts);

  Bytes leaf = parts.path.front().certificate.SignedBy(parts.path.front().issuer);
  if (parts.leaf) parts.leaf(leaf);
  std::vector<Bytes> cabundle;
  for (std::size_t i = parts.path.size() - 1; i > 0; --i) cabundle.push_back(parts.path[i].certificate.SignedBy(parts.path[i].issuer));
  if (parts.cabundle) parts.cabundle(cabundle);
  std::vector<Bytes> bundle;
  for (const Bytes& der : cabundle) bundle.push_back(cbor::String(der));
  cbor::Members registers;
  for (const auto& [index, value] : parts.pcrs) registers.emplace_back(cbor::Number(index), cbor::String(value));
  const auto chosen = [](const std::optional<Bytes>& value) { return value ? cbor::String(*value) : cbor::Null(); };
  cbor::Members members = {
      {cbor::Text("module_id"), cbor::Text(parts.module_id)},
      {cbor::Text("digest"), cbor::Text("SHA384")},
      {cbor::Text("timestamp"), cbor::Number(parts.timestamp_ms)},
      {cbor::Text(parts.tpm ? "nitrotpm_pcrs" : "pcrs"), cbor::Map(registers)},
      {cbor::Text("certificate"), cbor::String(leaf)},
      {cbor::Text("cabundle"), cbor::Array(bundle)},
      {cbor::Text("public_key"), chosen(parts.public_key)},
      {cbor::Text("user_data"), chosen(parts.user_data)},
      {cbor::Text("nonce"), chosen(parts.nonce)},
  };
  if (parts.members) parts.members(members);
  Bytes payload = cbor::Map(members, parts.indefinite);
  if (parts.payload) parts.payload(payload);

  const Bytes structure =
      cbor::Array({cbor::Text("Signature1"), cbor::String(parts.protected_header), cbor::String({}), cbor::String(payload)});
  const EcdsaSignature rs = parts.document_key.SignP384Sha384(structure);
  Bytes signature = ToBytes(rs.r);
  Append(signature, rs.s);
  if (parts.signature) parts.signature(signature);
  if (parts.signed_payload) parts.signed_payload(payload);
  std::vector<Bytes> message = {cbor::String(parts.protected_header), parts.unprotected_header, cbor::String(payload),
                                cbor::String(signature)};
  if (parts.message) parts.message(message);
  Bytes document = cbor::Array(message);
  if (parts.document) parts.document(document);
  Evidence evidence;
  evidence.items.push_back({std::string(kNitroDocumentType), std::move(document)});
  return evidence;
}

}  // namespace assay::softtee
