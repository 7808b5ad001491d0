// CollateralService (operator_service.h).
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "appraisal/forecast.h"
#include "assay/v1/collateral_service.grpc.pb.h"
#include "base/absl_bridge.h"
#include "base/files.h"
#include "collateral/document_kinds.h"
#include "result/collateral_bundle.h"
#include "service/operator_calls.h"
#include "service/store_shelf.h"
#include "store/fleet_forecast.h"

namespace assay::service {
namespace {

constexpr int kMostFloors = 100, kMostNames = 1000, kMostItems = 32;
constexpr std::uint32_t kRetryStoreMs = 2000;

Refusal NotConfigured(std::string field, std::string expected) {
  return {{.reason = Reason::kNotConfigured, .component = std::move(field), .expected = std::move(expected), .actual = "nothing"}};
}

void WriteName(const collateral::ChanneledKey& key, v1::CollateralName& name) {
  name.set_kind(key.key.kind);
  name.set_scope(key.key.scope);
  name.set_detail(key.key.detail);
  name.set_channel(std::string(trust::NameOf(key.channel)));
}

v1::CollateralDocument ToProto(const store::CollateralState& state) {
  v1::CollateralDocument document;
  document.set_kind(state.key.kind);
  document.set_scope(state.key.scope);
  document.set_detail(state.key.detail);
  document.set_channel(std::string(trust::NameOf(state.channel)));
  if (state.sha256) document.set_sha256(std::string(AsText(*state.sha256)));
  document.set_size(state.size);
  document.set_source(state.source);
  document.set_number(state.number.value_or(0));
  const auto write = [](const std::optional<Time>& time, auto* (v1::CollateralDocument::*mutable_field)(), v1::CollateralDocument& to) {
    if (time) (to.*mutable_field)()->set_seconds(time->time_since_epoch().count());
  };
  write(state.obtained, &v1::CollateralDocument::mutable_obtained, document);
  write(state.issued, &v1::CollateralDocument::mutable_issued, document);
  write(state.next_update, &v1::CollateralDocument::mutable_next_update, document);
  write(state.failed, &v1::CollateralDocument::mutable_failed, document);
  document.set_failure(state.failure);
  return document;
}

class CollateralService final : public v1::CollateralService::CallbackService, private OperatorCalls {
 public:
  explicit CollateralService(OperatorInputs inputs) : OperatorCalls(std::move(inputs), v1::CollateralService::service_full_name()) {}

  grpc::ServerUnaryReactor* ListCollateral(grpc::CallbackServerContext* context, const v1::ListCollateralRequest* request,
                                           v1::ListCollateralResponse* response) override {
    return Answer(context, "ListCollateral", Role::kViewer, [this, request, response](const Caller&) {
      inputs_.keep_failures();
      return List<v1::CollateralDocument>(
          *request, {.filter = request->filter()}, {.list = "collateral", .filter = request->filter()},
          [this](const store::PageRequest& page) -> absl::StatusOr<store::Page<v1::CollateralDocument>> {
            const auto found = inputs_.collateral.List(page);
            if (!found.ok()) return found.status();
            store::Page<v1::CollateralDocument> documents{.elements = {}, .next = found->next};
            for (const store::CollateralState& state : found->elements) documents.elements.push_back(ToProto(state));
            return documents;
          },
          *response->mutable_documents(), *response);
    });
  }

  grpc::ServerUnaryReactor* RefreshCollateral(grpc::CallbackServerContext* context, const v1::RefreshCollateralRequest* request,
                                              v1::RefreshCollateralResponse* response) override {
    return Answer(context, "RefreshCollateral", Role::kOperator, [this, request, response](const Caller& caller) -> std::optional<Refusal> {
      if (request->names_size() > kMostNames) return Invalid("names", Cat("at most ", kMostNames), std::to_string(request->names_size()));
      std::vector<collateral::ChanneledKey> keys;
      for (const v1::CollateralName& name : request->names()) {
        const auto channel = name.channel().empty() ? std::optional(trust::Channel::kStandard) : trust::ChannelNamed(name.channel());
        if (!channel) return Invalid("names.channel", "standard or early", Cat("'", Printable(name.channel(), 32), "'"));
        if (collateral::FindKind(name.kind()) == nullptr) {
          return Invalid("names.kind", "a kind of collateral, as intel.tcb_info or amd.crl", Cat("'", Printable(name.kind(), 64), "'"));
        }
        keys.push_back({{name.kind(), name.scope(), name.detail()}, *channel});
      }
      const std::size_t wanted = inputs_.keeper.Refresh(keys);
      response->set_wanted(static_cast<std::int64_t>(wanted));
      inputs_.log.Info("collateral refreshed by an operator",
                       {{"identity", caller.identity}, {"wanted", wanted}, {"request_id", caller.request_id}, {"peer", caller.peer}});
      return std::nullopt;
    });
  }

