// Event logs: any bytes are refused with findings, or read as events that lie inside; nothing of what was read can be cut off unnoticed,
// and only what the area was filled with can stand behind it. EFI images: what was read lies inside, and can be measured.
#include "base/bug.h"
#include "evidence/tcg_log/event_data.h"
#include "evidence/tcg_log/event_log.h"
#include "evidence/tcg_log/format.h"
#include "evidence/tcg_log/predict.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/unit/tcg_log/plain_log.h"
#include "tests/unit/tcg_log/plain_pe.h"

namespace assay {
namespace {

using tcg_log::EventLogParser;
using tcg_log::Registers;

constexpr std::size_t kReplayLines = 1;  // children of a description before its events

std::optional<trust::Description> Read(const Bytes& bytes, Registers registers) {
  CheckLog log;
  const auto parsed = EventLogParser::Parse(trust::UntrustedBytes(bytes), registers, log);
  ASSAY_CHECK(parsed.has_value() == log.findings().empty() && parsed.has_value() != log.HasRejection());
  for (const Finding& finding : log.findings()) ASSAY_CHECK(!finding.expected.empty() && !finding.actual.empty());
  return parsed ? std::optional(parsed->Describe()) : std::nullopt;
}

std::string Text(const trust::Description& description) {
  std::string text = description.name() + "=" + description.value() + "\n";
  for (const trust::Description& child : description.children()) text += Text(child);
  return text;
}

void MeasureImage(ByteView bytes) {
  const auto image = tcg_log::ReadPeImage(bytes);
  if (!image) {
    for (const Finding& finding : image.findings()) {
      ASSAY_CHECK(!finding.claim.empty() && !finding.expected.empty() && !finding.actual.empty());
    }
    return;
  }
  std::size_t sum = image->headers_size + image->certificates_size;
  for (const tcg_log::PeSection& section : image->sections) {
    ASSAY_CHECK(section.data.empty() ||
                (section.data.data() == bytes.data() + section.offset && section.data.size() <= bytes.size() - section.offset));
    sum += section.data.size();
  }
  ASSAY_CHECK(sum <= bytes.size());
  tcg_log::AuthenticodeDigest(*image, crypto::HashAlgorithm::kSha256);
  const auto uki = tcg_log::PredictUki(crypto::HashAlgorithm::kSha256, *image, {});
  ASSAY_CHECK(!uki.ok() || uki->size() == 32);
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() {
  using namespace tcg_log::test;
  std::vector<Bytes> seeds;
  const PlainLog boot = BootLog();
  seeds.push_back(boot.Write());
  for (const PlainEvent& event : boot.events) {  // small ones, in which a mutation is likely to meet what matters
    PlainLog one;
    one.events = {event};
    seeds.push_back(one.Write());
  }
  PlainLog padded = boot;
  padded.padding = Bytes(32, 0xFF);
  seeds.push_back(padded.Write());
  PlainLog banks = boot;
  banks.header_index = 0;
  banks.algorithms = {{0x04, 20}, {0x0B, 32}, {0x0C, 48}, {0x12, 32}};
  seeds.push_back(banks.Write());
  banks.legacy = true;
  seeds.push_back(banks.Write());
  const PlainLog uki = UkiLog();
  seeds.push_back(uki.Write());
  for (const PlainEvent& event : uki.events) {
    PlainLog one = uki;
    one.events = {event};
    seeds.push_back(one.Write());
  }
  PlainPe image = Uki();
  seeds.push_back(image.Write());
  image.plus = false;
  image.certificates = Bytes(40, 0xCE);
  image.behind = Bytes(8, 0xBE);
  seeds.push_back(image.Write());
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input = ToBytes(ByteView(data, size));
  const trust::UntrustedBytes bytes(input);
  const auto pcrs = Read(input, Registers::kPcrs);
  const auto rtmrs = Read(input, Registers::kRtmrs);
  const auto description = tcg_log::kFormat.describe(bytes);
  const std::string_view media_type = tcg_log::kFormat.media_type_of(bytes);
  ASSAY_CHECK(media_type.empty() || description.has_value());
  ASSAY_CHECK(!rtmrs || media_type == tcg_log::kCcelMediaType);
  // Whatever a TDX guest may log a TPM could have logged.
  ASSAY_CHECK(!rtmrs || pcrs);
  tcg_log::ReadVariable(input);
  tcg_log::TextOfUtf16(input);
  MeasureImage(input);
  if (!rtmrs) return 0;

  ASSAY_CHECK(size <= tcg_log::kMaxLogSize && !description->malformed());
  const std::string text = Text(*rtmrs);
  Bytes bare = input;
  while (!bare.empty() && (bare.back() == 0 || bare.back() == 0xFF)) {
    const auto shorter = Read(Bytes(bare.begin(), bare.end() - 1), Registers::kRtmrs);
    if (!shorter || Text(*shorter) != text) break;
    bare.pop_back();
  }
  bare.push_back(1);  // the beginning of an event, cut off
  ASSAY_CHECK(!Read(bare, Registers::kRtmrs));
  bare.pop_back();
  if (rtmrs->children().size() == kReplayLines) return 0;
  bare.pop_back();
  const auto cut = Read(bare, Registers::kRtmrs);
  ASSAY_CHECK(!cut || Text(*cut) != text);
  return 0;
}

}  // namespace assay
