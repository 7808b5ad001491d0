#include "collateral/keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "tests/softtee/snp_evidence.h"
#include "tests/unit/collateral/world.h"

namespace assay::collateral {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const trust::CollateralKey kCrl{"amd.crl", "Milan", ""}, kInfo{"intel.tcb_info", "TDX", "00806f050000"};

std::set<std::string> KeysOf(const Gathered& gathered) {
  std::set<std::string> keys;
  for (const trust::CollateralItem& item : gathered.items) keys.insert(item.key.ToString());
  return keys;
}

const ItemStatus* StatusOf(const KeeperStatus& status, const trust::CollateralKey& key,
                           trust::Channel channel = trust::Channel::kStandard) {
  const auto found = std::find_if(status.items.begin(), status.items.end(), [&](const ItemStatus& item) {
    return item.key == ChanneledKey{key, channel};
  });
  return found == status.items.end() ? nullptr : &*found;
}

TEST(Keeper, WhatIsMissingIsFetchedAndThereTheNextTime) {
  World world;
  const Gathered first = world.keeper().Find(SnpKeys(1));
  EXPECT_THAT(first.items, IsEmpty());
  ASSERT_EQ(first.absent.size(), 4U);
  for (const Absence& absence : first.absent) {
    EXPECT_EQ(absence.reason, Reason::kCollateralPending);
    EXPECT_GT(absence.retry_after.count(), 0);
  }
  world.Run(seconds(1));
  const Gathered second = world.keeper().Find(SnpKeys(1));
  EXPECT_THAT(second.absent, IsEmpty());
  EXPECT_EQ(second.items.size(), 4U);
  for (const trust::CollateralItem& item : second.items) EXPECT_EQ(item.source, trust::CollateralSource::kCache);
  // Chain, list and leaf: a request each, and none more.
  EXPECT_EQ(world.kds.CountOf("/"), 3U);
  world.Run(minutes(10));
  EXPECT_EQ(world.kds.CountOf("/"), 3U);
}

TEST(Keeper, EveryLineOfAmd) {
  World world;
  for (const std::string_view line : {"Milan", "Genoa", "Turin"}) {
    const std::vector<trust::CollateralKey> keys = {{"amd.ark", std::string(line), ""},
                                                    {"amd.ask", std::string(line), ""},
                                                    {"amd.asvk", std::string(line), ""},
                                                    {"amd.crl", std::string(line), ""},
                                                    VcekKey(7, line)};
    world.keeper().Find(keys);
    world.Run(seconds(2));
    const Gathered gathered = world.keeper().Find(keys);
    EXPECT_THAT(gathered.absent, IsEmpty()) << line;
    // With an ASVK comes AMD's other list, of the same kind.
    EXPECT_EQ(gathered.items.size(), 6U) << line;
  }
}

TEST(Keeper, IntelsDocumentsComeWithTheirSigners) {
  World world;
  world.keeper().Find(TdxKeys());
  world.Run(seconds(2));
  const Gathered gathered = world.keeper().Find(TdxKeys());
  EXPECT_THAT(gathered.absent, IsEmpty());
  EXPECT_THAT(KeysOf(gathered), ElementsAre("intel.pck_crl/platform", "intel.qe_identity/TD_QE", "intel.root/", "intel.root_crl/",
                                            "intel.tcb_info/TDX/00806f050000", "intel.tcb_signing/"));
  EXPECT_EQ(world.pcs.CountOf("/"), 4U + world.pcs.CountOf("RootCA.pem"));
  for (const auto& [target, count] : world.pcs.requests()) EXPECT_EQ(count, 1U) << target;
}

TEST(Keeper, APccsDoesWithoutIntelsOtherServer) {
  World world;
  fakes::Pcs pccs(
      softtee::IntelPki::Shared(), [&] { return world.clock.Now(); }, true);
  world.upstreams.pccs = true;
  world.upstreams.Of(Upstream::kIntelCertificates).reset();
  world.transport.answer = [&](Upstream, const std::string& target) -> absl::StatusOr<FetchAnswer> {
    return DirectTransport::AnswerOf(pccs.Answer(target));
  };
  world.keeper().Find(TdxKeys());
  world.Run(seconds(5));
  EXPECT_THAT(world.keeper().Find(TdxKeys()).absent, IsEmpty());
}

TEST(Keeper, GooglesLaunchEndorsementsAreFetchedByMeasurement) {
  World world;
  world.upstreams.Of(Upstream::kGceStorage) =
      UpstreamConfig{.base_url = std::string(PublicUrlOf(Upstream::kGceStorage)), .ca_pem = "", .per_minute = 6000, .burst = 100};
  const softtee::GceEvidence minted = softtee::MintGce({.now = world.clock.Now()}).value();
  std::vector<std::string> asked;
  world.transport.answer = [&](Upstream upstream, const std::string& target) -> absl::StatusOr<FetchAnswer> {
    EXPECT_EQ(upstream, Upstream::kGceStorage);
    asked.push_back(target);
    return FetchAnswer{.status = 200, .body = std::string(AsText(minted.endorsement)), .chain = "", .retry_after = {}};
  };
  const auto documents = world.verifier.Recognise(trust::UntrustedBytes(minted.endorsement), trust::CollateralSource::kVendor);
  ASSERT_FALSE(documents.empty());
  const std::vector<trust::CollateralKey> key = {documents.front().key},
                                          other = {{"gce.launch_endorsement", "sevsnp", std::string(96, '0')}};
  world.keeper().Find(key);
  world.Run(seconds(1));
  EXPECT_THAT(world.keeper().Find(key).absent, IsEmpty());
  EXPECT_THAT(asked,
              ::testing::ElementsAre(Cat("/gce_tcb_integrity/ovmf_x64_csm/", key.front().scope, "/", key.front().detail, ".binarypb")));
  // Another measurement, answered by a genuine endorsement that does not list it.
  world.keeper().Find(other);
  world.Run(seconds(1));
  const Gathered refused = world.keeper().Find(other);
  ASSERT_EQ(refused.absent.size(), 1U);
  EXPECT_EQ(refused.absent[0].reason, Reason::kCollateralRefused);
  // It is there after a restart, and nobody is asked again.
  world.Restart();
  EXPECT_THAT(world.keeper().Find(key).absent, IsEmpty());
}

TEST(Keeper, TheEarlyChannelIsKeptApart) {
  World world;
  const ChanneledKey early[] = {{kInfo, trust::Channel::kEarly}};
  world.keeper().Find(TdxKeys());
  EXPECT_EQ(world.keeper().Refresh(early), 1U);
  world.Run(seconds(2));
  const KeeperStatus status = world.keeper().Status();
  ASSERT_NE(StatusOf(status, kInfo), nullptr);
  ASSERT_NE(StatusOf(status, kInfo, trust::Channel::kEarly), nullptr);
  EXPECT_EQ(StatusOf(status, kInfo)->held->edition->number, 18U);
  EXPECT_EQ(StatusOf(status, kInfo, trust::Channel::kEarly)->held->edition->number, 19U);
  // Appraisals get the standard one; and a number of the early channel is no floor for it.
  for (const trust::CollateralItem& item : world.keeper().Find(TdxKeys()).items) {
    if (item.key != kInfo) continue;
    EXPECT_EQ(item.sha256, StatusOf(status, kInfo)->held->item.sha256);
  }
  const std::vector<trust::Floor> floors = world.keeper().Floors();
  EXPECT_EQ(trust::FindFloor(floors, kInfo, trust::Channel::kStandard)->edition.number, 18U);
  EXPECT_EQ(trust::FindFloor(floors, kInfo, trust::Channel::kEarly)->edition.number, 19U);
}

TEST(Keeper, OfflineSaysThatWaitingIsOfNoUse) {
  World world;
  world.upstreams = {};
  const Gathered gathered = world.keeper().Find(SnpKeys(1));
  ASSERT_EQ(gathered.absent.size(), 4U);
  for (const Absence& absence : gathered.absent) {
    EXPECT_EQ(absence.reason, Reason::kCollateralOffline);
    EXPECT_EQ(absence.retry_after.count(), 0);
  }
  world.Run(minutes(1));
  EXPECT_EQ(world.kds.CountOf("/"), 0U);
}

// --- what upstreams do wrong ---------------------------------------------------------------------------------------------

struct FaultCase {
  const char* name;
  std::function<void(World&)> arrange;
  Reason reason;
  const char* result;  // as it is counted
  const char* why;
};

void PrintTo(const FaultCase& fault, std::ostream* out) { *out << fault.name; }

void Says(World& world, fakes::Reply reply) { world.kds.Script("crl", std::move(reply)); }

fakes::Reply ListOfAStranger(World& world) {
  softtee::RevocationList list = softtee::SnpPki::Shared().DescribeCrl(softtee::Product::kMilan, world.clock.Now());
  list.number = 9;
  return fakes::Serve(list.SignedBy(softtee::SnpPki::Shared().StrangerKey()));
}

const FaultCase kFaults[] = {
    {"too_many",
     [](World& w) {
       Says(w, {.status = 429, .headers = {{"Retry-After", "120"}}});
     },
     Reason::kCollateralUnreachable, "throttled", "status 429"},
    {"not_found", [](World& w) { Says(w, {.status = 404}); }, Reason::kCollateralUnknown, "unknown", "status 404"},
    {"bad_request", [](World& w) { Says(w, {.status = 400}); }, Reason::kCollateralUnknown, "unknown", "status 400"},
    {"broken", [](World& w) { Says(w, {.status = 500}); }, Reason::kCollateralUnreachable, "unreachable", "status 500"},
    {"redirect",
     [](World& w) {
       Says(w, {.status = 302, .headers = {{"Location", "https://elsewhere.example/crl"}}});
     },
     Reason::kCollateralRefused, "refused", "status 302"},
    {"forbidden", [](World& w) { Says(w, {.status = 403}); }, Reason::kCollateralRefused, "refused", "status 403"},
    {"nothing", [](World& w) { Says(w, {.body = ""}); }, Reason::kCollateralRefused, "refused", "expected a document"},
    {"a_page", [](World& w) { Says(w, {.body = "<html>Please log in</html>"}); }, Reason::kCollateralRefused, "refused", "not a document"},
    {"broken_chain_header",
     [](World& w) {
       Says(w, {.body = "x", .headers = {{"X-Issuer-Chain", "%zz"}}});
     },
     Reason::kCollateralRefused, "refused", "issuer chain"},
    {"another_document", [](World& w) { Says(w, w.kds.Answer("/vcek/v1/Milan/cert_chain")); }, Reason::kCollateralRefused, "refused",
     "another document"},
    {"of_a_stranger", [](World& w) { Says(w, ListOfAStranger(w)); }, Reason::kCollateralRefused, "refused", "not authentic"},
    {"stale", [](World& w) { w.kds.SetList(6, Duration(40 * 86400), Duration(30 * 86400)); }, Reason::kCollateralRefused, "refused",
     "valid from"},
    {"of_the_future", [](World& w) { w.kds.SetList(6, Duration(-86400), Duration(30 * 86400)); }, Reason::kCollateralRefused, "refused",
     "valid from"},
    {"lower_number", [](World& w) { w.kds.SetList(4, Duration(60), Duration(30 * 86400)); }, Reason::kCollateralRolledBack, "rolled_back",
     "number 4"},
    {"same_number_of_before", [](World& w) { w.kds.SetList(5, Duration(2 * 86400), Duration(30 * 86400)); }, Reason::kCollateralRolledBack,
     "rolled_back", "number 5"},
};

class KeeperFault : public ::testing::TestWithParam<FaultCase> {};

// What is held stays; what is wrong is said, and counted; and when it is over, the next fetch works.
TEST_P(KeeperFault, LeavesWhatIsHeldAndIsOverSomeday) {
  World world;
  world.kds.SetList(5, Duration(86400), Duration(30 * 86400));
  world.keeper().Find(std::vector{kCrl});
  world.Run(seconds(1));
  const auto before = StatusOf(world.keeper().Status(), kCrl)->held;
  ASSERT_NE(before, nullptr);
  const std::vector<trust::Floor> floors = world.keeper().Floors();

  GetParam().arrange(world);
  const ChanneledKey key[] = {{kCrl}};
  world.keeper().Refresh(key);
  world.keeper().Step(Upstream::kAmdKds);
  const KeeperStatus status = world.keeper().Status();
  EXPECT_EQ(StatusOf(status, kCrl)->held->item.sha256, before->item.sha256);
  ASSERT_TRUE(StatusOf(status, kCrl)->error.has_value());
  EXPECT_EQ(StatusOf(status, kCrl)->error->reason, GetParam().reason);
  EXPECT_THAT(StatusOf(status, kCrl)->error->why, HasSubstr(GetParam().why));
  EXPECT_EQ(world.Value(Cat("assay_collateral_fetches_total{result=\"", GetParam().result, "\",upstream=\"amd_kds\"}")), 1U);
  EXPECT_EQ(world.Value("assay_collateral_rollbacks_total{kind=\"amd.crl\"}"),
            GetParam().reason == Reason::kCollateralRolledBack ? 1U : 0U);
  EXPECT_THAT(world.keeper().Find(std::vector{kCrl}).items, ::testing::SizeIs(1));
  ASSERT_EQ(world.keeper().Floors().size(), floors.size());
  EXPECT_EQ(world.keeper().Floors().front().edition.number, 5U);
  // Nor does the shelf have it.
  const auto kept = world.memory.Find(kCrl);
  ASSERT_EQ(kept->size(), 1U);
  EXPECT_TRUE(Equal(kept->front().body, before->item.body.Read().TakeRest()));

  world.kds.SetList(7, Duration(3600), Duration(30 * 86400));
  world.Run(hours(2));
  world.keeper().Refresh(key);
  world.Run(minutes(1));
  EXPECT_EQ(StatusOf(world.keeper().Status(), kCrl)->held->edition->number, 7U);
  EXPECT_FALSE(StatusOf(world.keeper().Status(), kCrl)->error.has_value());
}

INSTANTIATE_TEST_SUITE_P(EachFault, KeeperFault, ::testing::ValuesIn(kFaults),
                         [](const auto& info) { return std::string(info.param.name); });

// A whole chain that hangs together, from the right address, under a root of its own.
TEST(Keeper, Attack119_ARootThatIsServedIsNoAnchor) {
  World world;
  const auto minted =
      softtee::MintSnp(softtee::SnpPki::Shared(),
                       {.now = kStart, .delivery = softtee::SnpOptions::Delivery::kSeparateItems, .fault = softtee::Fault::kRootSelfMade});
  ASSERT_TRUE(minted.ok());
  std::string chain;
  for (const softtee::Endorsement& endorsement : minted->endorsements) {
    if (endorsement.name == "ask" || endorsement.name == "ark") chain += softtee::ToPem("CERTIFICATE", endorsement.der);
  }
  world.kds.Script("cert_chain", {.body = chain}, 1000);
  const trust::CollateralKey keys[] = {{"amd.ark", "Milan", ""}, {"amd.ask", "Milan", ""}};
  world.keeper().Find(keys);
  world.Run(seconds(1));
  const Gathered gathered = world.keeper().Find(keys);
  EXPECT_THAT(gathered.items, IsEmpty());
  EXPECT_EQ(gathered.absent.front().reason, Reason::kCollateralRefused);
  EXPECT_THAT(gathered.absent.front().why, HasSubstr("not authentic"));
}

TEST(Keeper, ThePauseThatAnUpstreamAsksForHoldsForAllItsDocuments) {
  World world;
  world.kds.Script("", {.status = 429, .headers = {{"Retry-After", "120"}}});
  world.keeper().Find(SnpKeys(1));
  world.Run(seconds(119));
  EXPECT_EQ(world.kds.CountOf("/"), 1U);
  const Gathered gathered = world.keeper().Find(SnpKeys(2));
  EXPECT_GE(gathered.absent.back().retry_after, seconds(1));
  world.Run(seconds(30));
  EXPECT_THAT(world.keeper().Find(SnpKeys(1)).absent, IsEmpty());
  EXPECT_THAT(world.keeper().Find(SnpKeys(2)).absent, IsEmpty());
}

TEST(Keeper, WhatAVendorDoesNotHaveIsNotAskedForAgainSoon) {
  World world;
  world.pcs.Script("/tdx/certification/v4/tcb?", {.status = 404}, 100);
  const trust::CollateralKey keys[] = {kInfo};
  for (int i = 0; i < 20; ++i) {
    world.keeper().Find(keys);
    world.Run(seconds(10));
  }
  EXPECT_EQ(world.pcs.CountOf("/tdx/certification/v4/tcb?"), 1U);
  const Gathered gathered = world.keeper().Find(keys);
  ASSERT_EQ(gathered.absent.size(), 1U);
  EXPECT_EQ(gathered.absent.front().reason, Reason::kCollateralUnknown);
  EXPECT_GT(gathered.absent.front().retry_after, seconds(30));
  world.Run(minutes(15));
  EXPECT_EQ(world.pcs.CountOf("/tdx/certification/v4/tcb?"), 1U);  // nobody asked
  world.keeper().Find(keys);
  world.Run(seconds(1));
  EXPECT_EQ(world.pcs.CountOf("/tdx/certification/v4/tcb?"), 2U);
}

TEST(Keeper, AnUpstreamThatIsDownIsLeftAlone) {
  World world;
  world.kds.Script("", {.status = 503}, 1'000'000);
  for (int i = 0; i < 60; ++i) {
    world.keeper().Find(SnpKeys(static_cast<unsigned>(i)));
    world.Run(minutes(1));
  }
  // An hour of it: some dozens of trials, not thousands.
  EXPECT_LE(world.kds.CountOf("/"), 30U);
  EXPECT_GE(world.kds.CountOf("/"), 5U);
  EXPECT_NE(world.keeper().Status().upstreams.front().breaker, BreakerState::kClosed);
  EXPECT_GT(world.Value("assay_collateral_breaker_state{upstream=\"amd_kds\"}"), 0U);
  EXPECT_EQ(world.keeper().Find(SnpKeys(0)).absent.front().reason, Reason::kCollateralUnreachable);
}

// Azure's cache first; where it has none, or is down, AMD itself.
TEST(Keeper, TheNextUpstreamIsAskedWhereTheFirstFails) {
  World world;
  world.upstreams.Of(Upstream::kAzureThim) =
      UpstreamConfig{.base_url = std::string(PublicUrlOf(Upstream::kAzureThim)), .ca_pem = "", .per_minute = 6000, .burst = 100};
  std::size_t azure = 0;
  auto direct = world.transport.answer;
  for (const int status : {404, 500}) {
    world.transport.answer = [&, status](Upstream upstream, const std::string& target) -> absl::StatusOr<FetchAnswer> {
      if (upstream != Upstream::kAzureThim) return direct(upstream, target);
      ++azure;
      return FetchAnswer{.status = status, .body = "", .chain = "", .retry_after = {}};
    };
    const auto keys = SnpKeys(static_cast<unsigned>(status));
    world.keeper().Find(keys);
    world.Run(seconds(3));
    EXPECT_THAT(world.keeper().Find(keys).absent, IsEmpty()) << status;
  }
  EXPECT_EQ(azure, 2U);
}

// --- over time -----------------------------------------------------------------------------------------------------------

TEST(Keeper, DocumentsAreRenewedBeforeTheyEnd) {
  World world;
  world.keeper().Find(SnpKeys(1));
  world.keeper().Find(TdxKeys());
  for (std::uint64_t number = 2; number < 6; ++number) {
    world.Run(hours(8));
    world.kds.SetList(number, Duration(60), Duration(30 * 86400));
    world.pcs.SetDocuments(static_cast<unsigned>(17 + number), Duration(60), Duration(30 * 86400));
  }
  world.Run(hours(8));
  const KeeperStatus status = world.keeper().Status();
  EXPECT_EQ(StatusOf(status, kCrl)->held->edition->number, 5U);
  EXPECT_EQ(StatusOf(status, kInfo)->held->edition->number, 22U);
  for (const ItemStatus& item : status.items) {
    const DocumentKind* kind = FindKind(item.key.key.kind);
    if (kind->nature != Nature::kRenewed) continue;
    EXPECT_LE(world.clock.Now() - item.held->obtained, Duration(8 * 3600)) << item.key.key.ToString();
    ASSERT_TRUE(item.due.has_value());
  }
  // What never changes was fetched once; what does, some six times in forty hours.
  EXPECT_EQ(world.kds.CountOf("cert_chain"), 1U);
  EXPECT_EQ(world.kds.CountOf("?blSPL="), 1U);
  EXPECT_LE(world.kds.CountOf("/crl"), 9U);
  EXPECT_GE(world.kds.CountOf("/crl"), 5U);
}

// While the vendor is down what is held serves until its end, and not a second longer as if nothing were.
TEST(Keeper, StaleDocumentsServeUntilTheirEnd) {
  World world;
  world.keeper().Find(std::vector{kCrl});
  world.Run(seconds(1));
  world.kds.Script("", {.status = 500}, 1'000'000);
  world.Run(std::chrono::days(20));
  EXPECT_THAT(world.keeper().Find(std::vector{kCrl}).absent, IsEmpty());
  world.Run(std::chrono::days(10));
  const Gathered late = world.keeper().Find(std::vector{kCrl});
  ASSERT_EQ(late.absent.size(), 1U);
  EXPECT_EQ(late.absent.front().reason, Reason::kCollateralUnreachable);
  EXPECT_THAT(late.items, ::testing::SizeIs(1));  // appraisal sees that it is past its end
}

TEST(Keeper, JumpsOfTheWallClockAreSurvived) {
  World world;
  world.keeper().Find(SnpKeys(1));
  world.Run(seconds(5));
  const std::size_t fetched = world.kds.CountOf("/");
  for (const Duration jump : {Duration(86400), Duration(400 * 86400), Duration(-400 * 86400), Duration(-10 * 365 * 86400), Duration(0)}) {
    // The services keep the true time.
    world.jump = jump;
    fakes::Kds truthful(softtee::SnpPki::Shared(), [&] { return world.clock.Now() - world.jump; });
    world.transport.answer = [&](Upstream, const std::string& target) -> absl::StatusOr<FetchAnswer> {
      return DirectTransport::AnswerOf(truthful.Answer(target));
    };
    world.keeper().Find(SnpKeys(1));
    world.Run(minutes(30));
    EXPECT_LE(truthful.CountOf("/"), 15U) << jump.count();  // manners go by another clock
    EXPECT_EQ(world.keeper().Floors().front().edition.number, 1U);
  }
  // Back in the true time everything is as it was.
  EXPECT_THAT(world.keeper().Find(SnpKeys(1)).absent, IsEmpty());
  EXPECT_EQ(fetched, 3U);
}

TEST(Keeper, AnotherProcessFindsEverythingOnTheShelf) {
  World world;
  world.keeper().Find(SnpKeys(1));
  world.keeper().Find(TdxKeys());
  world.Run(seconds(5));
  const std::size_t amd = world.kds.CountOf("/"), intel = world.pcs.CountOf("/");
  world.Restart();
  ASSERT_TRUE(world.opened.ok());
  EXPECT_THAT(world.keeper().Find(SnpKeys(1)).absent, IsEmpty());
  EXPECT_THAT(world.keeper().Find(TdxKeys()).absent, IsEmpty());
  world.Run(minutes(1));
  EXPECT_EQ(world.kds.CountOf("/"), amd);
  EXPECT_EQ(world.pcs.CountOf("/"), intel);
  EXPECT_EQ(world.Value("assay_collateral_lookups_total{kind=\"amd.vcek\",result=\"shelf\"}"), 1U);
}

TEST(Keeper, Attack019_ARollbackIsRefusedAcrossRestarts) {
  World world;
  world.pcs.SetDocuments(18, Duration(3600), Duration(30 * 86400));
  world.keeper().Find(TdxKeys());
  world.Run(seconds(5));
  world.Restart();
  // Genuine, unexpired, and older: 30-day windows overlap.
  world.pcs.SetDocuments(17, Duration(20 * 86400), Duration(30 * 86400));
  world.keeper().Refresh({});
  world.Run(seconds(5));
  EXPECT_EQ(StatusOf(world.keeper().Status(), kInfo)->held->edition->number, 18U);
  EXPECT_EQ(StatusOf(world.keeper().Status(), kInfo)->error->reason, Reason::kCollateralRolledBack);
  EXPECT_GE(world.Value("assay_collateral_rollbacks_total{kind=\"intel.tcb_info\"}"), 1U);
  // Nor from a directory, nor from the shelf of somebody who put it back.
  const auto old = world.pcs.Answer("/tdx/certification/v4/tcb?fmspc=00806F050000&update=standard");
  std::vector<trust::CollateralItem> supplied =
      world.verifier.Recognise(trust::UntrustedBytes(ToBytes(AsBytes(old.body))), trust::CollateralSource::kSupplied);
  ASSERT_EQ(supplied.size(), 1U);
  for (const Held& held : world.keeper().Everything()) {
    if (held.item.certificate) supplied.push_back(held.item);
  }
  const KeptItem put[] = {{.key = kInfo, .body = ToBytes(AsBytes(old.body)), .obtained = world.clock.Now()}};
  ASSERT_TRUE(world.memory.Put(put).ok());
  world.Restart(supplied);
  EXPECT_EQ(StatusOf(world.keeper().Status(), kInfo), nullptr);
}

// --- what nodes and operators bring --------------------------------------------------------------------------------------

std::vector<trust::CollateralItem> Recognised(const World& world, const std::vector<Bytes>& documents) {
  std::vector<trust::CollateralItem> items;
  for (const Bytes& document : documents) {
    for (trust::CollateralItem& item : world.verifier.Recognise(trust::UntrustedBytes(document), trust::CollateralSource::kNode)) {
      items.push_back(std::move(item));
    }
  }
  return items;
}

std::vector<trust::CollateralItem> FromANode(World& world) {
  const softtee::SnpPki& pki = softtee::SnpPki::Shared();
  using softtee::Authority, softtee::Product;
  ByteArray<64> chip{};
  chip.fill(0x77);
  softtee::RevocationList list = pki.DescribeCrl(Product::kMilan, world.clock.Now());
  list.number = 1000;
  return Recognised(world, {pki.MintVcek(Product::kMilan, chip, softtee::DefaultTcb(Product::kMilan), world.clock.Now()),
                            pki.CertificateOf(Authority::kAsk, Product::kMilan), pki.CertificateOf(Authority::kArk, Product::kMilan),
                            list.SignedBy(pki.KeyOf(Authority::kArk, Product::kMilan))});
}

TEST(Keeper, ALeafOfANodeServesTheNextOneAndNothingElseOfItDoes) {
  World world;
  const std::vector<trust::CollateralItem> items = FromANode(world);
  ASSERT_EQ(items.size(), 4U);
  world.keeper().KeepLeaves(items);
  const Gathered gathered = world.keeper().Find(std::vector{items.front().key, kCrl});
  EXPECT_EQ(gathered.items.size(), 1U);
  EXPECT_EQ(gathered.absent.size(), 1U);  // the list: what nodes bring never moves a floor, nor is it kept
  EXPECT_THAT(world.keeper().Floors(), IsEmpty());
  world.Run(seconds(2));
  EXPECT_EQ(world.kds.CountOf("?blSPL="), 0U);
  // The genuine list has number 1, and is taken.
  EXPECT_EQ(StatusOf(world.keeper().Status(), kCrl)->held->edition->number, 1U);
  world.Stop();
  EXPECT_EQ(world.memory.Find(items.front().key)->size(), 1U);
}

TEST(Keeper, ALeafThatIsNotAuthenticIsNotKept) {
  World world;
  const softtee::SnpPki& pki = softtee::SnpPki::Shared();
  using softtee::Authority, softtee::Product;
  ByteArray<64> chip{};
  chip.fill(0x78);
  const softtee::Tcb tcb = softtee::DefaultTcb(Product::kMilan);
  const softtee::Certificate description =
      softtee::SnpPki::DescribeVcek(Product::kMilan, chip, tcb, pki.VcekKey(Product::kMilan, chip, tcb), world.clock.Now());
  const auto items = Recognised(world, {description.SignedBy(pki.StrangerKey()), pki.CertificateOf(Authority::kAsk, Product::kMilan),
                                        pki.CertificateOf(Authority::kArk, Product::kMilan)});
  ASSERT_EQ(items.size(), 3U);
  world.keeper().KeepLeaves(items);
  // Nor one without those above it.
  const auto alone = Recognised(world, {pki.MintVcek(Product::kMilan, chip, tcb, world.clock.Now())});
  world.keeper().KeepLeaves(alone);
  EXPECT_EQ(world.keeper().Status().leaves, 0U);
  EXPECT_THAT(world.keeper().Find(std::vector{items.front().key}).items, IsEmpty());
}

TEST(Keeper, AnImportIsAuthenticatedAndRaisesFloors) {
  World first, second;
  first.keeper().Find(SnpKeys(1));
  first.keeper().Find(TdxKeys());
  first.Run(seconds(5));
  std::vector<KeptItem> items;
  for (const Held& held : first.keeper().Everything()) {
    items.push_back(
        {.key = held.key.key, .channel = held.key.channel, .body = ToBytes(held.item.body.Read().TakeRest()), .obtained = held.obtained});
  }
  second.upstreams = {};
  const auto refused =
      second.keeper().Import(items, first.keeper().Floors(), [](auto, auto) { return absl::FailedPreconditionError("an older bundle"); });
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status()));
  EXPECT_TRUE(second.keeper().Everything().empty() && second.keeper().Floors().empty()) << "what was not written is not held";
  const Keeper::Write write = [&](std::span<const KeptItem> kept, std::span<const trust::Floor> floors) {
    if (absl::Status raised = second.memory.RaiseFloors(floors); !raised.ok()) return raised;
    return second.memory.Put(kept);
  };
  const auto imported = second.keeper().Import(items, first.keeper().Floors(), write);
  ASSERT_TRUE(imported.ok());
  EXPECT_EQ(imported->kept, items.size());
  EXPECT_THAT(imported->refused, IsEmpty());
  EXPECT_THAT(second.keeper().Find(TdxKeys()).absent, IsEmpty());
  EXPECT_EQ(second.keeper().Floors().size(), first.keeper().Floors().size());

  // Again with an older document, one of a stranger, and one under another name.
  first.pcs.SetDocuments(17, Duration(20 * 86400), Duration(30 * 86400));
  const auto old = first.pcs.Answer("/tdx/certification/v4/tcb?fmspc=00806F050000&update=standard");
  const fakes::Reply stranger = ListOfAStranger(first);
  const KeptItem bad[] = {{.key = kInfo, .body = ToBytes(AsBytes(old.body))},
                          {.key = kCrl, .body = ToBytes(AsBytes(stranger.body))},
                          {.key = {"amd.crl", "Genoa", ""}, .body = items.front().body},
                          {.key = kCrl, .body = Bytes{1, 2, 3}}};
  const auto again = second.keeper().Import(bad, {}, write);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->kept, 0U);
  EXPECT_EQ(again->refused.size(), 4U);
  EXPECT_EQ(StatusOf(second.keeper().Status(), kInfo)->held->edition->number, 18U);
}

