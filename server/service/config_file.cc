#include "service/config_file.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "base/absl_bridge.h"
#include "base/files.h"
#include "base/strings.h"
#include "codec/syntax_error.h"
#include "codec/yaml.h"
#include "service/authorization.h"
#include "service/challenge_codec.h"

namespace assay::service {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr Duration kShortestLifetime{5};
constexpr Duration kShortestRetention{3600}, kLongestRetention{3650LL * 86400};
constexpr std::string_view kVerdictsKept = "90d", kEvidenceKept = "30d";
constexpr std::uint32_t kAttemptsKept = 10'000, kCallsPerAddress = 50, kCallsInAll = 5000;
constexpr std::uint32_t kMostRequestMib = 4;
constexpr std::size_t kLongestOidcText = 512;
constexpr std::string_view kKeysRefreshed = "5m", kTokenLife = "1h";

// A duration of one of these members must lie between its bounds.
struct DurationRange {
  std::string_view member;
  Duration shortest, longest;
  std::string_view expected;
};
constexpr DurationRange kDurations[] = {
    {"assay.v1.Challenges.lifetime", kShortestLifetime, kLongestLifetime, "a duration from 5s to 60s"},
    {"assay.v1.Retention.verdicts", kShortestRetention, kLongestRetention, "a duration from 1h to 3650d"},
    {"assay.v1.Retention.evidence", kShortestRetention, kLongestRetention, "a duration from 1h to 3650d"},
    {"assay.v1.Oidc.refresh", Duration(30), Duration(86400), "a duration from 30s to 24h"},
    {"assay.v1.Oidc.max_lifetime", Duration(60), Duration(86400), "a duration from 1m to 24h"},
    {"assay.v1.CollateralFetching.renewal", Duration(60), Duration(7 * 86400), "a duration from 1m to 7d"},
    {"assay.v1.CollateralFetching.patience", Duration(1), Duration(10), "a duration from 1s to 10s"},
    {"assay.v1.Upstream.deadline", Duration(1), Duration(60), "a duration from 1s to 60s"},
};
const DurationRange* RangeOf(const FieldDescriptor& field) {
  for (const DurationRange& range : kDurations) {
    if (field.full_name() == range.member) return &range;
  }
  return nullptr;
}

// https, a host, nothing that could be a password, no blank. Issuers have no query and no fragment (OpenID Connect Discovery, section 3).
bool IsHttpsUrl(std::string_view text, std::string_view forbidden) {
  constexpr std::string_view kScheme = "https://";
  if (!text.starts_with(kScheme) || text.size() > kLongestOidcText) return false;
  const std::string_view authority = text.substr(kScheme.size(), text.find_first_of("/?#", kScheme.size()) - kScheme.size());
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  return plain && !authority.empty() && authority.find('@') == std::string_view::npos &&
         text.find_first_of(forbidden) == std::string_view::npos;
}

constexpr std::uint32_t kDefaultQueue = 256, kMostThreads = 1024, kMostQueue = 1'000'000;

// Members that hold a path, by full name.
bool IsPath(const FieldDescriptor& field) {
  const std::string& name = field.full_name();
  for (const std::string_view path :
       {"assay.v1.TlsIdentity.certificate", "assay.v1.TlsIdentity.key", "assay.v1.OperatorListener.client_ca", "assay.v1.Store.path",
        "assay.v1.ServerConfig.policies", "assay.v1.ServerConfig.collateral_dir", "assay.v1.Challenges.key_file",
        "assay.v1.Tokens.key_file", "assay.v1.Tokens.key_directory", "assay.v1.Oidc.jwks", "assay.v1.Oidc.jwks_ca", "assay.v1.Upstream.ca",
        "assay.v1.AirGap.export_key", "assay.v1.AirGap.import_keys", "assay.v1.ServerConfig.tpm_ek_roots",
        "assay.v1.ServerConfig.gce_endorsement_roots"}) {
    if (name == path) return true;
  }
  return false;
}

// Members without which there is no server.
bool IsRequired(const FieldDescriptor& field) {
  const std::string& name = field.full_name();
  for (const std::string_view required : {"assay.v1.ServerConfig.join",
                                          "assay.v1.ServerConfig.operator",
                                          "assay.v1.ServerConfig.store",
                                          "assay.v1.ServerConfig.policies",
                                          "assay.v1.ServerConfig.challenges",
                                          "assay.v1.JoinListener.address",
                                          "assay.v1.JoinListener.tls",
                                          "assay.v1.OperatorListener.address",
                                          "assay.v1.OperatorListener.tls",
                                          "assay.v1.OperatorListener.client_ca",
                                          "assay.v1.TlsIdentity.certificate",
                                          "assay.v1.TlsIdentity.key",
                                          "assay.v1.Store.path",
                                          "assay.v1.Challenges.key_file",
                                          "assay.v1.RoleBinding.identity",
                                          "assay.v1.RoleBinding.role",
                                          "assay.v1.Tokens.issuer",
                                          "assay.v1.HttpPages.address",
                                          "assay.v1.HttpsPages.address",
                                          "assay.v1.HttpsPages.tls",
                                          "assay.v1.Oidc.issuer",
                                          "assay.v1.Oidc.audience",
                                          "assay.v1.Oidc.jwks"}) {
    if (name == required) return true;
  }
  return false;
}

class ConfigReader {
 public:
  explicit ConfigReader(std::string folder) : folder_(std::move(folder)) {}

