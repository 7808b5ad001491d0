// The quote's layout against literal offsets of Intel's tables: every length, every type, every reserved byte.
#include "evidence/dcap/quote.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "base/hex.h"
#include "base/strings.h"
#include "tests/unit/dcap/plain_quote.h"
#include "tests/vectors_dir.h"

namespace assay::dcap {
namespace {

using test::PlainQuote;
using ::testing::IsEmpty;

std::optional<ParsedQuote> Parse(const Bytes& raw, CheckLog& log) { return QuoteParser::Parse(trust::UntrustedBytes(raw), nullptr, log); }
bool Parses(const Bytes& raw) {
  CheckLog log;
  const bool parsed = Parse(raw, log).has_value();
  EXPECT_EQ(parsed, log.findings().empty());
  return parsed;
}

std::string Text(const trust::Description& description) {
  std::string text = Cat(description.name(), "=", description.value(), "\n");
  for (const trust::Description& child : description.children()) text += Text(child);
  return text;
}

Bytes With(Bytes raw, std::size_t offset, std::uint8_t value) {
  raw.at(offset) = value;
  return raw;
}

std::vector<PlainQuote> AllKinds() {
  return {test::SgxV3(), test::SgxV4(), test::TdxV4(), test::SgxV5(), test::TdxV5(2), test::TdxV5(3), test::TdxV5(4)};
}

TEST(DcapQuote, AcceptsEveryVersionAndBodyType) {
  for (const PlainQuote& kind : AllKinds()) {
    CheckLog log;
    EXPECT_TRUE(Parse(kind.Write(), log)) << kind.version << " " << kind.body_type;
    EXPECT_THAT(log.findings(), IsEmpty());
  }
}

TEST(DcapQuote, AcceptsWhatGenuineQuotesVaryIn) {
  PlainQuote quote = test::TdxV4();
  for (const std::size_t size : {0U, 1U, 1000U}) {
    quote.qe_authentication_data = Bytes(size, 1);
    EXPECT_TRUE(Parses(quote.Write())) << size;
  }
  quote.chain += '\0';  // the terminator that Intel's libraries count in
  EXPECT_TRUE(Parses(quote.Write()));
  std::string carriage_returns;
  for (const char c : test::kPlainChain) carriage_returns += c == '\n' ? "\r\n" : std::string(1, c);
  quote.chain = carriage_returns;
  EXPECT_TRUE(Parses(quote.Write()));
  quote.chain = test::kPlainChain.substr(0, test::kPlainChain.size() - 1);  // no line end at the end
  EXPECT_TRUE(Parses(quote.Write()));
}

TEST(DcapQuote, ZerosBehindTheQuoteAreNoPartOfIt) {
  const PlainQuote quote = test::TdxV4();
  const Bytes bare = quote.Write();
  for (const std::size_t size : {bare.size() + 1, std::size_t{8000}, std::size_t{65536}}) {
    Bytes padded = bare;
    padded.resize(size, 0);
    EXPECT_TRUE(Parses(padded)) << size;
    padded.back() = 1;
    EXPECT_FALSE(Parses(padded)) << size;
    padded.back() = 0;
    padded[bare.size()] = 0x80;
    EXPECT_FALSE(Parses(padded)) << size;
  }
  Bytes too_long = bare;
  too_long.resize(65537, 0);
  CheckLog log;
  EXPECT_FALSE(Parse(too_long, log));
  ASSERT_EQ(log.findings().size(), 1U);
  EXPECT_EQ(log.findings().front().reason, Reason::kSizeOverLimit);
}

TEST(DcapQuote, EveryTruncationIsRefused) {
  for (const PlainQuote& kind : AllKinds()) {
    const Bytes raw = kind.Write();
    for (std::size_t size = 0; size < raw.size(); ++size) {
      CheckLog log;
      ASSERT_FALSE(Parse(Bytes(raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(size)), log)) << kind.version << " " << size;
      ASSERT_EQ(log.findings().front().reason, Reason::kLengthWrong);
    }
  }
}

struct Refusal {
  const char* name;
  Bytes raw;
  Reason reason;
  Check check;
  const char* field;
};

PlainQuote Changed(PlainQuote quote, void (*change)(PlainQuote&)) {
  change(quote);
  return quote;
}

std::vector<Refusal> Refusals() {
  using enum Reason;
  const auto v4 = [](void (*change)(PlainQuote&)) { return Changed(test::TdxV4(), change).Write(); };
  const auto v5 = [](void (*change)(PlainQuote&)) { return Changed(test::TdxV5(3), change).Write(); };
  const Bytes plain = test::TdxV4().Write();
  // Offsets in a version 4 TDX quote: 632 length, 636 signature, 700 key, 764 type, 766 length, 770 QE report, 1218 its data.
  return {
      {"version 2", v4([](PlainQuote& q) { q.version = 2; }), kVersionUnsupported, Check::kDcapVersion, "VERSION"},
      {"version 6", v4([](PlainQuote& q) { q.version = 6; }), kVersionUnsupported, Check::kDcapVersion, "VERSION"},
      {"version high byte", With(plain, 1, 1), kVersionUnsupported, Check::kDcapVersion, "VERSION"},
      {"key type EPID", v4([](PlainQuote& q) { q.key_type = 0; }), kAlgorithmUnsupported, Check::kDcapKeyType, "ATTESTATION_KEY_TYPE"},
      {"key type P-384", v4([](PlainQuote& q) { q.key_type = 3; }), kAlgorithmUnsupported, Check::kDcapKeyType, "ATTESTATION_KEY_TYPE"},
      {"key type high byte", v4([](PlainQuote& q) { q.key_type = 0x102; }), kAlgorithmUnsupported, Check::kDcapKeyType,
       "ATTESTATION_KEY_TYPE"},
      {"vendor first byte", With(plain, 12, 0x92), kFieldInvalid, Check::kDcapVendor, "QE_VENDOR_ID"},
      {"vendor last byte", With(plain, 27, 0x06), kFieldInvalid, Check::kDcapVendor, "QE_VENDOR_ID"},
      {"TEE type 1", v4([](PlainQuote& q) { q.tee_type = 1; }), kFieldInvalid, Check::kDcapBody, "TEE_TYPE"},
      {"TEE type high byte", v4([](PlainQuote& q) { q.tee_type = 0x01000081; }), kFieldInvalid, Check::kDcapBody, "TEE_TYPE"},
      {"version 3 with a TEE type", Changed(test::SgxV3(), [](PlainQuote& q) { q.tee_type = 0x81; }).Write(), kReservedNotZero,
       Check::kDcapReservedZero, "header.RESERVED_4"},
      {"body type 0", v5([](PlainQuote& q) { q.body_type = 0; }), kFieldInvalid, Check::kDcapBody, "body type"},
      {"body type 5", v5([](PlainQuote& q) { q.body_type = 5; }), kFieldInvalid, Check::kDcapBody, "body type"},
      {"SGX body in a TDX quote", v5([](PlainQuote& q) { q.body_type = 1; }), kFieldInvalid, Check::kDcapBody, "body type"},
      {"TDX body in an SGX quote", Changed(test::SgxV5(), [](PlainQuote& q) { q.body_type = 2; }).Write(), kFieldInvalid, Check::kDcapBody,
       "body type"},
      {"body size one less", v5([](PlainQuote& q) { q.declared_more = -1; }), kLengthWrong, Check::kDcapBody, "body size"},
      {"body size one more", v5([](PlainQuote& q) { q.declared_more = 1; }), kLengthWrong, Check::kDcapBody, "body size"},
      {"body size of another type", v5([](PlainQuote& q) { q.body_type = 2; }), kLengthWrong, Check::kDcapBody, "body size"},
      {"SGX report byte 20", With(test::SgxV3().Write(), 48 + 20, 1), kReservedNotZero, Check::kDcapReservedZero, "report.RESERVED_20"},
      {"SGX report byte 127", With(test::SgxV3().Write(), 48 + 127, 1), kReservedNotZero, Check::kDcapReservedZero, "report.RESERVED_96"},
      {"SGX report byte 160", With(test::SgxV3().Write(), 48 + 160, 1), kReservedNotZero, Check::kDcapReservedZero, "report.RESERVED_160"},
      {"SGX report byte 303", With(test::SgxV3().Write(), 48 + 303, 1), kReservedNotZero, Check::kDcapReservedZero, "report.RESERVED_262"},
      {"QE report byte 20", With(plain, 770 + 20, 1), kReservedNotZero, Check::kDcapReservedZero, "QE report.RESERVED_20"},
      {"authentication length one more", With(plain, 632, static_cast<std::uint8_t>(plain[632] + 1)), kLengthWrong, Check::kDcapLengths,
       "authentication data"},
      {"authentication length all ones", With(With(With(With(plain, 632, 0xFF), 633, 0xFF), 634, 0xFF), 635, 0xFF), kLengthWrong,
       Check::kDcapLengths, "authentication data"},
      {"outer length one more", With(plain, 766, static_cast<std::uint8_t>(plain[766] + 1)), kLengthWrong, Check::kDcapLengths,
       "certification data"},
      {"outer length one less", With(plain, 766, static_cast<std::uint8_t>(plain[766] - 1)), kLengthWrong, Check::kDcapLengths,
       "certification data"},
      {"QE authentication length too long", With(With(plain, 1218, 0xFF), 1219, 0xFF), kLengthWrong, Check::kDcapLengths,
       "QE authentication data"},
      {"byte behind the inner data", v4([](PlainQuote& q) { q.in_envelope = {0}; }), kLengthWrong, Check::kDcapLengths,
       "PCK certification data"},
      {"byte behind the outer data", v4([](PlainQuote& q) { q.in_authentication = {0}; }), kLengthWrong, Check::kDcapLengths,
       "certification data"},
      {"byte behind version 3's data", Changed(test::SgxV3(), [](PlainQuote& q) { q.in_authentication = {0}; }).Write(), kLengthWrong,
       Check::kDcapLengths, "PCK certification data"},
      {"outer type 5", v4([](PlainQuote& q) { q.outer_type = 5; }), kCertificationUnsupported, Check::kDcapCertification,
       "certification data type"},
      {"inner type 6", v4([](PlainQuote& q) { q.inner_type = 6; }), kCertificationUnsupported, Check::kDcapCertification,
       "PCK certification data type"},
      {"no PEM", v4([](PlainQuote& q) { q.chain = "nothing"; }), kEncodingMalformed, Check::kDcapPckPem, ""},
      {"empty chain", v4([](PlainQuote& q) { q.chain.clear(); }), kEncodingMalformed, Check::kDcapPckPem, ""},
      {"two certificates", v4([](PlainQuote& q) { q.chain.resize(q.chain.size() / 3 * 2); }), kEncodingMalformed, Check::kDcapPckPem,
       "PCK certificate chain"},
      {"four certificates", v4([](PlainQuote& q) { q.chain += q.chain.substr(0, q.chain.size() / 3); }), kEncodingMalformed,
       Check::kDcapPckPem, "PCK certificate chain"},
      {"text before the chain", v4([](PlainQuote& q) { q.chain = "x\n" + q.chain; }), kEncodingMalformed, Check::kDcapPckPem,
       "PCK certificate chain"},
      {"text behind the chain", v4([](PlainQuote& q) { q.chain += "x"; }), kEncodingMalformed, Check::kDcapPckPem, "PCK certificate chain"},
      {"zero inside the chain", v4([](PlainQuote& q) { q.chain.insert(q.chain.size() / 3, 1, '\0'); }), kEncodingMalformed,
       Check::kDcapPckPem, ""},
      {"another label", v4([](PlainQuote& q) {
         for (std::size_t at; (at = q.chain.find("CERTIFICATE")) != std::string::npos;) q.chain.replace(at, 11, "X509 CRL");
       }),
       kEncodingMalformed, Check::kDcapPckPem, "PCK certificate chain"},
  };
}

TEST(DcapQuote, EachRefusalHasItsOwnName) {
  for (const Refusal& refusal : Refusals()) {
    CheckLog log;
    EXPECT_FALSE(Parse(refusal.raw, log)) << refusal.name;
    ASSERT_FALSE(log.findings().empty()) << refusal.name;
    const Finding& finding = log.findings().front();
    EXPECT_EQ(finding.reason, refusal.reason) << refusal.name << ": " << Describe(finding);
    if (*refusal.field != '\0') { EXPECT_EQ(finding.claim, refusal.field) << refusal.name; }
    EXPECT_FALSE(finding.expected.empty() || finding.actual.empty()) << refusal.name;
    bool failed = false;
    for (const CheckRecord& record : log.records()) failed |= record.check == refusal.check && record.result == CheckResult::kFailed;
    EXPECT_TRUE(failed) << refusal.name;
  }
}

TEST(DcapQuote, NamesTheCertificationDataThatItCannotUse) {
  const std::pair<std::uint16_t, std::string> kNames[] = {{1, "1 (PPID in clear)"},
                                                          {2, "2 (PPID encrypted with RSA-2048)"},
                                                          {3, "3 (PPID encrypted with RSA-3072)"},
                                                          {4, "4 (PCK certificate alone)"},
                                                          {6, "6 (QE report with certification data)"},
                                                          {7, "7 (platform manifest)"},
                                                          {0, "0 (unknown)"},
                                                          {8, "8 (unknown)"},
                                                          {0x105, "261 (unknown)"}};
  for (const auto& [type, name] : kNames) {
    PlainQuote quote = test::SgxV3();
    quote.inner_type = type;
    CheckLog log;
    EXPECT_FALSE(Parse(quote.Write(), log));
    ASSERT_EQ(log.findings().size(), 1U);
    EXPECT_EQ(log.findings().front().reason, Reason::kCertificationUnsupported);
    EXPECT_EQ(log.findings().front().actual, name);
  }
}

// Every byte of the body differs from its neighbours, so two fields of one size can't change places unseen.
TEST(DcapQuote, FieldsLieWhereTheTablesSay) {
  struct Place {
    const char* name;
    std::size_t offset, size;
  };
  const Place kTd[] = {{"TEE_TCB_SVN", 0, 16},
                       {"MRSEAM", 16, 48},
                       {"MRSIGNERSEAM", 64, 48},
                       {"SEAMATTRIBUTES", 112, 8},
                       {"TDATTRIBUTES", 120, 8},
                       {"XFAM", 128, 8},
                       {"MRTD", 136, 48},
                       {"MRCONFIGID", 184, 48},
                       {"MROWNER", 232, 48},
                       {"MROWNERCONFIG", 280, 48},
                       {"RTMR0", 328, 48},
                       {"RTMR1", 376, 48},
                       {"RTMR2", 424, 48},
                       {"RTMR3", 472, 48},
                       {"REPORTDATA", 520, 64},
                       {"TEE_TCB_SVN_2", 584, 16},
                       {"MRSERVICETD", 600, 48},
                       {"VMID", 648, 1},
                       {"TDID", 649, 32},
                       {"DEVINFO", 681, 48},
                       {"INITSERVTDHASH", 729, 48},
                       {"INITSERVTDATTRIBUTES", 777, 8},
                       {"INITCPUSVN", 785, 16},
                       {"INITTEETCBSVN", 801, 16},
                       {"INITTEEFMSPC", 817, 12},
                       {"CURSERVTDHASH", 829, 48},
                       {"CURSERVTDATTRIBUTES", 877, 8}};
  Bytes raw = test::TdxV5(4).Write();
  for (std::size_t i = 0; i < 885; ++i) raw[54 + i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  CheckLog log;
  const auto parsed = Parse(raw, log);
  ASSERT_TRUE(parsed);
  const std::string text = Text(parsed->quote.Describe());
  for (const Place& place : kTd) {
    const std::string line = Cat("\n", place.name, "=", ToHex(ByteView(raw).subspan(54 + place.offset, place.size)), "\n");
    EXPECT_NE(text.find(line), std::string::npos) << place.name;
  }
}

TEST(DcapQuote, RealQuotesParseAndEveryOneOfTheirLengthsCounts) {
  ASSAY_VECTORS_OR_SKIP(dir);
  std::size_t parsed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir / "tdx" / "quotes")) {
    const std::string name = entry.path().filename();
    const Bytes raw = assay::test::ReadFile(entry.path());
    const bool whole =
        name != "tdx_v4_truncated.bin" && name != "sgx_v3_certtype3_encrypted_ppid.bin" && name != "sgx_v3_intel_sample_testroot.bin";
    EXPECT_EQ(Parses(raw), whole) << name;
    parsed += whole;
    for (const std::size_t cut : {std::size_t{1}, std::size_t{2}, raw.size() / 2, raw.size() - 1}) {
      EXPECT_FALSE(Parses(Bytes(raw.begin(), raw.end() - static_cast<std::ptrdiff_t>(cut)))) << name << " " << cut;
    }
  }
  EXPECT_EQ(parsed, 32U);
}

}  // namespace
}  // namespace assay::dcap
