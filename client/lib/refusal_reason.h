// Why the server refused, by the name that its ErrorDetail gives (docs/reasons.md), carried by the status that a call ended with: more
// than the code says, which many reasons share.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/cord.h"

namespace assay::client {

inline constexpr char kReasonPayload[] = "assay.v1.ErrorDetail.reason";

inline absl::Status WithReason(absl::Status status, std::string_view reason) {
  status.SetPayload(kReasonPayload, absl::Cord(absl::string_view(reason.data(), reason.size())));
  return status;
}

// "": it carries none, so nobody of ours has said anything.
inline std::string ReasonIn(const absl::Status& status) {
  const auto reason = status.GetPayload(kReasonPayload);
  return reason ? std::string(*reason) : std::string();
}

}  // namespace assay::client
