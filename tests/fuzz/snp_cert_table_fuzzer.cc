// Certificate tables: any bytes are refused with one finding, or read as values that lie inside, apart from each other
// and behind the rows; the rows can be written again from what was read.
#include <algorithm>

#include "base/bug.h"
#include "base/hex.h"
#include "evidence/sev_snp/cert_table.h"
#include "evidence/sev_snp/format.h"
#include "evidence/sev_snp/unpack.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/fuzz/snp_seeds.h"
#include "tests/softtee/cert_table.h"
#include "trust/collateral.h"

namespace assay {
namespace {

using sev_snp::CertTableEntry;
using softtee::Fault;

void AppendU32Le(Bytes& to, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) to.push_back(static_cast<std::uint8_t>(value >> shift));
}

Bytes RowsOf(const std::vector<CertTableEntry>& entries) {
  Bytes rows;
  for (const CertTableEntry& entry : entries) {
    std::string digits = entry.guid;
    std::erase(digits, '-');
    Append(rows, FromHex(digits).value());
    AppendU32Le(rows, entry.offset);
    AppendU32Le(rows, entry.length);
  }
  rows.resize(rows.size() + 24, 0);
  return rows;
}

void CheckEntries(const std::vector<CertTableEntry>& entries, ByteView table) {
  const Bytes rows = RowsOf(entries);
  ASSAY_CHECK(rows.size() <= table.size() && Equal(rows, table.first(rows.size())));
  std::vector<bool> taken(table.size(), false);
  for (const CertTableEntry& entry : entries) {
    ASSAY_CHECK(!entry.value.empty() && entry.value.size() == entry.length && entry.offset >= rows.size());
    ASSAY_CHECK(Equal(entry.value, table.subspan(entry.offset, entry.length)));
    for (std::size_t i = entry.offset; i < entry.offset + entry.value.size(); ++i) {
      ASSAY_CHECK(!taken[i]);
      taken[i] = true;
    }
  }
}

// The same rows and values, laid out by the software TEE, read the same.
void CheckRewritten(const std::vector<CertTableEntry>& entries) {
  softtee::CertTable table;
  for (const CertTableEntry& entry : entries) table.rows.push_back({entry.guid, ToBytes(entry.value)});
  const Bytes written = table.Serialize();
  if (written.size() > sev_snp::kMaxCertTableSize) return;  // values that the rows had not left room for
  const auto again = sev_snp::ReadCertTable(written);
  ASSAY_CHECK(again.ok() && again->size() == entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    ASSAY_CHECK((*again)[i].guid == entries[i].guid && (*again)[i].name == entries[i].name);
    ASSAY_CHECK(Equal((*again)[i].value, entries[i].value));
  }
}

void CheckUnpacked(const trust::UntrustedBytes& bytes) {
  const auto unpack = [&] { return sev_snp::Unpack(sev_snp::Container::kCertTable, bytes, trust::CollateralSource::kNode, nullptr); };
  const auto items = unpack();
  if (!items) return;
  for (const trust::CollateralItem& item : *items) {
    ASSAY_CHECK(item.body.Sha256() == item.sha256 && item.source == trust::CollateralSource::kNode);
    ASSAY_CHECK(item.certificate.has_value() != item.revocation_list.has_value());
    ASSAY_CHECK((item.certificate ? item.certificate->sha256() : item.revocation_list->sha256()) == item.sha256);
  }
  std::vector<trust::CollateralItem> reversed = unpack().value();
  std::reverse(reversed.begin(), reversed.end());
  ASSAY_CHECK(trust::CollateralSnapshot(*items).Digest() == trust::CollateralSnapshot(std::move(reversed)).Digest());
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() {
  std::vector<Bytes> tables = BodiesOf(SoundSnp(), softtee::kCertTableType);
  for (Bytes& table : BodiesOf(FaultySnp(Fault::kTableOverlap, Fault::kTableCutOff), softtee::kCertTableType)) {
    tables.push_back(std::move(table));
  }
  // Small ones, in which a mutation is likely to meet a row.
  using softtee::CertTable;
  tables.push_back(CertTable{}.Serialize());
  tables.push_back(CertTable{{{softtee::guid::kVcek, {0x30}}, {softtee::guid::kCrl, {0x30, 0}}}}.Serialize());
  return tables;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView table(data, size);
  const trust::UntrustedBytes bytes(ToBytes(table));
  const auto description = sev_snp::kFormat.describe(bytes);
  const auto entries = sev_snp::ReadCertTable(table);
  if (!entries) {
    ASSAY_CHECK(entries.findings().size() == 1 && entries.findings().front().component == "sev-cert-table");
    ASSAY_CHECK(sev_snp::LooksLike(table) != sev_snp::Container::kCertTable);
    const auto refused = sev_snp::Unpack(sev_snp::Container::kCertTable, bytes, trust::CollateralSource::kNode, nullptr);
    ASSAY_CHECK(!refused && Describe(refused.findings().front()) == Describe(entries.findings().front()));
    return 0;
  }
  CheckEntries(*entries, table);
  CheckRewritten(*entries);
  CheckUnpacked(bytes);
  return 0;
}

}  // namespace assay
