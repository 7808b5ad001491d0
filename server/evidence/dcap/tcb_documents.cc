#include "evidence/dcap/tcb_documents.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "codec/json.h"
#include "evidence/dcap/collateral_kinds.h"

namespace assay::dcap {
namespace {

constexpr std::string_view kSpec = "Intel PCS API version 4";
constexpr std::size_t kMaxLevels = 256;

constexpr auto kStatusNames = std::to_array<std::pair<std::string_view, TcbStatus>>({
    {"UpToDate", TcbStatus::kUpToDate},
    {"SWHardeningNeeded", TcbStatus::kSwHardeningNeeded},
    {"ConfigurationNeeded", TcbStatus::kConfigurationNeeded},
    {"ConfigurationAndSWHardeningNeeded", TcbStatus::kConfigurationAndSwHardeningNeeded},
    {"OutOfDate", TcbStatus::kOutOfDate},
    {"OutOfDateConfigurationNeeded", TcbStatus::kOutOfDateConfigurationNeeded},
    {"Revoked", TcbStatus::kRevoked},
    {"TDRelaunchAdvised", TcbStatus::kTdRelaunchAdvised},
    {"TDRelaunchAdvisedConfigurationNeeded", TcbStatus::kTdRelaunchAdvisedConfigurationNeeded},
    {"NotSupported", TcbStatus::kNotSupported},
});
constexpr std::size_t kStatusesInDocuments = 7;

// Reads members by name; the first defect is kept, and everything after it reads as nothing.
class Members {
 public:
  explicit Members(std::string_view document) : document_(document) {}

  bool sound() const { return !defect_; }
  Finding defect() const { return *defect_; }
  void Refuse(std::string_view where, std::string expected, std::string actual) {
    if (defect_) return;
    defect_ = Finding{.reason = Reason::kCollateralMalformed,
                      .component = document_,
                      .claim = std::string(where),
                      .expected = std::move(expected),
                      .actual = std::move(actual),
                      .spec = std::string(kSpec)};
  }

  const json::Value* Find(const json::Value& object, std::string_view name, std::string_view expected) {
    const json::Value* value = object.Find(name);
    if (value == nullptr) Refuse(name, std::string(expected), "absent");
    return value;
  }
  std::uint32_t Number(const json::Value& object, std::string_view name, std::uint32_t most) {
    const std::string expected = Cat("a number from 0 to ", most);
    const json::Value* value = Find(object, name, expected);
    if (value == nullptr) return 0;
    const std::optional<std::uint64_t> number = value->AsUint64();
    if (!number || *number > most) {
      Refuse(name, expected, number ? std::to_string(*number) : std::string(value->KindName()));
      return 0;
    }
    return static_cast<std::uint32_t>(*number);
  }
  std::string Text(const json::Value& object, std::string_view name) {
    const json::Value* value = Find(object, name, "text");
    if (value == nullptr) return {};
    if (value->AsString() == nullptr) {
      Refuse(name, "text", std::string(value->KindName()));
      return {};
    }
    return *value->AsString();
  }
  template <std::size_t N>
  void Hex(const json::Value& object, std::string_view name, ByteArray<N>& into) {
    const std::string text = Text(object, name);
    const std::optional<Bytes> bytes = FromHex(text);
    if (!bytes || bytes->size() != N) return Refuse(name, Cat(2 * N, " hexadecimal digits"), Printable(text, 64));
    std::copy(bytes->begin(), bytes->end(), into.begin());
  }
  Time Date(const json::Value& object, std::string_view name) {
    const std::string text = Text(object, name);
    const auto time = ParseTime(text);
    if (!time) Refuse(name, "a date such as 2026-01-31T00:00:00Z", Printable(text, 64));
    return time.value_or(Time{});
  }
  // The elements of an array that may not be empty.
  const json::Value::Array& Array(const json::Value& object, std::string_view name) {
    static const json::Value::Array kNone;
    const json::Value* value = Find(object, name, "an array");
    if (value == nullptr) return kNone;
    const json::Value::Array* array = value->AsArray();
    if (array == nullptr || array->empty() || array->size() > kMaxLevels) {
      Refuse(name, Cat("an array of 1 to ", kMaxLevels, " elements"),
             array == nullptr ? std::string(value->KindName()) : Cat(array->size(), " elements"));
      return kNone;
    }
    return *array;
  }

