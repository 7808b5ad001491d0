#include "tests/integration/operator_rpcs.h"

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "tests/softtee/key.h"
#include "tests/softtee/tpm_structures.h"

namespace assay::integration {

std::vector<OperatorRpc> OperatorRpcs(const std::string& verdict_id) {
  using service::Role;
  const auto with_id = [verdict_id](auto request) {
    request.set_verdict_id(verdict_id);
    return request;
  };
  const auto with_reason = [](auto request) {
    request.set_reason("a test");
    return request;
  };
  const auto of_name = [](auto request) {
    request.set_kind(v1::BAN_KIND_NAME);
    request.set_value("demo/somebody");
    return request;
  };
  v1::ReleaseNodeRequest release = with_reason(v1::ReleaseNodeRequest());
  release.set_instance_identity(std::string(32, 'x'));
  const softtee::Key ak = softtee::Key::Derive(AsBytes("an attestation key"));
  v1::EnrolKeyRequest enrol = with_reason(v1::EnrolKeyRequest());
  enrol.set_key(std::string(AsText(softtee::AkOf(ak).Tpm2b())));
  v1::UnenrolKeyRequest unenrol = with_reason(v1::UnenrolKeyRequest());
  unenrol.set_spki_sha256(std::string(AsText(softtee::Sha256(ak.SubjectPublicKeyInfo()))));
  v1::FetchCollateralRequest report;
  report.add_items()->set_media_type("application/vnd.assay.sev-snp-report");
  const auto unless_not_configured = [](const absl::Status& status) {
    return MessageOf(status).find("not_configured (5019)") != std::string_view::npos ? absl::OkStatus() : status;
  };
  return {
      {"GetVerdict", Role::kViewer, [=](auto& c) { return c.GetVerdict(with_id(v1::GetVerdictRequest())).status(); }},
      {"ListVerdicts", Role::kViewer, [=](auto& c) { return c.ListVerdicts({}).status(); }},
      {"WatchVerdicts", Role::kViewer, [=](auto& c) { return c.WatchVerdicts({}, [](const auto&) { return false; }); }},
      {"ReplayVerdict", Role::kViewer, [=](auto& c) { return c.ReplayVerdict(with_id(v1::ReplayVerdictRequest())).status(); }},
      {"ExportVerdict", Role::kViewer, [=](auto& c) { return c.ExportVerdict(with_id(v1::ExportVerdictRequest())).status(); }},
      {"ListCollateral", Role::kViewer, [=](auto& c) { return c.ListCollateral({}).status(); }},
      {"ForecastCollateral", Role::kViewer, [=](auto& c) { return c.ForecastCollateral({}).status(); }},
      {"RefreshCollateral", Role::kOperator, [=](auto& c) { return c.RefreshCollateral({}).status(); }},
      {"FetchCollateral", Role::kOperator, [=](auto& c) { return c.FetchCollateral(report).status(); }},
      // This configuration has no keys for bundles: who may call is told so, who may not is told that.
      {"ExportCollateral", Role::kAdmin, [=](auto& c) { return unless_not_configured(c.ExportCollateral({}).status()); }},
      {"ImportCollateral", Role::kAdmin, [=](auto& c) { return unless_not_configured(c.ImportCollateral({}).status()); }},
      {"ListFlips", Role::kViewer, [=](auto& c) { return c.ListFlips({}).status(); }},
      {"ListNodes", Role::kViewer, [=](auto& c) { return c.ListNodes({}).status(); }},
      {"DescribeClouds", Role::kViewer, [=](auto& c) { return c.DescribeClouds({}).status(); }},
      {"ListBans", Role::kViewer, [=](auto& c) { return c.ListBans({}).status(); }},
      {"RevokeVerdict", Role::kOperator,
       [=](auto& c) { return c.RevokeVerdict(with_reason(with_id(v1::RevokeVerdictRequest()))).status(); }},
      {"BanIdentity", Role::kOperator, [=](auto& c) { return c.BanIdentity(with_reason(of_name(v1::BanIdentityRequest()))).status(); }},
      {"UnbanIdentity", Role::kOperator,
       [=](auto& c) { return c.UnbanIdentity(with_reason(of_name(v1::UnbanIdentityRequest()))).status(); }},
      {"EnrolKey", Role::kOperator, [=](auto& c) { return c.EnrolKey(enrol).status(); }},
      {"UnenrolKey", Role::kOperator, [=](auto& c) { return c.UnenrolKey(unenrol).status(); }},
      {"ListEnrolments", Role::kViewer, [=](auto& c) { return c.ListEnrolments({}).status(); }},
      {"ReleaseNode", Role::kOperator,
       [=](auto& c) { return absl::IsNotFound(c.ReleaseNode(release).status()) ? absl::OkStatus() : c.ReleaseNode(release).status(); }},
  };
}

}  // namespace assay::integration
