#include "client/cli/progress.h"

namespace assay::cli {
namespace {

// ECMA-48: to the first column, then EL, erase to the end of the line.
constexpr std::string_view kBeginAnew = "\r\x1b[K";

}  // namespace

void ProgressLine::Say(std::string_view what) {
  if (!invocation_.err_is_terminal) return;
  invocation_.err << kBeginAnew << what << std::flush;
  shown_ = true;
}

void ProgressLine::Clear() {
  if (shown_) invocation_.err << kBeginAnew << std::flush;
  shown_ = false;
}

}  // namespace assay::cli
