#include "tests/softtee/snp_pki.h"
#include "tests/places/places.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <future>

#include "base/absl_bridge.h"
#include "base/bug.h"
#include "base/hex.h"
#include "base/strings.h"
#include "tests/softtee/der.h"
#include "tests/softtee/file.h"

namespace assay::softtee {
namespace {

constexpr std::string_view kKeyNames[] = {"ark_milan", "ark_genoa", "ark_turin", "ask", "asvk", "stranger"};
constexpr std::string_view kSeedFile = "leaf_seed.key";
constexpr Authority kAuthorities[] = {Authority::kArk, Authority::kAsk, Authority::kAsvk};

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string_view PrefixOf(Authority authority) {
  switch (authority) {
    case Authority::kArk: return "ark";
    case Authority::kAsk: return "ask";
    case Authority::kAsvk: return "asvk";
  }
  return {};
}

std::string FileStem(Authority authority, Product product) { return Cat(PrefixOf(authority), "_", Lower(NameOf(product))); }

// As AMD numbers them: ARK 0x10000, ASK 0x10001, ASVK 0x10101 on Milan; Genoa 0x2...., Turin 0x3.....
Bytes SerialOf(Authority authority, Product product) {
  const auto line = static_cast<std::uint8_t>(static_cast<unsigned>(product) + 1);
  switch (authority) {
    case Authority::kArk: return {line, 0x00, 0x00};
    case Authority::kAsk: return {line, 0x00, 0x01};
    case Authority::kAsvk: return {line, 0x01, 0x01};
  }
  return {};
}

// AMD's authorities live 25 years; a fixed date keeps a stored PKI valid for as long as it is kept.
constexpr Time kAuthoritiesBegin = std::chrono::sys_days(std::chrono::year(2020) / 10 / 22);
constexpr Time kAuthoritiesEnd = std::chrono::sys_days(std::chrono::year(2045) / 10 / 22);

Extension Number(std::string_view suffix, std::uint8_t value) { return {.oid = AmdOid(suffix), .value = der::Integer(value)}; }

// structVersion, productName and the TCB, in the order in which AMD writes them.
std::vector<Extension> LeafExtensions(Product product, std::string_view product_name, const Tcb& tcb) {
  const bool turin = product == Product::kTurin;
  std::vector<Extension> list{Number("1", turin ? 1 : 0), {.oid = AmdOid("2"), .value = der::Ia5String(product_name)}};
  if (turin) {
    list.push_back(Number("3.9", tcb.fmc));
    list.push_back(Number("3.1", tcb.boot_loader));
    list.push_back(Number("3.2", tcb.tee));
    list.push_back(Number("3.3", tcb.snp));
    for (const std::string_view reserved : {"3.5", "3.6", "3.7"}) list.push_back(Number(reserved, 0));
  } else {
    list.push_back(Number("3.1", tcb.boot_loader));
    list.push_back(Number("3.2", tcb.tee));
    for (const std::string_view reserved : {"3.4", "3.5", "3.6", "3.7"}) list.push_back(Number(reserved, 0));
    list.push_back(Number("3.3", tcb.snp));
  }
  list.push_back(Number("3.8", tcb.microcode));
  return list;
}

Certificate DescribeLeaf(Authority issuer, Product product, std::string_view common_name, const Key& key, Time now, int years) {
  const Time begin = now - std::chrono::days(30);
  return {.issuer = AmdName(CommonNameOf(issuer, product)),
          .subject = AmdName(common_name),
          .not_before = begin,
          .not_after = begin + std::chrono::days(365 * years + years / 4),
          .subject_public_key_info = key.SubjectPublicKeyInfo()};
}

Key LeafKey(ByteView seed, std::string_view kind, Product product, ByteView identity, const Tcb& tcb) {
  Bytes input = ToBytes(seed);
  Append(input, AsBytes(Cat(kind, " ", NameOf(product), " ")));
  Append(input, Encode(product, tcb));
  Append(input, identity);
  return Key::Derive(input);
}

}  // namespace

Bytes AmdName(std::string_view common_name, std::string_view organization) {
  const auto attribute = [](std::string_view oid, const Bytes& value) { return der::Set({der::Sequence({der::Oid(oid), value})}); };
  return der::Sequence({attribute("2.5.4.11", der::Utf8String("Engineering")), attribute("2.5.4.6", der::PrintableString("US")),
                        attribute("2.5.4.7", der::Utf8String("Santa Clara")), attribute("2.5.4.8", der::Utf8String("CA")),
                        attribute("2.5.4.10", der::Utf8String(organization)), attribute("2.5.4.3", der::Utf8String(common_name))});
}

std::string CommonNameOf(Authority authority, Product product) {
  switch (authority) {
    case Authority::kArk: return Cat("ARK-", NameOf(product));
    case Authority::kAsk: return Cat("SEV-", NameOf(product));
    case Authority::kAsvk: return Cat("SEV-VLEK-", NameOf(product));
  }
  return {};
}

std::string AmdOid(std::string_view suffix) { return Cat("1.3.6.1.4.1.3704.1.", suffix); }

const Key& SnpPki::KeyOf(Authority authority, Product product) const {
  return keys_.at(authority == Authority::kArk ? FileStem(authority, product) : std::string(PrefixOf(authority)));
}

Certificate SnpPki::DescribeAuthority(Authority authority, Product product, const Key& key, const Key& ark_key) {
  const bool root = authority == Authority::kArk;
  Certificate certificate{.serial = SerialOf(authority, product),
                          .issuer = AmdName(CommonNameOf(Authority::kArk, product)),
                          .subject = AmdName(CommonNameOf(authority, product)),
                          .not_before = kAuthoritiesBegin,
                          .not_after = kAuthoritiesEnd,
                          .subject_public_key_info = key.SubjectPublicKeyInfo(),
                          .explicit_trailer = true};
  const Extension crl = extension::CrlDistributionPoint(
      Cat("https://kdsintf.amd.com/", authority == Authority::kAsvk ? "vlek" : "vcek", "/v1/", NameOf(product), "/crl"));
  if (root) {
    certificate.extensions = {extension::AmdKeyUsage(kKeyCertSign | kCrlSign), extension::SubjectKeyIdentifier(key),
                              extension::BasicConstraints(true, std::nullopt), crl};
  } else {
    certificate.extensions = {extension::SubjectKeyIdentifier(key), extension::AuthorityKeyIdentifier(ark_key.Identifier()),
                              extension::BasicConstraints(true, 0), extension::AmdKeyUsage(kKeyCertSign), crl};
  }
  return certificate;
}

void SnpPki::MintAuthorities() {
  for (const Product product : kProducts) {
    const Key& ark = KeyOf(Authority::kArk, product);
    for (const Authority authority : kAuthorities) {
      certificates_[{authority, product}] = DescribeAuthority(authority, product, KeyOf(authority, product), ark).SignedBy(ark);
    }
  }
}

SnpPki SnpPki::Generate(unsigned rsa_bits) {
  SnpPki pki;
  std::map<std::string, std::future<Key>> pending;
  for (const std::string_view name : kKeyNames) {
    pending.emplace(name, std::async(std::launch::async, [rsa_bits] { return Key::GenerateRsa(rsa_bits); }));
  }
  for (auto& [name, key] : pending) pki.keys_.emplace(name, key.get());
  pki.seed_ = RandomBytes(32);
  pki.MintAuthorities();
  return pki;
}

absl::StatusOr<SnpPki> SnpPki::Open(const std::filesystem::path& directory, unsigned rsa_bits) {
  const absl::StatusOr<DirectoryLock> lock = DirectoryLock::Take(directory);
  if (!lock.ok()) return lock.status();
  // The seed is written last: with it the directory is whole, and a file that is missing then was lost, not never made.
  const bool whole = std::filesystem::exists(directory / kSeedFile);
  SnpPki pki = whole ? SnpPki() : Generate(rsa_bits);
  const absl::Status status = whole ? pki.Load(directory) : pki.Save(directory);
  if (!status.ok()) return status;
  return pki;
}

absl::Status SnpPki::Load(const std::filesystem::path& directory) {
  for (const std::string_view name : kKeyNames) {
    const auto pem = ReadFile(directory / Cat(name, ".key"));
    if (!pem.ok()) return pem.status();
    auto key = Key::FromPem(AsText(*pem));
    if (!key.ok()) return absl::InvalidArgumentError(ToAbsl(Cat((directory / Cat(name, ".key")).string(), ": ", MessageOf(key.status()))));
    keys_.emplace(name, *std::move(key));
  }
  for (const Product product : kProducts) {
    for (const Authority authority : kAuthorities) {
      auto der = ReadFile(directory / Cat(FileStem(authority, product), ".der"));
      if (!der.ok()) return der.status();
      certificates_[{authority, product}] = *std::move(der);
    }
  }
  auto seed = ReadFile(directory / kSeedFile);
  if (!seed.ok()) return seed.status();
  seed_ = *std::move(seed);
  return absl::OkStatus();
}

absl::Status SnpPki::Save(const std::filesystem::path& directory) const {
  for (const auto& [name, key] : keys_) {
    const absl::Status status = WriteFile(directory / Cat(name, ".key"), AsBytes(key.ToPem()), kPrivateFile);
    if (!status.ok()) return status;
  }
  for (const auto& [which, der] : certificates_) {
    const absl::Status status = WriteFile(directory / Cat(FileStem(which.first, which.second), ".der"), der, kPublicFile);
    if (!status.ok()) return status;
  }
  const absl::Status status = KeepAnchors(directory, "amd", Anchors());
  if (!status.ok()) return status;
  return WriteFile(directory / kSeedFile, seed_, kPrivateFile);
}

const SnpPki& SnpPki::Shared() {
  static const SnpPki pki = [] {
    auto opened = Open(test::SoftteePkiDir());
    if (!opened.ok()) {
      std::fprintf(stderr, "software TEE: %s\n", std::string(MessageOf(opened.status())).c_str());
      std::abort();
    }
    return *std::move(opened);
  }();
  return pki;
}

std::vector<Anchor> SnpPki::Anchors() const {
  std::vector<Anchor> anchors;
  for (const Product product : kProducts) anchors.push_back({"amd", NameOf(product), AnchorOf(product)});
  return anchors;
}

Key SnpPki::VcekKey(Product product, const ByteArray<64>& chip_id, const Tcb& tcb) const {
  return LeafKey(seed_, "vcek", product, chip_id, tcb);
}
Key SnpPki::VlekKey(Product product, std::string_view csp_id, const Tcb& tcb) const {
  return LeafKey(seed_, "vlek", product, AsBytes(csp_id), tcb);
}

Certificate SnpPki::DescribeVcek(Product product, const ByteArray<64>& chip_id, const Tcb& tcb, const Key& vcek, Time now) {
  Certificate leaf = DescribeLeaf(Authority::kAsk, product, "SEV-VCEK", vcek, now, 7);
  // AMD writes a stepping on Milan, and nothing behind the line elsewhere.
  leaf.extensions = LeafExtensions(product, product == Product::kMilan ? "Milan-B0" : NameOf(product), tcb);
  // The hardware id stands there raw, without a DER tag: 64 bytes, on Turin 8.
  leaf.extensions.push_back({.oid = AmdOid("4"), .value = ToBytes(ByteView(chip_id).first(product == Product::kTurin ? 8 : 64))});
  return leaf;
}

Certificate SnpPki::DescribeVlek(Product product, std::string_view csp_id, const Tcb& tcb, const Key& vlek, Time now) {
  Certificate leaf = DescribeLeaf(Authority::kAsvk, product, "SEV-VLEK", vlek, now, 1);
  leaf.extensions = LeafExtensions(product, NameOf(product), tcb);
  leaf.extensions.push_back({.oid = AmdOid("5"), .value = der::Ia5String(csp_id)});
  return leaf;
}

Bytes SnpPki::MintVcek(Product product, const ByteArray<64>& chip_id, const Tcb& tcb, Time now) const {
  return DescribeVcek(product, chip_id, tcb, VcekKey(product, chip_id, tcb), now).SignedBy(KeyOf(Authority::kAsk, product));
}
Bytes SnpPki::MintVlek(Product product, std::string_view csp_id, const Tcb& tcb, Time now) const {
  return DescribeVlek(product, csp_id, tcb, VlekKey(product, csp_id, tcb), now).SignedBy(KeyOf(Authority::kAsvk, product));
}

RevocationList SnpPki::DescribeCrl(Product product, Time now) const {
  return {.issuer = AmdName(CommonNameOf(Authority::kArk, product)),
          .this_update = now - std::chrono::days(1),
          .next_update = now + std::chrono::days(365),
          .authority_key_identifier = KeyOf(Authority::kArk, product).Identifier(),
          .number = 1};
}
Bytes SnpPki::MintCrl(Product product, Time now) const { return DescribeCrl(product, now).SignedBy(KeyOf(Authority::kArk, product)); }

}  // namespace assay::softtee
