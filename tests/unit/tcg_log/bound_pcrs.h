// A TPM's log on PCR values that really are authenticated: a minted quote's REPORTDATA commits to a sheet of them. Which kind of part it is
// that contains PCRs makes no difference to the log.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bug.h"
#include "base/check_log.h"
#include "evidence/dcap/format.h"
#include "evidence/tcg_log/authenticate.h"
#include "evidence/tcg_log/format.h"
#include "tests/unit/dcap/minted_quote.h"
#include "trust/bundle.h"
#include "trust/challenge.h"

namespace assay::tcg_log::test {

using PcrValues = std::map<std::uint16_t, std::map<std::uint32_t, Bytes>>;  // of each bank, by index

class PcrSheet {
 public:
  using Parser = class SheetMaker;
  using Authenticator = class SheetMaker;
  static constexpr std::string_view kComponent = "pcr-sheet";

  explicit PcrSheet(PcrValues values) : values_(std::move(values)) {}
  Bytes Digest() const {
    Bytes all;
    for (const auto& [algorithm, pcrs] : values_) {
      for (const auto& [index, value] : pcrs) Append(all, value);
    }
    return ToBytes(crypto::Sha512(all));
  }
  std::vector<PcrBank> Banks() const {
    std::vector<PcrBank> banks;
    for (const auto& [algorithm, pcrs] : values_) {
      banks.push_back({algorithm, {}});
      for (const auto& [index, value] : pcrs) banks.back().pcrs.push_back({index, value});
    }
    return banks;
  }
  trust::LookupHints Hints() const { return {}; }
  trust::Description Describe() const { return trust::Description("pcr-sheet"); }
  void WriteClaims(trust::ClaimWriter&) const {}

 private:
  PcrValues values_;
};

class SheetMaker {
 public:
  static trust::Parsed<PcrSheet> Parse(PcrValues values) { return {trust::ParserPass<PcrSheet>(), PcrSheet(std::move(values))}; }
};

struct BoundLog {
  trust::Bundle bundle;
  trust::Authenticated<EventLog> events;
};

// nullopt: the log of checks says why.
inline std::optional<BoundLog> BindPcrs(const Bytes& event_log, const PcrValues& values, CheckLog& log) {
  auto sheet = SheetMaker::Parse(values);
  const Bytes digest = PcrSheet(values).Digest();
  dcap::test::MintOptions options;
  options.body = [&](Bytes& body) { std::copy(digest.begin(), digest.end(), body.begin() + 520); };
  const std::vector<evidence::Item> items{{std::string(dcap::kQuoteMediaType), trust::UntrustedBytes(dcap::test::Mint(options))}};
  const trust::AnchorSet anchors = dcap::test::Pki::Shared().Anchors();
  const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
  CheckLog of_the_quote;
  const auto quote =
      dcap::AuthenticateQuote(items, {.anchors = anchors, .collateral = {}, .challenge = challenge, .caches = nullptr}, of_the_quote);
  ASSAY_CHECK(quote.has_value());
  std::optional<trust::Bundle> bundle = trust::Bundle::Carry(*quote, challenge, of_the_quote);
  const auto pcrs = trust::Authenticated<PcrSheet>::ByCommitment(std::move(sheet), *quote, (*quote)->CarriedValue(), digest,
                                                                 Check::kLogReplay, {.reason = Reason::kEventLogMismatch}, of_the_quote);
  ASSAY_CHECK(bundle && pcrs && bundle->Attach(*pcrs, of_the_quote));
  auto parsed = EventLogParser::Parse(trust::UntrustedBytes(event_log), Registers::kPcrs, log);
  if (!parsed) return std::nullopt;
  auto events = EventLogAuthenticator::ByPcrs(*std::move(parsed), *pcrs, (*pcrs)->Banks(), log);
  if (!events || !bundle->Attach(*events, log)) return std::nullopt;
  return BoundLog{*std::move(bundle), *std::move(events)};
}

}  // namespace assay::tcg_log::test