TEST(Keeper, FilesServeAndRaiseNothing) {
  World world;
  world.upstreams = {};
  std::vector<trust::CollateralItem> files = FromANode(world);
  for (trust::CollateralItem& file : files) file.source = trust::CollateralSource::kSupplied;
  world.Restart(files);
  ASSERT_TRUE(world.opened.ok());
  const Gathered gathered = world.keeper().Find(std::vector<trust::CollateralKey>{files.front().key, kCrl, {"amd.ask", "Milan", ""}});
  EXPECT_THAT(gathered.absent, IsEmpty());
  for (const trust::CollateralItem& item : gathered.items) EXPECT_EQ(item.source, trust::CollateralSource::kSupplied);
  EXPECT_THAT(world.keeper().Floors(), IsEmpty());
}

// --- those that wait -----------------------------------------------------------------------------------------------------

TEST(Keeper, WhoWaitsIsToldWhenItIsThereOrPatienceIsOver) {
  World world;
  int told = 0;
  world.keeper().Find(SnpKeys(1));
  world.keeper().Await(SnpKeys(1), minutes(1), [&] { ++told; });
  world.Run(seconds(2));
  EXPECT_EQ(told, 1);
  // What is not under way keeps nobody waiting.
  world.keeper().Await(SnpKeys(1), minutes(1), [&] { ++told; });
  world.Run(seconds(1));
  EXPECT_EQ(told, 2);
  // A busy upstream: after two seconds it is enough.
  world.kds.Script("", {.status = 429, .headers = {{"Retry-After", "600"}}});
  world.keeper().Find(SnpKeys(2));
  const Moment begin = world.now;
  Moment end{};
  world.keeper().Await(SnpKeys(2), seconds(2), [&] { end = world.now; });
  world.Run(minutes(1));
  EXPECT_LE(end - begin, seconds(2));
  EXPECT_GT(end, begin - seconds(1));
  // And nobody is forgotten at the end.
  bool ended = false;
  world.keeper().Await(SnpKeys(2), minutes(10), [&] { ended = true; });
  world.Stop();
  EXPECT_TRUE(ended);
}

