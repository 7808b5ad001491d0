#include "evidence/ovmf_table.h"

#include <algorithm>
#include <utility>

#include "base/guid.h"
#include "base/strings.h"

namespace assay::evidence {
namespace {

// 96b582de-1fb2-45f7-baea-a366c55a082d
constexpr OvmfTable::Guid kFooter = {0xDE, 0x82, 0xB5, 0x96, 0xB2, 0x1F, 0xF7, 0x45, 0xBA, 0xEA, 0xA3, 0x66, 0xC5, 0x5A, 0x08, 0x2D};
constexpr std::size_t kGuidSize = sizeof(OvmfTable::Guid);
constexpr std::size_t kBehindTable = 32;          // the reset vector's code
constexpr std::size_t kEntryEnd = 2 + kGuidSize;  // length and GUID
constexpr std::size_t kMaxEntries = 64;

std::size_t LengthBefore(ByteView entries) {
  const ByteView raw = entries.last(kEntryEnd).first(2);
  return std::size_t{raw[0]} | std::size_t{raw[1]} << 8;
}

}  // namespace

Outcome<OvmfTable> OvmfTable::Find(ByteView image, const FirmwareKind& kind) {
  if (image.size() < kBehindTable + kEntryEnd) {
    return kind.Refuse(kind.not_of_kind, "GUID table", Cat("an image of at least ", kBehindTable + kEntryEnd, " bytes"),
                       Cat(image.size(), " bytes"));
  }
  const ByteView before_end = image.first(image.size() - kBehindTable);
  const ByteView footer = before_end.last(kGuidSize);
  if (!Equal(footer, kFooter)) {
    return kind.Refuse(kind.not_of_kind, Cat("GUID of the table, ", kBehindTable, " bytes before the end"), UefiGuidText(kFooter),
                       UefiGuidText(footer));
  }
  const std::size_t table_size = LengthBefore(before_end);
  if (table_size < kEntryEnd || table_size > before_end.size()) {
    return kind.Refuse(Reason::kFirmwareMalformed, "GUID table", Cat("a length of ", kEntryEnd, " to ", before_end.size(), " bytes"),
                       Cat(table_size, " bytes"));
  }
  OvmfTable table(kind);
  ByteView rest = before_end.last(table_size).first(table_size - kEntryEnd);
  while (!rest.empty()) {
    if (table.entries_.size() == kMaxEntries) {
      return kind.Refuse(Reason::kSizeOverLimit, "GUID table", Cat("at most ", kMaxEntries, " entries"), "more");
    }
    if (rest.size() < kEntryEnd) {
      return kind.Refuse(Reason::kFirmwareMalformed, "GUID table", "whole entries", Cat(rest.size(), " bytes before the first one"));
    }
    const std::size_t size = LengthBefore(rest);
    if (size < kEntryEnd || size > rest.size()) {
      return kind.Refuse(Reason::kFirmwareMalformed, Cat("GUID table entry ", UefiGuidText(rest.last(kGuidSize))),
                         Cat("a length of ", kEntryEnd, " to ", rest.size(), " bytes"), Cat(size, " bytes"));
    }
    const ByteView entry = rest.last(size);
    rest = rest.first(rest.size() - size);
    Guid guid{};
    std::copy_n(entry.last(kGuidSize).begin(), kGuidSize, guid.begin());
    if (!table.entries_.emplace(guid, entry.first(size - kEntryEnd)).second) {
      return kind.Refuse(Reason::kFirmwareMalformed, Cat("GUID table entry ", UefiGuidText(guid)), "one entry", "two");
    }
  }
  return table;
}

Outcome<std::optional<ByteView>> OvmfTable::Entry(const Guid& guid, std::string_view name, std::size_t size) const {
  const auto found = entries_.find(guid);
  if (found == entries_.end()) return std::optional<ByteView>();
  if (found->second.size() != size) {
    return kind_->Refuse(Reason::kFirmwareMalformed, std::string(name), Cat(size, " bytes"), Cat(found->second.size(), " bytes"));
  }
  return std::optional(found->second);
}

Outcome<ByteView> OvmfTable::RequiredEntry(const Guid& guid, std::string_view name, std::size_t size) const {
  auto entry = Entry(guid, name, size);
  if (!entry) return std::move(entry).findings();
  if (!*entry) {
    return kind_->Refuse(kind_->not_of_kind, "GUID table", Cat("an entry ", UefiGuidText(guid), ", the ", name),
                         Cat("none among ", entries_.size(), " entries"));
  }
  return **entry;
}

}  // namespace assay::evidence
