#include "evidence/azure_hcl/report.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"

namespace assay::azure_hcl {
namespace {

constexpr std::string_view kSpec = "openvmm, igvm_attest";
constexpr std::string_view kMagic = "HCLA";
constexpr std::uint64_t kRequestForAkCertificate = 2;
constexpr std::uint64_t kSha256HashType = 1;
constexpr std::uint64_t kTdReportType = 0x81;

consteval Field F(std::string_view name) { return FieldNamed(kReport, name); }
consteval Field T(std::string_view name) { return FieldNamed(kTdReport, name); }

Finding Refusal(Reason reason, std::string_view field, std::string expected, std::string actual) {
  return {.reason = reason,
          .component = std::string(kReportComponent),
          .claim = std::string(field),
          .expected = std::move(expected),
          .actual = std::move(actual),
          .spec = std::string(kSpec)};
}

std::string Show(std::uint64_t report_type) {
  switch (report_type) {
    case 1: return "1 (VBS)";
    case 2: return "2 (SEV-SNP)";
    case 3: return "3 (trusted VM)";
    case 4: return "4 (TDX)";
    case 5: return "5 (CCA)";
    default: return std::to_string(report_type);
  }
}

bool RequireZero(ByteView raw, const Field& field, CheckLog& log) {
  return log.Require(Check::kHclReservedZero, raw.empty() || AllZero(raw),
                     [&] { return Refusal(Reason::kReservedNotZero, field.name, Cat(raw.size(), " zero bytes"), ToHexBounded(raw, 24)); });
}

bool CheckTdReport(ByteView hardware, CheckLog& log) {
  const std::uint64_t type = LittleEndianOf(hardware, T("REPORTTYPE.TYPE")), subtype = LittleEndianOf(hardware, T("REPORTTYPE.SUBTYPE"));
  const std::uint64_t version = LittleEndianOf(hardware, T("REPORTTYPE.VERSION"));
  bool sound = log.Require(Check::kHclTdReport, type == kTdReportType && subtype == 0 && version <= 1, [&] {
    return Refusal(Reason::kFieldInvalid, "REPORTTYPE", "type 129, subtype 0, version 0 or 1",
                   Cat("type ", type, ", subtype ", subtype, ", version ", version));
  });
  for (const Field& field : kTdReport) {
    if (field.use == FieldUse::kReservedZero) sound &= RequireZero(SliceOf(hardware, field), field, log);
  }
  return sound;
}

}  // namespace

bool LooksLikeReport(ByteView bytes) { return bytes.size() >= kMagic.size() && AsText(bytes.first(kMagic.size())) == kMagic; }

std::optional<ParsedReport> ReportParser::Parse(const trust::UntrustedBytes& bytes, CheckLog& log) {
  const bool whole = log.Require(Check::kHclLength, bytes.size() >= kHeaderSize && bytes.size() <= kMaxReportSize, [&] {
    return Refusal(Reason::kLengthWrong, "length", Cat(kHeaderSize, " to ", kMaxReportSize, " bytes"), Cat(bytes.size(), " bytes"));
  });
  Reader reader = bytes.Read();
  const std::optional<ByteView> header = reader.Take(kHeaderSize);  // the offsets below need all of it
  if (!whole || !header) return std::nullopt;
  const auto number = [&](const Field& field) { return LittleEndianOf(*header, field); };
  const ByteView magic = SliceOf(*header, F("SIGNATURE"));
  if (!log.Require(Check::kHclMagic, AsText(magic) == kMagic,
                   [&] { return Refusal(Reason::kFieldInvalid, "SIGNATURE", ToHex(AsBytes(kMagic)), ToHex(magic)); })) {
    return std::nullopt;
  }
  bool sound = log.Require(Check::kHclVersion, number(F("VERSION")) == 1 || number(F("VERSION")) == 2,
                           [&] { return Refusal(Reason::kVersionUnsupported, "VERSION", "1 or 2", std::to_string(number(F("VERSION")))); });
  // Version 2 of the request data, which the host gets, has four bytes more in front of the claims.
  sound &= log.Require(Check::kHclVersion, number(F("DATA_VERSION")) == 1, [&] {
    return Refusal(Reason::kVersionUnsupported, "DATA_VERSION", "1", std::to_string(number(F("DATA_VERSION"))));
  });
  sound &= log.Require(Check::kHclRequest, number(F("REQUEST_TYPE")) == kRequestForAkCertificate && number(F("STATUS")) == 0, [&] {
    return Refusal(Reason::kFieldInvalid, "REQUEST_TYPE, STATUS", Cat(kRequestForAkCertificate, ", 0"),
                   Cat(number(F("REQUEST_TYPE")), ", ", number(F("STATUS"))));
  });
  const std::uint64_t report_type = number(F("REPORT_TYPE"));
  const bool tdx = report_type == static_cast<std::uint64_t>(ReportType::kTdx);
  sound &= log.Require(Check::kHclReportType, tdx || report_type == static_cast<std::uint64_t>(ReportType::kSnp),
                       [&] { return Refusal(Reason::kHclTypeUnsupported, "REPORT_TYPE", "2 (SEV-SNP) or 4 (TDX)", Show(report_type)); });
  sound &= log.Require(Check::kHclHashType, number(F("REPORT_DATA_HASH_TYPE")) == kSha256HashType, [&] {
    return Refusal(Reason::kHclTypeUnsupported, "REPORT_DATA_HASH_TYPE", "1 (SHA-256)", std::to_string(number(F("REPORT_DATA_HASH_TYPE"))));
  });
  sound &= RequireZero(SliceOf(*header, F("RESERVED_20")), F("RESERVED_20"), log);

  const ByteView hardware = SliceOf(*header, F("HARDWARE_REPORT"));
  if (tdx) sound &= CheckTdReport(hardware, log);

  const std::uint64_t size = number(F("VARIABLE_DATA_SIZE"));
  sound &= log.Require(Check::kHclLength,
                       size > 0 && size <= reader.remaining() && number(F("DATA_SIZE")) == kRequestDataSize + size &&
                           number(F("REPORT_SIZE")) == kHeaderSize + size,
                       [&] {
                         return Refusal(Reason::kLengthWrong, "VARIABLE_DATA_SIZE, DATA_SIZE, REPORT_SIZE",
                                        Cat("at most ", reader.remaining(), ", ", kRequestDataSize, " more, ", kHeaderSize, " more"),
                                        Cat(size, ", ", number(F("DATA_SIZE")), ", ", number(F("REPORT_SIZE"))));
                       });
  const std::optional<ByteView> json = reader.Take(static_cast<std::size_t>(std::min<std::uint64_t>(size, kMaxReportSize)));
  if (!json) return std::nullopt;
  const ByteView behind = reader.TakeRest();
  sound &= RequireZero(behind, {"behind the claims", kHeaderSize, behind.size()}, log);
  if (!sound) return std::nullopt;

  const ReportType type = tdx ? ReportType::kTdx : ReportType::kSnp;
  std::optional<trust::Parsed<RuntimeClaims>> claims = ParseClaims(*json, type, log);
  const ByteView report_data = SliceOf(hardware, tdx ? T("REPORTDATA") : kSnpReportData);
  const ByteArray<64> expected = CommitmentTo(*json);
  // Nothing is believed by it, but it costs nothing to see here that it can't come to anything.
  const bool committed = log.Require(Check::kHclClaimsCommitted, Equal(expected, report_data), [&] {
    return Refusal(Reason::kClaimsNotCommitted, "report_data", ToHex(expected), ToHex(report_data));
  });
  if (!claims || !committed) return std::nullopt;
  ParsedReport report{type, trust::UntrustedBytes(ToBytes(tdx ? hardware.first(kTdReportSize) : hardware)), {}, *std::move(claims)};
  std::copy(report_data.begin(), report_data.end(), report.report_data.begin());
  return report;
}

bool CheckTdQuote(const ParsedReport& report, ByteView quote_report_data, CheckLog& log) {
  return log.Require(Check::kHclTdQuote, report.type == ReportType::kTdx && Equal(report.report_data, quote_report_data), [&] {
    return Refusal(Reason::kTdQuoteOfOther, "REPORTDATA", Cat(ToHex(quote_report_data), ", as the TD quote has"),
                   report.type == ReportType::kTdx ? ToHex(report.report_data) : std::string("no TDREPORT"));
  });
}

trust::Description Describe(const trust::UntrustedBytes& bytes, const ParsedReport& report) {
  trust::Description description("Azure HCL report", Cat(NameOf(report.type), ", ", bytes.size(), " bytes"));
  const ByteView header = *bytes.Read().Take(kHeaderSize);
  description.Add("version", std::to_string(LittleEndianOf(header, F("VERSION"))));
  description.Add("hardware report", report.type == ReportType::kSnp
                                         ? Cat("SEV-SNP report, ", report.hardware_report.size(), " bytes")
                                         : Cat("TDREPORT, ", report.hardware_report.size(), " bytes, proves nothing without a TD quote"));
  description.Add("report data", ToHex(report.report_data));
  description.Add(report.claims.Describe());
  return description;
}

}  // namespace assay::azure_hcl