  void Read(const yaml::Node& node, Message& message) {
    const auto members = Take(yaml::AsMapping(node));
    if (!members) return;
    const google::protobuf::Descriptor& descriptor = *message.GetDescriptor();
    std::vector<std::string_view> known;
    for (int i = 0; i < descriptor.field_count(); ++i) known.push_back(descriptor.field(i)->name());
    Take(yaml::RequireKnownKeys(node, known));
    for (int i = 0; i < descriptor.field_count(); ++i) {
      const FieldDescriptor& field = *descriptor.field(i);
      const yaml::Node* value = node.Find(field.name());
      if (value != nullptr) ReadField(*value, field, message);
      else if (IsRequired(field)) Say(yaml::ErrorAt(node.position, Cat("the key '", field.name(), "'"), "no such key"));
    }
  }

  void Say(const Finding& finding) { messages_.push_back(codec::MessageOf(finding)); }
  std::vector<std::string> Finish() && { return std::move(messages_); }

 private:
  template <typename T>
  std::optional<T> Take(Outcome<T> outcome) {
    for (const Finding& finding : outcome.findings()) Say(finding);
    return outcome.ok() ? std::optional<T>(std::move(outcome).value()) : std::nullopt;
  }

  void ReadField(const yaml::Node& node, const FieldDescriptor& field, Message& message) {
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    if (field.is_repeated()) {
      const auto elements = Take(yaml::AsSequence(node));
      if (!elements) return;
      if (elements->empty() && IsRequired(field)) Say(yaml::ErrorAt(node.position, "at least one element", "none"));
      for (const yaml::Node& element : *elements) {
        if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) Read(element, *reflection.AddMessage(&message, &field));
        else if (auto text = TakeText(element, field)) reflection.AddString(&message, &field, *std::move(text));
      }
      return;
    }
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE: return Read(node, *reflection.MutableMessage(&message, &field));
      case FieldDescriptor::CPPTYPE_UINT32: {
        const auto number = Take(yaml::AsInteger(node));
        const std::uint32_t most = field.name() == "threads" ? kMostThreads : kMostQueue;
        if (number && field.full_name() == "assay.v1.JoinListener.max_request_mib" && (*number < 1 || *number > kMostRequestMib)) {
          Say(yaml::ErrorAt(node.position, Cat("1 to ", kMostRequestMib), std::to_string(*number)));
        } else if (number && *number > most) Say(yaml::ErrorAt(node.position, Cat("at most ", most), std::to_string(*number)));
        else if (number) reflection.SetUInt32(&message, &field, static_cast<std::uint32_t>(*number));
        return;
      }
      case FieldDescriptor::CPPTYPE_BOOL:
        if (const auto value = Take(yaml::AsBool(node))) reflection.SetBool(&message, &field, *value);
        return;
      case FieldDescriptor::CPPTYPE_STRING:
        if (auto text = TakeText(node, field)) reflection.SetString(&message, &field, *std::move(text));
        return;
      default: Say(yaml::ErrorAt(node.position, "a member that this build can read", std::string(field.cpp_type_name())));
    }
  }

  std::optional<std::string> TakeText(const yaml::Node& node, const FieldDescriptor& field) {
    auto text = Take(yaml::AsString(node));
    if (!text) return std::nullopt;
    if (text->empty() && IsRequired(field)) {
      Say(yaml::ErrorAt(node.position, "text", "nothing"));
    } else if (field.name() == "address") {
      CheckAddress(node, *text);
    } else if (const DurationRange* range = RangeOf(field)) {
      const auto duration = ParseDuration(*text);
      if (!duration || *duration < range->shortest || *duration > range->longest) {
        Say(yaml::ErrorAt(node.position, std::string(range->expected), codec::Quoted(*text)));
      }
    } else if (field.full_name() == "assay.v1.Oidc.issuer") {
      if (!IsHttpsUrl(*text, "?#")) {
        Say(yaml::ErrorAt(node.position, "an https URL without user, query and fragment, as the tokens' iss has it", codec::Quoted(*text)));
      }
    } else if (field.full_name() == "assay.v1.Oidc.jwks" && IsUrl(*text)) {
      if (!IsHttpsUrl(*text, "#")) {
        Say(yaml::ErrorAt(node.position, "a file, or an https URL without user and fragment", codec::Quoted(*text)));
      }
    } else if (field.full_name() == "assay.v1.Upstream.url") {
      if (!IsHttpsUrl(*text, "?#") || text->ends_with('/')) {
        Say(yaml::ErrorAt(node.position, "an https URL without user, query and fragment, and without '/' at its end",
                          codec::Quoted(*text)));
      }
    } else if (field.full_name() == "assay.v1.CollateralFetching.proxy") {
      constexpr std::string_view kScheme = "http://";
      if (text->starts_with(kScheme)) CheckAddress(node, std::string_view(*text).substr(kScheme.size()));
      else Say(yaml::ErrorAt(node.position, "http://host:port", codec::Quoted(*text)));
    } else if (field.full_name() == "assay.v1.Oidc.audience" || field.full_name() == "assay.v1.Oidc.subject_claim") {
      if (text->size() > kLongestOidcText || Printable(*text, kLongestOidcText) != *text) {
        Say(yaml::ErrorAt(node.position, Cat("printable text of at most ", kLongestOidcText, " bytes"), codec::Quoted(*text)));
      }
    } else if (field.full_name() == "assay.v1.RoleBinding.role" && !RoleNamed(*text)) {
      Say(yaml::ErrorAt(node.position, "viewer, operator or admin", codec::Quoted(*text)));
    } else if (IsPath(field) && !text->empty() && !folder_.empty() && std::filesystem::path(*text).is_relative()) {
      return (std::filesystem::path(folder_) / *text).lexically_normal().string();
    }
    return text;
  }

  void CheckAddress(const yaml::Node& node, std::string_view text) {
    const std::size_t colon = text.rfind(':');
    const std::string_view host = colon == std::string_view::npos ? std::string_view() : text.substr(0, colon);
    const std::string_view port = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    std::uint32_t number = 0;
    // Without brackets the last part of an IPv6 address would be taken for a port.
    const bool bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
    bool good = !host.empty() && (bracketed || host.find_first_of("[]:") == std::string_view::npos) && !port.empty() && port.size() <= 5;
    for (const char digit : port) {
      good = good && digit >= '0' && digit <= '9';
      number = number * 10 + static_cast<std::uint32_t>(digit - '0');
    }
    if (!good || number > std::numeric_limits<std::uint16_t>::max()) {
      Say(yaml::ErrorAt(node.position, "host:port, as '0.0.0.0:7443' or '[::1]:7443'", codec::Quoted(text)));
    }
  }

  std::string folder_;
  std::vector<std::string> messages_;
};

