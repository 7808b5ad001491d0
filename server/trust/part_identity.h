// Which part a part is. Of two parts of one kind each has its own; copies of a part are the same part. What one part vouches for hangs
// on that part, not on any that bears its name.
#pragma once

#include <memory>

namespace assay::trust {

template <typename T>
class Authenticated;

class PartIdentity {
 public:
  bool operator==(const PartIdentity&) const = default;

 private:
  template <typename T>
  friend class Authenticated;
  PartIdentity() : mark_(std::make_shared<const char>()) {}
  std::shared_ptr<const char> mark_;
};

}  // namespace assay::trust
