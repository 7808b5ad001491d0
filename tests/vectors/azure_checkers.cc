// Checkers of the kinds azure-hcl-report, azure-snp and azure-tdx. With a vTPM quote, or with a challenge that wants one, the evidence
// takes the road of its platform, as items that a node would send. Cases without either end at the claims: hardware report, its chain, and
// the commitment. Those of the kind azure-hcl-report have no genuine hardware: a minted quote that really authenticates carries their
// report data, and from there on the claims take the road that production takes.
#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "appraisal/appraiser.h"
#include "base/bug.h"
#include "base/check_log.h"
#include "base/hex.h"
#include "base/strings.h"
#include "codec/json.h"
#include "evidence/azure_hcl/format.h"
#include "evidence/dcap/format.h"
#include "evidence/sev_snp/format.h"
#include "evidence/sev_snp/layout.h"
#include "evidence/tpm/format.h"
#include "platform/binding/azure_hcl.h"
#include "registry/builtin_registry.h"
#include "tests/unit/dcap/minted_quote.h"
#include "tests/vectors/checker.h"
#include "tests/vectors/collateral_roles.h"
#include "tests/vectors/conclusion.h"
#include "tests/vectors/json_text.h"
#include "trust/bundle.h"
#include "trust/challenge.h"

namespace assay::vectors {
namespace {

constexpr std::size_t kRegisters = 24;

// {"sha256": {index: hex}} as the item that a node with these values would send. nullopt: it is not that.
std::optional<Bytes> PcrItem(const Bytes& file) {
  const auto tree = json::Parse(AsText(file), "pcrs");
  const json::Value* bank = tree ? tree->Find("sha256") : nullptr;
  if (bank == nullptr) return std::nullopt;
  Bytes item = {0, 0, 0, 1, 0, 0x0B, 3, 0xFF, 0xFF, 0xFF};
  for (std::size_t index = 0; index < kRegisters; ++index) {
    const json::Value* value = bank->Find(std::to_string(index));
    const auto digest = value == nullptr || value->AsString() == nullptr ? std::nullopt : FromHex(*value->AsString());
    if (!digest) return std::nullopt;
    Append(item, *digest);
  }
  return item;
}

// What the node would send of the vTPM. False: the fault says why not.
bool AddTpmItems(const Inputs& inputs, std::vector<evidence::Item>& items, Observation& observation) {
  const Bytes* attest = inputs.One("tpm_attest");
  const Bytes* signature = inputs.One("tpm_signature_raw");
  if (attest == nullptr) return true;
  if (signature == nullptr) {
    observation.fault = "a quote needs its signature";
    return false;
  }
  Bytes quote = {static_cast<std::uint8_t>(attest->size() >> 8), static_cast<std::uint8_t>(attest->size() & 0xFF)};
  Append(quote, *attest);
  Append(quote, *signature);
  items.push_back({std::string(tpm::kQuoteMediaType), trust::UntrustedBytes(std::move(quote))});
  if (const Bytes* pcrs = inputs.One("pcrs")) {
    auto item = PcrItem(*pcrs);
    if (!item) {
      observation.fault = "pcrs are not 24 values of the SHA-256 bank";
      return false;
    }
    items.push_back({std::string(tpm::kPcrsMediaType), trust::UntrustedBytes(*std::move(item))});
  }
  return true;
}

std::string UpperCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); });
  return text;
}

void NoteHclClaims(const trust::Bundle& bundle, Observation& observation) {
  NoteClaims(bundle, azure_hcl::kFormat, observation);
  // As the text has it; to us they are octets.
  if (const auto* data = bundle.claims().Get<Bytes>("hcl.user_data")) observation.claims["user_data"] = JsonString(UpperCase(ToHex(*data)));
}