// What only shows when the section is whole.
std::vector<std::string> DefectsOf(const v1::OperatorListener& config) {
  std::vector<std::string> defects;
  if (config.has_oidc() && !IsUrl(config.oidc().jwks())) {
    for (const auto& [name, value] : {std::pair("jwks_ca", config.oidc().jwks_ca()), std::pair("refresh", config.oidc().refresh())}) {
      if (!value.empty()) {
        defects.push_back(Cat("operator.oidc.", name, ": expected with a URL as jwks, actual: jwks is a file. Leave it out."));
      }
    }
  }
  for (const v1::RoleBinding& binding : config.roles()) {
    if (!binding.identity().starts_with(kTokenIdentityPrefix)) continue;
    const std::string prefix = TokenIdentity(config.oidc().issuer(), "");
    if (!config.has_oidc()) {
      defects.push_back(
          Cat("operator.roles: expected operator.oidc, since an identity begins with 'oidc:', actual: no such section. Add it."));
    } else if (!binding.identity().starts_with(prefix) || binding.identity().size() == prefix.size()) {
      defects.push_back(Cat("operator.roles: expected identities of tokens as '", Printable(prefix, 600),
                            "SUBJECT', with the issuer of operator.oidc, actual: ", codec::Quoted(binding.identity()), "."));
    }
  }
  return defects;
}

}  // namespace

