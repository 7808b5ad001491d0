#include "tests/unit/collateral/world.h"

#include "base/hex.h"
#include "base/strings.h"
#include "tests/softtee/snp_evidence.h"

namespace assay::collateral {

trust::CollateralKey VcekKey(unsigned chip, std::string_view line) {
  const softtee::Product product = line == "Turin"   ? softtee::Product::kTurin
                                   : line == "Genoa" ? softtee::Product::kGenoa
                                                     : softtee::Product::kMilan;
  Bytes id(line == "Turin" ? 8 : 64, 0x5A);
  id[0] = static_cast<std::uint8_t>(chip >> 8);
  id[1] = static_cast<std::uint8_t>(chip);
  return {"amd.vcek", std::string(line), Cat(ToHex(id), "/", ToHex(softtee::Encode(product, softtee::DefaultTcb(product))))};
}

std::vector<trust::CollateralKey> SnpKeys(unsigned chip) {
  return {{"amd.ark", "Milan", ""}, {"amd.ask", "Milan", ""}, {"amd.crl", "Milan", ""}, VcekKey(chip)};
}

std::vector<trust::CollateralKey> TdxKeys() {
  return {{"intel.pck_crl", "platform", ""},
          {"intel.qe_identity", "TD_QE", ""},
          {"intel.root_crl", "", ""},
          {"intel.tcb_info", "TDX", "00806f050000"},
          {"intel.tcb_signing", "", ""}};
}

}  // namespace assay::collateral
