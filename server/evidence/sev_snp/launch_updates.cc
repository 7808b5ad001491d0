#include "evidence/sev_snp/launch_updates.h"

#include <algorithm>
#include <array>

#include "base/layout.h"

namespace assay::sev_snp {
namespace {

// PAGE_INFO
constexpr std::size_t kPageInfoSize = 0x70;
constexpr auto kPageInfo = std::to_array<Field>({
    {"DIGEST_CUR", 0x00, 48},
    {"CONTENTS", 0x30, 48},
    {"LENGTH", 0x60, 2},
    {"PAGE_TYPE", 0x62, 1},
    {"IMI_PAGE", 0x63, 1},
    {"VMPL3_PERMS", 0x64, 1},
    {"VMPL2_PERMS", 0x65, 1},
    {"VMPL1_PERMS", 0x66, 1},
    {"RESERVED", 0x67, 1, FieldUse::kReservedZero},
    {"GPA", 0x68, 8},
});
static_assert(IsContiguous(kPageInfo, kPageInfoSize));

consteval Field P(std::string_view name) { return FieldNamed(kPageInfo, name); }

void Put(std::span<std::uint8_t> info, const Field& field, std::uint64_t value) {
  for (std::size_t i = 0; i < field.size; ++i) info[field.offset + i] = static_cast<std::uint8_t>(value >> 8 * i);
}
void Put(std::span<std::uint8_t> info, const Field& field, ByteView value) {
  std::copy_n(value.begin(), field.size, info.begin() + static_cast<std::ptrdiff_t>(field.offset));
}

}  // namespace

void LaunchUpdates::Add(PageType type, std::uint64_t address, const crypto::Sha384Digest& content) {
  ByteArray<kPageInfoSize> info{};
  Put(info, P("DIGEST_CUR"), digest_);
  Put(info, P("CONTENTS"), content);
  Put(info, P("LENGTH"), kPageInfoSize);
  Put(info, P("PAGE_TYPE"), static_cast<std::uint64_t>(type));
  Put(info, P("GPA"), address);
  digest_ = crypto::Sha384(info);
}

}  // namespace assay::sev_snp
