// Who may do what on the operator listener. Identity = URI SAN, else DNS SAN of the verified client certificate, never CN; or that of
// a bearer token. A certificate never has the identity of a token.
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

inline constexpr std::string_view kTokenIdentityPrefix = "oidc:";
// "oidc:ISSUER#SUBJECT". No issuer has a '#' (config_file.h), so no two pairs share a name.
std::string TokenIdentity(std::string_view issuer, std::string_view subject);

class Authorization {
 public:
  explicit Authorization(const v1::OperatorListener& config);

  // Which of its names allows the caller to do this. Otherwise permission_denied, naming identity and needed role.
  std::variant<std::string, Finding> CheckCertificate(const std::vector<std::string>& uri_names, const std::vector<std::string>& dns_names,
                                                      Role needed) const;
  // The same for who showed a bearer token; `identity` as TokenIdentity wrote it.
  std::variant<std::string, Finding> CheckToken(const std::string& identity, Role needed) const;

 private:
  bool Allows(const std::string& identity, Role needed) const;

  struct Binding {
    std::string identity;
    Role role;
  };
  std::vector<Binding> bindings_;
};

}  // namespace assay::service
