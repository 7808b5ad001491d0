// TCB info, QE identity and evaluation data numbers: any text is refused with findings or read; what was read is in order, its signed bytes
// stand in the text, and what is recognised by its content can be read.
#include <algorithm>

#include "base/bug.h"
#include "evidence/dcap/signed_document.h"
#include "evidence/dcap/tcb_status.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/unit/dcap/minted_tcb.h"

namespace assay {

std::vector<Bytes> fuzz::MintedSeeds() {
  std::vector<Bytes> seeds;
  for (const trust::CollateralItem& item : dcap::test::TcbDocuments()) {
    if (!item.certificate) seeds.push_back(ToBytes(item.body.Read().TakeRest()));
  }
  seeds.push_back(ToBytes(dcap::test::EvaluationNumbersItem().body.Read().TakeRest()));
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = AsText({data, size});
  const auto info = dcap::ReadTcbInfo(text);
  const auto identity = dcap::ReadQeIdentity(text);
  const auto numbers = dcap::ReadEvaluationNumbers(text);
  const int read = info.ok() + identity.ok() + numbers.ok();
  ASSAY_CHECK(read <= 1);
  const auto item = dcap::DocumentParser::Recognise(trust::UntrustedBytes(ToBytes(ByteView(data, size))), trust::CollateralSource::kNode);
  ASSAY_CHECK(!item || read == 1);  // a member name with escapes is read, but not looked for
  ASSAY_CHECK(!item ||
              (item->document != nullptr && item->key.kind.starts_with("intel.") && dcap::DescribeDocument(*item)->children().size() >= 3));
  if (numbers) {
    ASSAY_CHECK(text.find(numbers->head.signed_bytes) != std::string_view::npos && !numbers->numbers.empty());
    for (std::size_t i = 1; i < numbers->numbers.size(); ++i) ASSAY_CHECK(numbers->numbers[i - 1].number > numbers->numbers[i].number);
  }
  for (const auto* findings : {&info.findings(), &identity.findings(), &numbers.findings()}) {
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
  ASSAY_CHECK(dcap::ShortfallOf(*info, highest, subject).empty() == (evaluation.status == dcap::TcbStatus::kUpToDate));
  dcap::TcbSubject lowest{};
  lowest.tee_tcb_svn.emplace().fill(1);
  ASSAY_CHECK(dcap::ShortfallOf(*info, highest, lowest).size() <= dcap::kMaxShortfall + 64);
  return 0;
}

}  // namespace assay
