#include "service/operator_service.h"

#include <optional>
#include <utility>

#include "appraisal/clouds_table.h"
#include "assay/v1/verdict_service.grpc.pb.h"
#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"
#include "evidence/tpm/enrolment.h"
#include "service/operator_calls.h"
#include "store/fleet_forecast.h"

namespace assay::service {
namespace {

constexpr Duration kLastDay{86'400};

class OperatorService final : public v1::VerdictService::CallbackService, private OperatorCalls {
 public:
  explicit OperatorService(OperatorInputs inputs) : OperatorCalls(std::move(inputs), v1::VerdictService::service_full_name()) {}

  grpc::ServerUnaryReactor* GetVerdict(grpc::CallbackServerContext* context, const v1::GetVerdictRequest* request,
                                       v1::GetVerdictResponse* response) override {
    return Answer(context, "GetVerdict", Role::kViewer, [this, request, response](const Caller&) {
      return OfVerdict(request->verdict_id(), inputs_.store.Get(request->verdict_id()), [&](v1::VerdictRecord record) {
        *response->mutable_record() = std::move(record);
        const auto summary = inputs_.store.GetSummary(request->verdict_id());
        if (summary.ok() && summary->has_revocation()) *response->mutable_revocation() = summary->revocation();
      });
    });
  }

  grpc::ServerUnaryReactor* ListVerdicts(grpc::CallbackServerContext* context, const v1::ListVerdictsRequest* request,
                                         v1::ListVerdictsResponse* response) override {
    return Answer(context, "ListVerdicts", Role::kViewer, [this, request, response](const Caller&) -> std::optional<Refusal> {
      const std::string& order = request->order_by();
      if (!order.empty() && order != "sequence" && order != "sequence desc") {
        return Invalid("order_by", "'sequence' or 'sequence desc'", Cat("'", Printable(order, 64), "'"));
      }
      return List<v1::VerdictSummary>(
          *request, {.filter = request->filter(), .newest_first = order != "sequence"},
          {.list = "verdicts", .filter = request->filter(), .order_by = order},
          [this](const store::PageRequest& page) { return inputs_.store.ListVerdicts(page); }, *response->mutable_verdicts(), *response);
    });
  }

  grpc::ServerUnaryReactor* ListFlips(grpc::CallbackServerContext* context, const v1::ListFlipsRequest* request,
                                      v1::ListFlipsResponse* response) override {
    return Answer(context, "ListFlips", Role::kViewer, [this, request, response](const Caller&) {
      return List<v1::VerdictFlip>(
          *request, {.filter = request->filter()}, {.list = "flips", .filter = request->filter()},
          [this](const store::PageRequest& page) { return inputs_.store.ListFlips(page); }, *response->mutable_flips(), *response);
    });
  }

  grpc::ServerUnaryReactor* ListNodes(grpc::CallbackServerContext* context, const v1::ListNodesRequest* request,
                                      v1::ListNodesResponse* response) override {
    return Answer(context, "ListNodes", Role::kViewer, [this, request, response](const Caller&) {
      return List<v1::Node>(
          *request, {.filter = request->filter()}, {.list = "nodes", .filter = request->filter()},
          [this](const store::PageRequest& page) { return inputs_.store.ListNodes(page); }, *response->mutable_nodes(), *response);
    });
  }

  grpc::ServerUnaryReactor* ListBans(grpc::CallbackServerContext* context, const v1::ListBansRequest* request,
                                     v1::ListBansResponse* response) override {
    return Answer(context, "ListBans", Role::kViewer, [this, request, response](const Caller&) {
      return List<v1::Ban>(
          *request, {}, {.list = "bans"}, [this](const store::PageRequest& page) { return inputs_.store.ListBans(page); },
          *response->mutable_bans(), *response);
    });
  }

  grpc::ServerUnaryReactor* DescribeClouds(grpc::CallbackServerContext* context, const v1::DescribeCloudsRequest*,
                                           v1::DescribeCloudsResponse* response) override {
    return Answer(context, "DescribeClouds", Role::kViewer, [this, response](const Caller&) -> std::optional<Refusal> {
      const auto counts = inputs_.store.CountVerdicts(inputs_.clock.Now() - kLastDay);
      if (!counts.ok()) return RefusalOf(counts.status(), "clouds");
      for (v1::Cloud& cloud : appraisal::CloudsTable(inputs_.registry)) {
        for (v1::CloudPlatform& platform : *cloud.mutable_platforms()) {
          if (auto refused = WriteLastDay(*counts, platform)) return refused;
        }
        *response->add_clouds() = std::move(cloud);
      }
      return std::nullopt;
    });
  }

  grpc::ServerWriteReactor<v1::WatchVerdictsResponse>* WatchVerdicts(grpc::CallbackServerContext* context,
                                                                     const v1::WatchVerdictsRequest* request) override {
    auto caller = Authorize(*context, "WatchVerdicts", Role::kViewer, NameCall(*context));
    if (auto* refused = std::get_if<Finding>(&caller)) return Watchers::Refuse(*context, {std::move(*refused)});
    return inputs_.watchers.Watch(*context, *request, std::get<Authorized>(caller).credential,
                                  [this, peer = context->peer()] { inputs_.completed(peer); });
  }

  grpc::ServerUnaryReactor* RevokeVerdict(grpc::CallbackServerContext* context, const v1::RevokeVerdictRequest* request,
                                          v1::RevokeVerdictResponse* response) override {
    return Change(context, "RevokeVerdict", request->reason(), [this, request, response](const store::Act& act) {
      return OfVerdict(request->verdict_id(), inputs_.store.Revoke(request->verdict_id(), act),
                       [&](v1::VerdictSummary verdict) { *response->mutable_verdict() = std::move(verdict); });
    });
  }

  grpc::ServerUnaryReactor* ReleaseNode(grpc::CallbackServerContext* context, const v1::ReleaseNodeRequest* request,
                                        v1::ReleaseNodeResponse* response) override {
    return Change(context, "ReleaseNode", request->reason(), [this, request, response](const store::Act& act) -> std::optional<Refusal> {
      if (request->instance_identity().size() != crypto::Sha256Digest().size()) {
        return Invalid("instance_identity", "32 bytes", Cat(request->instance_identity().size(), " bytes"));
      }
      auto node = inputs_.store.Release(AsBytes(request->instance_identity()), act);
      if (node.ok()) *response->mutable_node() = *std::move(node);
      return RefusalOfStatus(node.status(), "instance_identity");
    });
  }

  grpc::ServerUnaryReactor* BanIdentity(grpc::CallbackServerContext* context, const v1::BanIdentityRequest* request,
                                        v1::BanIdentityResponse* response) override {
    return Change(context, "BanIdentity", request->reason(), [this, request, response](const store::Act& act) {
      auto ban = inputs_.store.Impose(request->kind(), request->value(), act);
      if (ban.ok()) {
        inputs_.banned(Cat("ban of ", request->value()));
        *response->mutable_ban() = *std::move(ban);
      }
      return RefusalOfStatus(ban.status(), "value");
    });
  }

  grpc::ServerUnaryReactor* UnbanIdentity(grpc::CallbackServerContext* context, const v1::UnbanIdentityRequest* request,
                                          v1::UnbanIdentityResponse* response) override {
    return Change(context, "UnbanIdentity", request->reason(), [this, request, response](const store::Act& act) {
      auto ban = inputs_.store.Lift(request->kind(), request->value(), act);
      if (ban.ok()) *response->mutable_ban() = *std::move(ban);
      return RefusalOfStatus(ban.status(), "value");
    });
  }

  grpc::ServerUnaryReactor* EnrolKey(grpc::CallbackServerContext* context, const v1::EnrolKeyRequest* request,
                                     v1::EnrolKeyResponse* response) override {
    return Change(context, "EnrolKey", request->reason(), [this, request, response](const store::Act& act) -> std::optional<Refusal> {
      const auto read = tpm::ReadKeyToEnrol(AsBytes(request->key()), WantedKind(request->kind()));
      if (!read) return Refusal{read.findings().front()};
      v1::EnrolledKey wanted;
      wanted.set_kind(read->kind == tpm::TpmKeyKind::kEndorsement ? v1::TPM_KEY_KIND_ENDORSEMENT : v1::TPM_KEY_KIND_ATTESTATION);
      wanted.set_spki_sha256(std::string(AsText(read->spki_sha256)));
      wanted.set_tpm_name(std::string(AsText(read->name)));
      wanted.set_node(request->node());
      auto enrolled = inputs_.store.Enrol(wanted, act);
      if (enrolled.ok()) {
        inputs_.banned(Cat("enrolment of ", ToHex(AsBytes(enrolled->spki_sha256()))));
        *response->mutable_enrolment() = *std::move(enrolled);
      }
      return RefusalOfStatus(enrolled.status(), "enrolment");
    });
  }

  grpc::ServerUnaryReactor* UnenrolKey(grpc::CallbackServerContext* context, const v1::UnenrolKeyRequest* request,
                                       v1::UnenrolKeyResponse* response) override {
    return Change(context, "UnenrolKey", request->reason(), [this, request, response](const store::Act& act) -> std::optional<Refusal> {
      if (request->spki_sha256().size() != crypto::Sha256Digest().size()) {
        return Invalid("spki_sha256", "32 bytes", Cat(request->spki_sha256().size(), " bytes"));
      }
      auto gone = inputs_.store.Unenrol(AsBytes(request->spki_sha256()), act);
      if (gone.ok()) {
        inputs_.banned(Cat("end of the enrolment of ", ToHex(AsBytes(gone->spki_sha256()))));
        *response->mutable_enrolment() = *std::move(gone);
      }
      return RefusalOfStatus(gone.status(), "spki_sha256");
    });
  }

  grpc::ServerUnaryReactor* ListEnrolments(grpc::CallbackServerContext* context, const v1::ListEnrolmentsRequest* request,
                                           v1::ListEnrolmentsResponse* response) override {
    return Answer(context, "ListEnrolments", Role::kViewer, [this, request, response](const Caller&) {
      return List<v1::EnrolledKey>(
          *request, {}, {.list = "enrolments"}, [this](const store::PageRequest& page) { return inputs_.store.ListEnrolments(page); },
          *response->mutable_enrolments(), *response);
    });
  }

  grpc::ServerUnaryReactor* ReplayVerdict(grpc::CallbackServerContext* context, const v1::ReplayVerdictRequest* request,
                                          v1::ReplayVerdictResponse* response) override {
    return Answer(context, "ReplayVerdict", Role::kViewer, [this, request, response](const Caller&) {
      return OfVerdict(request->verdict_id(), ExportOf(request->verdict_id()), [&](const v1::VerdictExport& recorded) {
        *response =
            appraisal::Replay(recorded, {.registry = inputs_.registry,
                                         .anchors = inputs_.anchors,
                                         .policies = request->current_policies() ? &inputs_.policies : nullptr,
                                         .at = request->has_at() ? std::optional(Time{Duration{request->at().seconds()}}) : std::nullopt});
      });
    });
  }

  grpc::ServerUnaryReactor* ExportVerdict(grpc::CallbackServerContext* context, const v1::ExportVerdictRequest* request,
                                          v1::ExportVerdictResponse* response) override {
    return Answer(context, "ExportVerdict", Role::kViewer, [this, request, response](const Caller&) {
      return OfVerdict(request->verdict_id(), ExportOf(request->verdict_id()),
                       [&](v1::VerdictExport recorded) { *response->mutable_verdict() = std::move(recorded); });
    });
  }

 private:
  absl::StatusOr<v1::VerdictExport> ExportOf(const std::string& id) {
    auto record = inputs_.store.Get(id);
    if (!record.ok()) return record.status();
    return store::ExportOf(inputs_.store, *std::move(record));
  }

  std::optional<Refusal> WriteLastDay(const std::vector<store::VerdictCount>& counts, v1::CloudPlatform& platform) {
    v1::FleetVerdicts& fleet = *platform.mutable_last_day();
    const store::VerdictCount* latest = nullptr;
    for (const store::VerdictCount& count : counts) {
      if (count.platform != platform.name()) continue;
      v1::VerdictCount& added = *fleet.add_counts();
      added.set_verdict(count.verdict);
      added.set_strength(count.strength);
      added.set_simulated(count.simulated);
      added.set_count(count.count);
      const bool trusts = count.verdict == v1::VERDICT_TRUSTED || count.verdict == v1::VERDICT_TRUSTED_WITH_WARNINGS;
      if (trusts && (latest == nullptr || count.latest > latest->latest)) latest = &count;
    }
    if (latest == nullptr) return std::nullopt;
    auto record = inputs_.store.Get(latest->latest_id);
    if (absl::IsNotFound(record.status())) return std::nullopt;  // purged between the two
    if (!record.ok()) return RefusalOf(record.status(), "clouds");
    fleet.set_latest_trusted_id(latest->latest_id);
    *fleet.mutable_latest_boundary() = std::move(*record->mutable_appraisal()->mutable_trust_boundary());
    return std::nullopt;
  }

  static std::optional<tpm::TpmKeyKind> WantedKind(v1::TpmKeyKind kind) {
    switch (kind) {
      case v1::TPM_KEY_KIND_ATTESTATION: return tpm::TpmKeyKind::kAttestation;
      case v1::TPM_KEY_KIND_ENDORSEMENT: return tpm::TpmKeyKind::kEndorsement;
      default: return std::nullopt;
    }
  }

  template <typename T, typename Write>
  std::optional<Refusal> OfVerdict(const std::string& id, absl::StatusOr<T> found, const Write& write) {
    if (found.ok()) {
      write(*std::move(found));
      return std::nullopt;
    }
    if (absl::IsInvalidArgument(found.status())) {
      return Invalid("verdict_id", "26 characters of Crockford's base32, as Attest returned them", Cat("'", Printable(id, 64), "'"));
    }
    if (absl::IsNotFound(found.status())) {
      return Refusal{{.reason = Reason::kNotFound,
                      .component = "verdict_id",
                      .expected = "the id of a recorded verdict",
                      .actual = Printable(id, 64)}};
    }
    inputs_.log.Error("verdict not read", {{"verdict_id", id}, {"error", MessageOf(found.status())}});
    return RefusalOf(found.status(), "verdict_id");
  }
};

}  // namespace

std::unique_ptr<grpc::Service> MakeOperatorService(OperatorInputs inputs) { return std::make_unique<OperatorService>(std::move(inputs)); }

}  // namespace assay::service
