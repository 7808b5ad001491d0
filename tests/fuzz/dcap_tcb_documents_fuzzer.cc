// TCB info and QE identity: any text is refused with findings or read; what was read is in order, and its signed bytes stand in the text.
#include <algorithm>

#include "base/bug.h"
#include "evidence/dcap/tcb_status.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/unit/dcap/minted_tcb.h"

namespace assay {

std::vector<Bytes> fuzz::MintedSeeds() {
  std::vector<Bytes> seeds;
  for (const trust::CollateralItem& item : dcap::test::TcbDocuments()) {
    if (!item.certificate) seeds.push_back(ToBytes(item.body.Read().TakeRest()));
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = AsText({data, size});
  const auto info = dcap::ReadTcbInfo(text);
  const auto identity = dcap::ReadQeIdentity(text);
  ASSAY_CHECK(!(info.ok() && identity.ok()));
  for (const auto* findings : {&info.findings(), &identity.findings()}) {
    for (const Finding& finding : *findings) ASSAY_CHECK(!finding.expected.empty() && !finding.actual.empty());
  }
  if (identity) ASSAY_CHECK(text.find(identity->head.signed_bytes) != std::string_view::npos && !identity->levels.empty());
  if (!info) return 0;
  ASSAY_CHECK(text.find(info->head.signed_bytes) != std::string_view::npos && info->head.signature.size() == 64);
  ASSAY_CHECK(info->head.issue_date <= info->head.next_update);
  for (std::size_t i = 1; i < info->levels.size(); ++i) ASSAY_CHECK(info->levels[i - 1].sgx_components >= info->levels[i].sgx_components);

  // The highest SVNs reach the first level of each list.
  dcap::QeIdentity highest;
  highest.levels = {{0, {dcap::TcbStatus::kUpToDate, {}, {}}}};
  dcap::TcbSubject subject{};
  subject.pck_components.fill(255);
  subject.pce_svn = 65535;
  const dcap::TcbEvaluation evaluation = dcap::Evaluate(*info, highest, subject);
  ASSAY_CHECK(evaluation.platform == info->levels.front().verdict.status && evaluation.status == evaluation.platform);
  return 0;
}

}  // namespace assay
