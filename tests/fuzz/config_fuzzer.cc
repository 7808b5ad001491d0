// Configuration files: any text is refused with a message for each defect, each with its place, or becomes a configuration that
// has everything a server starts from.
#include "base/bug.h"
#include "service/authorization.h"
#include "service/challenge_codec.h"
#include "service/config_file.h"
#include "tests/fuzz/fuzzer.h"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const service::ConfigResult result = service::LoadConfig("fuzz.yaml", AsText({data, size}), "/etc/assay");
  ASSAY_CHECK(result.config.has_value() == result.messages.empty());
  for (const std::string& message : result.messages) ASSAY_CHECK(message.starts_with("fuzz.yaml"));
  if (!result.config) return 0;
  const v1::ServerConfig& config = *result.config;
  ASSAY_CHECK(!config.join().address().empty() && !config.operator_().client_ca().empty() && !config.store().path().empty() &&
              config.policies_size() > 0);
  const Duration lifetime = service::ChallengeLifetime(config);
  ASSAY_CHECK(lifetime.count() >= 5 && lifetime <= service::kLongestLifetime);
  ASSAY_CHECK(ParseDuration(config.store().retention().verdicts()).has_value() &&
              ParseDuration(config.store().retention().evidence()).has_value());
  ASSAY_CHECK(config.workers().queue() > 0 && config.join().rates().per_address() > 0 && config.join().rates().total() > 0);
  for (const v1::RoleBinding& binding : config.operator_().roles()) ASSAY_CHECK(service::RoleNamed(binding.role()).has_value());
  ASSAY_CHECK(config.join().max_request_mib() >= 1 && config.join().max_request_mib() <= 4);
  if (config.operator_().has_oidc()) {
    const v1::Oidc& oidc = config.operator_().oidc();
    ASSAY_CHECK(oidc.issuer().starts_with("https://") && oidc.issuer().find('#') == std::string::npos && !oidc.audience().empty() &&
                !oidc.jwks().empty() && !oidc.subject_claim().empty());
    ASSAY_CHECK(ParseDuration(oidc.max_lifetime()).has_value() && ParseDuration(oidc.refresh()).has_value() == service::IsUrl(oidc.jwks()));
  }
  return 0;
}

std::vector<Bytes> fuzz::MintedSeeds() {
  std::string with_oidc = service::DefaultConfigYaml();
  with_oidc.insert(
      with_oidc.find("  client_ca:"),
      "  oidc: {issuer: \"https://i\", audience: a, jwks: \"https://i/k\", refresh: 1m, subject_claim: s, max_lifetime: 1h}\n");
  return {ToBytes(AsBytes(service::DefaultConfigYaml())), ToBytes(AsBytes(with_oidc))};
}
