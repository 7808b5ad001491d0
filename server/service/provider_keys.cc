#include "service/provider_keys.h"

#include <algorithm>
#include <utility>

#include "base/absl_bridge.h"
#include "base/files.h"
#include "base/strings.h"
#include "collateral/https_get.h"
#include "service/config_file.h"

namespace assay::service {
namespace {

using SteadyClock = std::chrono::steady_clock;

absl::StatusOr<std::vector<token::ProviderKey>> KeysFrom(std::string_view text, const std::string& source) {
  auto keys = token::ReadProviderKeys(text);
  if (keys) return std::move(keys).value();
  return absl::InvalidArgumentError(ToAbsl(
      Cat("operator.oidc.jwks '", Printable(source), "': expected the provider's JWK set, actual: ", Describe(keys.findings().front()))));
}

}  // namespace

absl::StatusOr<ProviderMaterial> LoadProviderMaterial(const v1::Oidc& config, Time now) {
  ProviderMaterial material;
  if (!IsUrl(config.jwks())) {
    const absl::StatusOr<Bytes> text = ReadFile("operator.oidc.jwks", config.jwks());
    if (!text.ok()) return text.status();
    auto keys = KeysFrom(AsText(*text), config.jwks());
    if (!keys.ok()) return keys.status();
    material.keys = *std::move(keys);
  } else if (!config.jwks_ca().empty()) {
    absl::StatusOr<CaMaterial> ca = LoadCaMaterial(config.jwks_ca(), "operator.oidc.jwks_ca", now);
    if (!ca.ok()) return ca.status();
    material.ca_pem = std::move(ca->pem);
  }
  return material;
}

ProviderKeys::ProviderKeys(const v1::Oidc& config, ProviderMaterial material, const FetchTimes& times, const Clock& clock,
                           telemetry::Log& log, telemetry::Metrics& metrics)
    : config_(config),
      ca_pem_(std::move(material.ca_pem)),
      times_(times),
      clock_(clock),
      log_(log),
      metrics_(metrics),
      keys_(std::make_shared<const std::vector<token::ProviderKey>>(std::move(material.keys))) {
  files_.Changed({config_.jwks()});
  if (IsUrl(config_.jwks())) thread_ = std::thread([this] { Run(); });
}

ProviderKeys::~ProviderKeys() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

ProviderKeySet ProviderKeys::Current() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

void ProviderKeys::Miss() {
  {
    const std::lock_guard lock(mutex_);
    missed_ = true;
  }
  woken_.notify_all();
}

void ProviderKeys::TakeUpChanges() {
  if (IsUrl(config_.jwks()) || !files_.Changed({config_.jwks()})) return;
  auto material = LoadProviderMaterial(config_, clock_.Now());
  if (material.ok()) TakeUp(std::move(material->keys));
  else TakeUp(material.status());
}

void ProviderKeys::TakeUp(absl::StatusOr<std::vector<token::ProviderKey>> keys) {
  if (!keys.ok()) {
    // Said and counted once: whoever fetches anew every ten seconds would say nothing else.
    if (!failed_) {
      log_.Error("keys of the OpenID provider not taken up, the former are used on",
                 {{"error", MessageOf(keys.status())}, {"keys", Current()->size()}});
    }
    if (!failed_) metrics_.CountReload(telemetry::Reloadable::kOidcKeys, false, clock_.Now());
    failed_ = true;
    return;
  }
  std::vector<std::string> names;
  for (const token::ProviderKey& key : *keys) names.push_back(key.key_id);
  {
    const std::lock_guard lock(mutex_);
    const bool same = !failed_ && std::equal(keys->begin(), keys->end(), keys_->begin(), keys_->end(),
                                             [](const token::ProviderKey& a, const token::ProviderKey& b) {
                                               return a.key == b.key && a.key_id == b.key_id && a.algorithm == b.algorithm;
                                             });
    failed_ = false;
    if (same) return;
    keys_ = std::make_shared<const std::vector<token::ProviderKey>>(*std::move(keys));
  }
  metrics_.CountReload(telemetry::Reloadable::kOidcKeys, true, clock_.Now());
  log_.Info("keys of the OpenID provider taken up", {{"kids", Printable(Join(names, ", "), 512)}});
}

void ProviderKeys::Run() {
  while (!ending_) {
    auto text = collateral::HttpsGet(config_.jwks(), ca_pem_, {.bytes = token::kMaxProviderKeysSize}, &ending_);
    if (ending_) return;
    const auto fetched = SteadyClock::now();
    auto keys = text.ok() ? KeysFrom(*text, config_.jwks()) : text.status();
    const auto due = fetched + (keys.ok() ? times_.refresh : times_.retry);
    TakeUp(std::move(keys));
    std::unique_lock lock(mutex_);
    missed_ = false;  // by a token that the fetch came too late for: it is asked for anew
    while (!ending_) {
      const auto until = missed_ ? std::min(due, fetched + times_.least) : due;
      if (SteadyClock::now() >= until) break;
      woken_.wait_until(lock, until);
    }
  }
}

}  // namespace assay::service
