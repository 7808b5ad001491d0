#include "service/authorization.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace assay::service {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"viewer", "operator", "admin"};

}  // namespace

std::string_view NameOf(Role role) { return kNames[static_cast<std::size_t>(role)]; }

std::optional<Role> RoleNamed(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  return found == kNames.end() ? std::nullopt : std::optional(static_cast<Role>(found - kNames.begin()));
}

std::string TokenIdentity(std::string_view issuer, std::string_view subject) { return Cat(kTokenIdentityPrefix, issuer, "#", subject); }

Authorization::Authorization(const v1::OperatorListener& config) {
  for (const v1::RoleBinding& binding : config.roles()) {
    if (const auto role = RoleNamed(binding.role())) bindings_.push_back({binding.identity(), *role});
  }
}

bool Authorization::Allows(const std::string& identity, Role needed) const {
  return std::any_of(bindings_.begin(), bindings_.end(),
                     [&](const Binding& binding) { return binding.identity == identity && binding.role >= needed; });
}

std::variant<std::string, Finding> Authorization::CheckCertificate(const std::vector<std::string>& uri_names,
                                                                   const std::vector<std::string>& dns_names, Role needed) const {
  // A certificate with URI names is known by them alone: a DNS name beside them gives it nothing.
  const std::vector<std::string>& identities = uri_names.empty() ? dns_names : uri_names;
  for (const std::string& identity : identities) {
    if (!identity.starts_with(kTokenIdentityPrefix) && Allows(identity, needed)) return identity;
  }
  return Finding{.reason = Reason::kPermissionDenied,
                 .component = "client certificate",
                 .expected = Cat("an identity with the role ", NameOf(needed)),
                 .actual = identities.empty() ? "a certificate without URI or DNS name" : Printable(Join(identities, ", "), 200)};
}

std::variant<std::string, Finding> Authorization::CheckToken(const std::string& identity, Role needed) const {
  if (Allows(identity, needed)) return identity;
  return Finding{.reason = Reason::kPermissionDenied,
                 .component = "bearer token",
                 .expected = Cat("an identity with the role ", NameOf(needed)),
                 .actual = Printable(identity, 1024)};
}

}  // namespace assay::service
