#include "client/cli/token_verify.h"

#include <algorithm>

#include "base/files.h"
#include "base/strings.h"
#include "client/cli/option_values.h"
#include "client/cli/table.h"
#include "client/relying_party/check_token.h"

namespace assay::cli {
namespace {

std::optional<std::string> Given(const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); }

absl::StatusOr<std::vector<token::Jwk>> ReadKeyFile(const std::string& option, const std::string& file) {
  const absl::StatusOr<Bytes> bytes = ReadFile(option, file);
  if (!bytes.ok()) return bytes.status();
  Outcome<std::vector<token::Jwk>> keys = token::ReadKeys(AsText(*bytes), option);
  if (!keys) return absl::InvalidArgumentError(Cat(option, " '", Printable(file), "': ", Describe(keys.findings().front())));
  return std::move(keys).value();
}

absl::StatusOr<relying_party::Expectation> ExpectationOf(const TokenVerifyOptions& options) {
  absl::StatusOr<std::vector<token::Jwk>> keys = ReadKeyFile("--keys", options.keys);
  if (!keys.ok()) return keys.status();
  relying_party::Expectation expectation{.keys = *std::move(keys)};
  if (!options.profiles.empty()) expectation.profiles.clear();
  for (const std::string& name : options.profiles) {
    for (const token::EarProfileEntry& entry : token::AllEarProfiles()) {
      if (entry.short_name == name) expectation.profiles.push_back(entry.profile);
    }
  }
  expectation.type = Given(options.type);
  expectation.issuer = Given(options.issuer);
  expectation.verifier = Given(options.verifier);
  expectation.audience = Given(options.audience);
  expectation.nonce = Given(options.nonce);
  expectation.submodules = options.submodules;
  expectation.demanded = options.demanded;
  expectation.warnings = options.allow_warnings;
  expectation.affirming = !options.any_status;
  if (!options.holder.empty()) {
    const auto holder = ReadKeyFile("--holder", options.holder);
    if (!holder.ok()) return holder.status();
    if (holder->size() != 1) {
      return absl::InvalidArgumentError(Cat("--holder '", Printable(options.holder), "': expected one key, actual: ", holder->size(), "."));
    }
    expectation.holder = holder->front().key;
  }
  return expectation;
}

json::Value ToTree(const CheckLog& log, const std::optional<token::EarClaims>& claims) {
  using json::Value;
  Value tree = Value::MakeObject();
  tree.Add("accepted", Value::Bool(claims.has_value()));
  if (claims) tree.Add("claims", token::WriteEar(*claims));
  Value& checks = tree.Add("checks", Value::MakeArray());
  for (const CheckRecord& record : log.records()) {
    Value& check = checks.Append(Value::MakeObject());
    check.Add("name", Value::String(NameOf(record.check)));
    check.Add("result", Value::String(NameOf(record.result)));
  }
  Value& findings = tree.Add("findings", Value::MakeArray());
  for (const Finding& finding : log.findings()) {
    Value& entry = findings.Append(Value::MakeObject());
    entry.Add("code", Value::Integer(EntryOf(finding.reason).number));
    entry.Add("reason", Value::String(NameOf(finding.reason)));
    for (const auto& [name, text] : {std::pair("component", &finding.component), std::pair("claim", &finding.claim),
                                     std::pair("expected", &finding.expected), std::pair("actual", &finding.actual)}) {
      if (!text->empty()) entry.Add(name, Value::String(*text));
    }
    entry.Add("remedy", Value::String(finding.remedy.empty() ? EntryOf(finding.reason).remedy : std::string_view(finding.remedy)));
  }
  return tree;
}

std::string When(std::int64_t seconds) { return FormatTime(Time{Duration{seconds}}); }

void Print(const token::EarClaims& claims, const relying_party::Expectation& expectation, const Invocation& invocation) {
  invocation.out << invocation.style.Good("ACCEPTED") << '\n';
  Table table;
  table.Add({"profile", std::string(token::UriOf(claims.profile))});
  table.Add({"verifier", Printable(Cat(claims.verifier_developer, " (", claims.verifier_build, ")"))});
  if (!claims.issuer.empty()) table.Add({"issuer", Printable(claims.issuer)});
  table.Add({"issued", When(claims.issued_at)});
  table.Add({"expires", claims.expires ? When(*claims.expires) : "never"});
  if (!claims.token_id.empty()) table.Add({"token id", Printable(claims.token_id)});
  for (const token::EarSubmodule& submodule : claims.submodules) {
    std::vector<std::string> details;
    for (std::size_t i = 0; i < token::kTrustworthinessClaims; ++i) {
      if (submodule.vector[i]) {
        details.push_back(Cat(token::TrustworthinessClaimName(i), " ", NameOf(token::TierOf(*submodule.vector[i])), " (",
                              int{*submodule.vector[i]}, ")"));
      }
    }
    table.Add({Printable(submodule.label), Cat(NameOf(submodule.status), details.empty() ? "" : ": ", Join(details, ", "))});
  }
  invocation.out << table.ToText("  ");
  // What was not asked for was not checked, and a reader should know.
  std::vector<std::string> unchecked;
  if (!expectation.issuer) unchecked.emplace_back("--issuer");
  if (!expectation.audience) unchecked.emplace_back("--audience");
  if (!expectation.nonce) unchecked.emplace_back("--nonce");
  if (!expectation.holder) unchecked.emplace_back("--holder");
  if (expectation.demanded.empty()) unchecked.emplace_back("--demand");
  if (!unchecked.empty()) {
    invocation.out << invocation.style.Faint(Cat("  not checked, because not given: ", Join(unchecked, ", "))) << '\n';
  }
}

}  // namespace

ExitCode VerifyToken(const TokenVerifyOptions& options, const Invocation& invocation) {
  Time at = invocation.clock.Now();
  if (!options.at.empty()) {
    const absl::StatusOr<Time> given = ParseAtOption(options.at);
    if (!given.ok()) return invocation.Fail(given.status());
    at = *given;
  }
  const absl::StatusOr<relying_party::Expectation> expectation = ExpectationOf(options);
  if (!expectation.ok()) return invocation.Fail(expectation.status());
  const absl::StatusOr<Bytes> bytes = ReadFile("FILE", options.file);
  if (!bytes.ok()) return invocation.Fail(bytes.status());
  std::string_view text = AsText(*bytes);
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);  // of the file, not of the token

  CheckLog log;
  const std::optional<token::EarClaims> claims = relying_party::CheckToken(text, *expectation, at, log);
  if (options.output != OutputFormat::kTable) {
    invocation.out << Structured(options.output, ToTree(log, claims));
  } else if (claims) {
    Print(*claims, *expectation, invocation);
  } else {
    invocation.out << invocation.style.Bad("REFUSED") << '\n';
    for (const Finding& finding : log.findings()) invocation.out << "  " << Describe(finding) << '\n';
  }
  if (claims) return ExitCode::kOk;
  const bool malformed = !log.findings().empty() && EntryOf(log.findings().front().reason).stage == Stage::kParse;
  return malformed ? ExitCode::kMalformed : ExitCode::kNotTrusted;
}

}  // namespace assay::cli
