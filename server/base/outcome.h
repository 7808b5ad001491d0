// Outcome<T>: a value, or the findings that say why there is none. For code that judges bytes but keeps no check log
// (base, codec, crypto); code that runs named security checks reports through CheckLog (check_log.h).
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/bug.h"
#include "base/finding.h"

namespace assay {

template <typename T>
class [[nodiscard]] Outcome {
 public:
  Outcome(T value) : value_(std::move(value)) {}                             // NOLINT(google-explicit-constructor)
  Outcome(Finding finding) { findings_.push_back(std::move(finding)); }      // NOLINT(google-explicit-constructor)
  Outcome(std::vector<Finding> findings) : findings_(std::move(findings)) {  // NOLINT(google-explicit-constructor)
    ASSAY_CHECK(!findings_.empty());
  }

  bool ok() const { return value_.has_value(); }
  explicit operator bool() const { return ok(); }

  const T& value() const& {
    ASSAY_CHECK(ok());
    return *value_;
  }
  T& value() & {
    ASSAY_CHECK(ok());
    return *value_;
  }
  T&& value() && {
    ASSAY_CHECK(ok());
    return *std::move(value_);
  }
  const T& operator*() const& { return value(); }
  const T* operator->() const { return &value(); }

  // Empty exactly when ok().
  const std::vector<Finding>& findings() const& { return findings_; }
  std::vector<Finding>&& findings() && { return std::move(findings_); }

 private:
  std::optional<T> value_;
  std::vector<Finding> findings_;
};

}  // namespace assay