ConfigResult LoadConfig(std::string_view name, std::string_view text, const std::string& folder) {
  ConfigResult result;
  const Outcome<yaml::Node> document = yaml::Parse(text, name);
  if (!document) {
    for (const Finding& finding : document.findings()) result.messages.push_back(codec::MessageOf(finding));
    return result;
  }
  ConfigReader reader(folder);
  v1::ServerConfig config;
  reader.Read(*document, config);
  result.messages = std::move(reader).Finish();
  if (!result.messages.empty()) return result;
  if (config.has_tokens() && config.tokens().key_file().empty() == config.tokens().key_directory().empty()) {
    result.messages.push_back(Cat(
        name, ": tokens: expected either key_directory or key_file, actual: ", config.tokens().key_file().empty() ? "neither" : "both"));
    return result;
  }
  for (const std::string& defect : DefectsOf(config.operator_())) result.messages.push_back(Cat(name, ": ", defect));
  if (!result.messages.empty()) return result;
  if (config.operator_().has_oidc()) {
    v1::Oidc& oidc = *config.mutable_operator_()->mutable_oidc();
    if (oidc.refresh().empty() && IsUrl(oidc.jwks())) oidc.set_refresh(std::string(kKeysRefreshed));
    if (oidc.subject_claim().empty()) oidc.set_subject_claim("sub");
    if (oidc.max_lifetime().empty()) oidc.set_max_lifetime(std::string(kTokenLife));
  }
  if (config.join().max_request_mib() == 0) config.mutable_join()->set_max_request_mib(1);
  if (config.workers().queue() == 0) config.mutable_workers()->set_queue(kDefaultQueue);
  v1::Retention& retention = *config.mutable_store()->mutable_retention();
  if (retention.verdicts().empty()) retention.set_verdicts(std::string(kVerdictsKept));
  if (retention.evidence().empty()) retention.set_evidence(std::string(kEvidenceKept));
  if (retention.attempts() == 0) retention.set_attempts(kAttemptsKept);
  v1::Rates& rates = *config.mutable_join()->mutable_rates();
  if (rates.per_address() == 0) rates.set_per_address(kCallsPerAddress);
  if (rates.total() == 0) rates.set_total(kCallsInAll);
  if (config.challenges().lifetime().empty()) config.mutable_challenges()->set_lifetime(FormatDuration(kLongestLifetime));
  result.config = std::move(config);
  return result;
}

absl::StatusOr<ConfigResult> LoadConfigFile(const std::string& path) {
  const absl::StatusOr<Bytes> text = ReadFile("--config", path);
  if (!text.ok()) return text.status();
  return LoadConfig(path, AsText(*text), std::filesystem::path(path).parent_path().string());
}

Duration ChallengeLifetime(const v1::ServerConfig& config) {
  return ParseDuration(config.challenges().lifetime()).value_or(kLongestLifetime);
}

