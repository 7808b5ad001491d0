#include "evidence/tpm/creation_data.h"

#include <string>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/tpm/algorithms.h"
#include "evidence/tpm/unmarshal.h"

namespace assay::tpm {
namespace {

Finding Defect(Reason reason, std::string_view component, std::string claim, std::string expected, std::string actual) {
  return {.reason = reason,
          .component = std::string(component),
          .claim = std::move(claim),
          .expected = std::move(expected),
          .actual = std::move(actual)};
}

Finding NotOfThatObject(const Creation& creation, const PublicArea& area) {
  return Defect(Reason::kCreationMismatch, kCreationComponent, "objectName", Cat(ToHex(area.name()), ", the Name of the public area"),
                ToHexBounded(creation.object_name()));
}

}  // namespace

std::optional<trust::Parsed<CreationData>> CreationDataParser::Parse(ByteView bytes, CheckLog& log) {
  std::optional<TPMS_CREATION_DATA> read;
  if (HoldsSelections(Reader(bytes))) read = UnmarshalAll<&Tss2_MU_TPMS_CREATION_DATA_Unmarshal, TPMS_CREATION_DATA>(bytes);
  if (!log.Require(Check::kTpmStructure, read.has_value(),
                   [&] {
                     return Defect(Reason::kTpmStructureMalformed, kCreationDataComponent, "TPMS_CREATION_DATA",
                                   "exactly one marshalled structure", Cat(bytes.size(), " bytes that are none"));
                   }) ||
      !read) {
    return std::nullopt;
  }
  CreationData data;
  data.raw_ = ToBytes(bytes);
  data.parent_name_ = ToBytes(ViewOf(read->parentName));
  data.parent_qualified_name_ = ToBytes(ViewOf(read->parentQualifiedName));
  data.outside_info_ = ToBytes(ViewOf(read->outsideInfo));
  return trust::Parsed<CreationData>(trust::ParserPass<CreationData>(), std::move(data));
}

trust::Description CreationData::Describe() const {
  trust::Description description("TPM creation data");
  description.Add("parent", ToHex(parent_name_));
  description.Add("parent's qualified name", ToHex(parent_qualified_name_));
  description.Add("outside info", outside_info_.empty() ? "none" : ToHex(outside_info_));
  return description;
}

std::optional<trust::Authenticated<CreationData>> CreationDataAuthenticator::Authenticate(trust::Parsed<CreationData> parsed,
                                                                                          const trust::Authenticated<Creation>& creation,
                                                                                          const PublicArea& area, CheckLog& log) {
  if (!log.Require(Check::kTpmCreationName, EqualConstantTime(creation->object_name(), area.name()),
                   [&] { return NotOfThatObject(creation.value(), area); })) {
    return std::nullopt;
  }
  const CreationData& data = parsed.Unverified(trust::UnverifiedAccess<CreationData>());
  // Part 3, TPM2_Create: creationHash is by the object's nameAlg, which PublicArea only has if this build can compute it.
  const Bytes digest = crypto::Digest(*HashOf(area.name_algorithm()), data.raw_);
  const Finding mismatch =
      Defect(Reason::kCreationMismatch, kCreationDataComponent, "creationHash", Cat(ToHex(creation->creation_hash()), ", as attested"),
             Cat(ToHex(digest), ", ", ShowAlgorithm(area.name_algorithm()), " of the data sent"));
  return trust::Authenticated<CreationData>::ByCommitment(std::move(parsed), creation, creation->creation_hash(), digest,
                                                          Check::kTpmCreationHash, mismatch, log);
}

std::optional<VouchedAk> VouchByCreation(PublicArea area, const trust::Authenticated<Creation>& creation, CheckLog& log) {
  auto key = trust::VerifiedKey::FromCommitment(area.key(), creation, creation->object_name(), area.name(), kAkComponent,
                                                Check::kTpmCreationName, NotOfThatObject(creation.value(), area), log);
  if (!key) return std::nullopt;
  auto ak = VouchByCommitment(*std::move(key), std::move(area), true, log);
  if (!ak) return std::nullopt;
  ak->certified = creation->ak().certified;  // what vouches for the signer vouches, through it, for the key
  ak->windows = creation->ak().windows;
  return ak;
}

}  // namespace assay::tpm
