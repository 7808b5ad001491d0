// A log is believed exactly as far as it replays to what a quote signs.
#include "evidence/tcg_log/authenticate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "evidence/tcg_log/ccel_table.h"
#include "tests/unit/tcg_log/bound_log.h"
#include "tests/unit/tcg_log/plain_log.h"
#include "tests/vectors_dir.h"

namespace assay::tcg_log {
namespace {

using test::Measured;
using test::PlainLog;
using ::testing::HasSubstr;

PlainLog Log() {
  PlainLog log = test::BootLog();
  log.events.push_back(Measured(4, 0x0D, "application"));
  return log;
}

const Finding* FindingOf(const CheckLog& log, Reason reason) {
  for (const Finding& finding : log.findings()) {
    if (finding.reason == reason) return &finding;
  }
  return nullptr;
}

TEST(LogAuthenticate, HangsOnTheQuote) {
  CheckLog log;
  const auto bundle = test::Bind(Log().Write(), Log().Rtmrs(), log);
  ASSERT_TRUE(bundle);
  EXPECT_FALSE(log.HasRejection());
  ASSERT_EQ(bundle->parts().size(), 2U);
  EXPECT_EQ(bundle->parts()[1].component, "event-log");
  EXPECT_EQ(bundle->parts()[1].authenticated_by, "commitment");
  EXPECT_EQ(bundle->parts()[1].vouched_by, "dcap-quote");
  EXPECT_FALSE(bundle->parts()[1].carrier);
}

TEST(LogAuthenticate, EveryRegisterMustBeEqual) {
  for (std::size_t i = 0; i < 4; ++i) {
    for (const std::size_t at : {0U, 47U}) {
      test::RtmrValues rtmrs = Log().Rtmrs();
      rtmrs[i][at] ^= 1;
      CheckLog log;
      EXPECT_FALSE(test::Bind(Log().Write(), rtmrs, log));
      const Finding* finding = FindingOf(log, Reason::kEventLogMismatch);
      ASSERT_NE(finding, nullptr) << i;
      EXPECT_EQ(finding->claim, Cat("RTMR", i));
      EXPECT_THAT(finding->expected, HasSubstr("as signed"));
    }
  }
  CheckLog log;
  EXPECT_FALSE(test::Bind(Log().Write(), {}, log));
  ASSERT_NE(FindingOf(log, Reason::kEventLogMismatch), nullptr);
  EXPECT_EQ(FindingOf(log, Reason::kEventLogMismatch)->claim, "RTMR0, RTMR1, RTMR2, RTMR3");
}

TEST(LogAuthenticate, EveryEventCounts) {
  const PlainLog whole = Log();
  for (std::size_t i = 0; i < whole.events.size(); ++i) {
    PlainLog without = whole, twice = whole, unmeasured = whole, elsewhere = whole;
    without.events.erase(without.events.begin() + static_cast<std::ptrdiff_t>(i));
    twice.events.insert(twice.events.begin() + static_cast<std::ptrdiff_t>(i), whole.events[i]);
    unmeasured.events[i].type = 3;
    elsewhere.events[i].index = whole.events[i].index % 4 + 1;
    for (const PlainLog& told : {without, twice, unmeasured, elsewhere}) {
      CheckLog log;
      EXPECT_FALSE(test::Bind(told.Write(), whole.Rtmrs(), log)) << i;
      EXPECT_NE(FindingOf(log, Reason::kEventLogMismatch), nullptr) << i;
    }
  }
}

TEST(LogAuthenticate, NothingCoversAnEventOfMrtd) {
  PlainLog log = Log();
  log.events.insert(log.events.begin() + 3, Measured(0, 8, "firmware"));
  CheckLog checks;
  EXPECT_FALSE(test::Bind(log.Write(), log.Rtmrs(), checks));
  const Finding* finding = FindingOf(checks, Reason::kEventUncovered);
  ASSERT_NE(finding, nullptr);
  EXPECT_THAT(finding->actual, HasSubstr("event 3, EV_S_CRTM_VERSION, of MRTD"));
  log.events[3].type = 3;  // extends nothing, claims nothing
  EXPECT_TRUE(test::Bind(log.Write(), log.Rtmrs(), checks));
}

TEST(LogAuthenticate, ALogOfAnotherKindIsMalformed) {
  PlainLog log = Log();
  log.algorithms = {{0x0C, 48}, {0x0B, 32}};
  CheckLog checks;
  EXPECT_FALSE(test::Bind(log.Write(), log.Rtmrs(), checks));
  EXPECT_NE(FindingOf(checks, Reason::kDigestAlgorithmMissing), nullptr);
}

// Another quote of the same kind does not vouch for what hangs on this one.
TEST(LogAuthenticate, ALogHangsOnItsOwnQuoteOnly) {
  dcap::test::MintOptions options;
  options.body = [](Bytes& body) { test::PutRtmrs(Log().Rtmrs(), body); };
  const trust::AnchorSet anchors = dcap::test::Pki::Shared().Anchors();
  const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
  const std::vector<evidence::Item> items{{std::string(dcap::kQuoteMediaType), trust::UntrustedBytes(dcap::test::Mint(options))},
                                          {std::string(kCcelMediaType), trust::UntrustedBytes(Log().Write())}};
  const evidence::AuthenticationContext context{.anchors = anchors, .collateral = {}, .challenge = challenge, .caches = nullptr};
  CheckLog log;
  const auto one = dcap::AuthenticateQuote(items, context, log);
  const auto other = dcap::AuthenticateQuote(items, context, log);
  ASSERT_TRUE(one && other);
  auto bundle = trust::Bundle::Carry(*one, challenge, log);
  ASSERT_TRUE(bundle);
  EXPECT_FALSE(platform::AttachCcel(items, *other, *bundle, log));
  EXPECT_NE(FindingOf(log, Reason::kPartUnbound), nullptr);
}

Bytes Table() {
  Bytes table = ToBytes(AsBytes("CCEL"));
  test::PutLe(table, 4, 56);
  Append(table, Bytes{1, 0});
  Append(table, AsBytes("OEMID_TABLE_ID"));
  table.resize(36, 0);
  Append(table, Bytes{2, 0, 0, 0});
  test::PutLe(table, 8, 0x40000);
  test::PutLe(table, 8, 0xBEDBF000);
  unsigned sum = 0;
  for (const std::uint8_t byte : table) sum += byte;
  table[9] = static_cast<std::uint8_t>(256 - sum % 256);
  return table;
}

TEST(CcelTable, ReadsWhereTheLogLies) {
  CheckLog log;
  const auto table = ReadCcelTable(Table(), log);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->log_area_length, 0x40000U);
  EXPECT_EQ(table->log_area_address, 0xBEDBF000U);
  EXPECT_FALSE(kFormat.describe(trust::UntrustedBytes(Table()))->malformed());
  EXPECT_EQ(kFormat.media_type_of(trust::UntrustedBytes(Table())), "");  // a hint, no evidence
}

TEST(CcelTable, RefusesWhatIsNone) {
  const auto refused = [](const Bytes& table, std::string_view field) {
    CheckLog log;
    EXPECT_FALSE(ReadCcelTable(table, log)) << field;
    bool found = false;
    for (const Finding& finding : log.findings()) found |= finding.claim == field;
    EXPECT_TRUE(found) << field;
  };
  // Two bytes, so that the sum stays what it is.
  const auto changed = [](std::size_t offset, int by) {
    Bytes table = Table();
    table[offset] = static_cast<std::uint8_t>(table[offset] + by);
    table[20] = static_cast<std::uint8_t>(table[20] - by);
    return table;
  };
  for (std::size_t size = 0; size < 56; ++size) {
    const Bytes table = Table();
    refused(Bytes(table.begin(), table.begin() + static_cast<std::ptrdiff_t>(size)), "length");
  }
  refused(
      [] {
        Bytes table = Table();
        table.push_back(0);
        return table;
      }(),
      "length");
  refused(changed(0, 1), "SIGNATURE");
  refused(changed(4, 1), "LENGTH");
  refused(changed(36, -1), "CC_TYPE");
  for (std::size_t i = 0; i < 56; ++i) {
    Bytes table = Table();
    table[i] ^= 1;
    refused(table, "CHECKSUM");
  }
  const auto description = kFormat.describe(trust::UntrustedBytes(changed(36, 1)));
  ASSERT_TRUE(description);
  EXPECT_TRUE(description->malformed());
}

}  // namespace
}  // namespace assay::tcg_log
