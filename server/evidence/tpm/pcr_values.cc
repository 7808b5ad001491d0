#include "evidence/tpm/pcr_values.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/hex.h"
#include "base/reader.h"
#include "base/strings.h"
#include "evidence/tpm/algorithms.h"
#include "evidence/tpm/selection.h"
#include "evidence/tpm/unmarshal.h"

namespace assay::tpm {
namespace {

Finding Defect(Reason reason, std::string claim, std::string expected, std::string actual) {
  return {.reason = reason,
          .component = std::string(kPcrsComponent),
          .claim = std::move(claim),
          .expected = std::move(expected),
          .actual = std::move(actual)};
}

std::optional<Unmarshalled<TPML_PCR_SELECTION>> ListIn(ByteView bytes) {
  if (!HoldsSelections(Reader(bytes))) return std::nullopt;
  return UnmarshalPrefix<&Tss2_MU_TPML_PCR_SELECTION_Unmarshal, TPML_PCR_SELECTION>(bytes);
}

std::size_t SizeOf(std::span<const PcrSelection> selection) {
  std::size_t size = 0;
  for (const PcrSelection& bank : selection) {
    const auto hash = HashOf(bank.bank);
    size += hash ? bank.pcrs.size() * crypto::DigestSize(*hash) : 0;
  }
  return size;
}

}  // namespace

bool LooksLikePcrValues(ByteView bytes) {
  const auto list = ListIn(bytes);
  if (!list || bytes.size() > kMaxItemSize) return false;
  CheckLog unused;
  const auto selection = ReadSelection(list->structure, kPcrsComponent, unused);
  return selection && bytes.size() == list->size + SizeOf(*selection);
}

std::optional<trust::Parsed<PcrValues>> PcrValuesParser::Parse(const trust::UntrustedBytes& item, CheckLog& log) {
  PcrValues read;
  read.raw_ = std::make_shared<const Bytes>(ToBytes(item.Read().TakeRest()));
  const auto list = ListIn(*read.raw_);
  const auto malformed = [&](std::string expected) {
    return Defect(Reason::kTpmStructureMalformed, "TPML_PCR_SELECTION", std::move(expected), Cat(item.size(), " bytes"));
  };
  if (!log.Require(Check::kTpmStructure, list && item.size() <= kMaxItemSize,
                   [&] { return malformed(Cat("a marshalled list, in at most ", kMaxItemSize, " bytes")); }) ||
      !list) {
    return std::nullopt;
  }
  std::optional<std::vector<PcrSelection>> selection = ReadSelection(list->structure, kPcrsComponent, log);
  if (!selection) return std::nullopt;
  const std::size_t digests = SizeOf(*selection);
  if (!log.Require(Check::kTpmPcrList, item.size() == list->size + digests,
                   [&] { return malformed(Cat("the list, ", list->size, " bytes, and ", digests, " bytes of digests behind it")); })) {
    return std::nullopt;
  }
  read.digests_ = ByteView(*read.raw_).subspan(list->size);
  Reader reader(read.digests_);
  for (const PcrSelection& bank : *selection) {
    const std::size_t size = crypto::DigestSize(HashOf(bank.bank).value_or(crypto::HashAlgorithm::kSha256));
    for (const std::uint32_t index : bank.pcrs) {
      const auto value = reader.Take(size);
      if (!value) return std::nullopt;  // reached only with the check of the length switched off
      read.values_.push_back({bank.bank, index, *value});
    }
  }
  read.selection_ = *std::move(selection);
  return trust::Parsed<PcrValues>(trust::ParserPass<PcrValues>(), std::move(read));
}

ByteView PcrValues::Find(std::uint16_t bank, std::uint32_t index) const {
  const auto found =
      std::find_if(values_.begin(), values_.end(), [&](const PcrValue& one) { return one.bank == bank && one.index == index; });
  return found == values_.end() ? ByteView() : found->value;
}

trust::Description PcrValues::Describe() const {
  trust::Description description("TPM PCR values", ShowSelection(selection_));
  for (const PcrValue& one : values_) description.Add(Cat(BankName(one.bank), " PCR ", one.index), ToHex(one.value));
  return description;
}

std::optional<trust::Authenticated<PcrValues>> PcrValuesAuthenticator::Authenticate(trust::Parsed<PcrValues> parsed,
                                                                                    const trust::Authenticated<Quote>& quote,
                                                                                    CheckLog& log) {
  const PcrValues& values = parsed.Unverified(trust::UnverifiedAccess<PcrValues>());
  if (!log.Require(Check::kTpmPcrSelection, values.selection() == quote->selection(), [&] {
        return Defect(Reason::kPcrSelectionDiffers, "pcrSelect", Cat(ShowSelection(quote->selection()), ", as quoted"),
                      ShowSelection(values.selection()));
      })) {
    return std::nullopt;
  }
  // Part 3, TPM2_Quote: the hash is that of the signature, not that of the banks.
  const Bytes digest = crypto::Digest(quote->signature_hash(), values.digests_);
  const Finding mismatch = Defect(Reason::kPcrDigestMismatch, "pcrDigest", Cat(ToHex(quote->pcr_digest()), ", as quoted"),
                                  Cat(ToHex(digest), ", ", crypto::NameOf(quote->signature_hash()), " of the values sent"));
  return trust::Authenticated<PcrValues>::ByCommitment(std::move(parsed), quote, quote->pcr_digest(), digest, Check::kTpmPcrDigest,
                                                       mismatch, log);
}

}  // namespace assay::tpm
