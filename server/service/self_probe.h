// Asks the own health service through the real port, as a node would reach it: socket, accept loop, TLS, HTTP/2, gRPC.
#pragma once

#include <chrono>
#include <string>

namespace assay::service {

// True: the listener at "host:port" said SERVING for `health` within the bound. The certificate is not looked at: this is our
// own port, and who stands there instead of us would be another listener's failure.
bool ProbeSelf(const std::string& address, const std::string& health, std::chrono::milliseconds bound);

// The address under which a listener on `bound` is reached from here: a wildcard becomes the loopback.
std::string ReachableAddress(const std::string& bound);

}  // namespace assay::service
