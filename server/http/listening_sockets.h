// Sockets that listen on every address that a "host:port" stands for.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace assay::http {

class ListeningSockets {
 public:
  // Port 0 picks one, the same for all addresses. Unavailable, naming `field`: no such address, or somebody listens there.
  static absl::StatusOr<ListeningSockets> Open(const std::string& field, const std::string& address);
  ListeningSockets(ListeningSockets&&) noexcept = default;
  ListeningSockets& operator=(ListeningSockets&&) = delete;
  ~ListeningSockets();  // as Close()

  // The kernel takes nothing more, and resets what nobody has accepted.
  void Close();

  const std::vector<int>& sockets() const { return sockets_; }  // none of them blocks
  const std::string& address() const { return address_; }       // with the port that was picked

 private:
  ListeningSockets() = default;
  std::vector<int> sockets_;
  std::string address_;
};

}  // namespace assay::http
