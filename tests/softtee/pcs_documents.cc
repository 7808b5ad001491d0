#include "tests/softtee/pcs_documents.h"

#include <algorithm>
#include <cctype>

#include "base/hex.h"
#include "base/strings.h"
#include "tests/softtee/signed_quote.h"

namespace assay::softtee {
namespace {

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string Components(unsigned svn) {
  std::string text;
  for (int i = 0; i < 16; ++i) text += Cat(i == 0 ? "[" : ",", "{\"svn\":", svn, "}");
  return text + "]";
}

std::string NamedComponents(unsigned svn) {
  std::string text;
  for (int i = 1; i <= 16; ++i) text += Cat("\"sgxtcbcomp", i < 10 ? "0" : "", i, "svn\":", svn, ",");
  return text;
}

std::string Text(const TcbStatement& statement) {
  std::string text = Cat("\"tcbDate\":\"", statement.date, "\",\"tcbStatus\":\"", statement.status, "\"");
  std::string ids;
  for (const std::string& id : statement.advisory_ids) ids += Cat(ids.empty() ? "\"" : ",\"", id, "\"");
  return ids.empty() ? text : Cat(text, ",\"advisoryIDs\":[", ids, "]");
}

std::string Text(const std::vector<IsvLevel>& levels) {
  std::string text;
  for (const IsvLevel& level : levels) {
    text += Cat(text.empty() ? "" : ",", "{\"tcb\":{\"isvsvn\":", level.isv_svn, "},", Text(level.statement), "}");
  }
  return text;
}

// Signed by Intel: MRSIGNER zero.
std::string Module(std::string_view more) {
  return Cat("{\"mrsigner\":\"", std::string(96, '0'), "\",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\"",
             more, "}");
}

std::string Text(const DocumentDates& dates) {
  return Cat("\"issueDate\":\"", FormatTime(dates.issue_date), "\",\"nextUpdate\":\"", FormatTime(dates.next_update),
             "\",\"tcbEvaluationDataNumber\":", dates.evaluation_data_number, ",");
}

}  // namespace

std::string TcbInfo::Body() const {
  std::string modules_text;
  for (const TdxModuleIdentity& module : modules) {
    modules_text +=
        Cat(modules_text.empty() ? "" : ",", Module(Cat(",\"id\":\"", module.id, "\",\"tcbLevels\":[", Text(module.levels), "]")));
  }
  std::string levels_text;
  for (const PlatformLevel& level : levels) {
    levels_text += Cat(levels_text.empty() ? "" : ",", "{\"tcb\":{");
    levels_text += version < 3 ? NamedComponents(level.sgx) : Cat("\"sgxtcbcomponents\":", Components(level.sgx), ",");
    levels_text += Cat("\"pcesvn\":", level.pce_svn);
    if (tdx) levels_text += Cat(",\"tdxtcbcomponents\":", Components(level.tdx));
    levels_text += Cat("},", Text(level.statement), "}");
  }
  return Cat(
      "{",
      version < 3 ? ""
      : tdx       ? "\"id\":\"TDX\","
                  : "\"id\":\"SGX\",",
      "\"version\":", version, ",", Text(dates), "\"fmspc\":\"", Upper(ToHex(fmspc)), "\",\"pceId\":\"", Upper(ToHex(pce_id)),
      "\",\"tcbType\":0,",
      !tdx ? "" : Cat("\"tdxModule\":", Module(""), ",", modules.empty() ? "" : Cat("\"tdxModuleIdentities\":[", modules_text, "],")),
      "\"tcbLevels\":[", levels_text, "]}");
}

std::string QeIdentity::Body() const {
  return Cat("{\"id\":\"", tdx ? "TD_QE" : "QE", "\",\"version\":2,", Text(dates),
             "\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\",\"attributes\":\"11000000000000000000000000000000\","
             "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"",
             ToHex(mrsigner), "\",\"isvprodid\":", tdx ? 2 : 1, ",\"tcbLevels\":[", Text(levels), "]}");
}

std::string EvaluationNumbers::Body() const {
  std::string list;
  for (const unsigned number : numbers) {
    list += Cat(list.empty() ? "" : ",", "{\"tcbEvaluationDataNumber\":", number,
                ",\"tcbRecoveryEventDate\":\"2025-05-13T00:00:00Z\",\"tcbDate\":\"2025-05-14T00:00:00Z\"}");
  }
  return Cat("{\"id\":\"", tdx ? "TDX" : "SGX", "\",\"version\":1,\"issueDate\":\"", FormatTime(dates.issue_date), "\",\"nextUpdate\":\"",
             FormatTime(dates.next_update), "\",\"tcbEvalNumbers\":[", list, "]}");
}

std::string SignedDocument(std::string_view member, std::string_view body, const Key& key) {
  return Cat("{\"", member, "\":", body, ",\"signature\":\"", ToHex(SignP1363(key, AsBytes(body))), "\"}");
}

}  // namespace assay::softtee
