#include "evidence/sev_snp/cert_table.h"

#include <algorithm>

#include "base/guid.h"
#include "base/reader.h"
#include "base/strings.h"

namespace assay::sev_snp {
namespace {

constexpr std::string_view kComponent = "sev-cert-table";
constexpr std::size_t kGuidSize = 16, kEntrySize = kGuidSize + 4 + 4;

constexpr std::pair<std::string_view, std::string_view> kGuids[] = {
    {"63da758d-e664-4564-adc5-f4b93be8accd", "VCEK"},
    {"a8074bc2-a25a-483e-aae6-39c045a0b8a1", "VLEK"},
    {"4ab7b379-bbac-4fe4-a02f-05aef327c782", "ASK"},  // also ASVK
    {"c0b406a4-a803-4952-9743-3fb6014cd0ae", "ARK"},
    {"92f81bc3-5811-4d3d-97ff-d19f88dc67ea", "CRL"},
    {"ecae0c0f-9502-43b1-afa2-0ae2e0d565b6", "ExtraPlatformInfo"},
};

std::string_view NameOfGuid(std::string_view guid) {
  for (const auto& [known, name] : kGuids) {
    if (known == guid) return name;
  }
  return "unknown";
}

Finding Malformed(std::string where, std::string expected, std::string actual) {
  return {.reason = Reason::kCertTableMalformed,
          .component = std::string(kComponent),
          .claim = std::move(where),
          .expected = std::move(expected),
          .actual = std::move(actual),
          .spec = "AMD 56421 section 4.1.8.1"};
}

}  // namespace

Outcome<std::vector<CertTableEntry>> ReadCertTable(ByteView table) {
  if (table.size() > kMaxCertTableSize) {
    return Finding{.reason = Reason::kSizeOverLimit,
                   .component = std::string(kComponent),
                   .claim = "length",
                   .expected = Cat("at most ", kMaxCertTableSize, " bytes"),
                   .actual = Cat(table.size(), " bytes")};
  }
  // The end first: most of what is no table, and it is anything that a node sends, has none, and costs no more than the search.
  std::size_t count = 0;
  Reader ahead(table);
  for (;; ++count) {
    const auto entry = ahead.Take(kEntrySize);
    if (!entry) return Malformed("entries", "24 zero bytes behind the last entry", Cat("the table ends after ", table.size(), " bytes"));
    if (AllZero(*entry)) break;
    if (count == kMaxCertTableEntries) return Malformed("entries", Cat("at most ", kMaxCertTableEntries, ", then 24 zero bytes"), "more");
  }

  std::vector<CertTableEntry> entries;
  entries.reserve(count);
  Reader reader(table);
  while (entries.size() < count) {
    std::string text = GuidText(*reader.Take(kGuidSize));
    const std::string_view name = NameOfGuid(text);
    const auto offset = *reader.U32Le(), length = *reader.U32Le();
    entries.push_back({std::move(text), name, offset, length, {}});
  }

  const std::uint64_t data_start = ahead.position();
  std::vector<const CertTableEntry*> by_offset;
  for (CertTableEntry& entry : entries) {
    const std::string where = Cat("entry ", entry.guid);
    const std::uint64_t end = std::uint64_t{entry.offset} + entry.length;  // 64 bits: the sum of two u32 must not wrap
    if (entry.length == 0) return Malformed(where, "a value", "length 0");
    if (entry.offset < data_start) return Malformed(where, Cat("an offset of at least ", data_start), Cat("offset ", entry.offset));
    if (end > table.size()) {
      return Malformed(where, Cat("an end at most at ", table.size()), Cat("offset ", entry.offset, " and length ", entry.length));
    }
    entry.value = table.subspan(entry.offset, entry.length);
    const auto repeats = [&](const CertTableEntry& other) { return &other != &entry && other.guid == entry.guid; };
    if (std::any_of(entries.begin(), entries.end(), repeats)) return Malformed(where, "each GUID once", "twice");
    by_offset.push_back(&entry);
  }
  std::sort(by_offset.begin(), by_offset.end(), [](const CertTableEntry* a, const CertTableEntry* b) { return a->offset < b->offset; });
  for (std::size_t i = 1; i < by_offset.size(); ++i) {
    if (std::uint64_t{by_offset[i - 1]->offset} + by_offset[i - 1]->length > by_offset[i]->offset) {
      return Malformed(Cat("entry ", by_offset[i]->guid), "values apart from each other", Cat("an overlap with ", by_offset[i - 1]->guid));
    }
  }
  return entries;
}

}  // namespace assay::sev_snp
