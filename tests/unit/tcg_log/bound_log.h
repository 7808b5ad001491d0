// A log on a minted quote that signs these RTMRs and really authenticates.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/bug.h"
#include "base/check_log.h"
#include "evidence/dcap/format.h"
#include "evidence/tcg_log/format.h"
#include "platform/binding/ccel.h"
#include "tests/unit/dcap/minted_quote.h"
#include "trust/bundle.h"
#include "trust/challenge.h"

namespace assay::tcg_log::test {

using RtmrValues = std::array<Bytes, 4>;  // of 48 bytes; empty: zeros

inline void PutRtmrs(const RtmrValues& rtmrs, Bytes& td_report) {
  for (std::size_t i = 0; i < rtmrs.size(); ++i) {
    ASSAY_CHECK(rtmrs[i].size() <= 48);
    std::copy(rtmrs[i].begin(), rtmrs[i].end(), td_report.begin() + static_cast<std::ptrdiff_t>(328 + 48 * i));
  }
}

// nullopt: the log of checks says why.
inline std::optional<trust::Bundle> Bind(const Bytes& event_log, const RtmrValues& rtmrs, CheckLog& log) {
  dcap::test::MintOptions options;
  options.body = [&](Bytes& body) { PutRtmrs(rtmrs, body); };
  const std::vector<evidence::Item> items{{std::string(dcap::kQuoteMediaType), trust::UntrustedBytes(dcap::test::Mint(options))},
                                          {std::string(kCcelMediaType), trust::UntrustedBytes(event_log)}};
  const trust::AnchorSet anchors = dcap::test::Pki::Shared().Anchors();
  const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
  CheckLog of_the_quote;
  const auto quote =
      dcap::AuthenticateQuote(items, {.anchors = anchors, .collateral = {}, .challenge = challenge, .caches = nullptr}, of_the_quote);
  ASSAY_CHECK(quote.has_value());
  std::optional<trust::Bundle> bundle = trust::Bundle::Carry(*quote, challenge, of_the_quote);
  if (bundle && !platform::AttachCcel(items, *quote, *bundle, log)) bundle.reset();
  return bundle;
}

}  // namespace assay::tcg_log::test
