// Every RPC of the operator listener, for tables of who may call what.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "client/lib/client.h"
#include "service/authorization.h"

namespace assay::integration {

struct OperatorRpc {
  std::string_view name;
  service::Role needs;
  std::function<absl::Status(client::VerdictClient&)> call;  // OK for who has the role
};

// `verdict_id`: of a verdict that is recorded.
std::vector<OperatorRpc> OperatorRpcs(const std::string& verdict_id);

}  // namespace assay::integration
