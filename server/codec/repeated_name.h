// The question that JSON objects and YAML mappings both ask: does a name stand twice?
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <string_view>
#include <vector>

namespace assay::codec {

// Index of an element of `members` whose `name_of(member)` is also that of an earlier one, the first such; nullopt if
// all names differ. O(n log n), whatever names an adversary chooses: no hashing.
template <typename Member, typename NameOf>
std::optional<std::size_t> FirstRepeated(const std::vector<Member>& members, NameOf name_of) {
  constexpr std::size_t kFew = 8;  // up to here comparing all pairs is cheaper than sorting
  if (members.size() <= kFew) {
    for (std::size_t i = 1; i < members.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (name_of(members[i]) == name_of(members[j])) return i;
      }
    }
    return std::nullopt;
  }
  std::vector<std::size_t> order(members.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const std::string_view name_a = name_of(members[a]), name_b = name_of(members[b]);
    return name_a != name_b ? name_a < name_b : a < b;
  });
  std::optional<std::size_t> first;
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (name_of(members[order[i]]) != name_of(members[order[i - 1]])) continue;
    if (!first || order[i] < *first) first = order[i];
  }
  return first;
}

}  // namespace assay::codec
