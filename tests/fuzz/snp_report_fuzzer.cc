// SEV-SNP reports: any bytes are refused with findings or read without; what was read consists of its named fields
// alone; and what authenticates has signed bytes that the software TEE really signed.
#include <algorithm>
#include <set>

#include "base/bug.h"
#include "evidence/sev_snp/format.h"
#include "evidence/sev_snp/layout.h"
#include "evidence/sev_snp/report.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/fuzz/snp_seeds.h"
#include "trust/bundle.h"
#include "trust/fact_caches.h"

namespace assay {
namespace {

using softtee::Fault;

std::vector<Bytes> Reports() {
  std::vector<Bytes> reports = fuzz::BodiesOf(fuzz::SoundSnp(), softtee::kReportType);
  for (Bytes& report : fuzz::BodiesOf(fuzz::FaultySnp(Fault::kReportTruncated, Fault::kPlatformInfoUnknownBit), softtee::kReportType)) {
    reports.push_back(std::move(report));
  }
  return reports;
}

struct Verifier {
  trust::AnchorSet anchors = fuzz::SnpAnchors();
  trust::CollateralSnapshot collateral = fuzz::SnpCollateral();
  trust::Challenge challenge = trust::Challenge::NotDemanded(/*accepted=*/true);
  // Content-addressed: the only thing that stays from one input to the next, and it must not matter.
  trust::FactCaches caches{64};
  std::set<Bytes> ever_signed = [] {
    std::set<Bytes> parts;
    for (const Bytes& report : Reports()) {
      if (report.size() >= sev_snp::kSignedSize) parts.insert(ToBytes(ByteView(report).first(sev_snp::kSignedSize)));
    }
    return parts;
  }();
};

std::vector<std::string> Shown(const CheckLog& log) {
  std::vector<std::string> lines;
  for (const Finding& finding : log.findings()) lines.push_back(Describe(finding));
  for (const CheckRecord& record : log.records()) {
    lines.push_back(std::string(NameOf(record.check)) + " " + std::string(NameOf(record.result)));
  }
  return lines;
}

bool Parses(ByteView bytes) {
  CheckLog log;
  return sev_snp::ReportParser::Parse(trust::UntrustedBytes(ToBytes(bytes)), log).has_value();
}

// The report, written anew from the fields that its version has.
Bytes Rewritten(ByteView report) {
  const auto version = report[0];
  const std::span<const Field> layout = version == 2   ? std::span<const Field>(sev_snp::kReportV2)
                                        : version == 5 ? std::span<const Field>(sev_snp::kReportV5)
                                                       : std::span<const Field>(sev_snp::kReportV3);
  Bytes written(sev_snp::kReportSize, 0);
  for (const Field& field : layout) {
    if (field.use == FieldUse::kReservedZero) continue;
    std::copy_n(report.begin() + static_cast<std::ptrdiff_t>(field.offset), field.size,
                written.begin() + static_cast<std::ptrdiff_t>(field.offset));
  }
  return written;
}

void CheckAuthentication(ByteView report) {
  static Verifier verifier;
  const std::vector<evidence::Item> items{{std::string(sev_snp::kReportMediaType), trust::UntrustedBytes(ToBytes(report))}};
  const auto authenticate = [&](trust::FactCaches* caches, CheckLog& log) {
    return sev_snp::AuthenticateReport(
        items, {.anchors = verifier.anchors, .collateral = verifier.collateral, .challenge = verifier.challenge, .caches = caches}, log);
  };
  CheckLog log, cached_log;
  const auto authentic = authenticate(nullptr, log);
  const auto cached = authenticate(&verifier.caches, cached_log);
  ASSAY_CHECK(authentic.has_value() == cached.has_value() && Shown(log) == Shown(cached_log));
  ASSAY_CHECK(authentic.has_value() != log.HasRejection());
  if (!authentic) return;
  ASSAY_CHECK(verifier.ever_signed.contains(ToBytes(report.first(sev_snp::kSignedSize))));
  ASSAY_CHECK(authentic->windows().size() >= 3);
  const auto bundle = trust::Bundle::Carry(*authentic, verifier.challenge, log);
  ASSAY_CHECK(bundle && bundle->freshness() == trust::Freshness::kSkipped);
  const auto* report_data = bundle->claims().Get<Bytes>("snp.report_data");
  ASSAY_CHECK(report_data != nullptr && Equal(*report_data, report.subspan(0x050, 64)));
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() { return Reports(); }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const trust::UntrustedBytes bytes(ToBytes(input));
  CheckLog log, again;
  const auto report = sev_snp::ReportParser::Parse(bytes, log);
  ASSAY_CHECK(report.has_value() == log.findings().empty() && report.has_value() != log.HasRejection());
  ASSAY_CHECK(sev_snp::ReportParser::Parse(bytes, again).has_value() == report.has_value() && Shown(again) == Shown(log));

  const std::vector<evidence::Item> items{{std::string(sev_snp::kReportMediaType), bytes}};
  const auto description = sev_snp::kFormat.describe(bytes);
  const auto signing_key = sev_snp::SigningKeyHint(items);
  if (!report) {
    ASSAY_CHECK(!description || description->malformed() || sev_snp::kFormat.media_type_of(bytes) != sev_snp::kReportMediaType);
    return 0;
  }
  ASSAY_CHECK(size == sev_snp::kReportSize && Equal(Rewritten(input), input));
  ASSAY_CHECK(description && !description->malformed() && signing_key.has_value());
  ASSAY_CHECK(sev_snp::kFormat.media_type_of(bytes) == sev_snp::kReportMediaType);
  ASSAY_CHECK(sev_snp::kFormat.recognise(bytes, trust::CollateralSource::kNode, nullptr).empty());
  ASSAY_CHECK(sev_snp::kFormat.needs(items, trust::CollateralSnapshot()).size() == report->Hints().keys().size());

  Bytes longer = ToBytes(input);
  longer.push_back(0);
  ASSAY_CHECK(!Parses(longer) && !Parses(input.first(size - 1)));
  CheckAuthentication(input);
  return 0;
}

}  // namespace assay