  TcbVerdict Verdict(const json::Value& level) {
    TcbVerdict verdict;
    const std::string status = Text(level, "tcbStatus");
    const auto known = kStatusNames.begin() + kStatusesInDocuments;
    const auto found = std::find_if(kStatusNames.begin(), known, [&](const auto& entry) { return entry.first == status; });
    if (found == known) Refuse("tcbStatus", "a status of the API", Printable(status, 64));
    else verdict.status = found->second;
    verdict.date = Date(level, "tcbDate");
    if (const json::Value* ids = level.Find("advisoryIDs")) {
      if (ids->AsArray() == nullptr) Refuse("advisoryIDs", "an array", std::string(ids->KindName()));
      else
        for (const json::Value& id : *ids->AsArray()) {
          if (id.AsString() == nullptr || id.AsString()->empty() || id.AsString()->find(',') != std::string::npos) {
            Refuse("advisoryIDs", "names without commas", std::string(id.KindName()));
          } else {
            verdict.advisory_ids.push_back(*id.AsString());
          }
        }
    }
    return verdict;
  }

  std::vector<IsvLevel> IsvLevels(const json::Value& object) {
    std::vector<IsvLevel> levels;
    for (const json::Value& level : Array(object, "tcbLevels")) {
      const json::Value* tcb = Find(level, "tcb", "an object");
      if (tcb == nullptr) break;
      levels.push_back({static_cast<std::uint16_t>(Number(*tcb, "isvsvn", 65535)), Verdict(level)});
    }
    std::sort(levels.begin(), levels.end(), [](const IsvLevel& a, const IsvLevel& b) { return a.isv_svn > b.isv_svn; });
    const auto twice =
        std::adjacent_find(levels.begin(), levels.end(), [](const IsvLevel& a, const IsvLevel& b) { return a.isv_svn == b.isv_svn; });
    if (twice != levels.end()) Refuse("tcbLevels", "each isvsvn once", Cat(twice->isv_svn, " twice"));
    return levels;
  }

