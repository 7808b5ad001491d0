// The report's layout, field by field, against literal offsets of AMD 56860 section 7.3: a table that transposes two fields
// of one size cannot pass the ramp, in which every byte differs from its neighbours.
#include "evidence/sev_snp/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/hex.h"

namespace assay::sev_snp {
namespace {

using ::testing::Contains;
using ::testing::Field;

void PutLe(Bytes& raw, std::size_t offset, std::size_t size, std::uint64_t value) {
  for (std::size_t i = 0; i < size; ++i) raw[offset + i] = static_cast<std::uint8_t>(value >> 8 * i);
}

// The least report that parses, written with literal offsets.
Bytes PlainReport(std::uint32_t version) {
  Bytes raw(1184, 0);
  PutLe(raw, 0x000, 4, version);
  PutLe(raw, 0x008, 8, 0x30000);
  PutLe(raw, 0x034, 4, 1);
  for (std::size_t i = 0; i < 32; ++i) raw[0x160 + i] = 0xFF;
  if (version >= 3) {
    raw[0x188] = 0x19;
    raw[0x189] = 0x01;
    raw[0x18A] = 0x01;
  }
  return raw;
}

std::optional<trust::Parsed<Report>> Parse(const Bytes& raw, CheckLog& log) { return ReportParser::Parse(trust::UntrustedBytes(raw), log); }

Bytes With(Bytes raw, std::size_t offset, std::uint8_t value) {
  raw[offset] = value;
  return raw;
}

TEST(SnpReportTest, AcceptsTheVersionsWithAKnownLayout) {
  for (const std::uint32_t version : {2U, 3U, 4U, 5U}) {
    CheckLog log;
    EXPECT_TRUE(Parse(PlainReport(version), log)) << version;
    EXPECT_TRUE(log.findings().empty());
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
  std::vector<Refusal> cases = {
      {"empty", {}, Reason::kLengthWrong, Check::kSnpReportLength, "length"},
      {"one byte short", Bytes(1183, 0), Reason::kLengthWrong, Check::kSnpReportLength, "length"},
      {"one byte long", Bytes(1185, 0), Reason::kLengthWrong, Check::kSnpReportLength, "length"},
      {"version 1", PlainReport(1), Reason::kVersionUnsupported, Check::kSnpReportVersion, "VERSION"},
      {"version 6", PlainReport(6), Reason::kVersionUnsupported, Check::kSnpReportVersion, "VERSION"},
      {"version high byte", With(PlainReport(3), 3, 1), Reason::kVersionUnsupported, Check::kSnpReportVersion, "VERSION"},
      {"policy bit 17 zero", With(PlainReport(3), 0x00A, 0x01), Reason::kFieldInvalid, Check::kSnpPolicyReserved, "POLICY"},
      {"policy bit 26", With(PlainReport(3), 0x00B, 0x04), Reason::kFieldInvalid, Check::kSnpPolicyReserved, "POLICY"},
      {"policy bit 63", With(PlainReport(3), 0x00F, 0x80), Reason::kFieldInvalid, Check::kSnpPolicyReserved, "POLICY"},
      {"VMPL 4", With(PlainReport(3), 0x030, 4), Reason::kFieldInvalid, Check::kSnpVmplRange, "VMPL"},
      {"VMPL all ones", With(PlainReport(3), 0x033, 0xFF), Reason::kFieldInvalid, Check::kSnpVmplRange, "VMPL"},
      {"algorithm 0", With(PlainReport(3), 0x034, 0), Reason::kAlgorithmUnsupported, Check::kSnpSignatureAlgo, "SIGNATURE_ALGO"},
      {"algorithm 2", With(PlainReport(3), 0x034, 2), Reason::kAlgorithmUnsupported, Check::kSnpSignatureAlgo, "SIGNATURE_ALGO"},
      {"signer info bit 5", With(PlainReport(3), 0x048, 0x20), Reason::kReservedNotZero, Check::kSnpReservedZero, "SIGNER_INFO"},
      {"signing key 2", With(PlainReport(3), 0x048, 2 << 2), Reason::kFieldInvalid, Check::kSnpSigningKeyKnown, "SIGNING_KEY"},
      {"signing key none", With(PlainReport(3), 0x048, 7 << 2), Reason::kFieldInvalid, Check::kSnpSigningKeyKnown, "SIGNING_KEY"},
      {"reserved 0x04C", With(PlainReport(3), 0x04F, 1), Reason::kReservedNotZero, Check::kSnpReservedZero, "RESERVED_04C"},
      {"CPUID in version 2", With(PlainReport(2), 0x188, 0x19), Reason::kReservedNotZero, Check::kSnpReservedZero, "RESERVED_188"},
      {"reserved 0x18B", With(PlainReport(3), 0x19F, 1), Reason::kReservedNotZero, Check::kSnpReservedZero, "RESERVED_18B"},
      {"reserved 0x1EB", With(PlainReport(3), 0x1EB, 1), Reason::kReservedNotZero, Check::kSnpReservedZero, "RESERVED_1EB"},
      {"reserved 0x1EF", With(PlainReport(3), 0x1EF, 1), Reason::kReservedNotZero, Check::kSnpReservedZero, "RESERVED_1EF"},
      {"mitigation vector in version 3", With(PlainReport(3), 0x1F8, 1), Reason::kReservedNotZero, Check::kSnpReservedZero, "RESERVED_1F8"},
      {"reserved 0x208 in version 5", With(PlainReport(5), 0x29F, 1), Reason::kReservedNotZero, Check::kSnpReservedZero, "RESERVED_208"},
      {"padding of r", With(PlainReport(5), 0x2D0, 1), Reason::kReservedNotZero, Check::kSnpSignatureTail, "SIGNATURE_R_PADDING"},
      {"padding of s", With(PlainReport(5), 0x32F, 1), Reason::kReservedNotZero, Check::kSnpSignatureTail, "SIGNATURE_S_PADDING"},
      {"tail first byte", With(PlainReport(5), 0x330, 1), Reason::kReservedNotZero, Check::kSnpSignatureTail, "SIGNATURE_RESERVED"},
      {"tail last byte", With(PlainReport(5), 0x49F, 1), Reason::kReservedNotZero, Check::kSnpSignatureTail, "SIGNATURE_RESERVED"},
      {"unknown model", With(PlainReport(3), 0x189, 0x20), Reason::kProductUnknown, Check::kSnpProductKnown,
       "CPUID_FAM_ID:CPUID_MOD_ID:CPUID_STEP"},
      {"unknown family", With(PlainReport(3), 0x188, 0x17), Reason::kProductUnknown, Check::kSnpProductKnown,
       "CPUID_FAM_ID:CPUID_MOD_ID:CPUID_STEP"},
      {"reserved byte of CURRENT_TCB", With(PlainReport(3), 0x03A, 1), Reason::kReservedNotZero, Check::kSnpTcbReserved, "CURRENT_TCB"},
      {"reserved byte of REPORTED_TCB", With(PlainReport(3), 0x185, 1), Reason::kReservedNotZero, Check::kSnpTcbReserved, "REPORTED_TCB"},
      {"reserved byte of COMMITTED_TCB", With(PlainReport(3), 0x1E3, 1), Reason::kReservedNotZero, Check::kSnpTcbReserved, "COMMITTED_TCB"},
      {"reserved byte of LAUNCH_TCB", With(PlainReport(3), 0x1F4, 1), Reason::kReservedNotZero, Check::kSnpTcbReserved, "LAUNCH_TCB"},
  };
  return cases;
}

TEST(SnpReportTest, RefusesEachDefectByName) {
  for (const Refusal& refusal : Refusals()) {
    CheckLog log;
    EXPECT_FALSE(Parse(refusal.raw, log)) << refusal.name;
    EXPECT_THAT(log.findings(), Contains(::testing::AllOf(Field(&Finding::reason, refusal.reason), Field(&Finding::claim, refusal.field))))
        << refusal.name;
    const auto failed = std::any_of(log.records().begin(), log.records().end(), [&](const CheckRecord& record) {
      return record.check == refusal.check && record.result == CheckResult::kFailed;
    });
    EXPECT_TRUE(failed) << refusal.name;
  }
}

TEST(SnpReportTest, CollectsAllDefectsOfOneReport) {
  CheckLog log;
  Bytes raw = PlainReport(3);
  raw[0x034] = 0;     // algorithm
  raw[0x049] = 0x01;  // signer info
  raw[0x400] = 1;     // tail
  EXPECT_FALSE(Parse(raw, log));
  EXPECT_EQ(log.findings().size(), 3U);
}

TEST(SnpReportTest, RefusesEveryLengthButOne) {
  const Bytes whole = PlainReport(5);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CheckLog log;
    EXPECT_FALSE(Parse(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)), log)) << length;
  }
}

