// Launch endorsements, and protocol buffers in general: any bytes are refused with a finding that names a place, or read; fields are whole,
// inside the message and in its order, and written again they are the message.
#include "base/bug.h"
#include "codec/protobuf.h"
#include "evidence/gce_endorsement/endorsement.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/softtee/gce_evidence.h"

namespace assay {
namespace {

void PutVarint(Bytes& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<std::uint8_t>(value | 0x80));
  to.push_back(static_cast<std::uint8_t>(value));
}

Bytes Written(const std::vector<protobuf::Field>& fields) {
  Bytes message;
  for (const protobuf::Field& field : fields) {
    PutVarint(message, std::uint64_t{field.number} << 3 | static_cast<std::uint64_t>(field.type));
    switch (field.type) {
      case protobuf::WireType::kVarint: PutVarint(message, field.value); break;
      case protobuf::WireType::kFixed64:
      case protobuf::WireType::kFixed32:
        for (std::size_t i = 0; i < (field.type == protobuf::WireType::kFixed64 ? 8U : 4U); ++i) {
          message.push_back(static_cast<std::uint8_t>(field.value >> 8 * i));
        }
        break;
      case protobuf::WireType::kLength:
        PutVarint(message, field.bytes.size());
        Append(message, field.bytes);
        break;
    }
  }
  return message;
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() {
  using softtee::GceFault;
  std::vector<Bytes> seeds;
  for (const std::optional<GceFault> fault :
       {std::optional<GceFault>(), std::optional(GceFault::kEndorsementLongVarint), std::optional(GceFault::kEndorsementVmsasTwice),
        std::optional(GceFault::kEndorsementNoSource), std::optional(GceFault::kEndorsementIssuerMissing)}) {
    seeds.push_back(softtee::MintGce({.fault = fault}).value().endorsement);
  }
  seeds.push_back({0x08, 0x96, 0x01, 0x1D, 1, 2, 3, 4, 0x21, 1, 0, 0, 0, 0, 0, 0, 0x80, 0x12, 0x01, 'x'});
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const auto fields = protobuf::Parse(bytes);
  if (fields) ASSAY_CHECK(Equal(Written(*fields), bytes));
  else ASSAY_CHECK(!fields.findings().front().expected.empty() && !fields.findings().front().component.empty());

  CheckLog log;
  const trust::UntrustedBytes body(ToBytes(bytes));
  const auto parsed = gce_endorsement::LaunchEndorsementParser::Parse(body, log);
  ASSAY_CHECK(parsed.has_value() == log.findings().empty());
  if (parsed) {
    ASSAY_CHECK(fields.ok());
    (void)parsed->Describe();
  } else {
    const Finding& finding = log.findings().front();
    ASSAY_CHECK(finding.reason == Reason::kEndorsementMalformed && !finding.claim.empty() && !finding.expected.empty() &&
                !finding.actual.empty());
  }
  return 0;
}

}  // namespace assay
