// ASSAY_CHECK: for what can only be false if our own code is wrong. Never for input.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace assay::internal {
[[noreturn]] inline void ReportBug(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "assay: bug: %s:%d: %s does not hold\n", file, line, condition);
  std::abort();
}
}  // namespace assay::internal

#define ASSAY_CHECK(condition) ((condition) ? static_cast<void>(0) : ::assay::internal::ReportBug(__FILE__, __LINE__, #condition))
