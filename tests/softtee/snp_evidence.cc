#include "tests/softtee/snp_evidence.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "tests/softtee/snp_parts.h"

namespace assay::softtee {
namespace {

ByteArray<64> ChipIdOf(const SnpOptions& options) {
  ByteArray<64> chip_id = options.chip_id.value_or(kDefaultChipId);
  // On Turin the id is 8 bytes long; the rest of the field is zero.
  if (options.product == Product::kTurin) std::fill(chip_id.begin() + 8, chip_id.end(), std::uint8_t{0});
  return chip_id;
}

template <std::size_t N>
ByteArray<N> Fixed(ByteView bytes) {
  ByteArray<N> out{};
  std::copy_n(bytes.begin(), std::min(N, bytes.size()), out.begin());
  return out;
}

SnpReport DescribeReport(const SnpOptions& options, const Tcb& tcb) {
  const bool vlek = options.signing_key == SigningKey::kVlek;
  const FirmwareVersion firmware{.build = 49, .minor = 55, .major = 1};
  SnpReport report;
  report.version = options.version;
  report.guest_svn = kDefaultGuestSvn;
  report.family_id = Fixed<16>(AsBytes(kDefaultFamilyId));
  report.image_id = Fixed<16>(AsBytes(kDefaultImageId));
  report.vmpl = options.vmpl;
  // SMT_EN and ECC_EN; firmware with version 3 also reports ALIAS_CHECK_COMPLETE, Turin IOMMU_WRITE_SAFE.
  report.platform_info = options.version < 3 ? 0x05 : options.product == Product::kTurin ? 0x65 : 0x25;
  report.signer_info = static_cast<std::uint32_t>(options.signing_key) << 2;
  report.report_data = options.report_data;
  report.measurement = options.measurement;
  report.host_data = options.host_data;
  report.id_key_digest = options.id_key_digest;
  const ByteArray<64> chip_id = ChipIdOf(options);
  report.report_id = options.report_id.value_or(Fixed<32>(Sha256(AsBytes(Cat("assay-softtee REPORT_ID ", AsText(chip_id))))));
  report.report_id_ma.fill(0xFF);
  SetTcb(report, options.product, tcb);
  SetCpuid(report, options.product);
  if (!vlek || options.chip_id) report.chip_id = chip_id;
  report.current_version = firmware;
  report.committed_version = firmware;
  report.launch_mit_vector = 0x0B;
  report.current_mit_vector = 0x0B;
  return report;
}

SnpParts Describe(const SnpPki& pki, const SnpOptions& options) {
  const Product product = options.product;
  const Tcb tcb = options.tcb.value_or(DefaultTcb(product));
  const bool vlek = options.signing_key == SigningKey::kVlek;
  const Authority issuer = vlek ? Authority::kAsvk : Authority::kAsk;
  const Key key = vlek ? pki.VlekKey(product, options.csp_id, tcb) : pki.VcekKey(product, ChipIdOf(options), tcb);
  return {.pki = pki,
          .options = options,
          .tcb = tcb,
          .issuer = issuer,
          .report = DescribeReport(options, tcb),
          .report_key = key,
          .leaf = vlek ? SnpPki::DescribeVlek(product, options.csp_id, tcb, key, options.now)
                       : SnpPki::DescribeVcek(product, ChipIdOf(options), tcb, key, options.now),
          .leaf_issuer = pki.KeyOf(issuer, product),
          .intermediate = pki.CertificateOf(issuer, product),
          .root = pki.CertificateOf(Authority::kArk, product),
          .crl = pki.DescribeCrl(product, options.now),
          .crl_issuer = pki.KeyOf(Authority::kArk, product),
          .with_crl = options.with_crl};
}

Evidence Assemble(const SnpParts& parts) {
  Bytes report = parts.report.Sign(parts.report_key);
  if (parts.after_signing) parts.after_signing(report);
  const Bytes leaf = parts.leaf_instead.value_or(parts.leaf.SignedBy(parts.leaf_issuer));
  const Bytes crl = !parts.with_crl ? Bytes{} : parts.crl_instead.value_or(parts.crl.SignedBy(parts.crl_issuer));

  struct Part {
    std::string_view name;
    std::string_view guid;
    std::string_view media_type;
    std::string_view pem_label;
    const Bytes& der;
  };
  const bool vlek = parts.Vlek();
  const Part all[] = {{vlek ? "vlek" : "vcek", vlek ? guid::kVlek : guid::kVcek, kCertificateType, "CERTIFICATE", leaf},
                      {vlek ? "asvk" : "ask", guid::kAsk, kCertificateType, "CERTIFICATE", parts.intermediate},
                      {"ark", guid::kArk, kCertificateType, "CERTIFICATE", parts.root},
                      {"crl", guid::kCrl, kCrlType, "X509 CRL", crl}};
  const bool in_table = parts.options.delivery == SnpOptions::Delivery::kTable;
  Evidence evidence;
  evidence.items.push_back({std::string(kReportType), std::move(report)});
  CertTable table;
  for (const Part& part : all) {
    if (part.der.empty()) continue;
    evidence.endorsements.push_back({std::string(part.name), part.der});
    if (!in_table) {
      evidence.items.push_back({std::string(part.media_type), part.der});
    } else if (parts.options.pem_in_table) {
      table.rows.push_back({part.guid, ToBytes(AsBytes(ToPem(part.pem_label, part.der)))});
    } else {
      table.rows.push_back({part.guid, part.der});
    }
  }
  if (in_table) evidence.items.push_back({std::string(kCertTableType), table.Serialize(parts.table)});
  return evidence;
}

}  // namespace

const Bytes* Evidence::Find(std::string_view media_type) const {
  for (const Item& item : items) {
    if (item.media_type == media_type) return &item.body;
  }
  return nullptr;
}

Tcb DefaultTcb(Product product) {
  switch (product) {
    case Product::kMilan: return {.boot_loader = 0x04, .tee = 0x00, .snp = 0x1B, .microcode = 0xDB};
    case Product::kGenoa: return {.boot_loader = 0x0A, .tee = 0x00, .snp = 0x1B, .microcode = 0x58};
    case Product::kTurin: return {.fmc = 0x01, .boot_loader = 0x01, .tee = 0x01, .snp = 0x04, .microcode = 0x51};
  }
  return {};
}

void SetCpuid(SnpReport& report, Product product) {
  report.cpuid_family = product == Product::kTurin ? 0x1A : 0x19;
  report.cpuid_model = product == Product::kMilan ? 0x01 : product == Product::kGenoa ? 0x11 : 0x02;
  report.cpuid_stepping = 0x01;
}

void SetTcb(SnpReport& report, Product product, const Tcb& tcb) {
  report.current_tcb = report.reported_tcb = report.committed_tcb = report.launch_tcb = Encode(product, tcb);
}

absl::StatusOr<Evidence> MintSnp(const SnpPki& pki, const SnpOptions& options) {
  if (options.version < 2 || options.version > 5) return absl::InvalidArgumentError("the report version must be 2, 3, 4 or 5");
  if (options.product == Product::kTurin && options.version < 3) {
    return absl::InvalidArgumentError("there is no report of version 2 on Turin");
  }
  SnpParts parts = Describe(pki, options);
  if (options.fault) {
    const absl::Status applied = Apply(*options.fault, parts);
    if (!applied.ok()) return applied;
  }
  return Assemble(parts);
}

}  // namespace assay::softtee
