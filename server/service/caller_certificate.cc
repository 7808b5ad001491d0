#include "service/caller_certificate.h"

#include <string>
#include <utility>

#include "base/strings.h"
#include "crypto/validity.h"

namespace assay::service {
namespace {

Finding Unauthenticated(std::string claim, std::string expected, std::string actual, std::string remedy) {
  return {.reason = Reason::kUnauthenticated,
          .component = "client certificate",
          .claim = std::move(claim),
          .expected = std::move(expected),
          .actual = std::move(actual),
          .remedy = std::move(remedy)};
}

}  // namespace

std::variant<Time, Finding> CertificateUntil(std::string_view pem, Time now) {
  const auto validity = crypto::ValidityOf(pem);
  if (!validity) {
    return Unauthenticated("", "one X.509 certificate", "something else",
                           "Show a client certificate that the verifier's client_ca issued.");
  }
  const auto out_of_time = [&](std::string_view does, Time at) {
    return Cat("'", Printable(validity->subject, 96), "' ", does, " ", FormatTime(at), ", and it is ", FormatTime(now));
  };
  if (validity->not_after < now) {
    return Unauthenticated("not_after", "a certificate that is valid now", out_of_time("ended", validity->not_after),
                           "Renew the client certificate and call again with the new one.");
  }
  if (now < validity->not_before) {
    return Unauthenticated("not_before", "a certificate that is valid now", out_of_time("begins", validity->not_before),
                           "Wait until the client certificate is valid, or set the clock of whichever machine is wrong.");
  }
  return validity->not_after + Duration(1);
}

}  // namespace assay::service
