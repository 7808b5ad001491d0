// TCB info and QE identity: strict where evaluation depends on it, and signed bytes as served.
#include "evidence/dcap/tcb_documents.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "tests/unit/dcap/minted_tcb.h"
#include "tests/vectors_dir.h"

namespace assay::dcap {
namespace {

using test::QeIdentityBody;
using test::TcbInfoBody;

std::string Replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}
std::string Unsigned(const std::string& name, const std::string& body) {
  return Cat("{\"", name, "\":", body, ",\"signature\":\"", std::string(128, '1'), "\"}");
}

TEST(TcbDocuments, ReadsWhatItNeedsAndKeepsTheSignedBytes) {
  const std::string spaced = Replaced(TcbInfoBody(), "\"version\":3", "\"version\" : 3 , \"added\":[1]");
  const auto info = ReadTcbInfo(Unsigned("tcbInfo", spaced));
  ASSERT_TRUE(info.ok()) << Describe(info.findings().front());
  EXPECT_EQ(info->head.signed_bytes, spaced);
  EXPECT_EQ(info->head.evaluation_data_number, 18U);
  EXPECT_EQ(info->tee, Tee::kTdx);
  ASSERT_EQ(info->levels.size(), 2U);
  EXPECT_EQ(info->levels[0].verdict.status, TcbStatus::kUpToDate);
  EXPECT_EQ(info->levels[1].verdict.advisory_ids, std::vector<std::string>{"INTEL-SA-00001"});
  ASSERT_EQ(info->modules.size(), 2U);
  EXPECT_EQ(info->modules[1].id, "TDX_01");
  const auto identity = ReadQeIdentity(Unsigned("enclaveIdentity", QeIdentityBody()));
  ASSERT_TRUE(identity.ok()) << Describe(identity.findings().front());
  EXPECT_EQ(identity->id, "TD_QE");
  EXPECT_EQ(identity->levels.front().isv_svn, 4);
}

TEST(TcbDocuments, RefusesWhatIsMissingTwiceOrOfAnotherForm) {
  const std::pair<std::string, std::string> kInfoChanges[] = {{"\"id\":\"TDX\"", "\"id\":\"tdx\""},
                                                              {"\"version\":3", "\"version\":4"},
                                                              {"\"version\":3", "\"version\":\"3\""},
                                                              {"\"issueDate\"", "\"issuedate\""},
                                                              {"2026-06-01T00:00:00Z", "2026-06-01"},
                                                              {"2026-07-01T00:00:00Z", "2026-05-01T00:00:00Z"},
                                                              {"\"fmspc\":\"00806F050000\"", "\"fmspc\":\"00806F0500\""},
                                                              {"\"fmspc\":\"00806F050000\"", "\"fmspc\":\"00806F05000g\""},
                                                              {"\"pceId\":\"0000\"", "\"pceId\":0"},
                                                              {"\"tcbType\":0", "\"tcbType\":1"},
                                                              {"\"tcbEvaluationDataNumber\":18", "\"tcbEvaluationDataNumber\":-1"},
                                                              {"\"tcbEvaluationDataNumber\":18", "\"tcbEvaluationDataNumber\":1.0"},
                                                              {"\"svn\":5", "\"svn\":256"},
                                                              {"\"svn\":5", "\"svn\":-1"},
                                                              {"{\"svn\":5},", ""},
                                                              {"{\"svn\":5},", "{\"svn\":5},{\"svn\":5},"},
                                                              {"\"pcesvn\":13", "\"pcesvn\":65536"},
                                                              {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"uptodate\""},
                                                              {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"NotSupported\""},
                                                              {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"TDRelaunchAdvised\""},
                                                              {"[\"INTEL-SA-00001\"]", "\"INTEL-SA-00001\""},
                                                              {"[\"INTEL-SA-00001\"]", "[\"INTEL-SA-00001,INTEL-SA-00002\"]"},
                                                              {"\"TDX_01\"", "\"\""},
                                                              {"\"isvsvn\":4", "\"isvsvn\":6"},
                                                              {"\"version\":3", "\"version\":3,\"version\":3"},
                                                              {"\"tdxtcbcomponents\"", "\"tdxtcbcomponents_\""},
                                                              {"\"attributesMask\":\"FFFFFFFFFFFFFFFF\"", "\"attributesMask\":\"FF\""}};
  for (const auto& [what, by] : kInfoChanges) {
    const auto read = ReadTcbInfo(Unsigned("tcbInfo", Replaced(TcbInfoBody(), what, by)));
    EXPECT_FALSE(read.ok()) << what << " → " << by;
  }
  const std::pair<std::string, std::string> kIdentityChanges[] = {{"\"version\":2", "\"version\":1"},
                                                                  {"\"miscselect\":\"00000000\"", "\"miscselect\":\"000000\""},
                                                                  {"\"isvprodid\":2", "\"isvprodid\":65536"},
                                                                  {"\"mrsigner\"", "\"mrSigner\""},
                                                                  {"\"tcbLevels\"", "\"levels\""},
                                                                  {"\"isvsvn\":2", "\"isvsvn\":4"},
                                                                  {"\"id\"", "\"name\""}};
  for (const auto& [what, by] : kIdentityChanges) {
    EXPECT_FALSE(ReadQeIdentity(Unsigned("enclaveIdentity", Replaced(QeIdentityBody(), what, by))).ok()) << what << " → " << by;
  }
  const std::string sound = Unsigned("tcbInfo", TcbInfoBody());
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string("[]"), TcbInfoBody(), sound + "x", sound.substr(0, sound.size() - 1),
        Replaced(sound, "\"signature\":\"11", "\"signature\":\""), Replaced(sound, "\"signature\"", "\"Signature\""),
        Replaced(sound, "{\"tcbInfo\"", "{\"x\":1,\"tcbInfo\""), Unsigned("enclaveIdentity", TcbInfoBody())}) {
    EXPECT_FALSE(ReadTcbInfo(text).ok()) << text.substr(0, 60);
  }
}