TEST(SnpReportTest, DescriptionShowsEveryFieldAtItsOffset) {
  Bytes raw = PlainReport(5);
  // A ramp over the fields that may hold anything: no two neighbouring bytes are equal, no two fields begin alike.
  const auto ramp = [&raw](std::size_t offset, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) raw[offset + i] = static_cast<std::uint8_t>(offset * 7 + i + 1);
  };
  ramp(0x010, 16);
  ramp(0x020, 16);
  ramp(0x050, 64);
  ramp(0x090, 48);
  ramp(0x0C0, 32);
  ramp(0x0E0, 48);
  ramp(0x110, 48);
  ramp(0x140, 32);
  ramp(0x160, 32);
  ramp(0x1A0, 64);
  PutLe(raw, 0x004, 4, 0x04030201);
  PutLe(raw, 0x030, 4, 2);
  raw[0x1E8] = 29;
  raw[0x1E9] = 55;
  raw[0x1EA] = 1;
  raw[0x1EC] = 28;
  raw[0x1ED] = 54;
  raw[0x1EE] = 2;
  const auto tcb = [&raw](std::size_t offset, std::uint8_t start) {
    raw[offset] = start;
    raw[offset + 1] = static_cast<std::uint8_t>(start + 1);
    raw[offset + 6] = static_cast<std::uint8_t>(start + 2);
    raw[offset + 7] = static_cast<std::uint8_t>(start + 3);
  };
  tcb(0x038, 10);
  tcb(0x180, 20);
  tcb(0x1E0, 30);
  tcb(0x1F0, 40);
  PutLe(raw, 0x1F8, 8, 0x3f);
  PutLe(raw, 0x200, 8, 0x0b);

  CheckLog log;
  const auto report = Parse(raw, log);
  ASSERT_TRUE(report);
  const trust::Description description = report->Describe();
  const auto value = [&](const std::string& name) -> std::string {
    for (const trust::Description& child : description.children()) {
      if (child.name() == name) return child.value();
    }
    return "(absent)";
  };
  const auto hex = [&raw](std::size_t offset, std::size_t size) { return ToHex(ByteView(raw).subspan(offset, size)); };
  EXPECT_EQ(value("guest SVN"), "67305985");
  EXPECT_EQ(value("VMPL"), "2");
  EXPECT_EQ(value("family id"), hex(0x010, 16));
  EXPECT_EQ(value("image id"), hex(0x020, 16));
  EXPECT_EQ(value("report data"), hex(0x050, 64));
  EXPECT_EQ(value("measurement"), hex(0x090, 48));
  EXPECT_EQ(value("host data"), hex(0x0C0, 32));
  EXPECT_EQ(value("id key digest"), hex(0x0E0, 48));
  EXPECT_EQ(value("author key digest"), hex(0x110, 48));
  EXPECT_EQ(value("report id"), hex(0x140, 32));
  EXPECT_EQ(value("report id of migration agent"), hex(0x160, 32));
  EXPECT_EQ(value("chip id"), hex(0x1A0, 64));
  EXPECT_EQ(value("current TCB"), hex(0x038, 8) + "  boot_loader 10, tee 11, snp 12, microcode 13");
  EXPECT_EQ(value("reported TCB"), hex(0x180, 8) + "  boot_loader 20, tee 21, snp 22, microcode 23");
  EXPECT_EQ(value("committed TCB"), hex(0x1E0, 8) + "  boot_loader 30, tee 31, snp 32, microcode 33");
  EXPECT_EQ(value("launch TCB"), hex(0x1F0, 8) + "  boot_loader 40, tee 41, snp 42, microcode 43");
  EXPECT_EQ(value("current firmware"), "1.55.29");
  EXPECT_EQ(value("committed firmware"), "2.54.28");
  EXPECT_EQ(value("launch mitigation vector"), "0x3f");
  EXPECT_EQ(value("current mitigation vector"), "0xb");
}

