#include "appraisal/forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "appraisal/anchors_file.h"
#include "base/absl_bridge.h"
#include "base/strings.h"
#include "registry/builtin_registry.h"
#include "tests/softtee/intel_pki.h"
#include "tests/softtee/pcs_documents.h"
#include "tests/unit/appraisal/appraising.h"

namespace assay::appraisal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Text(ByteView bytes) { return std::string(AsText(bytes)); }

// A verdict as a server records it, of evidence that the software TEE mints.
struct Recorded {
  explicit Recorded(bool tdx, std::string_view more_rules = {}) {
    if (tdx) appraising.quote = softtee::DcapOptions{};
    const std::string set =
        "apiVersion: assay.v1\nkind: PolicySet\nname: workers\ncontext: {cluster: prod, role: [worker]}\nstrength: {at_least: E}\n"
        "trust_boundary: {require: [memory_encryption]}\npolicies: [qemu, tdx]\n";
    appraising.policies = {QemuPolicy(more_rules), TdxPolicy(), set};
    appraising.cluster = "prod";
    v1::VerdictRecord& record = *verdict.mutable_record();
    record.set_id("01J00000000000000000000000");
    record.mutable_context()->set_cluster("prod");
    record.mutable_context()->set_role("worker");
    record.mutable_context()->set_name("node-1");
    record.set_demanded_report_data(Text(kDemanded));
    for (const evidence::Item& item : appraising.Items()) {
      items.push_back(item);
      record.add_evidence_media_types(item.media_type);
      verdict.add_inputs(Text(item.body.Read().TakeRest()));
    }
    for (std::size_t i = 0; i < appraising.policies.size(); ++i) {
      record.add_policy_sources(Text(crypto::Sha256(AsBytes(appraising.policies[i]))));
      record.add_policy_source_names(Cat(i, ".yaml"));
      verdict.add_inputs(appraising.policies[i]);
    }
    *record.mutable_appraisal() = appraising.RunOn(items);
  }

  v1::NodeForecast Next(const std::vector<trust::CollateralItem>& next, const std::vector<v1::NextFloor>& floors = {},
                        const std::vector<trust::CollateralItem>& current = {}, const PolicyBook* policies = nullptr,
                        Time at = softtee::kDefaultNow) const {
    const auto anchors = ParseTestAnchors("anchors.yaml", softtee::SharedAnchorsYaml());
    return Forecast(verdict, {.registry = BuiltinRegistry(),
                              .anchors = *anchors,
                              .at = at,
                              .current = current,
                              .next = next,
                              .floors = floors,
                              .next_policies = policies});
  }

  Appraising appraising;
  std::vector<evidence::Item> items;
  v1::VerdictExport verdict;
};

std::vector<trust::CollateralItem> Recognised(const std::string& text) {
  std::vector<trust::CollateralItem> all;
  for (const evidence::Format* format : BuiltinRegistry().formats) {
    for (trust::CollateralItem& item :
         format->recognise(trust::UntrustedBytes(ToBytes(AsBytes(text))), trust::CollateralSource::kVendor, nullptr)) {
      all.push_back(std::move(item));
    }
  }
  EXPECT_EQ(all.size(), 1u);
  return all;
}

