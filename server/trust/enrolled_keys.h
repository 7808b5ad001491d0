// Keys that an operator enrolled, each by a digest that names it. Like a pin: who writes it down vouches for the key.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace assay::trust {

class EnrolledKeys {
 public:
  EnrolledKeys() = default;  // nobody enrolled any
  // `names`: SHA-256 of a SubjectPublicKeyInfo, or a TPM Name (algorithm and digest). Anything that is too short to be a digest
  // names nothing.
  explicit EnrolledKeys(std::vector<Bytes> names) : names_(std::move(names)) {
    std::erase_if(names_, [](const Bytes& name) { return name.size() < kLeastSize; });
  }

  bool empty() const { return names_.empty(); }
  bool Contains(ByteView name) const {
    return std::any_of(names_.begin(), names_.end(), [name](const Bytes& known) { return EqualConstantTime(known, name); });
  }

 private:
  static constexpr std::size_t kLeastSize = 32;
  std::vector<Bytes> names_;
};

}  // namespace assay::trust
