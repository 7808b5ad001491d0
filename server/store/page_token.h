// Page tokens (AIP-158): where a page ended, opaque to callers.
//
// Promises: a token opens only under the key that sealed it and for the very arguments that its page was asked with; the
// last sequence is all that it carries. Does not promise to be secret.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/bytes.h"

namespace assay::store {

class PageTokens {
 public:
  explicit PageTokens(Bytes key) : key_(std::move(key)) {}

  // `arguments`: everything of the request that chooses and orders the elements.
  std::string Seal(std::int64_t last, std::string_view arguments) const;
  // InvalidArgument: not one of ours, or of another request.
  absl::StatusOr<std::int64_t> Open(std::string_view token, std::string_view arguments) const;

 private:
  Bytes Mac(std::int64_t last, std::string_view arguments) const;
  Bytes key_;
};

}  // namespace assay::store
