// AMD products as far as SEV-SNP reports tell them apart, and the layout of TCB_VERSION in each.
// Sources: AMD 57230 (KDS), 56860 table of TCB_VERSION; models by CPUID as AMD's KDS groups them into product lines.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "trust/claims.h"

namespace assay::sev_snp {

// A KDS product line: it has its own ARK. Bergamo and Siena are of Genoa's line.
enum class Product : std::uint8_t { kMilan, kGenoa, kTurin };
std::string_view NameOf(Product product);  // "Milan"
std::optional<Product> ProductNamed(std::string_view line);

// CPUID Fn0000_0001_EAX, combined family and model, stepping; signed in reports of version 3 and later.
struct CpuId {
  std::uint8_t family;
  std::uint8_t model;
  std::uint8_t stepping;
  std::string Key() const;  // "19:01:1": the key of policies' TCB floors
};
// nullopt: a product whose TCB layout and root are not known. Never a guess.
std::optional<Product> ProductOf(const CpuId& cpu);

using RawTcb = ByteArray<8>;  // TCB_VERSION in memory order

// Milan and Genoa: boot_loader, tee, 4 reserved, snp, microcode. Turin: fmc, boot_loader, tee, snp, 3 reserved, microcode.
trust::ComponentVersion DecodeTcb(Product product, const RawTcb& raw);
bool TcbReservedIsZero(Product product, const RawTcb& raw);

}  // namespace assay::sev_snp
