#include "evidence/dcap/tcb_status.h"

#include <algorithm>

namespace assay::dcap {
namespace {

constexpr std::size_t kModuleSvn = 0;    // of tee_tcb_svn
constexpr std::size_t kModuleMajor = 1;  // 0: before 1.5, when the module's SVN was still a component of the platform's TCB

using enum TcbStatus;

bool AtLeast(const ByteArray<16>& actual, const ByteArray<16>& least, std::size_t from) {
  for (std::size_t i = from; i < least.size(); ++i) {
    if (actual[i] < least[i]) return false;
  }
  return true;
}

const TcbVerdict* PlatformVerdict(const TcbInfo& info, const TcbSubject& subject, const std::optional<ByteArray<16>>& tee_tcb_svn) {
  for (const PlatformLevel& level : info.levels) {
    const bool sgx = AtLeast(subject.pck_components, level.sgx_components, 0) && subject.pce_svn >= level.pce_svn;
    // From 1.5 on the first two components belong to the module, which has levels of its own.
    const bool tdx = !tee_tcb_svn || AtLeast(*tee_tcb_svn, level.tdx_components, (*tee_tcb_svn)[kModuleMajor] > 0 ? 2 : 0);
    if (sgx && tdx) return &level.verdict;
  }
  return nullptr;
}

const TcbVerdict* IsvVerdict(const std::vector<IsvLevel>& levels, std::uint16_t isv_svn) {
  const auto found = std::find_if(levels.begin(), levels.end(), [isv_svn](const IsvLevel& level) { return level.isv_svn <= isv_svn; });
  return found == levels.end() ? nullptr : &found->verdict;
}

TcbStatus Converge(TcbStatus platform, std::span<const TcbVerdict* const> others) {
  const auto any = [&](TcbStatus status) {
    return std::any_of(others.begin(), others.end(), [status](const TcbVerdict* verdict) { return verdict->status == status; });
  };
  if (platform == kRevoked || any(kRevoked)) return kRevoked;
  if (!any(kOutOfDate)) return platform;
  switch (platform) {
    case kUpToDate:
    case kSwHardeningNeeded: return kOutOfDate;
    case kConfigurationNeeded:
    case kConfigurationAndSwHardeningNeeded: return kOutOfDateConfigurationNeeded;
    default: return platform;
  }
}

// With the TDX module of that version.
TcbEvaluation EvaluateAt(const TcbInfo& info, const QeIdentity& identity, const TcbSubject& subject,
                         const std::optional<ByteArray<16>>& tee_tcb_svn) {
  const TcbVerdict* platform = PlatformVerdict(info, subject, tee_tcb_svn);
  const TcbVerdict* qe = IsvVerdict(identity.levels, subject.qe_isv_svn);
  const TcbVerdict* module = nullptr;
  bool has_module = false;
  if (tee_tcb_svn && (*tee_tcb_svn)[kModuleMajor] > 0) {
    has_module = true;
    const std::string id = ModuleId(*tee_tcb_svn);
    const auto found = std::find_if(info.modules.begin(), info.modules.end(), [&](const TdxModule& one) { return one.id == id; });
    if (found != info.modules.end()) module = IsvVerdict(found->levels, (*tee_tcb_svn)[kModuleSvn]);
  }
  TcbEvaluation evaluation;
  if (platform == nullptr || qe == nullptr || (has_module && module == nullptr)) return evaluation;

  std::vector<const TcbVerdict*> others = {qe};
  if (has_module) others.push_back(module);
  evaluation.status = Converge(platform->status, others);
  evaluation.platform = platform->status;
  evaluation.qe = qe->status;
  if (has_module) evaluation.tdx_module = module->status;
  evaluation.date = platform->date;
  evaluation.advisory_ids = platform->advisory_ids;
  for (const TcbVerdict* other : others) {
    evaluation.date = std::min(evaluation.date, other->date);
    evaluation.advisory_ids.insert(evaluation.advisory_ids.end(), other->advisory_ids.begin(), other->advisory_ids.end());
  }
  std::sort(evaluation.advisory_ids.begin(), evaluation.advisory_ids.end());
  evaluation.advisory_ids.erase(std::unique(evaluation.advisory_ids.begin(), evaluation.advisory_ids.end()), evaluation.advisory_ids.end());
  return evaluation;
}

bool IsOutOfDate(TcbStatus status) { return status == kOutOfDate || status == kOutOfDateConfigurationNeeded; }
bool NeedsConfiguration(TcbStatus status) {
  return status == kConfigurationNeeded || status == kConfigurationAndSwHardeningNeeded || status == kOutOfDateConfigurationNeeded;
}

}  // namespace

std::string ModuleId(const ByteArray<16>& tee_tcb_svn) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  const std::uint8_t major = tee_tcb_svn[kModuleMajor];
  return major == 0 ? std::string() : std::string("TDX_") + kDigits[major >> 4] + kDigits[major & 0xF];
}

TcbEvaluation Evaluate(const TcbInfo& info, const QeIdentity& identity, const TcbSubject& subject) {
  TcbEvaluation launch = EvaluateAt(info, identity, subject, subject.tee_tcb_svn);
  if (!subject.tee_tcb_svn2 || launch.status == kNotSupported) return launch;
  // The module may have been updated under the running TD: what it was launched with still shows in its measurements.
  const TcbEvaluation current = EvaluateAt(info, identity, subject, subject.tee_tcb_svn2);
  if (current.status == kNotSupported) return {};
  if (current.status == kRevoked) launch.status = kRevoked;
  else if (IsOutOfDate(launch.status) && !IsOutOfDate(current.status)) {
    launch.status = NeedsConfiguration(launch.status) || NeedsConfiguration(current.status) ? kTdRelaunchAdvisedConfigurationNeeded : kTdRelaunchAdvised;
  }
  return launch;
}

}  // namespace assay::dcap
