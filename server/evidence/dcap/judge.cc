#include "evidence/dcap/judge.h"

#include <string>

#include "base/hex.h"
#include "base/layout.h"
#include "base/strings.h"
#include "evidence/dcap/attributes.h"
#include "evidence/dcap/quote.h"

namespace assay::dcap {
namespace {

// Every bit of the claim is in `known`, and every bit of `fixed` is set.
void RequireBits(const trust::AuthenticatedClaims& claims, std::string_view name, std::uint64_t known, std::uint64_t fixed, Check check,
                 CheckLog& log) {
  const Bytes* octets = claims.Get<Bytes>(name);
  const std::uint64_t value = octets == nullptr ? 0 : LittleEndianOf(*octets, {name, 0, octets->size()});
  log.Require(check, octets != nullptr && (value & ~known) == 0 && (value & fixed) == fixed, [&] {
    Bytes mask;
    for (unsigned shift = 0; shift < 64; shift += 8) mask.push_back(static_cast<std::uint8_t>(known >> shift));
    return Finding{.reason = Reason::kUnknownBits, .component = std::string(kQuoteComponent), .claim = std::string(name),
                   .expected = Cat("no bit outside ", ToHex(mask), fixed == 0 ? "" : ", bits 0 and 1 set"),
                   .actual = octets == nullptr ? "absent" : ToHex(*octets)};
  });
}

}  // namespace

void Judge(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext&, CheckLog& log) {
  const auto* tee = claims.Get<std::string>("dcap.tee");
  if (tee == nullptr || *tee != NameOf(Tee::kTdx)) return;
  const auto* initial = claims.Get<Bytes>("dcap.init_tee_tcb_svn");  // only of body type 4
  RequireBits(claims, "dcap.td_attributes", kTdAttributesKnown | (initial == nullptr ? 0 : kTdServtdExt), 0, Check::kDcapAttributesKnown, log);
  RequireBits(claims, "dcap.xfam", kXfamKnown, kXfamFixedOne, Check::kDcapXfam, log);
  if (initial == nullptr) return;
  const auto* attributes = claims.Get<Bytes>("dcap.td_attributes");
  const bool extended = attributes != nullptr && (LittleEndianOf(*attributes, {"TDATTRIBUTES", 0, attributes->size()}) & kTdServtdExt) != 0;
  const bool judged = claims.Get<std::string>("dcap.initial_status") != nullptr;
  log.Require(Check::kDcapInitialTcb, judged || (AllZero(*initial) && !extended), [&] {
    return Finding{.reason = Reason::kInitialTcbUnjudged, .effect = Effect::kIndeterminate, .component = std::string(kQuoteComponent),
                   .claim = "dcap.init_tee_tcb_svn", .expected = "zero, or with SERVTD_EXT and the FMSPC of this platform a TCB that its levels know",
                   .actual = ToHex(*initial)};
  });
}

evidence::Provenance ProvenanceOf(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext& context) {
  for (const std::string_view name : {"dcap.platform_instance_id", "dcap.ppid"}) {
    const Bytes* id = claims.Get<Bytes>(name);
    if (id != nullptr && !AllZero(*id) && context.Pins(name)) return evidence::Provenance::kProven;
  }
  return evidence::Provenance::kInferred;
}

}  // namespace assay::dcap