 private:
  const std::string document_;
  std::optional<Finding> defect_;
};

// The signed object, inside `parsed`, with the head that all documents share. Null: `members` has the defect, or `findings` the syntax
// errors.
const json::Value* ReadHead(std::string_view text, std::string_view name, const Outcome<json::Value>& parsed, DocumentHead& head,
                            Members& members, std::vector<Finding>& findings) {
  if (!parsed) {
    findings = parsed.findings();
    return nullptr;
  }
  const json::Value::Object* object = parsed->AsObject();
  const json::Value* body = parsed->Find(name);
  if (object == nullptr || object->size() != 2 || body == nullptr || body->AsObject() == nullptr) {
    members.Refuse("document", Cat("an object of ", name, " and signature"), std::string(parsed->KindName()));
    return nullptr;
  }
  ByteArray<kSignatureSize> signature{};
  members.Hex(*parsed, "signature", signature);
  head.signature = ToBytes(signature);
  head.signed_bytes = std::string(body->VerbatimIn(text));
  head.issue_date = members.Date(*body, "issueDate");
  head.next_update = members.Date(*body, "nextUpdate");
  if (head.next_update < head.issue_date) members.Refuse("nextUpdate", "a date behind issueDate", FormatTime(head.next_update));
  return members.sound() ? body : nullptr;
}

Outcome<json::Value> Parsed(std::string_view text, std::string_view name) {
  return json::Parse(text, name, {.bytes = kMaxDocumentSize, .depth = 8, .values = 50'000});
}

std::uint32_t EvaluationNumber(const json::Value& object, Members& members) {
  return members.Number(object, "tcbEvaluationDataNumber", 1'000'000);
}

Tee ReadTee(const json::Value& body, Members& members) {
  const std::string id = members.Text(body, "id");
  if (id != "SGX" && id != "TDX") members.Refuse("id", "SGX or TDX", Printable(id, 64));
  return id == "TDX" ? Tee::kTdx : Tee::kSgx;
}

void ReadComponents(const json::Value& tcb, std::string_view name, Members& members, ByteArray<16>& into) {
  const json::Value::Array& components = members.Array(tcb, name);
  if (components.size() != into.size()) return members.Refuse(name, "16 components", Cat(components.size(), " components"));
  for (std::size_t i = 0; i < into.size(); ++i) into[i] = static_cast<std::uint8_t>(members.Number(components[i], "svn", 255));
}

auto RankOf(const PlatformLevel& level) { return std::tie(level.sgx_components, level.tdx_components, level.pce_svn); }

std::vector<PlatformLevel> ReadLevels(const json::Value& body, std::uint32_t version, Tee tee, Members& members) {
  std::vector<PlatformLevel> levels;
  for (const json::Value& element : members.Array(body, "tcbLevels")) {
    const json::Value* tcb = members.Find(element, "tcb", "an object");
    if (tcb == nullptr) break;
    PlatformLevel level;
    if (version >= 3) {
      ReadComponents(*tcb, "sgxtcbcomponents", members, level.sgx_components);
      if (tee == Tee::kTdx) ReadComponents(*tcb, "tdxtcbcomponents", members, level.tdx_components);
    } else {
      for (std::size_t i = 0; i < level.sgx_components.size(); ++i) {
        const std::string name = Cat("sgxtcbcomp", i < 9 ? "0" : "", i + 1, "svn");
        level.sgx_components[i] = static_cast<std::uint8_t>(members.Number(*tcb, name, 255));
      }
    }
    level.pce_svn = static_cast<std::uint16_t>(members.Number(*tcb, "pcesvn", 65535));
    level.verdict = members.Verdict(element);
    levels.push_back(std::move(level));
  }
  std::sort(levels.begin(), levels.end(), [](const PlatformLevel& a, const PlatformLevel& b) { return RankOf(a) > RankOf(b); });
  const auto twice = std::adjacent_find(levels.begin(), levels.end(),
                                        [](const PlatformLevel& a, const PlatformLevel& b) { return RankOf(a) == RankOf(b); });
  if (twice != levels.end()) members.Refuse("tcbLevels", "each level once", "one twice");
  return levels;
}

TdxModule ReadModule(const json::Value& object, Members& members) {
  TdxModule module;
  members.Hex(object, "mrsigner", module.mrsigner);
  members.Hex(object, "attributes", module.attributes);
  members.Hex(object, "attributesMask", module.attributes_mask);
  return module;
}

}  // namespace

std::string_view NameOf(TcbStatus status) {
  for (const auto& [name, value] : kStatusNames) {
    if (value == status) return name;
  }
  return "unknown";
}

Outcome<TcbInfo> ReadTcbInfo(std::string_view text) {
  TcbInfo info;
  Members members(TcbInfo::kComponent);
  std::vector<Finding> findings;
  const Outcome<json::Value> parsed = Parsed(text, "tcbInfo");
  const json::Value* body = ReadHead(text, "tcbInfo", parsed, info.head, members, findings);
  if (!findings.empty()) return findings;
  if (body == nullptr) return members.defect();
  const std::uint32_t version = members.Number(*body, "version", 1000);
  if (version == 3) info.tee = ReadTee(*body, members);
  else if (version != 2) members.Refuse("version", "2 or 3", std::to_string(version));
  info.head.evaluation_data_number = EvaluationNumber(*body, members);
  members.Hex(*body, "fmspc", info.fmspc);
  members.Hex(*body, "pceId", info.pce_id);
  if (members.Number(*body, "tcbType", 1000) != 0) members.Refuse("tcbType", "0", "another");
  info.levels = ReadLevels(*body, version, info.tee, members);
  if (info.tee == Tee::kTdx) {
    if (const json::Value* module = body->Find("tdxModule")) info.modules.push_back(ReadModule(*module, members));
    if (body->Find("tdxModuleIdentities") != nullptr) {
      for (const json::Value& identity : members.Array(*body, "tdxModuleIdentities")) {
        TdxModule module = ReadModule(identity, members);
        module.id = members.Text(identity, "id");
        module.levels = members.IsvLevels(identity);
        const bool twice =
            std::any_of(info.modules.begin(), info.modules.end(), [&](const TdxModule& other) { return other.id == module.id; });
        if (twice) members.Refuse("tdxModuleIdentities", "each id once", Printable(module.id, 64));
        info.modules.push_back(std::move(module));
      }
    }
  }
  if (!members.sound()) return members.defect();
  return info;
}

Outcome<QeIdentity> ReadQeIdentity(std::string_view text) {
  QeIdentity identity;
  Members members(QeIdentity::kComponent);
  std::vector<Finding> findings;
  const Outcome<json::Value> parsed = Parsed(text, "enclaveIdentity");
  const json::Value* body = ReadHead(text, "enclaveIdentity", parsed, identity.head, members, findings);
  if (!findings.empty()) return findings;
  if (body == nullptr) return members.defect();
  if (const std::uint32_t version = members.Number(*body, "version", 1000); version != 2) {
    members.Refuse("version", "2", std::to_string(version));
  }
  identity.head.evaluation_data_number = EvaluationNumber(*body, members);
  identity.id = members.Text(*body, "id");
  members.Hex(*body, "miscselect", identity.miscselect);
  members.Hex(*body, "miscselectMask", identity.miscselect_mask);
  members.Hex(*body, "attributes", identity.attributes);
  members.Hex(*body, "attributesMask", identity.attributes_mask);
  members.Hex(*body, "mrsigner", identity.mrsigner);
  identity.isv_prod_id = static_cast<std::uint16_t>(members.Number(*body, "isvprodid", 65535));
  identity.levels = members.IsvLevels(*body);
  if (!members.sound()) return members.defect();
  return identity;
}

Outcome<EvaluationNumbers> ReadEvaluationNumbers(std::string_view text) {
  EvaluationNumbers document;
  Members members(EvaluationNumbers::kComponent);
  std::vector<Finding> findings;
  const Outcome<json::Value> parsed = Parsed(text, "tcbEvaluationDataNumbers");
  const json::Value* body = ReadHead(text, "tcbEvaluationDataNumbers", parsed, document.head, members, findings);
  if (!findings.empty()) return findings;
  if (body == nullptr) return members.defect();
  if (const std::uint32_t version = members.Number(*body, "version", 1000); version != 1) {
    members.Refuse("version", "1", std::to_string(version));
  }
  document.tee = ReadTee(*body, members);
  for (const json::Value& element : members.Array(*body, "tcbEvalNumbers")) {
    document.numbers.push_back(
        {EvaluationNumber(element, members), members.Date(element, "tcbRecoveryEventDate"), members.Date(element, "tcbDate")});
  }
  std::sort(document.numbers.begin(), document.numbers.end(), [](const auto& a, const auto& b) { return a.number > b.number; });
  const auto twice = std::adjacent_find(document.numbers.begin(), document.numbers.end(),
                                        [](const auto& a, const auto& b) { return a.number == b.number; });
  if (twice != document.numbers.end()) members.Refuse("tcbEvalNumbers", "each number once", Cat(twice->number, " twice"));
  if (!members.sound()) return members.defect();
  document.head.evaluation_data_number = document.numbers.front().number;
  return document;
}

trust::EcdsaSigned DocumentHead::Signed() const {
  const ByteView raw = signature;
  return {crypto::HashAlgorithm::kSha256, AsBytes(signed_bytes), ToBytes(raw.first(kCoordinateSize)),
          ToBytes(raw.subspan(kCoordinateSize))};
}

trust::CollateralKey TcbInfo::Series() const { return {std::string(kTcbInfoKind), std::string(NameOf(tee)), ToHex(fmspc)}; }
trust::CollateralKey QeIdentity::Series() const { return {std::string(kQeIdentityKind), id, {}}; }
trust::CollateralKey EvaluationNumbers::Series() const { return {std::string(kEvaluationNumbersKind), std::string(NameOf(tee)), {}}; }

namespace {

trust::Description Described(std::string_view title, std::string about, const DocumentHead& head) {
  trust::Description description{std::string(title), std::move(about)};
  description.Add("issueDate", FormatTime(head.issue_date));
  description.Add("nextUpdate", FormatTime(head.next_update));
  description.Add("tcbEvaluationDataNumber", std::to_string(head.evaluation_data_number));
  return description;
}
std::string Shown(const TcbVerdict& verdict) {
  return Cat(NameOf(verdict.status), ", ", FormatTime(verdict.date), verdict.advisory_ids.empty() ? "" : ", ",
             Printable(Join(verdict.advisory_ids, " ")));
}
void AddLevels(const std::vector<IsvLevel>& levels, trust::Description& description) {
  for (const IsvLevel& level : levels) description.Add(Cat("isvsvn ", level.isv_svn), Shown(level.verdict));
}

}  // namespace

trust::Description TcbInfo::Describe() const {
  trust::Description description = Described("Intel TCB info", Cat(NameOf(tee), ", FMSPC ", ToHex(fmspc)), head);
  description.Add("pceId", ToHex(pce_id));
  for (const PlatformLevel& level : levels) {
    trust::Description& child = description.Add("level", Shown(level.verdict));
    child.Add("sgxtcbcomponents", ToHex(level.sgx_components));
    if (tee == Tee::kTdx) child.Add("tdxtcbcomponents", ToHex(level.tdx_components));
    child.Add("pcesvn", std::to_string(level.pce_svn));
  }
  for (const TdxModule& module : modules) {
    trust::Description& child = description.Add("TDX module", module.id.empty() ? "before 1.5" : Printable(module.id, 64));
    child.Add("mrsigner", ToHex(module.mrsigner));
    AddLevels(module.levels, child);
  }
  return description;
}

trust::Description QeIdentity::Describe() const {
  trust::Description description = Described("Intel QE identity", Printable(id, 64), head);
  description.Add("mrsigner", ToHex(mrsigner));
  description.Add("isvprodid", std::to_string(isv_prod_id));
  description.Add("attributes", Cat(ToHex(attributes), " under mask ", ToHex(attributes_mask)));
  AddLevels(levels, description);
  return description;
}

trust::Description EvaluationNumbers::Describe() const {
  trust::Description description = Described("Intel TCB evaluation data numbers", std::string(NameOf(tee)), head);
  for (const Number& one : numbers) {
    description.Add(std::to_string(one.number),
                    Cat("recovery event ", FormatTime(one.recovery_event), ", TCB date ", FormatTime(one.tcb_date)));
  }
  return description;
}

}  // namespace assay::dcap
