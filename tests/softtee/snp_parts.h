// What evidence is put together from, before it is signed: where faults take hold. Internal to the software TEE.
#pragma once

#include <functional>
#include <optional>

#include "tests/softtee/snp_evidence.h"

namespace assay::softtee {

struct SnpParts {
  const SnpPki& pki;
  const SnpOptions& options;
  Tcb tcb;
  Authority issuer;  // of the leaf: kAsk for a VCEK, kAsvk for a VLEK

  SnpReport report;
  Key report_key;
  std::function<void(Bytes&)> after_signing = {};

  Certificate leaf;
  Key leaf_issuer;
  std::optional<Bytes> leaf_instead = {};  // bytes that stand in the leaf's place; empty: none
  Bytes intermediate;                      // empty: left out
  Bytes root;

  RevocationList crl;
  Key crl_issuer;
  std::optional<Bytes> crl_instead = {};
  bool with_crl;

  TableFault table = TableFault::kNone;

  Product OtherProduct() const { return options.product == Product::kMilan ? Product::kGenoa : Product::kMilan; }
  bool Vlek() const { return options.signing_key == SigningKey::kVlek; }
};

// InvalidArgument if the fault cannot exist under the options.
absl::Status Apply(Fault fault, SnpParts& parts);
// CPUID of a part of that product line, as the signed report states it.
void SetCpuid(SnpReport& report, Product product);
void SetTcb(SnpReport& report, Product product, const Tcb& tcb);  // all four

}  // namespace assay::softtee