// --- many ----------------------------------------------------------------------------------------------------------------

// AMD gives one answer in ten seconds. Ten thousand nodes on a hundred machines need a hundred certificates, chain and list: that is how
// many requests there are, whoever asks how often.
TEST(Keeper, AStormMakesOneFetchForEachDocument) {
  constexpr unsigned kNodes = 10'000, kMachines = 100;
  World world;
  world.kds.Throttle(seconds(10), [&] { return world.now; });
  world.upstreams.Of(Upstream::kAmdKds)->per_minute = 6;
  world.upstreams.Of(Upstream::kAmdKds)->burst = 1;
  std::size_t served = 0;
  for (unsigned round = 0; round < 25; ++round) {
    for (unsigned node = 0; node < kNodes; ++node) {
      const auto keys = SnpKeys(node % kMachines);
      const Gathered gathered = world.keeper().Find(keys);
      served += gathered.absent.empty() ? 1U : 0U;
      for (const Absence& absence : gathered.absent) {
        ASSERT_EQ(absence.reason, Reason::kCollateralPending);
        ASSERT_GE(absence.retry_after, seconds(1));
      }
    }
    if (served >= kNodes && world.keeper().Find(SnpKeys(kMachines - 1)).absent.empty()) break;
    world.Run(minutes(1));
  }
  EXPECT_EQ(world.kds.CountOf("/"), kMachines + 2U);
  EXPECT_EQ(world.kds.throttled(), 0U);
  EXPECT_EQ(world.keeper().Status().leaves, kMachines);
  for (const auto& [target, count] : world.kds.requests()) EXPECT_EQ(count, 1U) << target;
}