TEST(TcbDocuments, EvaluationNumbersStandInOrder) {
  const auto read = ReadEvaluationNumbers(Unsigned("tcbEvaluationDataNumbers", test::EvaluationNumbersBody()));
  ASSERT_TRUE(read.ok()) << Describe(read.findings().front());
  EXPECT_EQ(read->tee, Tee::kTdx);
  ASSERT_EQ(read->numbers.size(), 2U);
  EXPECT_EQ(read->numbers[0].number, 18U);
  EXPECT_EQ(FormatTime(read->numbers[0].recovery_event), "2024-11-12T00:00:00Z");
  EXPECT_EQ(FormatTime(read->numbers[1].tcb_date), "2024-03-13T00:00:00Z");
  EXPECT_EQ(read->head.evaluation_data_number, 18U);
  for (const auto& [what, by] : std::initializer_list<std::pair<std::string, std::string>>{
           {"\"id\":\"TDX\"", "\"id\":\"QE\""},
           {"\"version\":1", "\"version\":2"},
           {"\"issueDate\"", "\"issued\""},
           {"\"tcbEvaluationDataNumber\":17", "\"tcbEvaluationDataNumber\":18"},
           {"\"tcbEvaluationDataNumber\":17", "\"number\":17"},
           {"\"tcbRecoveryEventDate\":\"2024-03-12T00:00:00Z\"", "\"tcbRecoveryEventDate\":\"2024-03\""},
           {"\"tcbDate\"", "\"date\""},
           {"\"tcbEvalNumbers\"", "\"numbers\""},
           {"\"version\":1", "\"version\":1,\"version\":1"},
           {"2026-07-01", "2026-05-01"}}) {
    EXPECT_FALSE(ReadEvaluationNumbers(Unsigned("tcbEvaluationDataNumbers", Replaced(test::EvaluationNumbersBody(), what, by))).ok())
        << what << " → " << by;
  }
  EXPECT_FALSE(ReadEvaluationNumbers(Unsigned("tcbInfo", test::EvaluationNumbersBody())).ok());
  EXPECT_FALSE(ReadEvaluationNumbers(Unsigned("tcbEvaluationDataNumbers", "{}")).ok());
}

TEST(TcbDocuments, EveryRealDocumentIsRead) {
  ASSAY_VECTORS_OR_SKIP(dir);
  std::size_t infos = 0, identities = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir / "tdx" / "collateral")) {
    const std::string name = entry.path().filename();
    const Bytes raw = assay::test::ReadFile(entry.path());
    if (name.starts_with("tcbinfo")) infos += ReadTcbInfo(AsText(raw)).ok();
    else if (name.starts_with("qeidentity")) identities += ReadQeIdentity(AsText(raw)).ok();
    else EXPECT_EQ(ReadEvaluationNumbers(AsText(raw)).ok(), name.starts_with("tcbevaluationdatanumbers")) << name;
    EXPECT_LE(ReadTcbInfo(AsText(raw)).ok() + ReadQeIdentity(AsText(raw)).ok() + ReadEvaluationNumbers(AsText(raw)).ok(), 1) << name;
  }
  EXPECT_EQ(infos, 37U);
  EXPECT_EQ(identities, 24U);
}

}  // namespace
}  // namespace assay::dcap
