#include "evidence/dcap/tcb_status.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/strings.h"

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

// From 1.5 on the first two components belong to the module, which has levels of its own.
std::size_t FirstTdxComponent(const ByteArray<16>& tee_tcb_svn) { return tee_tcb_svn[kModuleMajor] > 0 ? 2 : 0; }

const TcbVerdict* PlatformVerdict(const TcbInfo& info, const ByteArray<16>& components, std::uint16_t pce_svn,
                                  const std::optional<ByteArray<16>>& tee_tcb_svn) {
  for (const PlatformLevel& level : info.levels) {
    const bool sgx = AtLeast(components, level.sgx_components, 0) && pce_svn >= level.pce_svn;
    const bool tdx = !tee_tcb_svn || AtLeast(*tee_tcb_svn, level.tdx_components, FirstTdxComponent(*tee_tcb_svn));
    if (sgx && tdx) return &level.verdict;
  }
  return nullptr;
}

const TdxModule* ModuleOf(const TcbInfo& info, const ByteArray<16>& tee_tcb_svn) {
  const std::string id = ModuleId(tee_tcb_svn);
  const auto found = std::find_if(info.modules.begin(), info.modules.end(), [&](const TdxModule& one) { return one.id == id; });
  return found == info.modules.end() ? nullptr : &*found;
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
  const TcbVerdict* platform = PlatformVerdict(info, subject.pck_components, subject.pce_svn, tee_tcb_svn);
  const TcbVerdict* qe = IsvVerdict(identity.levels, subject.qe_isv_svn);
  const TcbVerdict* module = nullptr;
  bool has_module = false;
  if (tee_tcb_svn && (*tee_tcb_svn)[kModuleMajor] > 0) {
    has_module = true;
    if (const TdxModule* found = ModuleOf(info, *tee_tcb_svn)) module = IsvVerdict(found->levels, (*tee_tcb_svn)[kModuleSvn]);
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

namespace {

// What a status says, taken apart; a whole that consists of two has what either has.
struct Complaints {
  bool revoked, out_of_date, relaunch, configuration, hardening;
};
Complaints ComplaintsOf(TcbStatus status) {
  return {.revoked = status == kRevoked,
          .out_of_date = IsOutOfDate(status),
          .relaunch = status == kTdRelaunchAdvised || status == kTdRelaunchAdvisedConfigurationNeeded,
          .configuration = NeedsConfiguration(status) || status == kTdRelaunchAdvisedConfigurationNeeded,
          .hardening = status == kSwHardeningNeeded || status == kConfigurationAndSwHardeningNeeded};
}
TcbStatus NoBetterThan(TcbStatus status, TcbStatus bound) {
  if (status == kNotSupported || bound == kNotSupported) return kNotSupported;
  const Complaints a = ComplaintsOf(status), b = ComplaintsOf(bound);
  const bool configuration = a.configuration || b.configuration;
  if (a.revoked || b.revoked) return kRevoked;
  if (a.out_of_date || b.out_of_date) return configuration ? kOutOfDateConfigurationNeeded : kOutOfDate;
  if (a.relaunch || b.relaunch) return configuration ? kTdRelaunchAdvisedConfigurationNeeded : kTdRelaunchAdvised;
  if (a.hardening || b.hardening) return configuration ? kConfigurationAndSwHardeningNeeded : kSwHardeningNeeded;
  return configuration ? kConfigurationNeeded : kUpToDate;
}

// The report does not name the PCESVN of then: only the components are compared.
constexpr std::uint16_t kAnyPceSvn = 0xFFFF;

std::optional<TcbStatus> InitialStatus(const TcbInfo& info, const TcbSubject::Initial& initial) {
  const TcbVerdict* platform = PlatformVerdict(info, initial.components, kAnyPceSvn, initial.tee_tcb_svn);
  if (platform == nullptr) return std::nullopt;
  if (initial.tee_tcb_svn[kModuleMajor] == 0) return platform->status;
  const TdxModule* module = ModuleOf(info, initial.tee_tcb_svn);
  const TcbVerdict* verdict = module == nullptr ? nullptr : IsvVerdict(module->levels, initial.tee_tcb_svn[kModuleSvn]);
  return verdict == nullptr ? std::nullopt : std::optional(NoBetterThan(platform->status, verdict->status));
}

// The evaluation without the initial TCB.
TcbEvaluation EvaluateHere(const TcbInfo& info, const QeIdentity& identity, const TcbSubject& subject) {
  TcbEvaluation launch = EvaluateAt(info, identity, subject, subject.tee_tcb_svn);
  if (!subject.tee_tcb_svn2 || launch.status == kNotSupported) return launch;
  // The module may have been updated under the running TD: what it was launched with still shows in its measurements.
  const TcbEvaluation current = EvaluateAt(info, identity, subject, subject.tee_tcb_svn2);
  if (current.status == kNotSupported) return {};
  if (current.status == kRevoked) launch.status = kRevoked;
  else if (IsOutOfDate(launch.status) && !IsOutOfDate(current.status)) {
    launch.status = NeedsConfiguration(launch.status) || NeedsConfiguration(current.status) ? kTdRelaunchAdvisedConfigurationNeeded
                                                                                            : kTdRelaunchAdvised;
  }
  return launch;
}

// --- what falls short ---------------------------------------------------------------------------------------------

std::string DayOf(Time time) { return FormatTime(time).substr(0, 10); }
std::string Demands(const TcbVerdict& verdict) { return Cat(NameOf(verdict.status), " of ", DayOf(verdict.date), " demands "); }

// The least level that would do: the lowest one that is UpToDate, or the highest where none is. Null: there are no levels.
template <typename Level>
const Level* Wanted(const std::vector<Level>& levels) {
  const auto last = std::find_if(levels.rbegin(), levels.rend(), [](const Level& level) { return level.verdict.status == kUpToDate; });
  return levels.empty() ? nullptr : last == levels.rend() ? &levels.front() : &*last;
}

void AddComponents(std::string_view name, const ByteArray<16>& actual, const ByteArray<16>& least, std::size_t from,
                   const TcbVerdict& verdict, std::vector<std::string>& short_of) {
  for (std::size_t i = from; i < least.size(); ++i) {
    if (actual[i] < least[i]) short_of.push_back(Cat(name, "[", i, "] is ", int{actual[i]}, ", ", Demands(verdict), int{least[i]}));
  }
}

// What the level that applies says by itself, where its components suffice.
void AddApplying(std::string_view part, const TcbVerdict* applies, std::vector<std::string>& short_of) {
  if (applies == nullptr) short_of.push_back(Cat("no level applies to the ", part));
  else if (applies->status != kUpToDate) {
    short_of.push_back(Cat("the level of the ", part, ", of ", DayOf(applies->date), ", is ", NameOf(applies->status)));
  }
}

void AddIsv(std::string_view part, const std::vector<IsvLevel>& levels, std::uint16_t isv_svn, std::vector<std::string>& short_of) {
  const TcbVerdict* applies = IsvVerdict(levels, isv_svn);
  const IsvLevel* wanted = Wanted(levels);
  if (applies != nullptr && applies->status == kUpToDate) return;
  if (wanted != nullptr && isv_svn < wanted->isv_svn) {
    short_of.push_back(Cat(part, " isvsvn is ", isv_svn, ", ", Demands(wanted->verdict), wanted->isv_svn));
  } else AddApplying(part, applies, short_of);
}

void AddPlatform(const TcbInfo& info, const ByteArray<16>& components, std::uint16_t pce_svn,
                 const std::optional<ByteArray<16>>& tee_tcb_svn, std::vector<std::string>& short_of) {
  const TcbVerdict* applies = PlatformVerdict(info, components, pce_svn, tee_tcb_svn);
  if (applies != nullptr && applies->status == kUpToDate) return;
  const std::size_t before = short_of.size();
  if (const PlatformLevel* wanted = Wanted(info.levels)) {
    AddComponents("sgxtcbcomponents", components, wanted->sgx_components, 0, wanted->verdict, short_of);
    if (tee_tcb_svn) {
      AddComponents("tdxtcbcomponents", *tee_tcb_svn, wanted->tdx_components, FirstTdxComponent(*tee_tcb_svn), wanted->verdict, short_of);
    }
    if (pce_svn < wanted->pce_svn) short_of.push_back(Cat("pcesvn is ", pce_svn, ", ", Demands(wanted->verdict), wanted->pce_svn));
  }
  if (short_of.size() == before) AddApplying("platform", applies, short_of);
}

void AddModule(const TcbInfo& info, const ByteArray<16>& tee_tcb_svn, std::vector<std::string>& short_of) {
  if (tee_tcb_svn[kModuleMajor] == 0) return;
  const TdxModule* module = ModuleOf(info, tee_tcb_svn);
  const std::string part = Cat("TDX module ", ModuleId(tee_tcb_svn));
  if (module == nullptr) short_of.push_back(Cat("no identity of ", part));
  else AddIsv(part, module->levels, tee_tcb_svn[kModuleSvn], short_of);
}

// What stands in `more` and not yet in `all`, with `prefix`.
void AddNew(std::string_view prefix, const std::vector<std::string>& more, std::vector<std::string>& all) {
  const std::vector<std::string> known = all;
  for (const std::string& text : more) {
    if (std::find(known.begin(), known.end(), text) == known.end()) all.push_back(Cat(prefix, text));
  }
}

}  // namespace

TcbEvaluation Evaluate(const TcbInfo& info, const QeIdentity& identity, const TcbSubject& subject) {
  TcbEvaluation evaluation = EvaluateHere(info, identity, subject);
  if (!subject.initial) return evaluation;
  evaluation.initial = InitialStatus(info, *subject.initial);
  if (evaluation.initial) evaluation.status = NoBetterThan(evaluation.status, *evaluation.initial);
  return evaluation;
}

std::string ShortfallOf(const TcbInfo& info, const QeIdentity& identity, const TcbSubject& subject) {
  const TcbEvaluation evaluation = Evaluate(info, identity, subject);
  if (evaluation.status == kUpToDate) return {};
  std::vector<std::string> short_of, now, initial;
  AddPlatform(info, subject.pck_components, subject.pce_svn, subject.tee_tcb_svn, short_of);
  if (subject.tee_tcb_svn) AddModule(info, *subject.tee_tcb_svn, short_of);
  AddIsv("QE", identity.levels, subject.qe_isv_svn, short_of);
  if (subject.tee_tcb_svn2) {
    AddPlatform(info, subject.pck_components, subject.pce_svn, subject.tee_tcb_svn2, now);
    AddModule(info, *subject.tee_tcb_svn2, now);
    AddNew("now: ", now, short_of);
  }
  if (subject.initial) {
    AddPlatform(info, subject.initial->components, kAnyPceSvn, subject.initial->tee_tcb_svn, initial);
    AddModule(info, subject.initial->tee_tcb_svn, initial);
    AddNew("when initialised: ", initial, short_of);
  }
  std::string text;
  std::size_t shown = 0;
  for (const std::string& one : short_of) {
    if (text.size() + one.size() > kMaxShortfall / 2) break;
    text += Cat(text.empty() ? "" : "; ", one);
    ++shown;
  }
  if (shown < short_of.size()) text += Cat("; ", short_of.size() - shown, " more");
  if (!evaluation.advisory_ids.empty()) text += Cat("; advisories ", Join(evaluation.advisory_ids, ", "));
  return Printable(text, kMaxShortfall);
}

}  // namespace assay::dcap
