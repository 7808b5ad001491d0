// Who may do what on the operator listener. Identity = URI SAN, else DNS SAN of the verified client certificate; never CN.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "assay/v1/server_config.pb.h"
#include "base/finding.h"

namespace assay::service {

// Each role may do what those before it may.
enum class Role : std::uint8_t { kViewer, kOperator, kAdmin };
std::string_view NameOf(Role role);
std::optional<Role> RoleNamed(std::string_view name);

class Authorization {
 public:
  explicit Authorization(const v1::OperatorListener& config);

  // Which of its names allows the caller to do this. Otherwise permission_denied, naming identity and needed role.
  std::variant<std::string, Finding> Check(const std::vector<std::string>& uri_names, const std::vector<std::string>& dns_names, Role needed) const;

 private:
  struct Binding {
    std::string identity;
    Role role;
  };
  std::vector<Binding> bindings_;
};

}  // namespace assay::service
