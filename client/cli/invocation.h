// What one run of `assay` works with; tests hand in their own.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "appraisal/registry.h"
#include "base/clock.h"
#include "client/cli/exit_code.h"
#include "client/cli/style.h"

namespace assay::cli {

struct Invocation {
  std::ostream& out;  // data, and nothing else
  std::ostream& err;  // messages
  Style style;        // of `out`
  const Clock& clock;
  const appraisal::Registry& registry;
  std::string program_directory;  // where this program stands; assay-softtee is looked for beside it
  bool err_is_terminal = false;   // somebody may be waiting there: progress.h

  // "assay: <what>" on `err`.
  void Say(std::string_view what) const { err << "assay: " << what << '\n'; }
  // The message of a failure, and the exit code of its kind: a bad argument or unusable file is 2, a server that can't be
  // reached, can't be believed or can't answer at the moment 3, anything else 1.
  ExitCode Fail(const absl::Status& status) const;
};

}  // namespace assay::cli
