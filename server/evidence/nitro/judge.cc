#include "evidence/nitro/judge.h"

#include <string>

#include "base/strings.h"
#include "evidence/nitro/claims.h"

namespace assay::nitro {

// GHSA-xrv8-2pf5-f3q7: a unified kernel image takes its command line from whoever starts it, and PCR 4 stays the same; what it was given
// shows in PCR 12 alone. That one without the other says nothing of the image.
void Judge(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext& context, CheckLog& log) {
  if (claims.Find(kTpmPcr4Claim) == nullptr && claims.Find(kTpmPcr12Claim) == nullptr) return;
  const bool image = context.Pins(kTpmPcr4Claim) || context.Releases(kTpmPcr4Claim);
  const bool command_line = context.Pins(kTpmPcr12Claim) || context.Releases(kTpmPcr12Claim);
  if (!image && !command_line) return;
  log.Require(Check::kNitroBootPcrs, image == command_line, [&] {
    return Finding{
        .reason = Reason::kBootPcrsOpen,
        .effect = Effect::kIndeterminate,
        .component = std::string(kDocumentComponent),
        .claim = std::string(image ? kTpmPcr12Claim : kTpmPcr4Claim),
        .expected = "a rule beside that on the other",
        .actual = "none",
        .spec = "GHSA-xrv8-2pf5-f3q7",
        .remedy = Cat("Appraise ", kTpmPcr4Claim, " and ", kTpmPcr12Claim, " both, by equals, one_of or in every tuple of a release.")};
  });
}

}  // namespace assay::nitro
