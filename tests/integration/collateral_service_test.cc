// Collateral over a real listener: what is held, what a bundle brings, what that does to verdicts that stood, and what comes next.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"
#include "result/collateral_bundle.h"
#include "tests/integration/verifier.h"
#include "tests/softtee/intel_pki.h"

namespace assay::integration {
namespace {

using testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(MessageOf(status)); }

void GiveAdminARole(const Site& site) {
  std::string text = site.Text("assayd.yaml");
  text.insert(text.find("  roles:\n") + 9, "    - {identity: \"spiffe://dev.assay/operator/admin\", role: admin}\n");
  site.Write("assayd.yaml", text);
}

// A verifier that holds what a file directory has, and signs exports.
class Exporter {
 public:
  explicit Exporter(softtee::DcapFault fault)
      : verifier_("", "collateral_dir: collateral\nair_gap: {export_key: export.key}", std::nullopt, [fault](const Site& site) {
          GiveAdminARole(site);
          std::filesystem::create_directory(site.root() / "collateral");
          softtee::DcapOptions options = softtee::OptionsFor(fault);
          options.fault = fault;
          options.now = SystemClock().Now();
          const auto minted = softtee::MintDcap(softtee::IntelPki::Shared(), options);
          ASSERT_TRUE(minted.ok());
          for (std::size_t i = 1; i < minted->items.size(); ++i) site.Write(Cat("collateral/", i), AsText(minted->items[i].body));
        }) {}
  std::string Export() {
    const auto response = client::VerdictClient(OperatorChannel(verifier_.operators(), verifier_.site(), "admin")).ExportCollateral({});
    EXPECT_TRUE(response.ok()) << Message(response.status());
    EXPECT_TRUE(!response.ok() || response->documents() > 0);
    return response.ok() ? response->bundle() : std::string();
  }
  result::SigningKey Key() { return *result::SigningKey::Load("export_key", verifier_.site().File("export.key")); }

 private:
  Verifier verifier_;
};

class Importer {
 public:
  explicit Importer(const std::string& jwks)
      : verifier_("", "air_gap: {import_keys: [exporter.json]}", std::nullopt, [&jwks](const Site& site) {
          GiveAdminARole(site);
          site.Write("exporter.json", jwks);
        }) {}
  client::VerdictClient As(std::string_view who) {
    return client::VerdictClient(OperatorChannel(verifier_.operators(), verifier_.site(), who));
  }
  absl::StatusOr<v1::ImportCollateralResponse> Import(const std::string& bundle, std::string_view who = "admin") {
    v1::ImportCollateralRequest request;
    request.set_bundle(bundle);
    return As(who).ImportCollateral(request);
  }
  Verifier& verifier() { return verifier_; }

