// The file operations that configfs-tsm needs, so that tests can play the kernel.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"

namespace assay::agent {

// Paths are relative to the directory of all report instances, e.g. "assay-1f/inblob".
class TsmFiles {
 public:
  virtual ~TsmFiles() = default;
  virtual absl::Status MakeInstance(const std::string& name) = 0;           // NotFound: no configfs-tsm here
  virtual void RemoveInstance(const std::string& name) = 0;                 // best effort
  virtual absl::StatusOr<Bytes> Read(const std::string& path) = 0;          // NotFound: no such attribute. At most kMaxBlob bytes
  virtual absl::Status Write(const std::string& path, ByteView bytes) = 0;  // in one write(2), as configfs demands
  // What firmware and boot loader measured into the RTMRs: the log that ACPI's CCEL table points to. NotFound: there is none;
  // PermissionDenied: not for this user.
  virtual absl::StatusOr<Bytes> ReadCcel() = 0;
};

inline constexpr std::size_t kMaxBlob = 1U << 20;  // the kernel's own limit for outblob has grown from 32 KiB

class SystemTsmFiles final : public TsmFiles {
 public:
  explicit SystemTsmFiles(std::string root = "/sys/kernel/config/tsm/report", std::string ccel = "/sys/firmware/acpi/tables/data/CCEL")
      : root_(std::move(root)), ccel_(std::move(ccel)) {}

  absl::Status MakeInstance(const std::string& name) override;
  void RemoveInstance(const std::string& name) override;
  absl::StatusOr<Bytes> Read(const std::string& path) override;
  absl::Status Write(const std::string& path, ByteView bytes) override;
  absl::StatusOr<Bytes> ReadCcel() override;

 private:
  std::string root_;
  std::string ccel_;
};

}  // namespace assay::agent
