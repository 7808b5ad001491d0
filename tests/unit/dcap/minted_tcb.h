// TCB info and QE identity that fit the minted quotes, signed by a TCB signing certificate of this process.
#pragma once

#include <string>
#include <vector>

#include "tests/unit/dcap/minted_quote.h"
#include "trust/collateral.h"

namespace assay::dcap::test {

std::string TcbInfoBody();            // TDX, FMSPC 00806F050000, platform and module UpToDate
std::string QeIdentityBody();         // TD_QE
std::string EvaluationNumbersBody();  // TDX: 18 and 17

struct TcbOptions {
  std::string info = TcbInfoBody();
  std::string identity = QeIdentityBody();
  const softtee::Key* signer = nullptr;  // of the documents; default: the key of the certificate
  std::function<void(softtee::Certificate&)> certificate = nullptr;
  const softtee::Key* issuer = nullptr;  // of the certificate; default: the root
};
inline const Bytes kTcbSigningSerial = {0x55, 0x66};

// TCB info, QE identity, TCB signing certificate, in this order.
std::vector<trust::CollateralItem> TcbDocuments(const TcbOptions& options = {}, const Pki& pki = Pki::Shared());

// The list of evaluation data numbers, signed as those are.
trust::CollateralItem EvaluationNumbersItem(const std::string& body = EvaluationNumbersBody(), const softtee::Key* signer = nullptr);

// A quote body and QE report that these documents describe.
MintOptions UpToDate();

}  // namespace assay::dcap::test
