// The certificate table that the hypervisor hands to a guest with an extended report: AMD 56421 (GHCB) section 4.1.8.1,
// also what Linux' configfs-tsm returns as auxblob.
//
//   entries of {GUID 16 bytes in RFC 4122 byte order, offset u32 LE, length u32 LE}, ended by 24 zero bytes; offsets count
//   from the start of the table.
//
// Nothing in it is signed as a whole: it is a parcel of untrusted certificates.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/outcome.h"

namespace assay::sev_snp {

inline constexpr std::size_t kMaxCertTableSize = 64 * 1024;
inline constexpr std::size_t kMaxCertTableEntries = 32;

struct CertTableEntry {
  std::string guid;       // "63da758d-e664-4564-adc5-f4b93be8accd"
  std::string_view name;  // "VCEK", "VLEK", "ASK", "ARK", "CRL", "ExtraPlatformInfo", or "unknown"
  std::uint32_t offset;
  std::uint32_t length;
  ByteView value;  // into the table
};

// Entries in table order. Refused (cert_table_malformed, size_over_limit): no terminator, an entry that begins inside the
// entries, ends outside the table, is empty, overlaps another or repeats a GUID. Unknown GUIDs are kept, as unknown.
Outcome<std::vector<CertTableEntry>> ReadCertTable(ByteView table);

}  // namespace assay::sev_snp
