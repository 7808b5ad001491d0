#include "evidence/svsm/manifest.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "base/guid.h"
#include "base/hex.h"
#include "base/strings.h"
#include "evidence/svsm/layout.h"

namespace assay::svsm {
namespace {

// GUIDs stand as UEFI has them: the first three fields little-endian.
using Guid = ByteArray<16>;
constexpr Guid kServicesGuid = {0xbb, 0x9e, 0x84, 0x63, 0x92, 0x3d, 0x70, 0x46, 0xa1, 0xff, 0x58, 0xf9, 0xc9, 0x4b, 0x87, 0xbb};

bool Malformed(std::string claim, std::string expected, std::string actual, CheckLog& log) {
  log.Fail(Check::kSvsmManifest, {.reason = Reason::kSvsmManifestMalformed,
                                  .component = std::string(kManifestComponent),
                                  .claim = std::move(claim),
                                  .expected = std::move(expected),
                                  .actual = std::move(actual)});
  return false;
}

struct Service {
  std::string guid;
  std::size_t offset, length;
};

// False, and logged: the table is not one.
bool ReadTable(ByteView bytes, std::vector<Service>& services, CheckLog& log) {
  if (bytes.size() < kHeaderSize) return Malformed("size", Cat("at least ", kHeaderSize, " bytes"), std::to_string(bytes.size()), log);
  const std::uint64_t length = LittleEndianOf(bytes, FieldNamed(kHeader, "LENGTH")),
                      count = LittleEndianOf(bytes, FieldNamed(kHeader, "SERVICES"));
  if (length != bytes.size()) return Malformed("LENGTH", std::to_string(bytes.size()), std::to_string(length), log);
  const std::size_t room = (bytes.size() - kHeaderSize) / kEntrySize;
  if (count == 0 || count > room) return Malformed("SERVICES", Cat("1 to ", room), std::to_string(count), log);
  std::size_t end = kHeaderSize + static_cast<std::size_t>(count) * kEntrySize;
  for (std::size_t i = 0; i < count; ++i) {
    const ByteView entry = bytes.subspan(kHeaderSize + i * kEntrySize, kEntrySize);
    Service service{UefiGuidText(SliceOf(entry, FieldNamed(kEntry, "GUID"))),
                    static_cast<std::size_t>(LittleEndianOf(entry, FieldNamed(kEntry, "OFFSET"))),
                    static_cast<std::size_t>(LittleEndianOf(entry, FieldNamed(kEntry, "LENGTH")))};
    const std::string where = Cat("services.", service.guid);
    if (std::any_of(services.begin(), services.end(), [&](const Service& one) { return one.guid == service.guid; })) {
      return Malformed(where, "each service once", "twice", log);
    }
    // One behind the other: bytes that two services share, or none has, would mean something else to another reader.
    if (service.offset != end) return Malformed(Cat(where, ".OFFSET"), std::to_string(end), std::to_string(service.offset), log);
    if (service.length > bytes.size() - end) {
      return Malformed(Cat(where, ".LENGTH"), Cat("at most ", bytes.size() - end), std::to_string(service.length), log);
    }
    end += service.length;
    services.push_back(std::move(service));
  }
  return end == bytes.size() || Malformed("LENGTH", Cat(end, ": the end of the last service"), std::to_string(bytes.size()), log);
}

}  // namespace

bool LooksLikeManifest(ByteView bytes) {
  return bytes.size() >= kServicesGuid.size() && Equal(bytes.first(kServicesGuid.size()), kServicesGuid);
}

crypto::Sha512Digest CommitmentTo(ByteView nonce, ByteView manifest) {
  Bytes message = ToBytes(nonce);
  Append(message, manifest);
  return crypto::Sha512(message);
}

std::optional<trust::Parsed<Manifest>> ManifestParser::Parse(const trust::UntrustedBytes& bytes, CheckLog& log) {
  if (bytes.size() == 0 || bytes.size() > kMostManifestBytes) {
    Malformed("size", Cat("1 to ", kMostManifestBytes, " bytes"), std::to_string(bytes.size()), log);
    return std::nullopt;
  }
  const ByteView all = bytes.Read().TakeRest();
  Manifest manifest;
  manifest.raw_ = ToBytes(all);
  if (!LooksLikeManifest(all)) {
    log.Pass(Check::kSvsmManifest);
    manifest.vtpm_ = manifest.raw_;
    manifest.services_ = {std::string(kVtpmGuid)};
    log.Pass(Check::kSvsmVtpm);
    return trust::Parsed<Manifest>(trust::ParserPass<Manifest>(), std::move(manifest));
  }
  std::vector<Service> services;
  if (!ReadTable(all, services, log)) return std::nullopt;
  log.Pass(Check::kSvsmManifest);
  for (const Service& service : services) {
    manifest.services_.push_back(service.guid);
    if (service.guid == kVtpmGuid) manifest.vtpm_ = ToBytes(all.subspan(service.offset, service.length));
  }
  std::sort(manifest.services_.begin(), manifest.services_.end());
  if (!log.Require(Check::kSvsmVtpm, !manifest.vtpm_.empty(), [&] {
        return Finding{.reason = Reason::kSvsmVtpmMissing,
                       .component = std::string(kManifestComponent),
                       .claim = "services",
                       .expected = std::string(kVtpmGuid),
                       .actual = Join(manifest.services_, ", ")};
      })) {
    return std::nullopt;
  }
  return trust::Parsed<Manifest>(trust::ParserPass<Manifest>(), std::move(manifest));
}

trust::Description Manifest::Describe() const {
  trust::Description description("SVSM manifest", LooksLikeManifest(raw_) ? "of all services" : "of the virtual TPM");
  for (const std::string& guid : services_) description.Add("service", guid == kVtpmGuid ? Cat(guid, " (virtual TPM)") : guid);
  description.Add("endorsement key, SHA-256", ToHex(crypto::Sha256(vtpm_)));
  return description;
}

void Manifest::WriteClaims(trust::ClaimWriter& claims) const {
  claims.Add("svsm.services", trust::Names{services_});
  claims.Add("svsm.vtpm_ek_sha256", ToBytes(crypto::Sha256(vtpm_)));
}

}  // namespace assay::svsm
