#include "evidence/dcap/judge.h"

#include <algorithm>
#include <string>

#include "base/hex.h"
#include "base/layout.h"
#include "base/strings.h"
#include "evidence/dcap/attributes.h"
#include "evidence/dcap/claims.h"
#include "evidence/dcap/quote.h"

namespace assay::dcap {
namespace {

constexpr std::size_t kFieldSize = 8;

std::string HexOf(std::uint64_t number) {
  Bytes octets;
  for (unsigned shift = 0; shift < 64; shift += 8) octets.push_back(static_cast<std::uint8_t>(number >> shift));
  return ToHex(octets);
}

// Of the claim's eight bytes from `offset` on: every bit is in `known`, and every bit of `fixed` is set.
void RequireBits(const trust::AuthenticatedClaims& claims, std::string_view name, std::size_t offset, std::uint64_t known,
                 std::uint64_t fixed, Check check, CheckLog& log) {
  const Bytes* octets = claims.Get<Bytes>(name);
  const bool present = octets != nullptr && octets->size() >= offset + kFieldSize;
  const std::uint64_t value = present ? LittleEndianOf(*octets, {name, offset, kFieldSize}) : 0;
  log.Require(check, present && (value & ~known) == 0 && (value & fixed) == fixed, [&] {
    return Finding{.reason = Reason::kUnknownBits,
                   .component = std::string(kQuoteComponent),
                   .claim = std::string(name),
                   .expected = Cat("no bit outside ", HexOf(known), fixed == 0 ? "" : Cat(", all of ", HexOf(fixed))),
                   .actual = present ? HexOf(value) : "absent"};
  });
}

void RequireZero(const trust::AuthenticatedClaims& claims, std::string_view name, std::string_view component, Check check, Reason reason,
                 CheckLog& log) {
  const Bytes* octets = claims.Get<Bytes>(name);
  log.Require(check, octets != nullptr && !octets->empty() && AllZero(*octets), [&] {
    return Finding{.reason = reason,
                   .component = std::string(component),
                   .claim = std::string(name),
                   .expected = "zero bytes",
                   .actual = octets == nullptr ? "absent" : ToHex(*octets)};
  });
}

// The quoting enclave and the TDX module: without them in production mode nothing else in the quote means anything.
void RequireProduction(const trust::AuthenticatedClaims& claims, bool tdx, CheckLog& log) {
  const bool* debug = claims.Get<bool>("dcap.qe_debug");
  log.Require(Check::kDcapQeDebug, debug != nullptr && !*debug, [&] {
    return Finding{.reason = Reason::kQuotingEnclaveDebug,
                   .component = std::string(kQeReportComponent),
                   .claim = "dcap.qe_debug",
                   .expected = "false",
                   .actual = debug == nullptr ? "absent" : "true"};
  });
  RequireZero(claims, "dcap.qe_report_data_tail", kQeReportComponent, Check::kDcapQeReportDataTail, Reason::kQuotingEnclaveReport, log);
  if (!tdx) return;
  for (const std::string_view name : {"dcap.seam_attributes", "dcap.mrsignerseam"}) {
    RequireZero(claims, name, kQuoteComponent, Check::kDcapSeam, Reason::kTdxModuleNotProduction, log);
  }
}

// No rule can name these statuses; nor do they pass where, by whatever mistake, no rule looks at them.
void RequireAcceptableStatus(const trust::AuthenticatedClaims& claims, CheckLog& log) {
  constexpr std::string_view kName = "dcap.tcb_status";
  const auto* status = claims.Get<std::string>(kName);
  if (status == nullptr) return;  // the rule on it, which every policy has, says so
  const auto table = ClaimTable();
  const auto claim = std::find_if(table.begin(), table.end(), [&](const evidence::ClaimSpec& one) { return one.name == kName; });
  const bool acceptable = std::any_of(claim->statuses.begin(), claim->statuses.end(),
                                      [&](const evidence::StatusSpec& one) { return one.name == *status && !one.never; });
  log.Require(Check::kDcapTcbAcceptable, acceptable, [&] {
    return Finding{.reason = Reason::kTcbUnacceptable,
                   .component = std::string(kQuoteComponent),
                   .claim = std::string(kName),
                   .expected = "a status that a policy can accept",
                   .actual = *status};
  });
}

}  // namespace

void Judge(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext&, CheckLog& log) {
  const auto* tee = claims.Get<std::string>("dcap.tee");
  if (tee == nullptr) return;  // no quote in this bundle
  RequireProduction(claims, *tee == NameOf(Tee::kTdx), log);
  RequireAcceptableStatus(claims, log);
  if (*tee == NameOf(Tee::kSgx)) {
    RequireBits(claims, "dcap.attributes", 0, kSgxFlagsKnown, kSgxInit, Check::kDcapAttributesKnown, log);
    RequireBits(claims, "dcap.attributes", kFieldSize, kXfrmKnown, kXfamFixedOne, Check::kDcapXfam, log);
    return;
  }
  const auto* initial = claims.Get<Bytes>("dcap.init_tee_tcb_svn");  // only of body type 4
  RequireBits(claims, "dcap.td_attributes", 0, kTdAttributesKnown | (initial == nullptr ? 0 : kTdServtdExt), 0, Check::kDcapAttributesKnown,
              log);
  RequireBits(claims, "dcap.xfam", 0, kXfamKnown, kXfamFixedOne, Check::kDcapXfam, log);
  if (initial == nullptr) return;
  const auto* attributes = claims.Get<Bytes>("dcap.td_attributes");
  const bool extended = attributes != nullptr && (LittleEndianOf(*attributes, {"TDATTRIBUTES", 0, attributes->size()}) & kTdServtdExt) != 0;
  const bool judged = claims.Get<std::string>("dcap.initial_status") != nullptr;
  log.Require(Check::kDcapInitialTcb, judged || (AllZero(*initial) && !extended), [&] {
    return Finding{.reason = Reason::kInitialTcbUnjudged,
                   .effect = Effect::kIndeterminate,
                   .component = std::string(kQuoteComponent),
                   .claim = "dcap.init_tee_tcb_svn",
                   .expected = "zero, or with SERVTD_EXT and the FMSPC of this platform a TCB that its levels know",
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