void NoteQuoteClaims(const trust::Bundle& bundle, Observation& observation) {
  if (bundle.claims().Find("tpm.pcr_digest") == nullptr) return;
  NoteClaims(bundle, tpm::kFormat, observation);
  std::vector<std::string> pcrs;
  for (std::size_t index = 0; index < kRegisters; ++index) pcrs.push_back(JsonNumber(index));
  // The platforms take no other.
  const std::vector<std::string> banks{JsonObject({{"bank", JsonString("sha256")}, {"pcrs", JsonList(pcrs)}})};
  observation.claims["pcr_selection"] = JsonList(banks);
}

// What a bundle hangs on where there is no quote: the hardware report itself, which is not fresh.
template <typename Hardware>
std::optional<trust::Bundle> CarryHardware(const std::optional<trust::Authenticated<Hardware>>& hardware,
                                           trust::Parsed<azure_hcl::RuntimeClaims> parsed, CheckLog& log) {
  if (!hardware) return std::nullopt;
  const auto claims = azure_hcl::RuntimeClaimsAuthenticator::Authenticate(std::move(parsed), *hardware, (*hardware)->report_data(), log);
  std::optional<trust::Bundle> bundle;
  if (claims) bundle = trust::Bundle::Carry(*hardware, trust::Challenge::NotDemanded(true), log);
  if (bundle && !bundle->Attach(*claims, log)) bundle.reset();
  return bundle;
}

