// A real TPM 2.0: swtpm, as QEMU runs it, in a directory of its own, with endorsement keys certified by a CA of its own.
//
// Promises: listens when the constructor returns, on Unix sockets of its directory, and is gone when the object or its process is. Does not
// promise to be quick: making one takes about a second, so tests of one file share it.
//
// A test that needs it begins with ASSAY_SWTPM_OR_SKIP(): it is skipped, visibly, where swtpm is absent, and fails there if
// $ASSAY_REQUIRE_VECTORS is 1, so that CI can't lose it unnoticed.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "tests/vectors_dir.h"

namespace assay::test {

bool HasSwtpm();

class Swtpm {
 public:
  enum class Certificates { kYes, kNo };
  explicit Swtpm(Certificates certificates = Certificates::kYes);
  ~Swtpm();
  Swtpm(const Swtpm&) = delete;

  std::string tcti() const;         // "swtpm:path=…"
  Bytes IssuerCertificate() const;  // PEM, of its local CA; only with certificates
  Bytes RootCertificate() const;    // PEM
  std::filesystem::path directory() const { return directory_; }
  // Power is cut and comes back. Nobody may be connected.
  void PowerCycle();
  // What firmware does then: TPM2_Startup, after a shutdown or to resume.
  enum class Start { kClear, kState };
  void Startup(Start how = Start::kClear);
  // The process is gone; its sockets stay.
  void Kill();

 private:
  std::filesystem::path directory_;
  pid_t process_ = 0;
};

}  // namespace assay::test

#define ASSAY_SWTPM_OR_SKIP()                                                                          \
  if (!::assay::test::HasSwtpm()) {                                                                    \
    if (::assay::test::VectorsRequired()) FAIL() << "swtpm: not found. Install swtpm and swtpm-tools"; \
    GTEST_SKIP() << "swtpm: SKIPPED (not found; it is in the packages swtpm and swtpm-tools)";         \
  }
