#include "evidence/sev_snp/product.h"

#include <algorithm>
#include <cstdio>
#include <span>

namespace assay::sev_snp {
namespace {

struct TcbByte {
  std::size_t index;
  std::string_view name;  // "" = reserved
};

constexpr std::array<TcbByte, 8> kMilanGenoaTcb = {
    {{0, "boot_loader"}, {1, "tee"}, {2, ""}, {3, ""}, {4, ""}, {5, ""}, {6, "snp"}, {7, "microcode"}}};
constexpr std::array<TcbByte, 8> kTurinTcb = {
    {{0, "fmc"}, {1, "boot_loader"}, {2, "tee"}, {3, "snp"}, {4, ""}, {5, ""}, {6, ""}, {7, "microcode"}}};

const std::array<TcbByte, 8>& TcbLayoutOf(Product product) { return product == Product::kTurin ? kTurinTcb : kMilanGenoaTcb; }

struct ModelRange {
  std::uint8_t family;
  std::uint8_t first;
  std::uint8_t last;
  Product product;
};
constexpr ModelRange kModels[] = {
    {0x19, 0x00, 0x0F, Product::kMilan},
    {0x19, 0x10, 0x1F, Product::kGenoa},
    {0x19, 0xA0, 0xAF, Product::kGenoa},  // Bergamo, Siena
    {0x1A, 0x00, 0x11, Product::kTurin},
};

}  // namespace

std::string_view NameOf(Product product) {
  switch (product) {
    case Product::kMilan: return "Milan";
    case Product::kGenoa: return "Genoa";
    case Product::kTurin: return "Turin";
  }
  return "unknown";
}

std::optional<Product> ProductNamed(std::string_view line) {
  for (const Product product : {Product::kMilan, Product::kGenoa, Product::kTurin}) {
    if (NameOf(product) == line) return product;
  }
  return std::nullopt;
}

std::string CpuId::Key() const {
  char text[16];
  std::snprintf(text, sizeof text, "%02x:%02x:%x", family, model, stepping);
  return text;
}

std::optional<Product> ProductOf(const CpuId& cpu) {
  for (const ModelRange& range : kModels) {
    if (cpu.family == range.family && cpu.model >= range.first && cpu.model <= range.last) return range.product;
  }
  return std::nullopt;
}

trust::ComponentVersion DecodeTcb(Product product, const RawTcb& raw) {
  trust::ComponentVersion version;
  version.raw.assign(raw.begin(), raw.end());
  version.components.reserve(5);
  for (const TcbByte& byte : TcbLayoutOf(product)) {
    if (!byte.name.empty()) version.components.push_back({byte.name, raw[byte.index]});
  }
  return version;
}

bool TcbReservedIsZero(Product product, const RawTcb& raw) {
  const auto& layout = TcbLayoutOf(product);
  return std::all_of(layout.begin(), layout.end(), [&](const TcbByte& byte) { return !byte.name.empty() || raw[byte.index] == 0; });
}

}  // namespace assay::sev_snp
