// How far work is that takes a while, for who waits at a terminal.
//
// Promises: one line on `err`, overwritten by the next and gone at the end; nothing at all where `err` is no terminal, so that
// pipes and logs never see it. Does not promise a rate or an end: who pages through a list knows neither.
#pragma once

#include <string_view>

#include "client/cli/invocation.h"

namespace assay::cli {

class ProgressLine {
 public:
  explicit ProgressLine(const Invocation& invocation) : invocation_(invocation) {}
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Say(std::string_view what);
  void Clear();  // before anything else is written to the terminal

 private:
  const Invocation& invocation_;
  bool shown_ = false;
};

}  // namespace assay::cli
