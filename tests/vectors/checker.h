// What the runner knows of a kind of cases: one function that answers "is it authentic, and what comes out".
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/finding.h"
#include "tests/vectors/case_file.h"

namespace assay::vectors {

// The bytes of a case's inputs, after its mutations.
class Inputs {
 public:
  void Add(const std::string& role, std::vector<Bytes> files) { by_role_[role] = std::move(files); }
  std::map<std::string, std::vector<Bytes>>& by_role() { return by_role_; }
  // Empty if the case does not have the role.
  std::span<const Bytes> All(const std::string& role) const {
    const auto found = by_role_.find(role);
    return found == by_role_.end() ? std::span<const Bytes>() : found->second;
  }
  // The only file of a role; nullptr if the case does not have the role, or has several files for it.
  const Bytes* One(const std::string& role) const {
    const std::span<const Bytes> files = All(role);
    return files.size() == 1 ? &files.front() : nullptr;
  }

 private:
  std::map<std::string, std::vector<Bytes>> by_role_;
};

// What came out of a case.
struct Observation {
  bool authentic = false;
  std::vector<Finding> against;    // the findings that speak against authenticity; empty exactly if authentic
  std::vector<Finding> undecided;  // what kept authentication from an answer; speaks against it where nothing else does
  std::vector<std::string> notes;  // anything else worth printing if the case fails, e.g. checks that were skipped
  Values status;
  Values claims;
  // Not a property of the evidence: the checker itself could not do what the case asks for. Empty = it could.
  std::string fault;
};

struct Checker {
  std::string_view kind;
  Observation (*run)(const Case& conformance_case, const Inputs& inputs);
};

// Every kind that this build can check, sorted by kind; and those of each folder of formats.
std::span<const Checker> BuiltinCheckers();
std::span<const Checker> AzureCheckers();
std::span<const Checker> DcapCheckers();
std::span<const Checker> EarCheckers();
std::span<const Checker> LogCheckers();
std::span<const Checker> NitroCheckers();
std::span<const Checker> SnpCheckers();
std::span<const Checker> SnpMeasurementCheckers();
std::span<const Checker> TpmCheckers();

}  // namespace assay::vectors
