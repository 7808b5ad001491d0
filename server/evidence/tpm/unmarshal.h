// tss2-mu, and what it leaves open: it accepts bytes behind a structure and fills structures in part when it fails.
#pragma once

#include <tss2/tss2_mu.h>

#include <optional>

#include "base/bytes.h"
#include "base/reader.h"

namespace assay::tpm {

// The structure that the bytes begin with, and how many of them it is; nullopt: they don't.
template <typename Structure>
struct Unmarshalled {
  Structure structure;
  std::size_t size;
};
template <auto Unmarshal, typename Structure>
std::optional<Unmarshalled<Structure>> UnmarshalPrefix(ByteView bytes) {
  Unmarshalled<Structure> result{};
  if (bytes.empty() || Unmarshal(bytes.data(), bytes.size(), &result.size, &result.structure) != TSS2_RC_SUCCESS ||
      result.size > bytes.size()) {
    return std::nullopt;
  }
  return result;
}

// The structure that the bytes are, all of them.
template <auto Unmarshal, typename Structure>
std::optional<Structure> UnmarshalAll(ByteView bytes) {
  const auto result = UnmarshalPrefix<Unmarshal, Structure>(bytes);
  if (!result || result->size != bytes.size()) return std::nullopt;
  return result->structure;
}

// Whether the list of selections that `reader` stands at is one that the library can hold. Asked to read another, it writes to the process's
// standard error: nothing that a node sends may do that.
inline bool HoldsSelections(Reader reader) {
  const auto count = reader.U32Be();
  if (!count || *count > TPM2_NUM_PCR_BANKS) return false;
  for (std::uint32_t i = 0; i < *count; ++i) {
    if (!reader.Skip(2)) return false;
    const auto size = reader.U8();
    if (!size || *size > TPM2_PCR_SELECT_MAX || !reader.Skip(*size)) return false;
  }
  return true;
}

inline ByteView ViewOf(const TPM2B_DIGEST& field) { return ByteView(field.buffer).first(field.size); }
inline ByteView ViewOf(const TPM2B_DATA& field) { return ByteView(field.buffer).first(field.size); }
inline ByteView ViewOf(const TPM2B_NAME& field) { return ByteView(field.name).first(field.size); }
inline ByteView ViewOf(const TPM2B_PUBLIC_KEY_RSA& field) { return ByteView(field.buffer).first(field.size); }
inline ByteView ViewOf(const TPM2B_ECC_PARAMETER& field) { return ByteView(field.buffer).first(field.size); }

}  // namespace assay::tpm
