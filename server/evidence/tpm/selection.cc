#include "evidence/tpm/selection.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/strings.h"
#include "evidence/tpm/algorithms.h"

namespace assay::tpm {

std::string ShowSelection(std::span<const PcrSelection> selection) {
  std::string text;
  for (const PcrSelection& bank : selection) {
    text += Cat(text.empty() ? "" : "+", BankName(bank.bank), ":");
    for (std::size_t i = 0; i < bank.pcrs.size(); ++i) text += Cat(i == 0 ? "" : ",", bank.pcrs[i]);
  }
  return text.empty() ? "none" : text;
}

std::vector<PcrSelection> AllOfSha256() {
  PcrSelection all{kAlgSha256, {}};
  for (std::uint32_t i = 0; i < kPcrs; ++i) all.pcrs.push_back(i);
  return {all};
}

std::optional<std::vector<PcrSelection>> ReadSelection(const TPML_PCR_SELECTION& list, std::string_view component, CheckLog& log) {
  std::string defect;
  std::vector<PcrSelection> selection;
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(list.count, TPM2_NUM_PCR_BANKS); ++i) {
    const TPMS_PCR_SELECTION& entry = list.pcrSelections[i];
    PcrSelection bank{entry.hash, {}};
    if (!HashOf(entry.hash)) defect = Cat("a bank of ", ShowAlgorithm(entry.hash));
    if (std::any_of(selection.begin(), selection.end(), [&](const PcrSelection& one) { return one.bank == entry.hash; })) {
      defect = Cat("bank ", BankName(entry.hash), " twice");
    }
    for (std::uint32_t index = 0; index < 8U * std::min<std::uint32_t>(entry.sizeofSelect, TPM2_PCR_SELECT_MAX); ++index) {
      if ((entry.pcrSelect[index / 8] >> (index % 8) & 1) == 0) continue;
      if (index >= kPcrs) defect = Cat("PCR ", index);
      bank.pcrs.push_back(index);
    }
    selection.push_back(std::move(bank));
  }
  // A bank without registers is what a TPM makes of a bank that it does not have.
  const bool any = std::any_of(selection.begin(), selection.end(), [](const PcrSelection& bank) { return !bank.pcrs.empty(); });
  if (defect.empty() && !any) defect = "none";
  if (!log.Require(Check::kTpmSelection, defect.empty(), [&] {
        return Finding{.reason = Reason::kPcrSelectionInvalid,
                       .component = std::string(component),
                       .claim = "pcrSelect",
                       .expected = Cat("registers 0 to ", kPcrs - 1, " of banks SHA-1, SHA-256, SHA-384 or SHA-512, each bank once"),
                       .actual = defect,
                       .spec = "TPM 2.0 part 2, 10.6.2"};
      })) {
    return std::nullopt;
  }
  return selection;
}

}  // namespace assay::tpm
