// Keys that lie in files of a directory from the first time on that somebody asks for them.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "tests/softtee/file.h"
#include "tests/softtee/key.h"

namespace assay::softtee {

// Holds the directory's lock, so that several processes may do this at once.
class KeptKeys {
 public:
  // Makes the directory if need be; an error shows in status().
  explicit KeptKeys(const std::filesystem::path& directory)
      : directory_(directory), lock_(DirectoryLock::Take(directory)), status_(lock_.status()) {}

  // The key of `name`.key; if there is no such file, one of `make`, which is kept there (0600). Once status() is an error: some key that is
  // in no file.
  Key Get(std::string_view name, const std::function<Key()>& make);

  // The first error. Unavailable: files; InvalidArgument: a key that is none.
  const absl::Status& status() const { return status_; }

 private:
  std::filesystem::path directory_;
  absl::StatusOr<DirectoryLock> lock_;
  absl::Status status_;
};

}  // namespace assay::softtee
