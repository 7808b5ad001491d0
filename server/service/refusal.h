// A call that is answered with an error and not with a verdict: no evidence was opened.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "assay/v1/error_detail.pb.h"
#include "base/bug.h"
#include "base/finding.h"

namespace assay::service {

struct Refusal {
  Finding finding;                   // its reason is of stage kRequest, or about a bundle, or kClockBehind
  std::uint32_t retry_after_ms = 0;  // 0: not by waiting
};

// assay.v1.ErrorDetail of it; serialised into the details of the RPC's status.
v1::ErrorDetail DetailOf(const Refusal& refusal);

// What a store's error means for a caller; `field` is the request field that an InvalidArgument is about.
Refusal RefusalOf(const absl::Status& status, std::string field);

// A value, or the refusal that says why there is none.
template <typename T>
class [[nodiscard]] Answer {
 public:
  Answer(T value) : content_(std::move(value)) {}                     // NOLINT(google-explicit-constructor)
  Answer(Refusal refusal) : content_(std::move(refusal)) {}           // NOLINT(google-explicit-constructor)
  Answer(Finding finding) : content_(Refusal{std::move(finding)}) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return std::holds_alternative<T>(content_); }
  const T& value() const {
    ASSAY_CHECK(ok());
    return *std::get_if<T>(&content_);
  }
  T& value() {
    ASSAY_CHECK(ok());
    return *std::get_if<T>(&content_);
  }
  const Refusal& refusal() const {
    ASSAY_CHECK(!ok());
    return *std::get_if<Refusal>(&content_);
  }

 private:
  std::variant<T, Refusal> content_;
};

}  // namespace assay::service
