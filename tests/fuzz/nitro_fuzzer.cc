// Nitro documents: any bytes are refused with findings, or read whole; what was read can be shown, keeps to the specification, and is not
// believed without AWS's root.
#include "base/bug.h"
#include "evidence/nitro/authenticate.h"
#include "evidence/nitro/format.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/softtee/nitro_evidence.h"
#include "trust/challenge.h"
#include "trust/collateral.h"

namespace assay {

std::vector<Bytes> fuzz::MintedSeeds() {
  const softtee::NitroPki pki = softtee::NitroPki::Generate();
  std::vector<Bytes> seeds;
  const auto add = [&](softtee::NitroOptions options) { seeds.push_back(softtee::MintNitro(pki, options).items.front().body); };
  add({});
  add({.nonce = Bytes(32, 1), .public_key = Bytes(65, 4), .user_data = Bytes{}});
  add({.tpm = true, .indefinite = true});
  for (const softtee::NitroFaultEntry& entry : softtee::AllNitroFaults()) add({.nonce = Bytes(32, 1), .fault = entry.fault});
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const trust::UntrustedBytes bytes(Bytes(data, data + size));
  CheckLog log;
  auto parsed = nitro::DocumentParser::Parse(bytes, log);
  ASSAY_CHECK(parsed.has_value() != log.HasRejection());
  for (const Finding& finding : log.findings()) ASSAY_CHECK(!finding.component.empty());
  const auto hint = nitro::HintIn({data, size});
  if (const auto description = nitro::kFormat.describe(bytes)) ASSAY_CHECK(description->malformed() || parsed);
  if (!parsed) return 0;
  ASSAY_CHECK(hint && !hint->module_id.empty() && size <= nitro::kMaxDocumentSize);
  ASSAY_CHECK(parsed->Describe().children().size() > 6);
  const trust::AnchorSet pinned({nitro::kFormat.anchors.begin(), nitro::kFormat.anchors.end()}, false);
  const trust::CollateralSnapshot none;
  const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
  CheckLog refused;
  ASSAY_CHECK(!nitro::DocumentAuthenticator::Authenticate(
      *std::move(parsed), {.anchors = pinned, .collateral = none, .challenge = challenge, .caches = nullptr}, refused));
  ASSAY_CHECK(refused.HasRejection());
  return 0;
}

}  // namespace assay
