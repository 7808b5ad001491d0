#include "tests/softtee/snp_report.h"

#include <algorithm>
#include <span>

#include "base/bug.h"

namespace assay::softtee {
namespace {

// Writes from front to back; a field's offset follows from what was written before it.
class Writer {
 public:
  void U8(std::uint8_t value) { bytes_.push_back(value); }
  void U32(std::uint32_t value) { Little(value, 4); }
  void U64(std::uint64_t value) { Little(value, 8); }
  void Raw(ByteView bytes) { Append(bytes_, bytes); }
  void Zero(std::size_t count) { bytes_.resize(bytes_.size() + count, 0); }
  void Version(const FirmwareVersion& version) {
    U8(version.build);
    U8(version.minor);
    U8(version.major);
    Zero(1);
  }
  // A writer's own ruler: the specification's offset of what comes next.
  void At(std::size_t offset) const { ASSAY_CHECK(bytes_.size() == offset); }
  Bytes Take() { return std::move(bytes_); }

 private:
  void Little(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  Bytes bytes_;
};

void WriteLittleEndian(std::span<std::uint8_t> slot, ByteView big_endian) {
  std::fill(slot.begin(), slot.end(), std::uint8_t{0});
  std::reverse_copy(big_endian.begin(), big_endian.end(), slot.begin());
}

}  // namespace

std::string_view NameOf(Product product) {
  switch (product) {
    case Product::kMilan: return "Milan";
    case Product::kGenoa: return "Genoa";
    case Product::kTurin: return "Turin";
  }
  return {};
}

std::optional<Product> ProductNamed(std::string_view name) {
  if (name == "milan" || name == "Milan") return Product::kMilan;
  if (name == "genoa" || name == "Genoa") return Product::kGenoa;
  if (name == "turin" || name == "Turin") return Product::kTurin;
  return std::nullopt;
}

ByteArray<8> Encode(Product product, const Tcb& tcb) {
  if (product == Product::kTurin) return {tcb.fmc, tcb.boot_loader, tcb.tee, tcb.snp, 0, 0, 0, tcb.microcode};
  return {tcb.boot_loader, tcb.tee, 0, 0, 0, 0, tcb.snp, tcb.microcode};
}

Bytes SnpReport::Serialize() const {
  Writer out;
  out.U32(version);
  out.U32(guest_svn);
  out.U64(policy);
  out.Raw(family_id);
  out.Raw(image_id);
  out.At(0x030);
  out.U32(vmpl);
  out.U32(signature_algo);
  out.Raw(current_tcb);
  out.U64(platform_info);
  out.U32(signer_info);
  out.Zero(4);
  out.At(0x050);
  out.Raw(report_data);
  out.Raw(measurement);
  out.Raw(host_data);
  out.Raw(id_key_digest);
  out.Raw(author_key_digest);
  out.At(0x140);
  out.Raw(report_id);
  out.Raw(report_id_ma);
  out.Raw(reported_tcb);
  out.At(0x188);
  if (version >= 3) {
    out.U8(cpuid_family);
    out.U8(cpuid_model);
    out.U8(cpuid_stepping);
    out.Zero(21);
  } else {
    out.Zero(24);
  }
  out.At(0x1A0);
  out.Raw(chip_id);
  out.Raw(committed_tcb);
  out.Version(current_version);
  out.Version(committed_version);
  out.Raw(launch_tcb);
  out.At(0x1F8);
  if (version >= 5) {
    out.U64(launch_mit_vector);
    out.U64(current_mit_vector);
    out.Zero(152);
  } else {
    out.Zero(168);
  }
  out.At(kSignedSize);
  out.Zero(512);
  Bytes report = out.Take();
  for (const Patch& patch : patches) report.at(patch.offset) = patch.value;
  return report;
}

Bytes SnpReport::Sign(const Key& p384_key) const {
  Bytes report = Serialize();
  WriteSignature(report, p384_key.SignP384Sha384(ByteView(report).first(kSignedSize)));
  return report;
}

void WriteSignature(Bytes& report, const EcdsaSignature& signature) {
  ASSAY_CHECK(report.size() == kReportSize);
  WriteLittleEndian(std::span(report).subspan(kSignatureR, kSignatureSlot), signature.r);
  WriteLittleEndian(std::span(report).subspan(kSignatureS, kSignatureSlot), signature.s);
}

void NegateS(Bytes& report) {
  ASSAY_CHECK(report.size() == kReportSize);
  const ByteArray<48> order = OrderOfP384();
  int borrow = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::uint8_t& digit = report[kSignatureS + i];
    const int difference = order[order.size() - 1 - i] - digit - borrow;
    borrow = difference < 0 ? 1 : 0;
    digit = static_cast<std::uint8_t>(difference & 0xFF);
  }
}

}  // namespace assay::softtee
