// Lint: reads YAML nodes for the loaders of this folder and collects every message, with its place, instead of stopping
// at the first.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "appraisal/policy.h"
#include "base/clock.h"
#include "base/outcome.h"
#include "base/strings.h"
#include "codec/syntax_error.h"
#include "codec/yaml.h"

namespace assay::appraisal {

class Lint {
 public:
  void Say(const yaml::Position& position, std::string text) { messages_.push_back({position.Show(), std::move(text)}); }
  void Say(const Finding& finding) {
    messages_.push_back({finding.component, Cat("expected ", finding.expected, ", found ", finding.actual)});
  }
  // "… 'qemu_sev_snb'; did you mean 'qemu_sev_snp'?"
  void SayUnknown(const yaml::Position& position, std::string_view what, std::string_view word, const auto& known) {
    const std::string_view nearest = NearestOf(word, known);
    Say(position, Cat("unknown ", what, " ", codec::Quoted(word),
                      nearest.empty() ? Cat("; known: ", Join(known, ", ")) : Cat("; did you mean ", codec::Quoted(nearest), "?")));
  }

  // The value, or nullopt after saying why there is none.
  template <typename T>
  std::optional<T> Take(Outcome<T> outcome) {
    for (const Finding& finding : outcome.findings()) Say(finding);
    return outcome.ok() ? std::optional<T>(std::move(outcome).value()) : std::nullopt;
  }

  const yaml::Node* Key(const yaml::Node& mapping, std::string_view key) { return Take(yaml::RequireKey(mapping, key)).value_or(nullptr); }
  std::optional<std::string> Text(const yaml::Node& node) { return Take(yaml::AsString(node)); }
  std::optional<std::string> TextOf(const yaml::Node& mapping, std::string_view key) {
    const yaml::Node* value = Key(mapping, key);
    return value == nullptr ? std::nullopt : Text(*value);
  }
  std::optional<Time> TimeIn(const yaml::Node& node) {
    const auto text = Text(node);
    const auto time = text ? ParseTime(*text) : std::nullopt;
    if (text && !time) Say(node.position, Cat("expected a time as 2027-03-01T00:00:00Z, found ", codec::Quoted(*text)));
    return time;
  }
  // Longer than nothing, and at most `longest`.
  std::optional<Duration> DurationIn(const yaml::Node& node, Duration longest) {
    const auto text = Text(node);
    const auto duration = text ? ParseDuration(*text) : std::nullopt;
    if (text && !duration) {
      Say(node.position, Cat("expected a duration as 90s, 10m, 1h or 7d, found ", codec::Quoted(*text)));
    } else if (duration && *duration > longest) {
      Say(node.position, Cat("expected at most ", FormatDuration(longest), ", found ", codec::Quoted(*text)));
      return std::nullopt;
    }
    return duration;
  }
  // Elements of a sequence; empty after saying so if it is none.
  std::span<const yaml::Node> Elements(const yaml::Node& node) {
    return Take(yaml::AsSequence(node)).value_or(std::span<const yaml::Node>());
  }

  bool empty() const { return messages_.empty(); }
  std::size_t count() const { return messages_.size(); }
  std::vector<LintMessage> Finish() && { return std::move(messages_); }

 private:
  std::vector<LintMessage> messages_;
};

}  // namespace assay::appraisal