// Whoever names chips that do not exist keeps a bounded number of them waiting.
TEST(Keeper, NamesOfMachinesThatNobodyHasAreBounded) {
  World world;
  world.kds.Throttle(seconds(10), [&] { return world.now; });
  for (unsigned i = 0; i < 40'000; ++i) {
    const trust::CollateralKey keys[] = {VcekKey(i, i % 2 == 0 ? "Milan" : "Genoa")};
    world.keeper().Find(keys);
  }
  EXPECT_LE(world.keeper().Status().upstreams.front().queued, 16'384U + 8U);
  // What nobody asks for again is forgotten.
  world.kds.Script("", {.status = 429, .headers = {{"Retry-After", "3600"}}}, 1000);
  world.Run(minutes(40));
  EXPECT_EQ(world.keeper().Status().upstreams.front().queued, 0U);
}

// An FMSPC is read out of evidence before anything of it is authenticated: whoever invents them delays nobody who has a document
// already, and neither queue nor errors grow with what is invented.
TEST(Keeper, NamesOfPlatformsThatNobodyHasAreBoundedAndStandBehindWhatIsHeld) {
  constexpr unsigned kInvented = 20'000;
  World world;
  world.upstreams.Of(Upstream::kIntelPcs)->burst = 20'000;
  world.keeper().Find(TdxKeys());
  world.Run(seconds(2));
  ASSERT_THAT(world.keeper().Find(TdxKeys()).absent, IsEmpty());
  const std::size_t held = world.keeper().Status().items.size();
  const auto invented = [](unsigned i) {
    return trust::CollateralKey{"intel.tcb_info", "TDX", Cat(std::string(7, 'f'), std::to_string(10'000 + i))};
  };
  Gathered last;
  for (unsigned i = 0; i < kInvented; ++i) last = world.keeper().Find(std::vector{invented(i)});
  ASSERT_EQ(last.absent.size(), 1U);
  EXPECT_EQ(last.absent.front().reason, Reason::kCollateralPending);
  const auto queued = [&] {
    std::size_t most = 0;
    for (const UpstreamStatus& upstream : world.keeper().Status().upstreams) most = std::max(most, upstream.queued);
    return most;
  };
  EXPECT_LE(queued(), 16'384U + 8U);
  EXPECT_GE(queued(), 16'384U);
  EXPECT_LE(world.keeper().Status().items.size(), held + 16'384U);

  // Everything falls due while they wait. An operator asks for one of those that wait, which then is no invention any more.
  std::vector<std::string> asked;
  const auto direct = world.transport.answer;
  world.transport.answer = [&](Upstream upstream, const std::string& target) -> absl::StatusOr<FetchAnswer> {
    if (upstream != Upstream::kIntelPcs) return direct(upstream, target);
    asked.push_back(target);
    if (target.find("fmspc=FFFFFFF") == std::string::npos) return direct(upstream, target);
    return FetchAnswer{.status = 404, .body = "", .chain = "", .retry_after = {}};
  };
  world.jump = Duration(8 * 3600);
  world.keeper().Tend();
  const ChanneledKey by_hand[] = {{invented(9'999)}};
  EXPECT_EQ(world.keeper().Refresh(by_hand), 1U);
  for (int i = 0; i < 5; ++i) world.keeper().Step(Upstream::kIntelPcs);
  ASSERT_EQ(asked.size(), 5U);
  for (const std::string_view first : {"fmspc=00806F050000", "qe/identity", "pckcrl", "fmspc=FFFFFFF19999"}) {
    EXPECT_TRUE(std::any_of(asked.begin(), asked.begin() + 4, [&](const std::string& one) { return one.find(first) != std::string::npos; }))
        << first;
  }
  EXPECT_THAT(asked[4], HasSubstr("fmspc=FFFFFFF1"));

  // Another vendor's line is its own.
  world.keeper().Find(SnpKeys(1));
  world.Run(minutes(1));
  EXPECT_THAT(world.keeper().Find(SnpKeys(1)).absent, IsEmpty());
  EXPECT_GE(asked.size(), 16'384U);
  // They don't exist: that is known for a while, and then forgotten.
  world.Pass(hours(2));
  world.Run(seconds(1));
  EXPECT_EQ(queued(), 0U);
  EXPECT_EQ(world.keeper().Status().items.size(), world.keeper().Everything().size());
}

// A shelf that fails costs the memory of it, not the service.
TEST(Keeper, AShelfThatFailsIsSaidAndSurvived) {
  struct Failing final : Shelf {
    absl::StatusOr<std::vector<KeptItem>> Load() override { return std::vector<KeptItem>(); }
    absl::StatusOr<std::vector<KeptItem>> Find(const trust::CollateralKey&) override { return absl::UnavailableError("disk"); }
    absl::Status Put(std::span<const KeptItem>) override { return absl::UnavailableError("disk"); }
    absl::StatusOr<std::vector<trust::Floor>> LoadFloors() override { return std::vector<trust::Floor>(); }
    absl::Status RaiseFloors(std::span<const trust::Floor>) override { return absl::UnavailableError("disk"); }
  } failing;
  World world;
  world.shelf = &failing;
  world.keeper().Find(SnpKeys(1));
  world.Run(seconds(5));
  EXPECT_THAT(world.keeper().Find(SnpKeys(1)).absent, IsEmpty());
  EXPECT_THAT(world.keeper().Floors(), ::testing::SizeIs(1));
  EXPECT_THAT(world.log_text.str(), HasSubstr("held in memory alone"));
}

}  // namespace
}  // namespace assay::collateral
