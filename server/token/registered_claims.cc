#include "token/registered_claims.h"

namespace assay::token {

std::optional<std::int64_t> DateFrom(const json::Value& value) {
  const auto date = value.AsInt64();
  return date && *date >= 0 && *date <= kLatestDate ? date : std::nullopt;
}

std::optional<std::vector<std::string>> AudienceFrom(const json::Value& value) {
  std::vector<std::string> audience;
  const auto add = [&](const json::Value& each) {
    if (each.AsString() == nullptr || each.AsString()->empty()) return false;
    audience.push_back(*each.AsString());
    return true;
  };
  if (const auto* list = value.AsArray()) {
    if (list->empty() || list->size() > kMostAudiences) return std::nullopt;
    for (const json::Value& each : *list) {
      if (!add(each)) return std::nullopt;
    }
  } else if (!add(value)) {
    return std::nullopt;
  }
  return audience;
}

}  // namespace assay::token
