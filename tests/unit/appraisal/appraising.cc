#include "tests/unit/appraisal/appraising.h"

#include <gtest/gtest.h>

#include "appraisal/anchors_file.h"
#include "base/absl_bridge.h"
#include "base/bug.h"
#include "base/hex.h"
#include "base/strings.h"
#include "registry/builtin_registry.h"

namespace assay::appraisal {
namespace {

constexpr std::string_view kCommonRules = R"(
rules:
  - {claim: snp.policy_debug, equals: false}
  - {claim: snp.policy_migrate_ma, equals: false}
  - {claim: snp.vmpl, equals: 0}
  - {claim: snp.version, one_of: [2, 3, 4, 5]}
  - {claim: snp.reported_tcb, at_least: {"19:01:*": {snp: 1}, "19:11:*": {snp: 1}, "1a:02:*": {snp: 1}}}
  - {claim: snp.platform_info, bits_set: [smt_en]}
  - {claim: snp.revocation_checked, equals: true}
)";

std::string HexOf(ByteView bytes) { return ToHex(bytes); }

std::string ChipIds() {
  ByteArray<64> turin{};
  std::copy_n(softtee::kDefaultChipId.begin(), 8, turin.begin());
  return Cat("[\"", HexOf(softtee::kDefaultChipId), "\", \"", HexOf(turin), "\"]");
}

}  // namespace

std::string QemuPolicy(std::string_view more_rules) {
  return Cat("apiVersion: assay.v1\nkind: AppraisalPolicy\nname: qemu\nplatform: qemu_sev_snp\n",
             "strength: {at_least: A}\ntrust_boundary: {require: [memory_encryption, measured_boot]}\nmax_validity: 1h", kCommonRules,
             "  - {claim: snp.measurement, equals: \"", HexOf(softtee::kDefaultMeasurement), "\"}\n",
             "  - {claim: snp.id_key_digest, one_of: [\"", HexOf(softtee::kDefaultIdKeyDigest), "\"]}\n",
             "  - {claim: snp.chip_id, one_of: ", ChipIds(), "}\n", more_rules,
             "satisfies: {boot.covered: snp.measurement, owner: snp.id_key_digest}\n");
}

std::string AwsPolicy(std::string_view more_rules) {
  return Cat("apiVersion: assay.v1\nkind: AppraisalPolicy\nname: aws\nplatform: aws_sev_snp_report\n", "admit_with_warnings: true",
             kCommonRules, "  - {claim: snp.csp_id, equals: \"", softtee::kDefaultCspId, "\"}\n", more_rules,
             "waive:\n  - {claim: boot.covered, reason: firmware only}\n  - {claim: owner, reason: not told}\n");
}

std::string TdxPolicy(std::string_view more_rules) {
  std::string text =
      "apiVersion: assay.v1\nkind: AppraisalPolicy\nname: tdx\nplatform: qemu_tdx\nstrength: {at_least: A}\n"
      "trust_boundary: {require: [memory_encryption, measured_boot]}\nmax_validity: 1h\nrules:\n"
      "  - {claim: dcap.debug, equals: false}\n  - {claim: dcap.migratable, equals: false}\n"
      "  - {claim: dcap.service_td, equals: false}\n  - {claim: dcap.sept_ve_disable, equals: true}\n"
      "  - {claim: dcap.tcb_status, equals: UpToDate}\n  - {claim: dcap.revocation_checked, equals: true}\n";
  const softtee::Machine machine;
  const std::pair<std::string_view, ByteView> kMeasured[] = {
      {"mrtd", softtee::kDefaultMrtd},   {"rtmr0", softtee::kDefaultRtmr0},     {"rtmr1", softtee::kDefaultRtmr1},
      {"rtmr2", softtee::kDefaultRtmr2}, {"mrowner", softtee::kDefaultMrOwner}, {"platform_instance_id", machine.platform_instance_id}};
  for (const auto& [claim, value] : kMeasured) text += Cat("  - {claim: dcap.", claim, ", equals: \"", HexOf(value), "\"}\n");
  return Cat(text, more_rules, "satisfies: {boot.covered: dcap.rtmr2, owner: dcap.mrowner}\n");
}

