// From a parsed quote to an authenticated one. What hangs on what:
//
//   pinned root - PCK CA - PCK - signs the quoting enclave's report - commits to the attestation key - signs header and body
//
// Cheap comparisons first, the quote's signature last. A debug quote is authentic: whether that is good enough is appraised.
#pragma once

#include <optional>

#include "base/check_log.h"
#include "evidence/dcap/quote.h"
#include "evidence/format.h"
#include "trust/authenticated.h"

namespace assay::dcap {

class QuoteAuthenticator {
 public:
  // nullopt: the log says why. Revocation lists and TCB documents that are not there are skipped with a finding that leaves the
  // verdict undecided; such that are there and not authentic, or not for this platform, refuse the quote. Validity windows of
  // certificates, lists and documents are reported with the result, not judged.
  static std::optional<trust::Authenticated<Quote>> Authenticate(ParsedQuote parsed, const evidence::AuthenticationContext& context,
                                                                 CheckLog& log);
};

}  // namespace assay::dcap
