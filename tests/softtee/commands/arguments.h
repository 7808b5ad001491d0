// What every subcommand that mints takes, and how the text of an option is read. What is wrong is said on standard error, by the option's name.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/strings.h"
#include "tests/softtee/commands/subcommand.h"

namespace assay::softtee {

// The code again.
int Fail(int code, std::string_view message);
// kFailed, for what an operation on the option's directory came to.
int FailAt(std::string_view option, const absl::Status& status);

struct MintArguments {
  std::string pki;
  std::string at;
  std::string fault;
  bool json = false;
  std::string out;
};
// `what_out`: what --out writes.
void AddMintOptions(CLI::App* command, MintArguments& arguments, const std::string& what_out);
// Which machine it is, where machines stay the same over boots; given twice, the last counts. `what`: what of it depends on the name.
void AddMachineOption(CLI::App* command, std::string& machine, const std::string& what);
// One of --json and --out, that is.
bool SaysWhereTo(const MintArguments& arguments);

// --at; empty: now.
std::optional<Time> ReadTime(const std::string& text);

// At least one byte, in hexadecimal digits.
std::optional<Bytes> ReadOctets(std::string_view option, const std::string& text);

// The bytes of `text`, which must be exactly as many as `out` holds.
template <std::size_t N>
bool ReadHex(std::string_view option, std::string_view text, ByteArray<N>& out) {
  const auto bytes = FromHex(text);
  if (!bytes || bytes->size() != N) {
    Fail(kUsage, Cat(option, ": expected ", N, " bytes as ", 2 * N, " hexadecimal digits, got ", Printable(text, 80)));
    return false;
  }
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return true;
}

// The entry of that name in a list of faults; nullptr: there is none.
template <typename Entries>
auto* ReadFault(const std::string& fault, const Entries& entries) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.name == fault; });
  if (found != entries.end()) return &*found;
  std::vector<std::string_view> names;
  for (const auto& entry : entries) names.push_back(entry.name);
  const std::string_view nearest = NearestOf(fault, names);
  Fail(kUsage, Cat("--fault: no fault is called ", Printable(fault, 80), nearest.empty() ? "" : "; did you mean ", nearest,
                   "? `assay-softtee faults` lists them"));
  return static_cast<decltype(&*found)>(nullptr);
}

}  // namespace assay::softtee