std::string DefaultConfigYaml() {
  return R"(# Configuration of assayd. Relative paths are relative to this file. Durations: 60s, 10m, 1h.

# Where nodes ask for challenges and send evidence. Their client certificate is requested, not chain-verified.
join:
  address: "0.0.0.0:7443"        # port 0 picks a free one
  tls:
    certificate: tls/server.pem  # chain, leaf first
    key: tls/server.key          # EC P-256; readable for its owner only
  connections:
    total: 2000
    per_address: 32              # IPv6: for each /64; more where many nodes come through one NAT
  max_request_mib: 1             # 1 to 4
  # tls_terminated: true         # a proxy terminates the nodes' TLS: docs/join.md says what is lost by that

# Where operators query verdicts, over mutual TLS; with oidc by bearer token as well.
operator:
  address: "127.0.0.1:7444"
  tls:
    certificate: tls/server.pem
    key: tls/server.key
  client_ca: tls/ca.pem          # who issues the operators' certificates
  roles:                         # URI SAN, else DNS SAN, of the certificate; viewer, operator or admin
    - {identity: "spiffe://example.org/oncall", role: viewer}
    # - {identity: "oidc:https://idp.example.org#alice", role: operator}
  # Bearer tokens of this OpenID provider instead of a client certificate. Leave out for certificates alone.
  # oidc:
  #   issuer: "https://idp.example.org"  # iss, whole
  #   audience: assay                    # what aud must name
  #   jwks: "https://idp.example.org/keys"  # or a file, looked at every 2s
  #   jwks_ca: tls/idp-ca.pem            # who vouches for the URL's server; default: the system's CAs
  #   refresh: 5m                        # of the URL, 30s to 24h
  #   subject_claim: sub                 # the identity is oidc:ISSUER#SUBJECT
  #   max_lifetime: 1h                   # from iat to exp, 1m to 24h

# Verdicts, redeemed challenges and evidence: SQLite, for one replica.
store:
  path: assay.db
  # max_mib: 4096                # nothing is recorded beyond it, and so no verdict given; default: as large as the disk
  retention:
    verdicts: 90d                # with their policies and collateral, and events
    evidence: 30d                # without it a verdict can be read, and not be replayed
    attempts: 10000              # the last so many: evidence that failed before its identity was authenticated

# Files, or directories of which every *.yaml is loaded.
policies: [policies]

# Certificates and revocation lists beside what nodes send; recognised by content. Leave out for none.
# collateral_dir: collateral

# CAs of TPMs' makers, PEM or DER: their certificates of endorsement keys count. Leave out for none; single keys are enrolled with
# `assay node enroll`.
# tpm_ek_roots: [tpm-makers]

# Where collateral is fetched that nodes do not send; who is left out is not asked. Leave the section out, or say offline, for nobody.
collateral:
  amd_kds: {per_minute: 6, burst: 1}  # url, ca and deadline (10s) as well; default url: the vendor's own
  intel_pcs: {per_minute: 60}    # a PCCS: {url: "https://pccs.example:8081", ca: tls/pccs-ca.pem}, with `pccs: true` beside it
  intel_certificates: {}
  # azure_thim: {}               # VCEKs of Azure's machines, asked before amd_kds
  # proxy: "http://proxy.example:3128"
  # offline: true
  renewal: 6h                    # of lists and TCB documents, 1m to 7d
  patience: 2s                   # that an attestation may wait for what is being fetched, 1s to 10s

# Roots under which Google signs launch endorsements of its guest firmware; no build pins one. Leave out, and none is believed.
# gce_endorsement_roots: [GCE-cc-tcb-root_1.crt]

challenges:
  key_file: challenge.key        # 32 random bytes, made if missing; shared by all replicas
  lifetime: 60s                  # 5s to 60s

# Signed result tokens (EAR) for relying parties. Leave out for none.
tokens:
  issuer: "https://assay.example.org"  # iss of every token
  key_directory: token-keys      # EC P-256 keys, one after another; made with a first one. `assayd keys` shows and changes them

# /metrics, /live and /ready. Without authorization: keep it on the loopback, or in a network of its own. Leave out for none.
http:
  address: "127.0.0.1:9464"

# Key set and discovery for relying parties, public. Leave out for none.
# https:
#   address: "0.0.0.0:8443"
#   tls: {certificate: tls/server.pem, key: tls/server.key}

workers:
  threads: 0                     # 0: eight for each core, at least 32: they wait for the disk together
  queue: 256                     # calls that may wait; beyond it they are refused with a retry hint
)";
}

}  // namespace assay::service