  grpc::ServerUnaryReactor* FetchCollateral(grpc::CallbackServerContext* context, const v1::FetchCollateralRequest* request,
                                            v1::FetchCollateralResponse* response) override {
    return Answer(context, "FetchCollateral", Role::kOperator, [this, request, response](const Caller&) -> std::optional<Refusal> {
      if (request->items_size() == 0 || request->items_size() > kMostItems) {
        return Invalid("items", Cat("1 to ", kMostItems), std::to_string(request->items_size()));
      }
      std::vector<evidence::Item> items;
      for (const v1::EvidenceItem& item : request->items()) {
        items.push_back({item.media_type(), trust::UntrustedBytes(ToBytes(AsBytes(item.body())))});
      }
      // Against nothing: what the evidence itself has is not what the verifier holds.
      const std::vector<trust::CollateralKey> needs = appraisal::Needs(inputs_.registry, items, trust::CollateralSnapshot());
      const collateral::Gathered gathered = inputs_.keeper.Find(needs);
      for (const trust::CollateralKey& key : needs) {
        const bool absent = std::any_of(gathered.absent.begin(), gathered.absent.end(),
                                        [&](const collateral::Absence& absence) { return absence.key == key; });
        WriteName({key, trust::Channel::kStandard}, absent ? *response->add_wanted() : *response->add_held());
      }
      return std::nullopt;
    });
  }

  grpc::ServerUnaryReactor* ExportCollateral(grpc::CallbackServerContext* context, const v1::ExportCollateralRequest*,
                                             v1::ExportCollateralResponse* response) override {
    return Answer(context, "ExportCollateral", Role::kAdmin, [this, response](const Caller& caller) -> std::optional<Refusal> {
      if (!inputs_.air_gap.export_key) return NotConfigured("air_gap.export_key", "a key that signs exports");
      const Time now = inputs_.clock.Now();
      const auto number = inputs_.collateral.NextBundleNumber(now);
      if (!number.ok()) return RefusalOf(number.status(), "bundle");
      result::CollateralBundle bundle{.number = *number, .made = now, .documents = {}, .floors = inputs_.keeper.Floors()};
      for (const collateral::Held& held : inputs_.keeper.Everything()) {
        bundle.documents.push_back({held.key.key, held.key.channel, held.obtained, ToBytes(held.item.body.Read().TakeRest())});
      }
      auto file = result::SignBundle(bundle, *inputs_.air_gap.export_key);
      if (!file) {
        return Invalid("bundle", Cat("at most ", result::kMostBundleBytes, " bytes"),
                       Cat(bundle.documents.size(), " documents, which take more"));
      }
      response->set_bundle(*std::move(file));
      response->set_number(*number);
      response->set_key_id(inputs_.air_gap.export_key->id());
      response->set_documents(static_cast<std::int64_t>(bundle.documents.size()));
      inputs_.log.Info("collateral exported", {{"identity", caller.identity},
                                               {"number", *number},
                                               {"documents", bundle.documents.size()},
                                               {"request_id", caller.request_id},
                                               {"peer", caller.peer}});
      return std::nullopt;
    });
  }

  grpc::ServerUnaryReactor* ImportCollateral(grpc::CallbackServerContext* context, const v1::ImportCollateralRequest* request,
                                             v1::ImportCollateralResponse* response) override {
    return Answer(context, "ImportCollateral", Role::kAdmin,
                  [this, request, response](const Caller& caller) { return Import(*request, caller, *response); });
  }