 private:
  Verifier verifier_;
};

// Waits for it; the test's own time-out ends the waiting.
v1::VerdictEvent FlipAfter(Verifier& verifier, std::int64_t after) {
  client::ChannelOptions options = OperatorChannel(verifier.operators(), verifier.site(), "viewer");
  v1::WatchVerdictsRequest request;
  request.set_after(after);
  v1::VerdictEvent flip;
  const absl::Status ended = client::VerdictClient(options).WatchVerdicts(request, [&](const v1::WatchVerdictsResponse& response) {
    if (response.event().kind() == v1::EVENT_KIND_FLIPPED) flip = response.event();
    return !flip.has_verdict();
  });
  EXPECT_TRUE(ended.ok()) << Message(ended);
  return flip;
}

TEST(AirGap, AnImportedRevocationFlipsWhoStandsOnIt) {
  Exporter exporter(softtee::DcapFault::kCaRevoked);
  const std::string older = exporter.Export(), bundle = exporter.Export();
  Importer importer(exporter.Key().Jwks());
  Node node(importer.verifier().join(), importer.verifier().site());
  softtee::DcapOptions options;
  options.now = SystemClock().Now();
  MintingDcap source(options);
  const auto joined = JoinWith(node, source, "qemu_tdx");
  ASSERT_TRUE(joined.ok()) << Message(joined.status());
  ASSERT_EQ(joined->appraisal().verdict(), v1::VERDICT_TRUSTED);

  const auto imported = importer.Import(bundle);
  ASSERT_TRUE(imported.ok()) << Message(imported.status());
  EXPECT_GT(imported->taken(), 0);
  const v1::VerdictEvent flip = FlipAfter(importer.verifier(), 1);
  EXPECT_EQ(flip.verdict().id(), joined->verdict_id());
  EXPECT_EQ(flip.verdict().revocation().by(), "assayd");
  EXPECT_THAT(flip.reason(), HasSubstr("TRUSTED became REJECTED: certificate_revoked"));
  EXPECT_THAT(flip.reason(), HasSubstr("intel.root_crl"));
  const auto flips = importer.As("viewer").ListFlips({});
  ASSERT_TRUE(flips.ok()) << Message(flips.status());
  ASSERT_EQ(flips->flips_size(), 1);
  EXPECT_EQ(flips->flips(0).finding().reason(), "certificate_revoked");
  const auto nodes = importer.As("viewer").ListNodes({});
  EXPECT_FALSE(nodes->nodes(0).has_trusted_until());

  const auto held = importer.As("viewer").ListCollateral({});
  ASSERT_TRUE(held.ok()) << Message(held.status());
  bool list = false;
  for (const v1::CollateralDocument& document : held->documents()) {
    list |= document.kind() == "intel.root_crl" && document.source() == "import" && document.has_next_update();
  }
  EXPECT_TRUE(list);

  EXPECT_TRUE(importer.Import(bundle).ok()) << "the same once more changes nothing";
  const auto refused = importer.Import(older);
  EXPECT_THAT(Message(refused.status()), HasSubstr("bundle_rolled_back (4009)"));
}

TEST(AirGap, WhatWasTamperedWithIsNotTaken) {
  Exporter exporter(softtee::DcapFault::kCaRevoked);
  const std::string bundle = exporter.Export();
  Importer importer(exporter.Key().Jwks());
  std::string flipped = bundle;
  flipped.back() = ' ';
  // Signed by the exporter, and not the vendor's.
  result::CollateralBundle forged{.number = 1,
                                  .made = SystemClock().Now(),
                                  .documents = {{{"intel.root_crl", "", ""}, trust::Channel::kStandard, SystemClock().Now(), {0x30, 0x00}}},
                                  .floors = {}};
  struct Case {
    std::string_view what;
    std::string bundle;
    std::string_view reason;
  };
  for (const Case& c :
       {Case{"a flipped bit", flipped, "bundle_not_authentic (2033)"}, Case{"nothing", "", "bundle_malformed (1033)"},
        Case{"half of it", bundle.substr(0, bundle.size() / 2), "bundle_not_authentic (2033)"},
        Case{"a document that is not the vendor's", *result::SignBundle(forged, exporter.Key()), "bundle_document_refused (4010)"},
        Case{"another key", *result::SignBundle(forged, result::SigningKey::Generate()), "bundle_key_unknown (2032)"}}) {
    const auto refused = importer.Import(c.bundle);
    EXPECT_FALSE(refused.ok()) << c.what;
    EXPECT_THAT(Message(refused.status()), HasSubstr(std::string(c.reason))) << c.what;
  }
  EXPECT_EQ(importer.As("viewer").ListCollateral({})->documents_size(), 0) << "nothing of any of them";
  EXPECT_TRUE(absl::IsPermissionDenied(importer.Import(bundle, "operator").status()));
  EXPECT_TRUE(importer.Import(bundle).ok());
}

TEST(Reappraisal, ABanOfAMeasurementFlipsWhoHasItAndNobodyElse) {
  Verifier verifier;
  Node node(verifier.join(), verifier.site());
  const auto joined = JoinAs(node);
  ASSERT_TRUE(joined.ok()) << Message(joined.status());
  client::VerdictClient operators(OperatorChannel(verifier.operators(), verifier.site(), "operator"));
  v1::BanIdentityRequest ban;
  ban.set_kind(v1::BAN_KIND_MEASUREMENT);
  ban.set_value(ToHex(softtee::kDefaultMeasurement));
  ban.set_reason("vulnerable image");
  const auto banned = operators.BanIdentity(ban);
  ASSERT_TRUE(banned.ok()) << Message(banned.status());
  const v1::VerdictEvent flip = FlipAfter(verifier, 1);
  EXPECT_EQ(flip.verdict().id(), joined->verdict_id());
  EXPECT_THAT(flip.reason(), HasSubstr("measurement_denied"));
  EXPECT_THAT(flip.reason(), HasSubstr("ban of"));
  // And nobody comes back with it; what was recorded replays as it was.
  Node again(verifier.join(), verifier.site());
  const auto refused = JoinAs(again);
  ASSERT_TRUE(refused.ok()) << Message(refused.status());
  EXPECT_EQ(refused->appraisal().verdict(), v1::VERDICT_REJECTED);
  for (const std::string& id : {joined->verdict_id(), refused->verdict_id()}) {
    v1::ReplayVerdictRequest replay;
    replay.set_verdict_id(id);
    const auto replayed = operators.ReplayVerdict(replay);
    ASSERT_TRUE(replayed.ok()) << Message(replayed.status());
    EXPECT_EQ(replayed->differences_size(), 0) << replayed->differences(0).member();
  }
}

TEST(Forecasts, AnAmdFloorThatIsToComeSaysWhoFalls) {
  Verifier verifier;
  Node node(verifier.join(), verifier.site());
  ASSERT_TRUE(JoinAs(node).ok());
  client::VerdictClient viewer(OperatorChannel(verifier.operators(), verifier.site(), "viewer"));
  v1::ForecastCollateralRequest request;
  const auto nothing = viewer.ForecastCollateral(request);
  ASSERT_TRUE(nothing.ok()) << Message(nothing.status());
  EXPECT_EQ(nothing->appraised(), 1);
  EXPECT_EQ(nothing->nodes_size(), 0);
  for (const std::string_view cpu : {"19:01:*", "19:11:*", "1a:02:*"}) {
    v1::NextFloor& floor = *request.add_floors();
    floor.set_cpu(std::string(cpu));
    floor.set_component("snp");
    floor.set_least(255);
    floor.set_advisory("AMD-SB-3023");
  }
  const auto forecast = viewer.ForecastCollateral(request);
  ASSERT_TRUE(forecast.ok()) << Message(forecast.status());
  ASSERT_EQ(forecast->nodes_size(), 1);
  EXPECT_EQ(forecast->nodes(0).next(), v1::VERDICT_REJECTED);
  EXPECT_EQ(forecast->nodes(0).shortfalls(0).advisories(0), "AMD-SB-3023");
  request.mutable_floors(0)->set_component("nonsense");
  EXPECT_TRUE(absl::IsInvalidArgument(viewer.ForecastCollateral(request).status()));
}

TEST(Collateral, WhatCannotBeAskedForIsSaidSo) {
  Verifier verifier;
  client::VerdictClient operators(OperatorChannel(verifier.operators(), verifier.site(), "operator"));
  v1::RefreshCollateralRequest refresh;
  refresh.add_names()->set_kind("nonsense");
  EXPECT_THAT(Message(operators.RefreshCollateral(refresh).status()), HasSubstr("names.kind"));
  refresh.mutable_names(0)->set_kind("amd.crl");
  refresh.mutable_names(0)->set_channel("nightly");
  EXPECT_THAT(Message(operators.RefreshCollateral(refresh).status()), HasSubstr("names.channel"));
  EXPECT_THAT(Message(operators.FetchCollateral({}).status()), HasSubstr("items"));
}

}  // namespace
}  // namespace assay::integration
