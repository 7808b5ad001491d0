#include "evidence/dcap/claims.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "evidence/dcap/attributes.h"
#include "evidence/dcap/quote.h"
#include "evidence/dcap/tcb.h"

namespace assay::dcap {
namespace {

using evidence::ClaimSpec;
using enum evidence::ClaimType;
using enum evidence::Duty;

constexpr evidence::BitName kMiscSelectBits[] = {{"exinfo", 0}, {"cpinfo", 1}};

// What Intel's statuses leave open. An out-of-date platform may need software hardening as well, since OutOfDate takes the place of
// SWHardeningNeeded; and whoever accepts a module that is out of date accepts a TD that was launched under one.
constexpr std::uint32_t kHardening = 1;      // software has to mitigate by itself
constexpr std::uint32_t kConfiguration = 2;  // firmware settings
constexpr std::uint32_t kRelaunch = 4;       // the TD was launched under an out-of-date module
constexpr std::uint32_t kUpdates = 8;        // microcode, module or quoting enclave
constexpr auto kStatuses = std::to_array<evidence::StatusSpec>({
    {"UpToDate", 0},
    {"SWHardeningNeeded", kHardening},
    {"ConfigurationNeeded", kConfiguration},
    {"ConfigurationAndSWHardeningNeeded", kHardening | kConfiguration},
    {"TDRelaunchAdvised", kHardening | kRelaunch},
    {"TDRelaunchAdvisedConfigurationNeeded", kHardening | kConfiguration | kRelaunch},
    {"OutOfDate", kHardening | kRelaunch | kUpdates},
    {"OutOfDateConfigurationNeeded", kHardening | kConfiguration | kRelaunch | kUpdates},
    {"Revoked", ~std::uint32_t{0}, true},
    {"NotSupported", ~std::uint32_t{0}, true},
});
static_assert([] {
  for (std::size_t i = 0; i < kStatuses.size(); ++i) {
    for (std::size_t j = i + 1; j < kStatuses.size(); ++j) {
      if (evidence::AtMost(kStatuses[j], kStatuses[i])) return false;  // none twice, each behind those at most it
    }
  }
  return true;
}());

// Rules on what comes from Intel's documents: without these nothing is decided.
constexpr evidence::RuleMeaning OfDocuments(Reason failure = Reason::kRuleFailed) {
  return {Check::kRules, failure, Effect::kReject, /*safe=*/false, /*absent=*/Effect::kIndeterminate};
}

// clang-format off: a claim, a row
constexpr auto kClaims = std::to_array<ClaimSpec>({
    {"dcap.advisory_ids",
     kNames,
     kOptional,
     0,
     {},
     "Advisories of the TCB levels of platform, TDX module and quoting enclave: sorted, with commas between; absent where no level applies",
     OfDocuments(Reason::kAdvisoryRefused)},
    {"dcap.attributes", kOctets, kOptional, 16, {}, "SGX ATTRIBUTES of the enclave: flags, then XFRM; absent in TDX quotes"},
    {"dcap.body_type",
     kNumber,
     kOptional,
     0,
     {},
     "Body type of a version 5 quote: 1 SGX, 2 TD report 1.0, 3 TD report 1.5, 4 with its extension"},
    {"dcap.cached_keys",
     kFlag,
     kOptional,
     0,
     {},
     "PCK configuration cachedKeys: Intel keeps the platform's root keys; absent under the Processor CA"},
    {"dcap.config_id", kOctets, kOptional, 64, {}, "CONFIGID: set by whoever started the enclave; zero without KSS"},
    {"dcap.config_svn", kNumber, kOptional, 0, {}, "CONFIGSVN: set by whoever started the enclave; zero without KSS"},
    {"dcap.cpu_svn", kOctets, kOptional, 16, {}, "CPUSVN in the enclave's report; TCB levels are judged by the PCK's components instead"},
    {"dcap.debug",
     kFlag,
     kMustOrWaive,
     0,
     {},
     "TD under debug (any of TDATTRIBUTES 7:0), or SGX ATTRIBUTES.DEBUG: the host can look inside",
     {Check::kDcapDebug, Reason::kDebugEnabled}},
    {"dcap.dynamic_platform",
     kFlag,
     kOptional,
     0,
     {},
     "PCK configuration dynamicPlatform: packages may be added; absent under the Processor CA"},
    {"dcap.effective_evaluation_data_number",
     kNumber,
     kOptional,
     0,
     {},
     "The lesser tcbEvaluationDataNumber of TCB info and QE identity: what every part was judged by at least",
     OfDocuments()},
    {"dcap.fmspc", kOctets, kOptional, 6, {}, "FMSPC of the PCK certificate: family, model, stepping, platform, custom SKU"},
    {"dcap.init_tee_tcb_svn",
     kOctets,
     kOptional,
     16,
     {},
     "INITTEETCBSVN: of the module under which the TD was initialised; body type 4 only"},
    {"dcap.initial_status",
     kStatus,
     kOptional,
     0,
     {},
     "TCB status of platform and module under which the TD was initialised; absent where the report names none that can be judged",
     OfDocuments(Reason::kTcbStatusRefused),
     kStatuses},
    {"dcap.isv_ext_prod_id", kOctets, kOptional, 16, {}, "ISVEXTPRODID of the enclave: its signer's longer product id; zero without KSS"},
    {"dcap.isv_family_id", kOctets, kOptional, 16, {}, "ISVFAMILYID of the enclave: its signer's family of products; zero without KSS"},
    {"dcap.isv_prod_id", kNumber, kOptional, 0, {}, "ISVPRODID of the enclave"},
    {"dcap.isv_svn", kNumber, kOptional, 0, {}, "ISVSVN of the enclave"},
    {"dcap.migratable",
     kFlag,
     kMustOrWaive,
     0,
     {},
     "TDATTRIBUTES.MIGRATABLE: a migration TD may take the TD elsewhere; false of enclaves",
     {Check::kDcapMigration, Reason::kMigrationAgent}},
    {"dcap.misc_select", kNumber, kOptional, 0, kMiscSelectBits,
     "MISCSELECT of the enclave: what its save area records beyond the registers"},
    {"dcap.mrconfigid", kOctets, kOptional, 48, {}, "MRCONFIGID: set by the host at launch, measured"},
    {"dcap.mrenclave", kOctets, kOptional, 32, {}, "MRENCLAVE: the enclave's code and initial data"},
    {"dcap.mrowner", kOctets, kOptional, 48, {}, "MROWNER: set by the host at launch, measured"},
    {"dcap.mrownerconfig", kOctets, kOptional, 48, {}, "MROWNERCONFIG: set by the host at launch, measured"},
    {"dcap.mrseam", kOctets, kOptional, 48, {}, "MRSEAM: hash of the TDX module"},
    {"dcap.mrservicetd", kOctets, kOptional, 48, {}, "MRSERVICETD: hash over the bound service TDs; absent in TD reports 1.0"},
    {"dcap.mrsigner", kOctets, kOptional, 32, {}, "MRSIGNER: hash of the key that signed the enclave"},
    {"dcap.mrsignerseam", kOctets, kOptional, 48, {}, "MRSIGNERSEAM: zero, as the TDX module is Intel's"},
    {"dcap.mrtd", kOctets, kOptional, 48, {}, "MRTD: what the TD was launched with, as a rule its firmware"},
    {"dcap.pce_svn", kNumber, kOptional, 0, {}, "PCESVN of the PCK certificate"},
    {"dcap.pceid", kOctets, kOptional, 2, {}, "PCEID of the PCK certificate"},
    {"dcap.pck_ca", kText, kOptional, 0, {}, "Who issued the PCK certificate: platform or processor"},
    {"dcap.platform_instance_id",
     kOctets,
     kOptional,
     16,
     {},
     "Platform instance of the PCK certificate: the machine, shared by its guests; absent under the Processor CA"},
    {"dcap.platform_status",
     kStatus,
     kOptional,
     0,
     {},
     "TCB status of the platform alone",
     OfDocuments(Reason::kTcbStatusRefused),
     kStatuses},
    {"dcap.ppid", kOctets, kOptional, 16, {}, "PPID of the PCK certificate: the processor package, shared by its guests"},
    {"dcap.qe_debug",
     kFlag,
     kOptional,
     0,
     {},
     "ATTRIBUTES.DEBUG of the quoting enclave: clear, or nothing that it signed is worth anything"},
    {"dcap.qe_evaluation_data_number",
     kNumber,
     kOptional,
     0,
     {},
     "tcbEvaluationDataNumber of the QE identity; may lag behind the TCB info's",
     OfDocuments()},
    {"dcap.qe_isv_svn", kNumber, kOptional, 0, {}, "ISVSVN of the quoting enclave"},
    {"dcap.qe_report_data_tail",
     kOctets,
     kOptional,
     32,
     {},
     "REPORTDATA of the quoting enclave behind its commitment to the attestation key: zero"},
    {"dcap.qe_status",
     kStatus,
     kOptional,
     0,
     {},
     "TCB status of the quoting enclave alone",
     OfDocuments(Reason::kTcbStatusRefused),
     kStatuses},
    {"dcap.quote_version", kNumber, kOptional, 0, {}, "VERSION of the quote: 3, 4 or 5"},
    {"dcap.report_data", kOctets, kOptional, 64, {}, "REPORTDATA: chosen by TD or enclave; here the binding transcript"},
    {"dcap.revocation_checked",
     kFlag,
     kMustOrWaive,
     0,
     {},
     "Assay consulted authentic revocation lists of Intel's root and of the PCK's CA",
     {Check::kDcapRevocation, Reason::kRevocationUnchecked, Effect::kIndeterminate, /*safe=*/true}},
    {"dcap.rtmr0", kOctets, kOptional, 48, {}, "RTMR0: the firmware's configuration"},
    {"dcap.rtmr1", kOctets, kOptional, 48, {}, "RTMR1: boot loader, kernel, initrd as the firmware loaded them"},
    {"dcap.rtmr2", kOctets, kOptional, 48, {}, "RTMR2: what the boot loader measured, command line included"},
    {"dcap.rtmr3", kOctets, kOptional, 48, {}, "RTMR3: for the guest's own use"},
    {"dcap.seam_attributes", kOctets, kOptional, 8, {}, "SEAMATTRIBUTES: zero, a module in production mode"},
    {"dcap.sept_ve_disable",
     kFlag,
     kOptional,
     0,
     {},
     "TDATTRIBUTES.SEPT_VE_DISABLE: the host cannot raise exceptions in the TD by taking pages away"},
    {"dcap.service_td",
     kFlag,
     kMustOrWaive,
     0,
     {},
     "MRSERVICETD is not zero: another TD has power over this one; false where the report can't show it",
     {Check::kDcapServiceTd, Reason::kMigrationAgent}},
    {"dcap.sgx_type", kText, kOptional, 0, {}, "SGX type of the PCK certificate: standard, scalable or scalable_with_integrity"},
    {"dcap.smt_enabled", kFlag, kOptional, 0, {}, "PCK configuration SMTEnabled; absent under the Processor CA"},
    {"dcap.tcb_date",
     kDate,
     kOptional,
     0,
     {},
     "Oldest tcbDate of the levels that apply; absent where none does",
     OfDocuments(Reason::kTcbDateRefused)},
    {"dcap.tcb_evaluation_data_number", kNumber, kOptional, 0, {}, "tcbEvaluationDataNumber of the TCB info", OfDocuments()},
    {"dcap.tcb_shortfall",
     kText,
     kOptional,
     0,
     {},
     "What keeps the platform from UpToDate: each component that falls short, what the level demands, the advisories; absent if nothing does"},
    {"dcap.tcb_status",
     kStatus,
     kMust,
     0,
     {},
     "Status of platform, TDX module and quoting enclave together, as Intel names it; NotSupported where no level applies; absent without Intel's documents",
     {Check::kDcapTcbStatus, Reason::kTcbStatusRefused, Effect::kReject, false, /*absent=*/Effect::kIndeterminate,
      /*explained_by=*/"dcap.tcb_shortfall"},
     kStatuses},
    {"dcap.td_attributes", kOctets, kOptional, 8, {}, "TDATTRIBUTES, whole"},
    {"dcap.tdid", kOctets, kOptional, 32, {}, "TDID of the TD; body type 4 only"},
    {"dcap.tdx_module_status",
     kStatus,
     kOptional,
     0,
     {},
     "TCB status of the TDX module alone; absent before TDX 1.5",
     OfDocuments(Reason::kTcbStatusRefused),
     kStatuses},
    {"dcap.tee", kText, kOptional, 0, {}, "TDX or SGX"},
    {"dcap.tee_tcb_svn", kOctets, kOptional, 16, {}, "TEE_TCB_SVN: versions of the TDX module when the TD was launched"},
    {"dcap.tee_tcb_svn2", kOctets, kOptional, 16, {}, "TEE_TCB_SVN_2: versions of the TDX module now; absent in TD reports 1.0"},
    {"dcap.xfam", kOctets, kOptional, 8, {}, "XFAM: extended features that the TD may use"},
});
// clang-format on

static_assert(std::is_sorted(kClaims.begin(), kClaims.end(), [](const ClaimSpec& a, const ClaimSpec& b) { return a.name < b.name; }));

constexpr std::pair<std::string_view, std::string_view> kTdOctets[] = {{"dcap.tee_tcb_svn", "TEE_TCB_SVN"},
                                                                       {"dcap.mrseam", "MRSEAM"},
                                                                       {"dcap.mrsignerseam", "MRSIGNERSEAM"},
                                                                       {"dcap.seam_attributes", "SEAMATTRIBUTES"},
                                                                       {"dcap.td_attributes", "TDATTRIBUTES"},
                                                                       {"dcap.xfam", "XFAM"},
                                                                       {"dcap.mrtd", "MRTD"},
                                                                       {"dcap.mrconfigid", "MRCONFIGID"},
                                                                       {"dcap.mrowner", "MROWNER"},
                                                                       {"dcap.mrownerconfig", "MROWNERCONFIG"},
                                                                       {"dcap.rtmr0", "RTMR0"},
                                                                       {"dcap.rtmr1", "RTMR1"},
                                                                       {"dcap.rtmr2", "RTMR2"},
                                                                       {"dcap.rtmr3", "RTMR3"},
                                                                       {"dcap.tee_tcb_svn2", "TEE_TCB_SVN_2"},
                                                                       {"dcap.mrservicetd", "MRSERVICETD"},
                                                                       {"dcap.tdid", "TDID"},
                                                                       {"dcap.init_tee_tcb_svn", "INITTEETCBSVN"}};
constexpr std::pair<std::string_view, std::string_view> kSgxOctets[] = {
    {"dcap.cpu_svn", "CPUSVN"},           {"dcap.attributes", "ATTRIBUTES"}, {"dcap.mrenclave", "MRENCLAVE"},
    {"dcap.mrsigner", "MRSIGNER"},        {"dcap.config_id", "CONFIGID"},    {"dcap.isv_ext_prod_id", "ISVEXTPRODID"},
    {"dcap.isv_family_id", "ISVFAMILYID"}};

consteval Field Sgx(std::string_view name) { return FieldNamed(kSgxReport, name); }
consteval Field Td(std::string_view name) { return FieldNamed(kTdReport15Ex, name); }

}  // namespace

std::span<const evidence::ClaimSpec> ClaimTable() { return kClaims; }

void Quote::WriteClaims(trust::ClaimWriter& claims) const {
  const auto octets = [&](const auto& names, std::span<const Field> layout) {
    for (const auto& [claim, name] : names) {
      const auto row = std::find_if(layout.begin(), layout.end(), [name = name](const Field& field) { return field.name == name; });
      const ByteView value = row == layout.end() ? ByteView() : Slice(*row);
      if (!value.empty()) claims.Add(claim, ToBytes(value));  // shorter bodies end before it
    }
  };
  claims.Add("dcap.quote_version", std::uint64_t{version_});
  claims.Add("dcap.tee", std::string(NameOf(tee_)));
  if (version_ == 5) claims.Add("dcap.body_type", std::uint64_t{static_cast<std::uint16_t>(body_type_)});
  claims.Add("dcap.report_data", ToBytes(report_data()));
  if (tee_ == Tee::kTdx) {
    octets(kTdOctets, kTdReport15Ex);
    const std::uint64_t attributes = Number(Td("TDATTRIBUTES"));
    const ByteView service_td = Slice(Td("MRSERVICETD"));
    claims.Add("dcap.debug", (attributes & kTdUnderDebug) != 0);
    claims.Add("dcap.sept_ve_disable", (attributes & kTdSeptVeDisable) != 0);
    claims.Add("dcap.migratable", (attributes & kTdMigratable) != 0);
    claims.Add("dcap.service_td", !service_td.empty() && !AllZero(service_td));
  } else {
    octets(kSgxOctets, kSgxReport);
    claims.Add("dcap.debug", (Number(Sgx("ATTRIBUTES")) & kSgxDebug) != 0);
    claims.Add("dcap.migratable", false);
    claims.Add("dcap.service_td", false);
    claims.Add("dcap.isv_prod_id", Number(Sgx("ISVPRODID")));
    claims.Add("dcap.isv_svn", Number(Sgx("ISVSVN")));
    claims.Add("dcap.config_svn", Number(Sgx("CONFIGSVN")));
    claims.Add("dcap.misc_select", Number(Sgx("MISCSELECT")));
  }
  if (!endorsement_) return;
  const PckExtension& pck = endorsement_->pck;
  const auto array = [&](std::string_view name, ByteView value) { claims.Add(name, ToBytes(value)); };
  array("dcap.fmspc", pck.fmspc);
  array("dcap.pceid", pck.pce_id);
  array("dcap.ppid", pck.ppid);
  claims.Add("dcap.pce_svn", std::uint64_t{pck.pce_svn});
  claims.Add("dcap.sgx_type", std::string(NameOf(pck.sgx_type)));
  claims.Add("dcap.pck_ca", std::string(endorsement_->pck_ca == CertificateKind::kPlatformCa ? "platform" : "processor"));
  if (pck.platform_instance_id) array("dcap.platform_instance_id", *pck.platform_instance_id);
  if (pck.configuration) {
    claims.Add("dcap.dynamic_platform", pck.configuration->dynamic_platform);
    claims.Add("dcap.cached_keys", pck.configuration->cached_keys);
    claims.Add("dcap.smt_enabled", pck.configuration->smt_enabled);
  }
  claims.Add("dcap.qe_isv_svn", std::uint64_t{endorsement_->qe_isv_svn});
  claims.Add("dcap.qe_debug", endorsement_->qe_debug);
  array("dcap.qe_report_data_tail", endorsement_->qe_report_data_tail);
  claims.Add("dcap.revocation_checked", endorsement_->revocation_checked);
  if (!endorsement_->tcb) return;
  const TcbResult& tcb = *endorsement_->tcb;
  claims.Add("dcap.tcb_status", std::string(NameOf(tcb.evaluation.status)));
  claims.Add("dcap.tcb_evaluation_data_number", std::uint64_t{tcb.evaluation_data_number});
  claims.Add("dcap.qe_evaluation_data_number", std::uint64_t{tcb.qe_evaluation_data_number});
  claims.Add("dcap.effective_evaluation_data_number", std::uint64_t{std::min(tcb.evaluation_data_number, tcb.qe_evaluation_data_number)});
  if (tcb.evaluation.initial) claims.Add("dcap.initial_status", std::string(NameOf(*tcb.evaluation.initial)));
  if (!tcb.shortfall.empty()) claims.Add("dcap.tcb_shortfall", tcb.shortfall);
  if (!tcb.evaluation.platform) return;  // no level applies
  const std::pair<std::string_view, std::optional<TcbStatus>> kParts[] = {{"dcap.platform_status", tcb.evaluation.platform},
                                                                          {"dcap.qe_status", tcb.evaluation.qe},
                                                                          {"dcap.tdx_module_status", tcb.evaluation.tdx_module}};
  for (const auto& [name, status] : kParts) {
    if (status) claims.Add(name, std::string(NameOf(*status)));
  }
  claims.Add("dcap.tcb_date", tcb.evaluation.date);
  claims.Add("dcap.advisory_ids", trust::Names{tcb.evaluation.advisory_ids});
}

}  // namespace assay::dcap
