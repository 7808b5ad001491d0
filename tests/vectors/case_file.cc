#include "tests/vectors/case_file.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <stdexcept>

#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"
#include "nlohmann/json.hpp"

namespace assay::vectors {
namespace {

using Json = nlohmann::json;

// Thrown inside this file only; ParseCaseFile turns it into a status.
struct BadCase : std::runtime_error {
  using std::runtime_error::runtime_error;
};

constexpr auto kReasons = std::to_array<std::string_view>(
    {"malformed", "unsupported", "missing", "signature", "chain", "wrong_root", "expired", "not_yet_valid", "revoked", "collateral",
     "tcb_mismatch", "hwid_mismatch", "key_kind_mismatch", "binding", "pcr_digest", "event_log", "measurement", "debug"});

void AllowOnly(const Json& object, std::initializer_list<std::string_view> members) {
  if (!object.is_object()) throw BadCase("an object was expected");
  for (const auto& [name, value] : object.items()) {
    if (std::find(members.begin(), members.end(), name) == members.end()) throw BadCase(Cat("unknown member '", name, "'"));
  }
}

const Json& Member(const Json& object, std::string_view name) {
  const auto found = object.find(name);
  if (found == object.end()) throw BadCase(Cat("member '", name, "' is missing"));
  return *found;
}

std::string Text(const Json& value) {
  if (!value.is_string()) throw BadCase(Cat("text was expected, not ", value.dump()));
  return value.get<std::string>();
}

template <typename Number>
Number Unsigned(const Json& value) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::numeric_limits<Number>::max()) {
    throw BadCase(Cat("an integer of 0 to ", std::numeric_limits<Number>::max(), " was expected, not ", value.dump()));
  }
  return static_cast<Number>(value.get<std::uint64_t>());
}

Bytes Hex(const Json& value) {
  std::optional<Bytes> bytes = FromHex(Text(value));
  if (!bytes) throw BadCase(Cat("hexadecimal text was expected, not ", value.dump()));
  return *std::move(bytes);
}

Operation ReadOperation(const Json& op) {
  const std::string name = Text(Member(op, "op"));
  const auto offset = [&] { return Unsigned<std::size_t>(Member(op, "offset")); };
  const auto length = [&] { return Unsigned<std::size_t>(Member(op, "length")); };
  if (name == "xor") {
    AllowOnly(op, {"input", "op", "offset", "value"});
    return Xor{offset(), Unsigned<std::uint8_t>(Member(op, "value"))};
  }
  if (name == "replace") {
    AllowOnly(op, {"input", "op", "offset", "hex"});
    return Replace{offset(), Hex(Member(op, "hex"))};
  }
  if (name == "fill") {
    AllowOnly(op, {"input", "op", "offset", "length", "value"});
    return Fill{offset(), length(), Unsigned<std::uint8_t>(Member(op, "value"))};
  }
  if (name == "set_u32le") {
    AllowOnly(op, {"input", "op", "offset", "value"});
    return SetU32Le{offset(), Unsigned<std::uint32_t>(Member(op, "value"))};
  }
  if (name == "truncate") {
    AllowOnly(op, {"input", "op", "length"});
    return Truncate{length()};
  }
  if (name == "append") {
    AllowOnly(op, {"input", "op", "hex"});
    return AppendBytes{Hex(Member(op, "hex"))};
  }
  if (name == "negate_s") {
    AllowOnly(op, {"input", "op", "offset", "curve", "byte_order"});
    const std::string curve = Text(Member(op, "curve"));
    const std::string order = Text(Member(op, "byte_order"));
    if (curve != "P-256" && curve != "P-384") throw BadCase(Cat("negate_s: unknown curve '", curve, "'"));
    if (order != "little" && order != "big") throw BadCase(Cat("negate_s: unknown byte_order '", order, "'"));
    return NegateS{curve == "P-256" ? NegateS::Curve::kP256 : NegateS::Curve::kP384,
                   order == "little" ? NegateS::ByteOrder::kLittle : NegateS::ByteOrder::kBig, offset()};
  }
  throw BadCase(Cat("unknown operation '", name, "'"));
}

Values ReadValues(const Json& expected, std::string_view member) {
  Values values;
  const auto found = expected.find(member);
  if (found == expected.end()) return values;
  if (!found->is_object()) throw BadCase(Cat("'", member, "' must be an object"));
  for (const auto& [name, value] : found->items()) values[name] = value.dump();
  return values;
}

