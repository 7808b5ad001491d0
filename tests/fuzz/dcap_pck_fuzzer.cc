// Intel's PCK extension: any bytes in a certificate's SGX extension are refused with findings that name a member, or read; what was
// read stands in the bytes. And any bytes as endorsements: recognised or not, no more.
#include <algorithm>

#include "base/bug.h"
#include "crypto/certificate.h"
#include "crypto/der.h"
#include "evidence/dcap/collateral_kinds.h"
#include "evidence/dcap/format.h"
#include "evidence/dcap/pck.h"
#include "evidence/dcap/unpack.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/unit/dcap/minted_tcb.h"

namespace assay {
namespace {

crypto::Certificate PckWith(ByteView extension) {
  dcap::test::MintOptions options;
  options.pck_certificate = [&](softtee::Certificate& certificate) { certificate.extensions.back().value = ToBytes(extension); };
  const Bytes der = dcap::test::PckDer(options);
  return crypto::Certificate::FromDer(der).value();
}

bool Contains(ByteView whole, ByteView part) { return std::search(whole.begin(), whole.end(), part.begin(), part.end()) != whole.end(); }

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() {
  std::vector<Bytes> seeds = {dcap::test::PlainExtension(true).Der(), dcap::test::PlainExtension(false).Der(), dcap::test::PckDer()};
  const trust::CollateralItem list = dcap::test::List({.serials = {{1}, {2, 3}}});
  seeds.push_back(ToBytes(list.revocation_list->der()));
  for (const trust::CollateralItem& document : dcap::test::TcbDocuments()) seeds.push_back(ToBytes(document.body.Read().TakeRest()));
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const trust::UntrustedBytes bytes(ToBytes(input));
  const auto unpacked = dcap::Unpack(bytes, trust::CollateralSource::kNode, nullptr);
  if (unpacked) {
    for (const trust::CollateralItem& item : *unpacked) {
      const bool document = item.key.kind == dcap::kTcbInfoKind || item.key.kind == dcap::kQeIdentityKind;
      ASSAY_CHECK(item.key.kind.starts_with("intel.") &&
                  item.certificate.has_value() + item.revocation_list.has_value() == (document ? 0 : 1));
    }
  }
  ASSAY_CHECK(dcap::kFormat.describe(bytes).has_value() == (unpacked && !unpacked->empty()) ||
              dcap::kFormat.media_type_of(bytes) == dcap::kQuoteMediaType);

  if (size > 4096) return 0;
  const auto extension = dcap::ReadPckExtension(PckWith(input));
  if (!extension) {
    for (const Finding& finding : extension.findings()) {
      ASSAY_CHECK(finding.reason == Reason::kCertificateExtension && !finding.claim.empty() && !finding.expected.empty() &&
                  !finding.actual.empty());
    }
    return 0;
  }
  ASSAY_CHECK(crypto::IsDer(input));
  for (const ByteView value :
       {ByteView(extension->ppid), ByteView(extension->cpu_svn), ByteView(extension->pce_id), ByteView(extension->fmspc)}) {
    ASSAY_CHECK(Contains(input, value));
  }
  ASSAY_CHECK(extension->platform_instance_id.has_value() == extension->configuration.has_value());
  return 0;
}

}  // namespace assay
