// The log's layout against literal offsets of the profile's tables: every length, every algorithm, every limit at its edge.
#include "evidence/tcg_log/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/tcg_log/format.h"
#include "tests/unit/tcg_log/plain_log.h"
#include "tests/vectors_dir.h"

namespace assay::tcg_log {
namespace {

using test::Measured;
using test::PlainLog;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::optional<trust::Parsed<EventLog>> Parse(const Bytes& raw, CheckLog& log, Registers registers = Registers::kRtmrs) {
  return EventLogParser::Parse(trust::UntrustedBytes(raw), registers, log);
}
bool Parses(const Bytes& raw, Registers registers = Registers::kRtmrs) {
  CheckLog log;
  const bool parsed = Parse(raw, log, registers).has_value();
  EXPECT_EQ(parsed, log.findings().empty());
  return parsed;
}

std::string Text(const trust::Description& description) {
  std::string text = Cat(description.name(), "=", description.value(), "\n");
  for (const trust::Description& child : description.children()) text += Text(child);
  return text;
}
std::string Described(const Bytes& raw, Registers registers = Registers::kRtmrs) {
  CheckLog log;
  const auto parsed = Parse(raw, log, registers);
  return parsed ? Text(parsed->Describe()) : "";
}

PlainLog Small() {
  PlainLog log;
  log.events = {Measured(1, 4, std::string_view("\0\0\0\0", 4)), Measured(2, 5, "abc")};
  return log;
}
Bytes With(Bytes raw, std::size_t offset, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) raw.at(offset + i) = static_cast<std::uint8_t>(value >> 8 * i);
  return raw;
}
PlainLog Changed(void (*change)(PlainLog&)) {
  PlainLog log = Small();
  change(log);
  return log;
}

TEST(EventLog, AcceptsWhatGenuineLogsVaryIn) {
  EXPECT_TRUE(Parses(test::BootLog().Write()));
  EXPECT_TRUE(Parses(PlainLog{}.Write()));  // no event at all
  EXPECT_TRUE(Parses(Changed([](PlainLog& log) { log.vendor_info = Bytes(255, 1); }).Write()));
  EXPECT_TRUE(Parses(Changed([](PlainLog& log) { log.header_index = 0; }).Write()));
  EXPECT_TRUE(Parses(Changed([](PlainLog& log) { log.events[0].data = {}; }).Write()));
  EXPECT_TRUE(Parses(Changed([](PlainLog& log) { log.events[0].type = 0xDEADBEEF; }).Write()));  // types are covered by nothing
  for (const std::uint32_t index : {0U, 1U, 2U, 3U, 4U}) {
    PlainLog log = Small();
    log.events[0].index = index;
    EXPECT_TRUE(Parses(log.Write())) << index;
  }
}

TEST(EventLog, WhatTheAreaWasFilledWithIsNoPartOfTheLog) {
  const Bytes bare = Small().Write();
  const std::string described = Described(bare);
  EXPECT_THAT(described, HasSubstr("2 events"));
  for (const std::uint8_t filler : Bytes{0x00, 0xFF}) {
    for (const std::size_t size : {1U, 3U, 4U, 7U, 8U, 12U, 4096U}) {
      if (filler == 0xFF && size < 4) continue;
      Bytes padded = bare;
      padded.resize(bare.size() + size, filler);
      EXPECT_EQ(Described(padded), described) << size;
      for (const std::uint8_t other : Bytes{0x01, 0x80}) {
        padded.back() = other;
        EXPECT_FALSE(Parses(padded)) << int{filler} << " " << size << " " << int{other};
      }
    }
  }
  Bytes mixed = bare;
  mixed.resize(bare.size() + 64, 0xFF);
  mixed.resize(bare.size() + 128, 0x00);
  CheckLog log;
  EXPECT_FALSE(Parse(mixed, log));
  ASSERT_EQ(log.findings().size(), 1U);
  EXPECT_EQ(log.findings().front().reason, Reason::kReservedNotZero);
  EXPECT_EQ(log.records().back().check, Check::kLogPadding);
  EXPECT_FALSE(Parses([&] {
    Bytes raw = bare;
    Append(raw, Bytes(3, 0xFF));
    return raw;
  }()));  // too short to say that the log ends
}

// A log may end after any event: what was cut off shows when it is replayed. Anywhere else it is malformed.
TEST(EventLog, EveryTruncationInsideAnEventIsRefused) {
  PlainLog log;
  std::vector<std::size_t> boundaries = {log.Write().size()};
  for (const test::PlainEvent& event : Small().events) {
    log.events.push_back(event);
    boundaries.push_back(log.Write().size());
  }
  const Bytes raw = log.Write();
  for (std::size_t size = 0; size <= raw.size(); ++size) {
    const bool boundary = std::find(boundaries.begin(), boundaries.end(), size) != boundaries.end();
    CheckLog checks;
    const bool parsed = Parse(Bytes(raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(size)), checks).has_value();
    ASSERT_EQ(parsed, boundary) << size;
    ASSERT_EQ(checks.findings().empty(), boundary) << size;
    if (!boundary && size >= 60) { ASSERT_EQ(checks.findings().front().reason, Reason::kLengthWrong) << size; }
  }
}

struct Refusal {
  const char* name;
  Bytes raw;
  Reason reason;
  Check check;
  const char* field;
};

std::vector<Refusal> Refusals() {
  using enum Reason;
  const auto changed = [](void (*change)(PlainLog&)) { return Changed(change).Write(); };
  const Bytes plain = Small().Write();
  // Offsets in a CCEL: 28 size of the Spec ID event, 32 Spec ID, 56 number of algorithms, 60 algorithms, 64 vendor info, 65 first event,
  // 73 its digest count, 77 algorithm, 79 digest, 127 size, 131 data, 135 second event.
  return {
      {"empty", {}, kFieldInvalid, Check::kLogHeader, "Spec ID event"},
      {"no Spec ID", changed([](PlainLog& log) { log.legacy = true; }), kFieldInvalid, Check::kLogHeader, "Spec ID event"},
      {"other signature", changed([](PlainLog& log) { log.signature[14] = '2'; }), kFieldInvalid, Check::kLogHeader, "Spec ID event"},
      {"Spec ID that was measured", changed([](PlainLog& log) { log.header_type = 4; }), kFieldInvalid, Check::kLogHeader, "Spec ID event"},
      {"Spec ID with a digest", changed([](PlainLog& log) { log.header_digest[19] = 1; }), kFieldInvalid, Check::kLogHeader,
       "Spec ID event"},
      {"version 3", changed([](PlainLog& log) { log.major = 3; }), kVersionUnsupported, Check::kLogHeader, "Spec ID version"},
      {"version 2.1", changed([](PlainLog& log) { log.minor = 1; }), kVersionUnsupported, Check::kLogHeader, "Spec ID version"},
      {"Spec ID longer than the log", With(plain, 28, 0xFFFFFFFF), kLengthWrong, Check::kLogLengths, "Spec ID event"},
      {"Spec ID cut short", With(plain, 28, 27), kLengthWrong, Check::kLogLengths, "Spec ID"},
      {"algorithms cut short", With(plain, 28, 31), kLengthWrong, Check::kLogLengths, "Spec ID algorithm"},
      {"no vendor info size", With(plain, 28, 32), kLengthWrong, Check::kLogLengths, "Spec ID vendorInfoSize"},
      {"vendor info beyond its event", changed([](PlainLog& log) { log.vendor_more = 1; }), kLengthWrong, Check::kLogLengths,
       "Spec ID vendorInfo"},
      {"bytes behind the vendor info", changed([](PlainLog& log) {
         log.vendor_info = {1, 2};
         log.vendor_more = -1;
       }),
       kLengthWrong, Check::kLogLengths, "Spec ID vendorInfo"},
      {"no algorithm", With(plain, 56, 0), kEventDigestsWrong, Check::kLogAlgorithms, "NUMBEROFALGORITHMS"},
      {"many algorithms", With(plain, 56, 0xFFFFFFFF), kEventDigestsWrong, Check::kLogAlgorithms, "NUMBEROFALGORITHMS"},
      {"more algorithms than there are", With(plain, 56, 3), kLengthWrong, Check::kLogLengths, "Spec ID algorithm"},
      {"SHA-384 of 32 bytes", changed([](PlainLog& log) {
         log.algorithms = {{0x0C, 32}};
       }),
       kEventDigestsWrong, Check::kLogAlgorithms, "Spec ID algorithms"},
      {"SHA-384 twice", changed([](PlainLog& log) {
         log.algorithms = {{0x0C, 48}, {0x0C, 48}};
       }),
       kEventDigestsWrong, Check::kLogAlgorithms, "Spec ID algorithms"},
      {"digests of no bytes", changed([](PlainLog& log) {
         log.algorithms = {{0x0C, 48}, {0x12, 0}};
       }),
       kEventDigestsWrong, Check::kLogAlgorithms, "Spec ID algorithms"},
      {"digests of 65 bytes", changed([](PlainLog& log) {
         log.algorithms = {{0x0C, 48}, {0x12, 65}};
       }),
       kEventDigestsWrong, Check::kLogAlgorithms, "Spec ID algorithms"},
      {"SHA-256 only", changed([](PlainLog& log) {
         log.algorithms = {{0x0B, 32}};
       }),
       kDigestAlgorithmMissing, Check::kLogAlgorithms, "Spec ID algorithms"},
      {"SHA-384 and SHA-256", changed([](PlainLog& log) {
         log.algorithms = {{0x0C, 48}, {0x0B, 32}};
       }),
       kDigestAlgorithmMissing, Check::kLogAlgorithms, "Spec ID algorithms"},
      {"register 5", With(plain, 65, 5), kFieldInvalid, Check::kLogRegister, "event 0, offset 65: register"},
      {"register at the far end", With(plain, 65, 0xFFFFFFFE), kFieldInvalid, Check::kLogRegister, "event 0, offset 65: register"},
      {"second event's register", With(plain, 135, 24), kFieldInvalid, Check::kLogRegister, "event 1, offset 135: register"},
      {"no digest", With(plain, 73, 0), kEventDigestsWrong, Check::kLogDigests, "event 0, offset 65: digest count"},
      {"two digests", With(plain, 73, 2), kEventDigestsWrong, Check::kLogDigests, "event 0, offset 65: digest count"},
      {"many digests", With(plain, 73, 0x7FFFFFFF), kEventDigestsWrong, Check::kLogDigests, "event 0, offset 65: digest count"},
      {"digest that the header lacks",
       [&] {
         Bytes raw = plain;
         raw[77] = 0x0B;
         return raw;
       }(),
       kEventDigestsWrong, Check::kLogDigests, "event 0, offset 65: digest algorithm"},
      {"data longer than the log", With(plain, 127, 0xFFFFFFF0), kLengthWrong, Check::kLogLengths, "event 0, offset 65: data"},
      {"data one byte longer than the log", With(plain, 127, static_cast<std::uint32_t>(plain.size() - 131 + 1)), kLengthWrong,
       Check::kLogLengths, "event 0, offset 65: data"},
  };
}

TEST(EventLog, RefusesByName) {
  for (const Refusal& refusal : Refusals()) {
    CheckLog log;
    EXPECT_FALSE(Parse(refusal.raw, log)) << refusal.name;
    bool found = false;
    for (const Finding& finding : log.findings()) {
      found |= finding.reason == refusal.reason && finding.claim == refusal.field && !finding.expected.empty() && !finding.actual.empty();
    }
    EXPECT_TRUE(found) << refusal.name << ": " << (log.findings().empty() ? "no finding" : Describe(log.findings().front()));
    bool failed = false;
    for (const CheckRecord& record : log.records()) failed |= record.check == refusal.check && record.result == CheckResult::kFailed;
    EXPECT_TRUE(failed) << refusal.name;
  }
}

TEST(EventLog, TwoBanksOfOneAlgorithmInAnEventAreRefused) {
  PlainLog log = Small();
  log.algorithms = {{0x0C, 48}, {0x0B, 32}};
  Bytes raw = log.Write();
  ASSERT_TRUE(Parses(raw, Registers::kPcrs));
  // The second digest's algorithm: header 69, then 12 bytes of the event and 50 of its first digest.
  raw[69 + 12 + 50] = 0x0C;
  CheckLog checks;
  EXPECT_FALSE(Parse(raw, checks, Registers::kPcrs));
  EXPECT_EQ(checks.findings().front().reason, Reason::kEventDigestsWrong);
}

TEST(EventLog, SizeAtItsLimit) {
  const Bytes bare = Small().Write();
  for (const std::size_t size : {std::size_t{1} << 20, (std::size_t{1} << 20) - 1, (std::size_t{1} << 20) + 1}) {
    Bytes padded = bare;
    padded.resize(size, 0);
    CheckLog log;
    EXPECT_EQ(Parse(padded, log).has_value(), size <= std::size_t{1} << 20) << size;
    if (!log.findings().empty()) {
      EXPECT_EQ(log.findings().front().reason, Reason::kSizeOverLimit);
      EXPECT_EQ(log.records().front().check, Check::kLogSize);
    }
  }
}

TEST(EventLog, EventsAtTheirLimit) {
  // Legacy events are the shortest, 32 bytes: 20,001 of them stay below 1 MiB.
  PlainLog log;
  log.legacy = true;
  log.events.assign(19'999, {.index = 0, .type = 1, .data = {}});
  for (const bool fits : {true, true, false}) {
    const Bytes raw = log.Write();
    ASSERT_LE(raw.size(), kMaxLogSize);
    CheckLog checks;
    EXPECT_EQ(Parse(raw, checks, Registers::kPcrs).has_value(), fits) << log.events.size();
    if (!fits) { EXPECT_EQ(checks.findings().front().reason, Reason::kSizeOverLimit); }
    log.events.push_back(log.events.front());
  }
  ASSERT_EQ(log.events.size(), 20'002U);
}

TEST(EventLog, AlgorithmsAtTheirLimit) {
  for (const std::size_t count : {15U, 16U, 17U}) {
    PlainLog log = Small();
    for (std::uint16_t i = 1; i < count; ++i) log.algorithms.emplace_back(0x100 + i, 64);
    EXPECT_EQ(Parses(log.Write(), Registers::kPcrs), count <= 16) << count;
  }
}

TEST(EventLog, ReplaysToTheRtmrs) {
  const PlainLog log = test::BootLog();
  const std::string text = Described(log.Write());
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_THAT(text, HasSubstr(Cat("RTMR", i, "=", ToHex(log.Rtmrs()[i]), "\n"))) << i;
  EXPECT_THAT(text, HasSubstr(Cat("RTMR3=", ToHex(Bytes(48, 0)), "\n")));
  EXPECT_THAT(text, Not(HasSubstr("MRTD=")));
}

TEST(EventLog, WhatWasNotMeasuredDoesNotExtend) {
  PlainLog log = Small();
  const auto before = log.Rtmrs();
  log.events.insert(log.events.begin() + 1, Measured(1, 3, std::string_view("StartupLocality\0\3", 17)));
  EXPECT_EQ(log.Rtmrs(), before);
  EXPECT_THAT(Described(log.Write()), HasSubstr(Cat("RTMR0=", ToHex(before[0]), "\n")));
  EXPECT_THAT(Described(log.Write()), HasSubstr("no: nothing covers an event that was not measured"));
}

// PCRs: several banks, the locality that the TPM was started from, and registers that start at FF.
TEST(EventLog, ReplaysToPcrs) {
  PlainLog log;
  log.header_index = 0;
  log.algorithms = {{0x04, 20}, {0x0B, 32}, {0x0C, 48}, {0x12, 32}};
  log.events = {{.index = 0, .type = 3, .data = ToBytes(AsBytes(std::string_view("StartupLocality\0\3", 17))), .zero_digest = true},
                Measured(0, 8, "v1"),
                Measured(17, 1, "launch")};
  const auto extended = [](crypto::HashAlgorithm hash, Bytes start, std::string_view measured) {
    Append(start, crypto::Digest(hash, AsBytes(measured)));
    return ToHex(crypto::Digest(hash, start));
  };
  Bytes locality3(32, 0);
  locality3.back() = 3;
  const std::string text = Described(log.Write(), Registers::kPcrs);
  EXPECT_THAT(text, HasSubstr("PCR 0 SHA-256=" + extended(crypto::HashAlgorithm::kSha256, locality3, "v1") + "\n"));
  EXPECT_THAT(text, HasSubstr("PCR 17 SHA-1=" + extended(crypto::HashAlgorithm::kSha1, Bytes(20, 0xFF), "launch") + "\n"));
  EXPECT_THAT(text, HasSubstr("PCR 17 SHA-384=" + extended(crypto::HashAlgorithm::kSha384, Bytes(48, 0xFF), "launch") + "\n"));
  EXPECT_THAT(text, Not(HasSubstr("PCR 17 algorithm")));

  log.legacy = true;
  const std::string legacy = Described(log.Write(), Registers::kPcrs);
  EXPECT_THAT(legacy, HasSubstr("legacy, 3 events"));
  EXPECT_THAT(legacy, HasSubstr("PCR 17=" + extended(crypto::HashAlgorithm::kSha1, Bytes(20, 0xFF), "launch") + "\n"));
  EXPECT_FALSE(Parses(log.Write()));  // TDX has no legacy form
  log.events[1].index = 24;
  EXPECT_FALSE(Parses(log.Write(), Registers::kPcrs));
}

TEST(EventLog, IsRecognisedByContent) {
  const auto media_type = [](const Bytes& raw) { return kFormat.media_type_of(trust::UntrustedBytes(raw)); };
  PlainLog log = Small();
  EXPECT_EQ(media_type(log.Write()), kCcelMediaType);
  log.algorithms = {{0x0B, 32}};
  EXPECT_EQ(media_type(log.Write()), kTcgEventLogMediaType);
  log.legacy = true;
  EXPECT_EQ(media_type(log.Write()), kTcgEventLogMediaType);
  log.events[1].type = 0x1234;  // a legacy log is known by its types alone
  EXPECT_EQ(media_type(log.Write()), "");
  for (const Bytes& raw : {Bytes(), Bytes(64, 0), Bytes(64, 0xFF), Bytes(1184, 1)}) {
    EXPECT_EQ(media_type(raw), "");
    EXPECT_FALSE(kFormat.describe(trust::UntrustedBytes(raw)));
  }
  // Malformed, but meant as one.
  const auto description = kFormat.describe(trust::UntrustedBytes(With(Small().Write(), 127, 0xFFFFFFFF)));
  ASSERT_TRUE(description);
  EXPECT_TRUE(description->malformed());
  EXPECT_THAT(Text(*description), HasSubstr("defect=length_wrong"));
}

// Every log that real firmware left, whatever it is for.
TEST(EventLog, ReadsRealLogs) {
  ASSAY_VECTORS_OR_SKIP(dir);
  std::size_t logs = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    const std::string name = entry.path().filename().string();
    const bool is_log = name.ends_with("eventlog.bin") || (name.starts_with("ccel_") && name.ends_with(".bin"));
    if (!entry.is_regular_file() || !is_log) continue;
    const trust::UntrustedBytes bytes(assay::test::ReadFile(entry.path()));
    const auto description = kFormat.describe(bytes);
    ASSERT_TRUE(description) << entry.path();
    EXPECT_FALSE(description->malformed()) << entry.path() << "\n" << Text(*description);
    EXPECT_FALSE(kFormat.media_type_of(bytes).empty()) << entry.path();
    ++logs;
  }
  EXPECT_GT(logs, 20U);
}

}  // namespace
}  // namespace assay::tcg_log
