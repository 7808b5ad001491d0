// The GUIDed table at the end of an OVMF image, by which firmware tells the hypervisor where its metadata lie. It ends 32 bytes before
// the image does and is read backwards: each entry is its data, a u16 length of the whole, and a GUID.
// Source: edk2, OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.asm.
#pragma once

#include <map>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/outcome.h"
#include "evidence/firmware_kind.h"

namespace assay::evidence {

class OvmfTable {
 public:
  using Guid = ByteArray<16>;  // as it lies in the image: the first three groups little-endian

  // Each GUID once, at most 64 of them. `not_of_kind`: there is no table; firmware_malformed, size_over_limit.
  static Outcome<OvmfTable> Find(ByteView image, const FirmwareKind& kind);

  // The data of an entry that has to have `size` bytes, a view into the image. nullopt: there is no such entry; firmware_malformed.
  Outcome<std::optional<ByteView>> Entry(const Guid& guid, std::string_view name, std::size_t size) const;
  // The same, where there must be one: otherwise `not_of_kind`.
  Outcome<ByteView> RequiredEntry(const Guid& guid, std::string_view name, std::size_t size) const;

 private:
  explicit OvmfTable(const FirmwareKind& kind) : kind_(&kind) {}
  const FirmwareKind* kind_;
  std::map<Guid, ByteView> entries_;
};

}  // namespace assay::evidence
