#include "appraisal/replay.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "codec/json.h"

namespace assay::appraisal {
namespace {

constexpr std::size_t kMostDifferences = 200;
constexpr std::size_t kShownValue = 512;

std::optional<crypto::Sha256Digest> DigestFrom(const std::string& bytes) {
  crypto::Sha256Digest digest{};
  if (bytes.size() != digest.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

Time TimeOf(const google::protobuf::Timestamp& time) { return Time{Duration{time.seconds()}}; }

// The bytes of one input, or its name among the missing.
class Supply {
 public:
  explicit Supply(const v1::VerdictExport& verdict) {
    for (const std::string& input : verdict.inputs()) inputs_.emplace(crypto::Sha256(AsBytes(input)), AsBytes(input));
  }
  std::optional<ByteView> Take(const std::string& sha256, std::string_view what) {
    const auto digest = DigestFrom(sha256);
    const auto found = digest ? inputs_.find(*digest) : inputs_.end();
    if (found != inputs_.end()) return found->second;
    missing_.push_back(Cat(what, " ", ToHex(AsBytes(sha256))));
    return std::nullopt;
  }
  const std::vector<std::string>& missing() const { return missing_; }

 private:
  std::map<crypto::Sha256Digest, ByteView> inputs_;
  std::vector<std::string> missing_;
};

std::vector<evidence::Item> EvidenceOf(const v1::VerdictRecord& record, Supply& supply) {
  std::vector<evidence::Item> items;
  for (int i = 0; i < record.appraisal().digests().evidence_size(); ++i) {
    const std::string media_type = i < record.evidence_media_types_size() ? record.evidence_media_types(i) : std::string();
    if (const auto bytes = supply.Take(record.appraisal().digests().evidence(i), Cat("evidence ", Printable(media_type, 80)))) {
      items.push_back({media_type, trust::UntrustedBytes(ToBytes(*bytes))});
    }
  }
  return items;
}

// What the node sent is found in its evidence again; the rest is recognised from the bytes that were kept.
std::vector<trust::CollateralItem> CollateralOf(const v1::VerdictRecord& record, const Registry& registry, Supply& supply) {
  std::vector<trust::CollateralItem> items;
  for (const v1::CollateralEntry& entry : record.collateral()) {
    if (entry.source() == trust::NameOf(trust::CollateralSource::kNode)) continue;
    const auto bytes = supply.Take(entry.sha256(), Cat("collateral ", Printable(entry.key())));
    if (!bytes) continue;
    const trust::UntrustedBytes body{ToBytes(*bytes)};
    for (const evidence::Format* format : registry.formats) {
      for (trust::CollateralItem& item : format->recognise(body, trust::CollateralSource::kSupplied, nullptr)) {
        if (item.key.ToString() == entry.key()) items.push_back(std::move(item));
      }
    }
  }
  return items;
}

LoadResult PoliciesOf(const v1::VerdictRecord& record, const Registry& registry, Supply& supply) {
  std::vector<std::pair<std::string, std::string>> files;
  for (int i = 0; i < record.policy_sources_size(); ++i) {
    const std::string name = i < record.policy_source_names_size() ? record.policy_source_names(i) : Cat("policy-", i + 1, ".yaml");
    if (const auto bytes = supply.Take(record.policy_sources(i), Cat("policy ", Printable(name)))) files.emplace_back(name, AsText(*bytes));
  }
  if (!supply.missing().empty()) return {};
  return LoadPolicies(files, registry);
}

std::vector<trust::Floor> FloorsOf(const v1::RememberedState& state) {
  std::vector<trust::Floor> floors;
  for (const v1::CollateralFloor& floor : state.floors()) {
    // A channel of another version's: no floor of this one's, and the digest of the state shows the difference.
    const auto channel = trust::ChannelNamed(floor.channel());
    if (channel) floors.push_back({{{floor.kind(), floor.scope(), floor.detail()}, floor.number(), TimeOf(floor.issued())}, *channel});
  }
  return floors;
}

std::vector<Denial> DenialsOf(const v1::RememberedState& state) {
  std::vector<Denial> denials;
  for (const v1::Denial& denial : state.denials()) {
    denials.push_back(
        {denial.certificate() ? Denial::Of::kCertificate : Denial::Of::kMeasurement, ToBytes(AsBytes(denial.value())), denial.why()});
  }
  return denials;
}

bool HasSources(const v1::VerdictRecord& record, const PolicyBook& book) {
  return std::equal(record.policy_sources().begin(), record.policy_sources().end(), book.sources().begin(), book.sources().end(),
                    [](const std::string& sha256, const PolicySource& source) { return Equal(AsBytes(sha256), source.sha256); });
}

v1::Appraisal Undecided(const v1::VerdictRecord& record, Time at, Finding finding) {
  v1::Appraisal appraisal;
  appraisal.set_engine(Cat("assay/", ASSAY_VERSION));
  appraisal.set_verdict(v1::VERDICT_INDETERMINATE);
  appraisal.set_authenticity(v1::AUTHENTICITY_NOT_AUTHENTIC);
  appraisal.set_platform(record.appraisal().platform());
  appraisal.mutable_appraised_at()->set_seconds(at.time_since_epoch().count());
  finding.effect = Effect::kIndeterminate;
  *appraisal.add_findings() = ToProto(finding);
  return appraisal;
}

std::string Shown(const json::Value& value) {
  if (const std::string* text = value.AsString()) return Printable(*text, kShownValue);
  if (const auto flag = value.AsBool()) return *flag ? "true" : "false";
  if (const auto number = value.AsInt64()) return std::to_string(*number);
  if (const auto number = value.AsUint64()) return std::to_string(*number);
  return std::string(value.KindName());
}

class Comparison {
 public:
  explicit Comparison(google::protobuf::RepeatedPtrField<v1::Difference>& differences) : differences_(differences) {}

  void Compare(const std::string& member, const json::Value* recorded, const json::Value* replayed) {
    if (differences_.size() >= static_cast<int>(kMostDifferences) || (recorded == nullptr && replayed == nullptr)) return;
    if (recorded != nullptr && replayed != nullptr) {
      if (*recorded == *replayed) return;
      if (recorded->AsObject() != nullptr && replayed->AsObject() != nullptr) return CompareObjects(member, *recorded, *replayed);
      if (recorded->AsArray() != nullptr && replayed->AsArray() != nullptr) {
        return CompareArrays(member, *recorded->AsArray(), *replayed->AsArray());
      }
    }
    v1::Difference& difference = *differences_.Add();
    difference.set_member(member);
    difference.set_recorded(recorded == nullptr ? "absent" : Shown(*recorded));
    difference.set_replayed(replayed == nullptr ? "absent" : Shown(*replayed));
  }

 private:
  void CompareObjects(const std::string& member, const json::Value& recorded, const json::Value& replayed) {
    std::set<std::string> names;
    for (const json::Value* value : {&recorded, &replayed}) {
      for (const json::Member& entry : *value->AsObject()) names.insert(entry.name);
    }
    for (const std::string& name : names) Compare(member.empty() ? name : Cat(member, ".", name), recorded.Find(name), replayed.Find(name));
  }
  void CompareArrays(const std::string& member, const json::Value::Array& recorded, const json::Value::Array& replayed) {
    for (std::size_t i = 0; i < std::max(recorded.size(), replayed.size()); ++i) {
      Compare(Cat(member, "[", i, "]"), i < recorded.size() ? &recorded[i] : nullptr, i < replayed.size() ? &replayed[i] : nullptr);
    }
  }

  google::protobuf::RepeatedPtrField<v1::Difference>& differences_;
};

}  // namespace

std::vector<crypto::Sha256Digest> InputsOf(const v1::VerdictRecord& record) {
  std::set<crypto::Sha256Digest> digests;
  const auto add = [&](const std::string& sha256) {
    if (const auto digest = DigestFrom(sha256)) digests.insert(*digest);
  };
  for (const std::string& sha256 : record.appraisal().digests().evidence()) add(sha256);
  for (const v1::CollateralEntry& entry : record.collateral()) add(entry.sha256());
  for (const std::string& sha256 : record.policy_sources()) add(sha256);
  return {digests.begin(), digests.end()};
}

v1::ReplayVerdictResponse Replay(const v1::VerdictExport& verdict, const ReplayTerms& terms) {
  const v1::VerdictRecord& record = verdict.record();
  const Time at = terms.at.value_or(TimeOf(record.appraisal().appraised_at()));
  v1::ReplayVerdictResponse response;
  *response.mutable_recorded() = record.appraisal();

  Supply supply(verdict);
  const std::vector<evidence::Item> items = EvidenceOf(record, supply);
  std::vector<trust::CollateralItem> supplied = CollateralOf(record, terms.registry, supply);
  supplied.insert(supplied.end(), terms.more_collateral.begin(), terms.more_collateral.end());
  const PolicyBook* policies = terms.policies != nullptr                                      ? terms.policies
                               : terms.loaded != nullptr && HasSources(record, *terms.loaded) ? terms.loaded
                                                                                              : nullptr;
  const LoadResult loaded = policies == nullptr ? PoliciesOf(record, terms.registry, supply) : LoadResult{};
  if (loaded.book) policies = &*loaded.book;
  crypto::Sha512Digest report_data{};
  const bool demanded = record.demanded_report_data().size() == report_data.size();
  if (demanded) std::copy(record.demanded_report_data().begin(), record.demanded_report_data().end(), report_data.begin());

  if (!supply.missing().empty()) {
    for (const std::string& missing : supply.missing()) response.add_missing(missing);
    *response.mutable_replayed() = Undecided(record, at,
                                             {.reason = Reason::kInputPurged,
                                              .component = "record",
                                              .expected = "all inputs of the appraisal",
                                              .actual = Cat("without ", Join(supply.missing(), ", "))});
  } else if (policies == nullptr) {
    *response.mutable_replayed() = Undecided(record, at,
                                             {.reason = Reason::kInputUnusable,
                                              .component = "record",
                                              .claim = "policy_sources",
                                              .expected = "policies that load",
                                              .actual = loaded.messages.empty() ? "none" : loaded.messages.front().ToString()});
  } else {
    const PolicyChoice choice = PolicyChoice::ForContext(*policies, record.context().cluster(), record.context().role());
    const trust::Challenge challenge =
        demanded ? trust::Challenge::Demanded(
                       {.report_data = report_data,
                        .nonce = ToBytes(AsBytes(record.demanded_nonce())),
                        .node_key_sha256 = DigestFrom(record.node_key_sha256()),
                        .tpm_ak_sha256 = record.tpm_ak_sha256().empty() ? std::nullopt : std::optional(DigestFrom(record.tpm_ak_sha256()))})
                 : trust::Challenge::NotDemanded(false);
    StateSnapshot state;
    if (record.state().has_not_before()) state.not_before = TimeOf(record.state().not_before());
    if (record.has_state()) {
      state.instance = InstanceState{
          .identity = ToBytes(AsBytes(record.state().identity())), .ban = record.state().ban(), .held_as = record.state().held_as()};
    }
    state.floors = FloorsOf(record.state());
    state.denials = DenialsOf(record.state());
    state.tpm = TpmStateOf(record);
    if (terms.state != nullptr) state = *terms.state;
    *response.mutable_replayed() = Appraise({.registry = terms.registry,
                                             .items = items,
                                             .platform_hint = record.platform_hint(),
                                             .challenge = challenge,
                                             .channel_bound = record.appraisal().channel_bound(),
                                             .collateral = GatherCollateral(terms.registry, items, supplied, terms.caches),
                                             .policies = choice,
                                             .anchors = terms.anchors,
                                             .state = state,
                                             .at = at,
                                             .caches = terms.caches});
  }
  const auto recorded = json::Parse(CanonicalJson(response.recorded())), replayed = json::Parse(CanonicalJson(response.replayed()));
  if (recorded && replayed) Comparison(*response.mutable_differences()).Compare("", &*recorded, &*replayed);
  return response;
}

}  // namespace assay::appraisal