std::vector<evidence::Item> Appraising::Items() const {
  const auto mint = [this] {
    if (quote) {
      softtee::DcapOptions options = *quote;
      options.report_data = kDemanded;
      return softtee::MintDcap(softtee::IntelPki::Shared(), options);
    }
    softtee::SnpOptions options = evidence;
    options.report_data = kDemanded;
    return softtee::MintSnp(softtee::SnpPki::Shared(), options);
  };
  const auto minted = mint();
  ASSAY_CHECK(minted.ok());
  std::vector<evidence::Item> items;
  for (const softtee::Item& item : minted->items) items.push_back({item.media_type, trust::UntrustedBytes(item.body)});
  items.insert(items.end(), more_items.begin(), more_items.end());
  return items;
}

v1::Appraisal Appraising::Run() const { return RunOn(Items()); }

v1::Appraisal Appraising::RunOn(const std::vector<evidence::Item>& items) const {
  const Registry& registry = BuiltinRegistry();
  std::vector<std::pair<std::string, std::string>> files;
  for (std::size_t i = 0; i < policies.size(); ++i) files.emplace_back(Cat(i, ".yaml"), policies[i]);
  const LoadResult loaded = LoadPolicies(files, registry);
  for (const LintMessage& message : loaded.messages) ADD_FAILURE() << message.ToString();
  if (!loaded.book) return {};
  const bool vlek = evidence.signing_key == softtee::SigningKey::kVlek;
  const Policy* single = loaded.book->FindPolicy(!policy.empty() ? policy : quote ? "tdx" : vlek ? "aws" : "qemu");
  if (cluster.empty() && single == nullptr) {
    ADD_FAILURE() << "no policy of that name";
    return {};
  }
  const PolicyChoice choice =
      cluster.empty() ? PolicyChoice::ForPolicy(*loaded.book, *single) : PolicyChoice::ForContext(*loaded.book, cluster, "worker");
  const auto simulated = ParseTestAnchors("anchors.yaml", softtee::SharedAnchorsYaml());
  if (!simulated.ok()) {
    ADD_FAILURE() << MessageOf(simulated.status());
    return {};
  }
  const trust::AnchorSet anchors = simulated_anchors ? *simulated : BuiltinAnchors(registry);
  const trust::Challenge demanded = trust::Challenge::Demanded({.report_data = kDemanded, .nonce = std::nullopt});
  const trust::CollateralSnapshot collateral = GatherCollateral(registry, items, {}, caches);
  return Appraise({.registry = registry,
                   .items = items,
                   .platform_hint = platform_hint,
                   .challenge = challenge ? *challenge : demanded,
                   .channel_bound = true,
                   .collateral = collateral,
                   .policies = choice,
                   .anchors = anchors,
                   .state = state,
                   .at = at,
                   .caches = caches});
}

const v1::Finding* FindingOf(const v1::Appraisal& appraisal, std::string_view reason) {
  for (const v1::Finding& finding : appraisal.findings()) {
    if (finding.reason() == reason) return &finding;
  }
  return nullptr;
}

v1::CheckResult ResultOf(const v1::Appraisal& appraisal, std::string_view check) {
  for (const v1::Check& entry : appraisal.checks()) {
    if (entry.name() == check) return entry.result();
  }
  return v1::CHECK_RESULT_UNSPECIFIED;
}

std::string Show(const v1::Appraisal& appraisal) {
  std::string text = v1::Verdict_Name(appraisal.verdict());
  for (const v1::Finding& finding : appraisal.findings()) {
    text += Cat("\n  ", finding.reason(), " at ", finding.component(), ": ", finding.claim(), ": expected ", finding.expected(),
                ", actual ", finding.actual());
  }
  return text;
}

}  // namespace assay::appraisal