  grpc::ServerUnaryReactor* ForecastCollateral(grpc::CallbackServerContext* context, const v1::ForecastCollateralRequest* request,
                                               v1::ForecastCollateralResponse* response) override {
    return Answer(context, "ForecastCollateral", Role::kViewer,
                  [this, context, request, response](const Caller&) -> std::optional<Refusal> {
                    if (request->floors_size() > kMostFloors) {
                      return Invalid("floors", Cat("at most ", kMostFloors), std::to_string(request->floors_size()));
                    }
                    std::string order;
                    for (const v1::NextFloor& floor : request->floors()) {
                      if (const absl::Status good = appraisal::CheckNextFloor(floor); !good.ok()) {
                        return Invalid("floors", "floors that can be compared", std::string(MessageOf(good)));
                      }
                      order += floor.SerializeAsString();
                    }
                    std::vector<trust::CollateralItem> current, next;
                    for (const collateral::Held& held : inputs_.keeper.Everything()) {
                      (held.key.channel == trust::Channel::kEarly ? next : current).push_back(held.item);
                    }
                    response->set_early_documents(static_cast<std::int64_t>(next.size()));
                    const std::vector<v1::NextFloor> floors(request->floors().begin(), request->floors().end());
                    return List<v1::NodeForecast>(
                        *request, {.filter = request->filter()}, {.list = "forecast", .filter = request->filter(), .order_by = order},
                        [&](const store::PageRequest& page) -> absl::StatusOr<store::Page<v1::NodeForecast>> {
                          auto forecast = store::ForecastNodes(inputs_.store, page,
                                                               {.registry = inputs_.registry,
                                                                .anchors = inputs_.anchors,
                                                                .at = inputs_.clock.Now(),
                                                                .current = current,
                                                                .next = next,
                                                                .floors = floors,
                                                                .loaded = &inputs_.policies,
                                                                .caches = &caches_},
                                                               [context] { return context->IsCancelled(); });
                          if (!forecast.ok()) return forecast.status();
                          response->set_appraised(forecast->appraised);
                          return store::Page<v1::NodeForecast>{std::move(forecast->nodes), forecast->next};
                        },
                        *response->mutable_nodes(), *response);
                  });
  }

 private:
  std::optional<Refusal> Import(const v1::ImportCollateralRequest& request, const Caller& caller, v1::ImportCollateralResponse& response) {
    if (inputs_.air_gap.import_keys.empty()) {
      return NotConfigured("air_gap.import_keys", "public keys of verifiers whose exports are imported");
    }
    CheckLog log;
    std::optional<result::SignedBundle> opened = result::OpenBundle(request.bundle(), inputs_.air_gap.import_keys, log);
    if (!opened) return Refuse(log.findings().front(), caller);
    // Each document is looked at before any is taken: whoever signed the bundle can't speak for the vendors.
    std::vector<collateral::KeptItem> items;
    for (result::BundleDocument& document : opened->bundle.documents) {
      items.push_back({.key = std::move(document.key),
                       .channel = document.channel,
                       .body = std::move(document.body),
                       .source = trust::CollateralSource::kImport,
                       .obtained = document.obtained});
    }
    if (const auto bad = FirstThatIsNotAuthentic(items, log)) return Refuse(*bad, caller);
    const auto imported = inputs_.keeper.Import(items, opened->bundle.floors,
                                                [&](std::span<const collateral::KeptItem> kept, std::span<const trust::Floor> floors) {
                                                  std::vector<store::KeptDocument> documents;
                                                  for (const collateral::KeptItem& item : kept) documents.push_back(DocumentOf(item));
                                                  const auto written = inputs_.collateral.Import({.key_id = opened->key_id,
                                                                                                  .number = opened->bundle.number,
                                                                                                  .sha256 = opened->sha256,
                                                                                                  .at = inputs_.clock.Now(),
                                                                                                  .by = caller.identity},
                                                                                                 documents, floors);
                                                  // The same file once more is no error: another replica may have taken it, and this one holds it from here on.
                                                  return absl::IsAlreadyExists(written.status()) ? absl::OkStatus() : written.status();
                                                });
    if (absl::IsFailedPrecondition(imported.status())) {
      return Refuse({.reason = Reason::kBundleRolledBack,
                     .component = "bundle",
                     .claim = "number",
                     .expected = std::string(MessageOf(imported.status())),
                     .actual = std::to_string(opened->bundle.number)},
                    caller);
    }
    if (!imported.ok()) {
      return Refusal{{.reason = Reason::kStoreUnavailable,
                      .component = "store",
                      .expected = "a bundle that was kept",
                      .actual = std::string(MessageOf(imported.status()))},
                     kRetryStoreMs};
    }
    response.set_number(opened->bundle.number);
    response.set_key_id(opened->key_id);
    response.set_taken(static_cast<std::int64_t>(imported->kept));
    response.set_older(static_cast<std::int64_t>(items.size() - imported->kept));
    inputs_.log.Info("collateral imported", {{"identity", caller.identity},
                                             {"number", opened->bundle.number},
                                             {"key_id", opened->key_id},
                                             {"taken", imported->kept},
                                             {"request_id", caller.request_id},
                                             {"peer", caller.peer}});
    for (const std::string& why : imported->refused) inputs_.log.Info("document of a bundle not taken", {{"why", why}});
    return std::nullopt;
  }