TEST(SnpProductTest, ByFamilyAndModel) {
  struct Row {
    std::uint8_t family, model;
    std::optional<Product> product;
  };
  for (const Row& row : {Row{0x19, 0x00, Product::kMilan}, Row{0x19, 0x01, Product::kMilan}, Row{0x19, 0x0F, Product::kMilan},
                         Row{0x19, 0x10, Product::kGenoa}, Row{0x19, 0x11, Product::kGenoa}, Row{0x19, 0x1F, Product::kGenoa},
                         Row{0x19, 0xA0, Product::kGenoa}, Row{0x19, 0xAF, Product::kGenoa}, Row{0x1A, 0x00, Product::kTurin},
                         Row{0x1A, 0x11, Product::kTurin}, Row{0x19, 0x20, std::nullopt}, Row{0x19, 0x9F, std::nullopt},
                         Row{0x19, 0xB0, std::nullopt}, Row{0x1A, 0x12, std::nullopt}, Row{0x1A, 0x50, std::nullopt},
                         Row{0x18, 0x01, std::nullopt}, Row{0x00, 0x00, std::nullopt}, Row{0xFF, 0xFF, std::nullopt}}) {
    EXPECT_EQ(ProductOf({row.family, row.model, 0}), row.product) << int{row.family} << ":" << int{row.model};
  }
}

TEST(SnpProductTest, TcbLayouts) {
  const RawTcb raw = {1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(trust::ShowValue(DecodeTcb(Product::kMilan, raw)), "boot_loader 1, tee 2, snp 7, microcode 8");
  EXPECT_EQ(trust::ShowValue(DecodeTcb(Product::kGenoa, raw)), "boot_loader 1, tee 2, snp 7, microcode 8");
  EXPECT_EQ(trust::ShowValue(DecodeTcb(Product::kTurin, raw)), "fmc 1, boot_loader 2, tee 3, snp 4, microcode 8");
  EXPECT_TRUE(TcbReservedIsZero(Product::kMilan, {1, 2, 0, 0, 0, 0, 7, 8}));
  EXPECT_FALSE(TcbReservedIsZero(Product::kMilan, {1, 2, 0, 0, 0, 1, 7, 8}));
  EXPECT_TRUE(TcbReservedIsZero(Product::kTurin, {1, 2, 3, 4, 0, 0, 0, 8}));
  EXPECT_FALSE(TcbReservedIsZero(Product::kTurin, {1, 2, 3, 4, 0, 0, 1, 8}));
}

}  // namespace
}  // namespace assay::sev_snp
