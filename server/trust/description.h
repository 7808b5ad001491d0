// Description: what unauthenticated bytes say, for people to read. A display tree that converts to nothing.
//
// Promises: there is no way from a Description to a claim, a hint or a key (tests/must_not_compile). `assay inspect`
// prints it.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace assay::trust {

class Description {
 public:
  explicit Description(std::string name, std::string value = {}) : name_(std::move(name)), value_(std::move(value)) {}

  Description& Add(std::string name, std::string value = {}) { return children_.emplace_back(std::move(name), std::move(value)); }
  void Add(Description child) { children_.push_back(std::move(child)); }

  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }  // printable
  const std::vector<Description>& children() const { return children_; }
  // The bytes are recognisably of this kind, but not as the specification demands; children named "defect" say where.
  void set_malformed() { malformed_ = true; }
  bool malformed() const { return malformed_; }

 private:
  std::string name_;
  std::string value_;
  std::vector<Description> children_;
  bool malformed_ = false;
};

}  // namespace assay::trust