  std::optional<Finding> FirstThatIsNotAuthentic(const std::vector<collateral::KeptItem>& items, CheckLog& log) const {
    std::vector<trust::CollateralItem> all;
    for (const collateral::Held& held : inputs_.keeper.Everything()) {
      if (held.item.certificate) all.push_back(held.item);
    }
    for (const collateral::KeptItem& item : items) {
      for (trust::CollateralItem& found :
           appraisal::RecogniseCollateral(inputs_.registry, trust::UntrustedBytes(item.body), trust::CollateralSource::kImport)) {
        all.push_back(std::move(found));
      }
    }
    const std::vector<trust::AuthenticDocument> authentic = appraisal::AuthenticCollateral(inputs_.registry, all, inputs_.anchors);
    for (const collateral::KeptItem& item : items) {
      const crypto::Sha256Digest sha256 = crypto::Sha256(item.body);
      const bool good = std::any_of(authentic.begin(), authentic.end(), [&](const trust::AuthenticDocument& document) {
        // Both of AMD's lists of one product are of one kind and issuer; the address tells them apart.
        return document.item.sha256 == sha256 && document.item.key.kind == item.key.kind && document.item.key.scope == item.key.scope &&
               (document.item.key.detail == item.key.detail || item.key.detail == collateral::kVlekListDetail);
      });
      if (!log.Require(Check::kBundleDocuments, good, [&] {
            return Finding{.reason = Reason::kBundleDocumentRefused,
                           .component = "bundle",
                           .claim = Printable(item.key.ToString(), 200),
                           .expected = "a document that leads to its vendor's pinned root",
                           .actual = "one that does not, or another document"};
          })) {
        return log.findings().back();
      }
    }
    return std::nullopt;
  }

  Refusal Refuse(Finding finding, const Caller& caller) const {
    inputs_.log.Warning("bundle refused", {{"identity", caller.identity},
                                           {"reason", NameOf(finding.reason)},
                                           {"at", finding.claim},
                                           {"actual", finding.actual},
                                           {"request_id", caller.request_id},
                                           {"peer", caller.peer}});
    return Refusal{std::move(finding)};
  }

  trust::FactCaches caches_{4096};
};

std::string DirectoryOf(const std::string& path) {
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  return directory.empty() ? "." : directory.string();
}

}  // namespace

absl::StatusOr<AirGap> LoadAirGap(const v1::AirGap& config, MissingKey missing) {
  AirGap air_gap;
  std::string errors;
  const auto say = [&](std::string_view text) { errors += Cat(errors.empty() ? "" : "\n", text); };
  if (!config.export_key().empty()) {
    auto key = missing == MissingKey::kMake ? result::SigningKey::LoadOrMake("air_gap.export_key", config.export_key())
                                            : result::SigningKey::Load("air_gap.export_key", config.export_key());
    if (key.ok()) air_gap.export_key = *std::move(key);
    else if (missing == MissingKey::kMake || !absl::IsNotFound(key.status())) say(MessageOf(key.status()));
    else if (const std::string directory = DirectoryOf(config.export_key()); ::access(directory.c_str(), W_OK | X_OK) != 0) {
      say(Cat("air_gap.export_key '", Printable(config.export_key()), "': expected a file that is there or can be made, actual: ",
              std::strerror(errno), ". Check the directory and its permissions."));
    }
  }
  for (const std::string& path : config.import_keys()) {
    const auto text = ReadFile("air_gap.import_keys", path);
    if (!text.ok()) {
      say(MessageOf(text.status()));
      continue;
    }
    auto keys = token::ReadKeys(AsText(*text), "air_gap.import_keys");
    if (!keys) {
      say(Cat("air_gap.import_keys '", Printable(path),
              "': expected a public key as PEM, JWK or JWK set, actual: ", Describe(keys.findings().front())));
      continue;
    }
    for (const token::Jwk& key : *keys) {
      if (token::AlgorithmFor(key.key) == "ES256") air_gap.import_keys.push_back(key);
      else
        say(Cat("air_gap.import_keys '", Printable(path),
                "': expected EC P-256 keys, actual: another kind. Export with a key that `air_gap.export_key` made."));
    }
  }
  if (!errors.empty()) return absl::InvalidArgumentError(ToAbsl(errors));
  return air_gap;
}

std::unique_ptr<grpc::Service> MakeCollateralService(OperatorInputs inputs) {
  return std::make_unique<CollateralService>(std::move(inputs));
}

}  // namespace assay::service