std::string ReadReason(const Json& value) {
  std::string reason = Text(value);
  if (std::find(kReasons.begin(), kReasons.end(), reason) == kReasons.end()) { throw BadCase(Cat("unknown reason '", reason, "'")); }
  return reason;
}

Expectation ReadExpectation(const Json& json) {
  AllowOnly(json, {"authentic", "reason", "reason_also", "status", "claims"});
  Expectation expected;
  const Json& authentic = Member(json, "authentic");
  if (!authentic.is_boolean()) throw BadCase("'authentic' must be true or false");
  expected.authentic = authentic.get<bool>();
  if (expected.authentic == json.contains("reason") || (expected.authentic && json.contains("reason_also"))) {
    throw BadCase("a reason belongs to authentic: false, and only there");
  }
  if (!expected.authentic) {
    expected.reasons.push_back(ReadReason(Member(json, "reason")));
    if (const auto also = json.find("reason_also"); also != json.end()) {
      if (!also->is_array()) throw BadCase("'reason_also' must be a list");
      for (const Json& reason : *also) expected.reasons.push_back(ReadReason(reason));
    }
  }
  expected.status = ReadValues(json, "status");
  expected.claims = ReadValues(json, "claims");
  return expected;
}

Bind ReadBind(const Json& json) {
  AllowOnly(json, {"nonce", "report_data", "extra_data"});
  Bind bind;
  if (json.contains("nonce")) bind.nonce = Hex(json["nonce"]);
  if (json.contains("report_data")) bind.report_data = Hex(json["report_data"]);
  if (json.contains("extra_data")) bind.extra_data = Hex(json["extra_data"]);
  if (bind.Empty()) throw BadCase("'bind' is empty");
  return bind;
}

Case ReadCase(const Json& json, const std::filesystem::path& folder) {
  AllowOnly(json, {"id", "kind", "inputs", "parameters", "mutate", "at", "bind", "expected", "lenient", "note"});
  Case read;
  read.id = Text(Member(json, "id"));
  read.kind = Text(Member(json, "kind"));
  const Json& inputs = Member(json, "inputs");
  if (!inputs.is_object()) throw BadCase("'inputs' must be an object");
  for (const auto& [role, value] : inputs.items()) {
    std::vector<std::filesystem::path>& paths = read.inputs[role];
    if (value.is_array()) {
      for (const Json& path : value) paths.push_back(folder / Text(path));
    } else {
      paths.push_back(folder / Text(value));
    }
  }
  if (const auto mutate = json.find("mutate"); mutate != json.end()) {
    if (!mutate->is_array()) throw BadCase("'mutate' must be a list");
    for (const Json& op : *mutate) read.mutations.push_back({Text(Member(op, "input")), ReadOperation(op)});
  }
  const std::string at = Text(Member(json, "at"));
  const std::optional<Time> time = ParseTime(at);
  if (!time) throw BadCase(Cat("'at' is not a time in RFC 3339 and UTC: ", at));
  read.at = *time;
  if (const auto bind = json.find("bind"); bind != json.end()) read.bind = ReadBind(*bind);
  if (const auto parameters = json.find("parameters"); parameters != json.end()) {
    if (!parameters->is_object()) throw BadCase("'parameters' must be an object");
    read.parameters = parameters->dump();
  }
  read.expected = ReadExpectation(Member(json, "expected"));
  return read;
}

}  // namespace

absl::StatusOr<CaseFile> ParseCaseFile(std::string_view json, const std::filesystem::path& folder) {
  std::string where;
  try {
    const Json root = Json::parse(json);
    AllowOnly(root, {"format", "area", "cases"});
    if (Text(Member(root, "format")) != "assay-cases/1") throw BadCase("'format' is not assay-cases/1");
    CaseFile file{Text(Member(root, "area")), {}};
    const Json& cases = Member(root, "cases");
    if (!cases.is_array()) throw BadCase("'cases' must be a list");
    std::set<std::string> ids;
    for (const Json& item : cases) {
      where = Cat("case ", ids.size() + 1);
      if (item.is_object() && item.contains("id")) where = Cat("case ", Text(item["id"]));
      file.cases.push_back(ReadCase(item, folder));
      if (!ids.insert(file.cases.back().id).second) throw BadCase("this id is used twice");
    }
    return file;
  } catch (const std::exception& error) {  // BadCase, and what nlohmann throws
    return absl::InvalidArgumentError(ToAbsl(where.empty() ? std::string(error.what()) : Cat(where, ": ", error.what())));
  }
}

}  // namespace assay::vectors
