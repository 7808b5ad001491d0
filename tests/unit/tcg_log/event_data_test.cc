// What data say, and whether the digest covers it.
#include "evidence/tcg_log/event_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/strings.h"
#include "tests/unit/tcg_log/plain_log.h"

namespace assay::tcg_log {
namespace {

using test::Measured;
using test::PlainEvent;
using test::PlainLog;

// "what the data say | whether they match the digest" of the only event.
std::string Said(const PlainEvent& event, Registers registers = Registers::kRtmrs) {
  PlainLog log;
  log.events = {event};
  CheckLog checks;
  const auto parsed = EventLogParser::Parse(trust::UntrustedBytes(log.Write()), registers, checks);
  if (!parsed) return "";
  const trust::Description description = parsed->Describe();
  std::string text;
  for (const trust::Description& field : description.children().back().children()) {
    if (field.name() == "data") text = field.value();
    if (field.name() == "data matches digest") text += " | " + field.value();
  }
  return text;
}

TEST(EventData, SaysWhatEachTypeSays) {
  const test::PlainLog boot = test::BootLog();
  const auto said = [&](test::BootEvent event) { return Said(boot.events[event]); };
  const std::string no = "no: the digest is of something else, and the data are a hint";
  EXPECT_EQ(said(test::kSecureBoot), "SecureBoot 8be4df61-93ca-11d2-aa0d-00e098032b8c = 01 | yes");
  EXPECT_EQ(said(test::kBootOrder), "BootOrder 8be4df61-93ca-11d2-aa0d-00e098032b8c = 3132 | in part: 2 of 52 bytes were measured");
  EXPECT_EQ(said(test::kSeparator0), "00000000 | yes");
  EXPECT_EQ(said(test::kAcpi), "ACPI DATA | " + no);
  EXPECT_EQ(said(test::kCalling), "Calling EFI Application from Boot Option | yes");
  EXPECT_EQ(said(test::kGpt), "disk 67676767-6767-6767-6767-676767676767, 0 partitions | yes");
  EXPECT_EQ(said(test::kShim), "image of 1234 bytes from a.e | " + no);
  EXPECT_EQ(said(test::kMokList), "MokList | " + no);
  EXPECT_EQ(said(test::kGrubCommand), "grub_cmd: set timeout=0 | in part: 13 of 24 bytes were measured");
  EXPECT_EQ(said(test::kCommandLine), "kernel_cmdline: /vmlinuz root=/dev/vda ro | in part: 25 of 42 bytes were measured");
  EXPECT_EQ(Said(Measured(3, 6, std::string_view("\xEC\x22\x3B\x8F\x0D\0\0\0Linux initrd\0", 21), "initrd")),
            "tag 0x8f3b22ec Linux initrd | " + no);
  EXPECT_EQ(Said(Measured(3, 0x0D, std::string_view("r\0o\0\0\0", 6))), "ro | yes");
  EXPECT_EQ(Said(Measured(1, 8, std::string_view("v\0002\0\0\0", 6))), "v2 | yes");
  EXPECT_EQ(Said({1, 5, {}}), "none");
  EXPECT_EQ(Said({1, 0x80000002, test::VariableData(test::kGlobal, "Boot", "")}),
            "Boot 8be4df61-93ca-11d2-aa0d-00e098032b8c = (empty) | yes");
}

TEST(EventData, TerminalsAreSafeFromIt) {
  const std::string said = Said(Measured(3, 0x0D, std::string_view("grub_cmd: \x1b[2J\n\0", 16)));
  EXPECT_EQ(said.find('\x1b'), std::string::npos);
  EXPECT_EQ(Said(Measured(3, 5, "\x1b]0;title\x07")).find('\x1b'), std::string::npos);
}

TEST(EventData, SomeFirmwareMeasuresAuthoritiesWithoutTheirLastByte) {
  const Bytes data = test::VariableData(test::kSecurity, "db", "certificate");
  EXPECT_EQ(Said({1, 0x800000E0, data, Bytes(data.begin(), data.end() - 1)}),
            "db d719b2cb-3d3a-4596-a3bc-dad00e67656f = 6365727469666963617465 | in part: 46 of 47 bytes were measured");
}

TEST(EventData, CoversMeansEveryDigest) {
  const Bytes data = {1, 2, 3};
  const Bytes sha256 = crypto::Digest(crypto::HashAlgorithm::kSha256, data), sha384 = crypto::Digest(crypto::HashAlgorithm::kSha384, data);
  const Bytes other(48, 7), unknown(32, 7);
  EXPECT_TRUE(Covers({1, EventType::kIpl, {{kSha256, sha256}, {kSha384, sha384}}, data}, data));
  EXPECT_FALSE(Covers({1, EventType::kIpl, {{kSha256, sha256}, {kSha384, other}}, data}, data));
  EXPECT_TRUE(Covers({1, EventType::kIpl, {{kSha256, sha256}, {0x12, unknown}}, data}, data));
  EXPECT_FALSE(Covers({1, EventType::kIpl, {{0x12, unknown}}, data}, data));
  EXPECT_FALSE(Covers({1, EventType::kIpl, {}, data}, data));
}

TEST(EventData, VariablesAreReadWholeOrNotAtAll) {
  const Bytes data = test::VariableData(test::kGlobal, "PK", "key");
  const auto variable = ReadVariable(data);
  ASSERT_TRUE(variable);
  EXPECT_EQ(variable->name, "PK");
  EXPECT_TRUE(Equal(variable->guid, kGlobalVariableGuid));
  EXPECT_EQ(AsText(variable->value), "key");
  for (std::size_t size = 0; size < data.size(); ++size) EXPECT_FALSE(ReadVariable(ByteView(data).first(size))) << size;
  Bytes longer = data;
  longer.push_back(0);
  EXPECT_FALSE(ReadVariable(longer));
  for (const std::size_t offset : {16U, 23U, 24U, 31U}) {  // lengths, at either end
    Bytes hostile = data;
    hostile[offset] = 0xFF;
    EXPECT_FALSE(ReadVariable(hostile)) << offset;
  }
  Bytes surrogate = data;
  surrogate[33] = 0xD8;
  EXPECT_FALSE(ReadVariable(surrogate));
}

TEST(EventData, Utf16) {
  EXPECT_EQ(TextOfUtf16({}), "");
  EXPECT_EQ(TextOfUtf16(Bytes{'a', 0, 0xE9, 0, 0xAC, 0x20, 0x3D, 0xD8, 0x00, 0xDE}), "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  for (const Bytes& wrong : {Bytes{'a'}, Bytes{0x3D, 0xD8}, Bytes{0x3D, 0xD8, 'a', 0}, Bytes{0x00, 0xDE}, Bytes{0x3D, 0xD8, 0x3D, 0xD8}}) {
    EXPECT_EQ(TextOfUtf16(wrong), std::nullopt);
  }
}

TEST(EventData, TypesHaveNames) {
  EXPECT_EQ(NameOf(EventType::kNoAction), "EV_NO_ACTION");
  EXPECT_EQ(Show(EventType::kVariableAuthority), "EV_EFI_VARIABLE_AUTHORITY");
  EXPECT_EQ(Show(static_cast<EventType>(0x12345678)), "type 0x12345678");
}

}  // namespace
}  // namespace assay::tcg_log
