// Manifests of an SVSM: any bytes are refused with findings, or read whole; what is read is within what was given.
#include "base/bug.h"
#include "evidence/svsm/format.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/softtee/svsm_evidence.h"

std::vector<assay::Bytes> assay::fuzz::MintedSeeds() {
  using namespace softtee;
  return {MintSvsm({}).manifest, MintSvsm({.vtpm_alone = true}).manifest, MintSvsm({.fault = SvsmFault::kOffsetGap}).manifest};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const Bytes input = ToBytes(ByteView(data, size));
  const trust::UntrustedBytes bytes(input);
  CheckLog log;
  const auto manifest = svsm::ManifestParser::Parse(bytes, log);
  ASSAY_CHECK(manifest.has_value() != log.HasRejection());
  for (const Finding& finding : log.findings()) ASSAY_CHECK(!finding.expected.empty() && !finding.actual.empty());
  const auto description = svsm::kFormat.describe(bytes);
  ASSAY_CHECK(description.has_value() == svsm::LooksLikeManifest(input));
  ASSAY_CHECK(!description || description->malformed() != manifest.has_value());
  return 0;
}