softtee::DocumentDates Dates(unsigned number) {
  return {.issue_date = softtee::kDefaultNow - Duration(3600),
          .next_update = softtee::kDefaultNow + Duration(30 * 86'400),
          .evaluation_data_number = number};
}

const softtee::Key& Signer() { return softtee::IntelPki::Shared().KeyOf(softtee::IntelKind::kTcbSigning); }

// The TCB info that will count: what is UpToDate today is OutOfDate under it.
std::vector<trust::CollateralItem> Tomorrow(unsigned number = 19, const softtee::Key& signer = Signer()) {
  softtee::TcbInfo info{.dates = Dates(number), .fmspc = softtee::Machine().fmspc, .pce_id = softtee::Machine().pce_id};
  info.levels = {{200, 200, 200, {}}, {1, 1, 1, {"OutOfDate", {"INTEL-SA-01192"}}}};
  return Recognised(softtee::SignedDocument(softtee::kTcbInfoMember, info.Body(), signer));
}

v1::NextFloor FloorOf(std::string_view text) {
  const auto floor = ParseNextFloor(text);
  EXPECT_TRUE(floor.ok()) << floor.status();
  return floor.ok() ? *floor : v1::NextFloor();
}

TEST(Forecast, WithNothingNewNothingFalls) {
  for (const bool tdx : {false, true}) {
    const Recorded recorded(tdx);
    ASSERT_EQ(recorded.verdict.record().appraisal().verdict(), v1::VERDICT_TRUSTED) << Show(recorded.verdict.record().appraisal());
    const v1::NodeForecast forecast = recorded.Next({});
    EXPECT_EQ(forecast.now(), v1::VERDICT_TRUSTED);
    EXPECT_EQ(forecast.next(), v1::VERDICT_TRUSTED);
    EXPECT_EQ(forecast.shortfalls_size(), 0);
    EXPECT_FALSE(Falls(forecast));
  }
}

TEST(Forecast, TheEarlyTcbInfoSaysWhoWillFallByWhatAndWhy) {
  const Recorded recorded(true);
  const v1::NodeForecast forecast = recorded.Next(Tomorrow());
  EXPECT_EQ(forecast.now(), v1::VERDICT_TRUSTED);
  EXPECT_EQ(forecast.next(), v1::VERDICT_REJECTED);
  EXPECT_TRUE(Falls(forecast));
  ASSERT_EQ(forecast.shortfalls_size(), 1);
  const v1::Shortfall& shortfall = forecast.shortfalls(0);
  EXPECT_EQ(shortfall.component(), "dcap.tcb_status");
  EXPECT_EQ(shortfall.reason(), "tcb_status_refused");
  EXPECT_THAT(shortfall.actual(), HasSubstr("OutOfDate"));
  EXPECT_THAT(shortfall.actual(), HasSubstr("200")) << "which component, and what it must be";
  EXPECT_THAT(shortfall.advisories(), ElementsAre("INTEL-SA-01192"));
  EXPECT_FALSE(shortfall.has_from()) << "no list says when";
  EXPECT_EQ(forecast.context().name(), "node-1");
}

TEST(Forecast, WhenIsAYearBehindTheRecoveryEventThatIntelNames) {
  const Recorded recorded(true);
  const auto list = [](const softtee::Key& signer, std::vector<unsigned> numbers) {
    return Recognised(softtee::SignedDocument(
        softtee::kEvaluationNumbersMember, softtee::EvaluationNumbers{.dates = Dates(19), .numbers = std::move(numbers)}.Body(), signer));
  };
  // The certificate of their signer and the root come with them, as they do from the service.
  std::vector<trust::CollateralItem> chain;
  const trust::CollateralSnapshot sent = GatherCollateral(BuiltinRegistry(), recorded.items, {});
  for (const trust::CollateralItem& item : sent.items()) {
    if (item.certificate) chain.push_back(item);
  }
  const auto with = [&](std::vector<trust::CollateralItem> listed) {
    listed.insert(listed.end(), chain.begin(), chain.end());
    return recorded.Next(Tomorrow(), {}, listed).shortfalls(0);
  };
  const v1::Shortfall known = with(list(Signer(), {19, 18}));
  ASSERT_TRUE(known.has_from());
  EXPECT_EQ(known.from().seconds() % 86'400, 0);
  EXPECT_FALSE(with(list(Signer(), {18, 17})).has_from()) << "a list that does not know the number";
  EXPECT_FALSE(with(list(softtee::IntelPki::Shared().StrangerKey(), {19, 18})).has_from()) << "a list that Intel did not sign";
}

TEST(Forecast, ADocumentThatIntelDidNotSignChangesNothing) {
  const Recorded recorded(true);
  const v1::NodeForecast forecast = recorded.Next(Tomorrow(19, softtee::IntelPki::Shared().StrangerKey()));
  EXPECT_FALSE(Falls(forecast));
  EXPECT_EQ(forecast.next(), v1::VERDICT_TRUSTED);
}

TEST(Forecast, AnOlderEditionIsNotWhatComesNext) { EXPECT_FALSE(Falls(Recorded(true).Next(Tomorrow(17)))); }

TEST(Forecast, IntelsDocumentsAreNothingToAnAmdNode) { EXPECT_EQ(Recorded(false).Next(Tomorrow()).shortfalls_size(), 0); }

TEST(Forecast, AnAmdFloorSaysWhichComponentFallsBelowItFromWhenAndWhy) {
  const Recorded recorded(false);
  const v1::Appraisal& appraisal = recorded.verdict.record().appraisal();
  std::string cpu;
  std::uint64_t snp = 0;
  for (const v1::Claim& claim : appraisal.claims()) {
    if (claim.name() == "snp.cpu") cpu = claim.text();
    if (claim.name() != "snp.reported_tcb") continue;
    for (const auto& component : claim.version().components()) {
      if (component.name() == "snp") snp = component.number();
    }
  }
  ASSERT_FALSE(cpu.empty());
  const std::string any = Cat(cpu.substr(0, cpu.rfind(':')), ":*");
  const v1::NodeForecast forecast = recorded.Next({}, {FloorOf(Cat(any, "/snp=", snp + 1, "@2027-03-01#AMD-SB-3023"))});
  EXPECT_TRUE(Falls(forecast));
  ASSERT_EQ(forecast.shortfalls_size(), 1);
  EXPECT_EQ(forecast.shortfalls(0).component(), "snp.reported_tcb snp");
  EXPECT_EQ(forecast.shortfalls(0).actual(), std::to_string(snp));
  EXPECT_THAT(forecast.shortfalls(0).advisories(), ElementsAre("AMD-SB-3023"));
  EXPECT_EQ(forecast.shortfalls(0).from().seconds(), ParseTime("2027-03-01T00:00:00Z")->time_since_epoch().count());
  for (const std::string& harmless :
       {Cat(any, "/snp=", snp), Cat(cpu, "/snp=", snp), std::string("ff:01:*/snp=255"), std::string("ff:01:1/snp=255")}) {
    EXPECT_FALSE(Falls(recorded.Next({}, {FloorOf(harmless)}))) << harmless;
  }
  EXPECT_TRUE(Falls(recorded.Next({}, {FloorOf(Cat(cpu, "/snp=", snp + 1))}))) << "by the whole key";
  EXPECT_TRUE(Falls(recorded.Next({}, {FloorOf(Cat("snp.current_tcb:", any, "/snp=255"))}))) << "another version of the report";
  EXPECT_TRUE(Falls(recorded.Next({}, {FloorOf(Cat(any, "/fmc=1"))}))) << "a component that the product does not have is below every floor";
}

TEST(Forecast, ThePolicyThatIsToComeIsAskedAsItIs) {
  const Recorded recorded(false);
  const auto with_floor = [&](std::string_view floor) {
    std::vector<std::pair<std::string, std::string>> files;
    for (std::size_t i = 0; i < recorded.appraising.policies.size(); ++i) {
      files.emplace_back(Cat(i, ".yaml"), i == 0 ? QemuPolicy(Cat("  - {claim: snp.committed_tcb, at_least: {\"19:01:*\": {snp: ", floor,
                                                                  "}, \"19:11:*\": {snp: ", floor, "}}}\n"))
                                                 : recorded.appraising.policies[i]);
    }
    LoadResult loaded = LoadPolicies(files, BuiltinRegistry());
    EXPECT_TRUE(loaded.book.has_value()) << (loaded.messages.empty() ? "" : loaded.messages[0].ToString());
    return *std::move(loaded.book);
  };
  const PolicyBook strict = with_floor("255"), lax = with_floor("1");
  const v1::NodeForecast forecast = recorded.Next({}, {}, {}, &strict);
  EXPECT_TRUE(Falls(forecast));
  EXPECT_EQ(forecast.shortfalls(0).reason(), "tcb_below_floor");
  EXPECT_FALSE(Falls(recorded.Next({}, {}, {}, &lax)));
}

TEST(Forecast, WhatIsWrongTodayIsNotNews) {
  const Recorded recorded(true);
  const v1::NodeForecast forecast = recorded.Next({}, {}, {}, nullptr, softtee::kDefaultNow + Duration(3650L * 86'400));
  EXPECT_NE(forecast.now(), v1::VERDICT_TRUSTED) << "everything has expired";
  EXPECT_EQ(forecast.shortfalls_size(), 0);
  EXPECT_FALSE(Falls(forecast));
}

TEST(Forecast, ARecordWithoutItsInputsFallsByNothing) {
  Recorded recorded(true);
  recorded.verdict.clear_inputs();
  const v1::NodeForecast forecast = recorded.Next(Tomorrow());
  EXPECT_GT(forecast.missing_size(), 0);
  EXPECT_EQ(forecast.shortfalls_size(), 0);
  EXPECT_FALSE(Falls(forecast));
}

TEST(NextFloors, WhatIsNoneIsRefusedWithItsReason) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "no CPU/COMPONENT=NUMBER"},
      {"19:01:*", "no CPU/COMPONENT=NUMBER"},
      {"19:01:*=3/snp", "no CPU/COMPONENT=NUMBER"},
      {"19:01:*/snp=", "no number behind ="},
      {"19:01:*/snp=0x", "no number behind ="},
      {"19:01:*/snp=-1", "no number behind ="},
      {"19:01:*/snp=3 ", "no number behind ="},
      {"19:01:*/snp=256", "0 to 255"},
      {"19:01/snp=3", "family:model:stepping"},
      {"19:01:1:2/snp=3", "family:model:stepping"},
      {"19:*:1/snp=3", "family:model:stepping"},
      {"1G:01:1/snp=3", "family:model:stepping"},
      {"19::1/snp=3", "family:model:stepping"},
      {"19:01:/snp=3", "family:model:stepping"},
      {"A0:01:1/snp=3", "family:model:stepping"},
      {"19:01:*/svn=3", "expected one of fmc"},
      {"19:01:*/microcode=3", "expected a stepping"},
      {"19:01:*/snp=3@soon", "no date behind @"},
      {"19:01:*/snp=3@", "no date behind @"},
      {"19:01:*/snp=3#", "no advisory behind #"},
      {"snp.chip_id:19:01:*/snp=3", "expected a TCB version"},
      {"snp.current_tcb/snp=3", "no CPU behind the claim"},
  };
  for (const auto& [text, why] : cases) {
    const auto floor = ParseNextFloor(text);
    EXPECT_TRUE(absl::IsInvalidArgument(floor.status())) << text;
    EXPECT_THAT(std::string(MessageOf(floor.status())), HasSubstr(std::string(why))) << text;
  }
  EXPECT_EQ(FloorOf("19:01:1/microcode=0xdb").least(), 0xdbu);
  EXPECT_EQ(FloorOf("snp.launch_tcb:19:01:*/tee=7").claim(), "snp.launch_tcb");
}

}  // namespace
}  // namespace assay::appraisal