// The fields of a report whose signature nobody has looked at, by the production table of offsets.
void NoteReportFields(ByteView report, Observation& observation) {
  const auto field = [](std::string_view name) {
    const auto found =
        std::find_if(sev_snp::kReportV3.begin(), sev_snp::kReportV3.end(), [name](const Field& one) { return one.name == name; });
    ASSAY_CHECK(found != sev_snp::kReportV3.end());
    return *found;
  };
  const auto number = [&](std::string_view name) { return LittleEndianOf(report, field(name)); };
  for (const std::string name : {"REPORT_DATA", "MEASUREMENT", "HOST_DATA", "ID_KEY_DIGEST", "AUTHOR_KEY_DIGEST", "REPORT_ID",
                                 "REPORT_ID_MA", "CHIP_ID", "FAMILY_ID", "IMAGE_ID", "CURRENT_TCB", "REPORTED_TCB", "COMMITTED_TCB",
                                 "LAUNCH_TCB", "VERSION", "GUEST_SVN", "POLICY", "VMPL", "PLATFORM_INFO"}) {
    std::string claim = name;
    std::transform(claim.begin(), claim.end(), claim.begin(),
                   [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
    const bool numeric = field(name).size <= 8 && !name.ends_with("_TCB");
    observation.claims[claim] = numeric ? JsonNumber(number(name)) : JsonHex(SliceOf(report, field(name)));
  }
  const auto flag = [&](std::string claim, std::string_view name, unsigned bit) {
    observation.claims[std::move(claim)] = JsonFlag((number(name) >> bit & 1) != 0);
  };
  flag("policy_smt", "POLICY", 16);
  flag("policy_migrate_ma", "POLICY", 18);
  flag("policy_debug", "POLICY", 19);
  flag("policy_single_socket", "POLICY", 20);
  flag("author_key_en", "SIGNER_INFO", 0);
  flag("mask_chip_key", "SIGNER_INFO", 1);
  observation.claims["signing_key"] = JsonString((number("SIGNER_INFO") >> 2 & 7) == 0 ? "vcek" : "vlek");
  for (const std::string which : {"CURRENT", "COMMITTED"}) {
    observation.claims[which == "CURRENT" ? "current_version" : "committed_version"] =
        JsonString(Cat(number(which + "_MAJOR"), ".", number(which + "_MINOR"), ".", number(which + "_BUILD")));
  }
  if (number("VERSION") >= 3) {
    observation.claims["cpuid_fam_mod_step"] =
        JsonHex(Bytes{static_cast<std::uint8_t>(number("CPUID_FAM_ID")), static_cast<std::uint8_t>(number("CPUID_MOD_ID")),
                      static_cast<std::uint8_t>(number("CPUID_STEP"))});
  }
}

Observation RunHclReport(const Case& conformance_case, const Inputs& inputs) {
  Observation observation;
  const Bytes* file = inputs.One("hcl_report");
  if (file == nullptr) {
    observation.fault = "hcl_report is required";
    return observation;
  }
  CheckLog log;
  std::optional<azure_hcl::ParsedReport> report = azure_hcl::ReportParser::Parse(trust::UntrustedBytes(*file), log);
  std::optional<trust::Bundle> bundle;
  if (report) {
    dcap::test::MintOptions options;
    options.body = [&](Bytes& body) { std::copy(report->report_data.begin(), report->report_data.end(), body.begin() + 520); };
    const std::vector<evidence::Item> items{{std::string(dcap::kQuoteMediaType), trust::UntrustedBytes(dcap::test::Mint(options))}};
    const trust::AnchorSet anchors = dcap::test::Pki::Shared().Anchors();
    const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
    CheckLog of_the_quote;
    const auto quote =
        dcap::AuthenticateQuote(items, {.anchors = anchors, .collateral = {}, .challenge = challenge, .caches = nullptr}, of_the_quote);
    ASSAY_CHECK(quote.has_value());
    bundle = CarryHardware(quote, std::move(report->claims), log);
  }
  Conclude(log, {}, conformance_case.at, observation);
  observation.authentic = bundle.has_value() && observation.against.empty();
  if (!bundle) return observation;
  NoteHclClaims(*bundle, observation);
  const ByteView hardware = report->hardware_report.Read().TakeRest();
  if (report->type == azure_hcl::ReportType::kSnp) NoteReportFields(hardware, observation);
  else observation.claims["report_data"] = JsonHex(SliceOf(hardware, FieldNamed(azure_hcl::kTdReport, "REPORTDATA")));
  return observation;
}

// The claims of the case: in its HCL report, or beside a hardware report. nullopt: the log says why.
std::optional<azure_hcl::ParsedReport> ReportOf(const Inputs& inputs, CheckLog& log) {
  if (const Bytes* file = inputs.One("hcl_report")) return azure_hcl::ReportParser::Parse(trust::UntrustedBytes(*file), log);
  const Bytes* report = inputs.One("report");
  const Bytes* text = inputs.One("runtime_claims");
  if (report == nullptr || text == nullptr) return std::nullopt;
  auto claims = azure_hcl::ReportParser::ParseClaims(*text, azure_hcl::ReportType::kSnp, log);
  // Some collectors leave the header of the request data behind the report.
  const std::size_t size =
      report->size() == azure_hcl::kHardwareReportSize + azure_hcl::kRequestDataSize ? azure_hcl::kHardwareReportSize : report->size();
  trust::UntrustedBytes hardware(ToBytes(ByteView(*report).first(size)));
  if (!claims) return std::nullopt;
  return azure_hcl::ParsedReport{azure_hcl::ReportType::kSnp, std::move(hardware), {}, *std::move(claims)};
}

using WithoutQuote =
    std::function<std::optional<trust::Bundle>(azure_hcl::ParsedReport, const evidence::AuthenticationContext&, CheckLog&)>;

// `items`: all but those of the vTPM.
Observation Run(const Case& conformance_case, const Inputs& inputs, std::string_view platform, std::vector<evidence::Item> items,
                const trust::AnchorSet& anchors,
                const std::function<trust::CollateralSnapshot(std::span<const evidence::Item>, Observation&)>& gather,
                const WithoutQuote& without_quote) {
  Observation observation;
  if (const Bytes* file = inputs.One("hcl_report")) {
    items.push_back({std::string(azure_hcl::kReportMediaType), trust::UntrustedBytes(*file)});
  }
  if (!AddTpmItems(inputs, items, observation)) return observation;
  const trust::CollateralSnapshot collateral = gather(items, observation);
  const trust::Challenge challenge = ChallengeOf(conformance_case.bind);
  const evidence::AuthenticationContext context{.anchors = anchors, .collateral = collateral, .challenge = challenge, .caches = nullptr};
  CheckLog log;
  std::optional<trust::Bundle> bundle;
  if (inputs.One("tpm_attest") != nullptr || !conformance_case.bind.Empty()) {
    bundle = BuiltinRegistry().FindPlatform(platform)->authenticate(items, context, log);
  } else if (std::optional<azure_hcl::ParsedReport> report = ReportOf(inputs, log)) {
    bundle = without_quote(*std::move(report), context, log);
  }
  Conclude(log, bundle ? bundle->claims().windows() : std::span<const trust::ValidityWindow>(), conformance_case.at, observation);
  observation.authentic = bundle.has_value() && observation.against.empty();
  if (!bundle) return observation;
  const trust::Freshness freshness = conformance_case.bind.Empty() ? trust::Freshness::kSkipped : trust::Freshness::kProven;
  if (bundle->freshness() != freshness) observation.fault = "freshness is not what the case's bind makes it";
  NoteClaims(*bundle, sev_snp::kFormat, observation);
  NoteClaims(*bundle, dcap::kFormat, observation);
  NoteIntelStatus(observation);
  NoteQuoteClaims(*bundle, observation);
  NoteHclClaims(*bundle, observation);
  return observation;
}

Observation RunAzureSnp(const Case& conformance_case, const Inputs& inputs) {
  const std::optional<trust::AnchorSet> anchors = AmdAnchorsOf(inputs);
  if (!anchors) {
    Observation observation;
    observation.fault = "the root is not one certificate that names a product";
    return observation;
  }
  std::vector<evidence::Item> items;
  AddAmdItems(inputs, items);
  const auto gather = [&](std::span<const evidence::Item> all, Observation&) {
    return appraisal::GatherCollateral(BuiltinRegistry(), all, SuppliedByAmd(inputs));
  };
  const auto without_quote = [&](azure_hcl::ParsedReport report, const evidence::AuthenticationContext& context, CheckLog& log) {
    std::vector<evidence::Item> with_report = items;
    with_report.push_back({std::string(sev_snp::kReportMediaType), report.hardware_report});
    return CarryHardware(sev_snp::AuthenticateReport(with_report, context, log), std::move(report.claims), log);
  };
  return Run(conformance_case, inputs, "azure_sev_snp", items, *anchors, gather, without_quote);
}

Observation RunAzureTdx(const Case& conformance_case, const Inputs& inputs) {
  std::optional<trust::AnchorSet> anchors = IntelAnchorsOf(inputs);
  if (!anchors) anchors.emplace(std::vector<trust::Anchor>(dcap::kFormat.anchors.begin(), dcap::kFormat.anchors.end()), false);
  std::vector<evidence::Item> items;
  if (const Bytes* quote = inputs.One("quote")) items.push_back({std::string(dcap::kQuoteMediaType), trust::UntrustedBytes(*quote)});
  const auto gather = [&](std::span<const evidence::Item> all, Observation& observation) {
    return IntelCollateralOf(inputs, all, observation);
  };
  const auto without_quote = [&](azure_hcl::ParsedReport report, const evidence::AuthenticationContext& context,
                                 CheckLog& log) -> std::optional<trust::Bundle> {
    const auto quote = dcap::AuthenticateQuote(items, context, log);
    if (!quote || !azure_hcl::CheckTdQuote(report, (*quote)->report_data(), log)) return std::nullopt;
    return CarryHardware(quote, std::move(report.claims), log);
  };
  return Run(conformance_case, inputs, "azure_tdx", items, *anchors, gather, without_quote);
}

}  // namespace

std::span<const Checker> AzureCheckers() {
  static constexpr auto kCheckers =
      std::to_array<Checker>({{"azure-hcl-report", &RunHclReport}, {"azure-snp", &RunAzureSnp}, {"azure-tdx", &RunAzureTdx}});
  return kCheckers;
}

}  // namespace assay::vectors
