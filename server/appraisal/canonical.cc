#include "appraisal/canonical.h"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bug.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/strings.h"
#include "codec/json_writer.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"

namespace assay::appraisal {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::Timestamp;

// One value of a field; `index` is -1 for a singular field.
json::Value ValueOf(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const bool single = index < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return json::Value::Bool(single ? reflection.GetBool(message, &field) : reflection.GetRepeatedBool(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT32:
      return json::Value::Integer(single ? reflection.GetUInt32(message, &field) : reflection.GetRepeatedUInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return json::Value::String(
          std::to_string(single ? reflection.GetInt64(message, &field) : reflection.GetRepeatedInt64(message, &field, index)));
    case FieldDescriptor::CPPTYPE_UINT64:
      return json::Value::String(
          std::to_string(single ? reflection.GetUInt64(message, &field) : reflection.GetRepeatedUInt64(message, &field, index)));
    case FieldDescriptor::CPPTYPE_ENUM:
      return json::Value::String(
          (single ? reflection.GetEnum(message, &field) : reflection.GetRepeatedEnum(message, &field, index))->name());
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string text = single ? reflection.GetString(message, &field) : reflection.GetRepeatedString(message, &field, index);
      return json::Value::String(field.type() == FieldDescriptor::TYPE_BYTES ? ToHex(AsBytes(text)) : std::move(text));
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return TreeOf(single ? reflection.GetMessage(message, &field) : reflection.GetRepeatedMessage(message, &field, index));
    default: break;
  }
  ASSAY_CHECK(false);  // no message of ours has other kinds of numbers; tests/protos sees to it
}

// The same without a tree: an appraisal has hundreds of values, and the digest of its canonical form is part of every verdict.

// A message's fields in canonical order, each with its name as JSON has it.
struct Member {
  const FieldDescriptor* field;
  std::string name;  // "verdict":
};
const std::vector<Member>& MembersOf(const google::protobuf::Descriptor& type) {
  thread_local std::unordered_map<const google::protobuf::Descriptor*, std::vector<Member>> known;
  const auto [found, unknown] = known.try_emplace(&type);
  std::vector<Member>& members = found->second;
  if (!unknown) return members;
  for (int i = 0; i < type.field_count(); ++i) members.push_back({type.field(i), {}});
  std::sort(members.begin(), members.end(),
            [](const Member& a, const Member& b) { return json::PrecedesInUtf16(a.field->name(), b.field->name()); });
  for (Member& member : members) {
    ASSAY_CHECK(json::AppendCanonical(member.field->name(), member.name));
    member.name += ':';
  }
  return members;
}

void Write(const Message& message, std::string& out);

void WriteQuoted(std::string_view plain, std::string& out) {
  out += '"';
  out += plain;
  out += '"';
}

void WriteValue(const Message& message, const Reflection& reflection, const FieldDescriptor& field, int index, std::string& out) {
  const bool single = index < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      out += (single ? reflection.GetBool(message, &field) : reflection.GetRepeatedBool(message, &field, index)) ? "true" : "false";
      return;
    case FieldDescriptor::CPPTYPE_UINT32:
      internal::AppendPiece(out, single ? reflection.GetUInt32(message, &field) : reflection.GetRepeatedUInt32(message, &field, index));
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      out += Cat('"', single ? reflection.GetInt64(message, &field) : reflection.GetRepeatedInt64(message, &field, index), '"');
      return;
    case FieldDescriptor::CPPTYPE_UINT64:
      out += Cat('"', single ? reflection.GetUInt64(message, &field) : reflection.GetRepeatedUInt64(message, &field, index), '"');
      return;
    case FieldDescriptor::CPPTYPE_ENUM:
      WriteQuoted((single ? reflection.GetEnum(message, &field) : reflection.GetRepeatedEnum(message, &field, index))->name(), out);
      return;
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string elsewhere;
      const std::string& text = single ? reflection.GetStringReference(message, &field, &elsewhere)
                                       : reflection.GetRepeatedStringReference(message, &field, index, &elsewhere);
      if (field.type() == FieldDescriptor::TYPE_BYTES) WriteQuoted(ToHex(AsBytes(text)), out);
      else ASSAY_CHECK(json::AppendCanonical(text, out));  // protobuf keeps text UTF-8
      return;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      Write(single ? reflection.GetMessage(message, &field) : reflection.GetRepeatedMessage(message, &field, index), out);
      return;
    default: break;
  }
  ASSAY_CHECK(false);  // as in ValueOf
}

void Write(const Message& message, std::string& out) {
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  if (&type == Timestamp::descriptor()) {
    WriteQuoted(FormatTime(Time(Duration(static_cast<const Timestamp&>(message).seconds()))), out);
    return;
  }
  const Reflection& reflection = *message.GetReflection();
  char separator = '{';
  for (const Member& member : MembersOf(type)) {
    const FieldDescriptor& field = *member.field;
    const int size = field.is_repeated() ? reflection.FieldSize(message, &field) : 0;
    if (field.is_repeated() ? size == 0 : !reflection.HasField(message, &field)) continue;
    out += separator;
    separator = ',';
    out += member.name;
    if (!field.is_repeated()) {
      WriteValue(message, reflection, field, -1, out);
      continue;
    }
    for (int i = 0; i < size; ++i) {
      out += i == 0 ? '[' : ',';
      WriteValue(message, reflection, field, i, out);
    }
    out += ']';
  }
  out += separator == '{' ? "{}" : "}";
}

}  // namespace

json::Value TreeOf(const Message& message) {
  if (message.GetDescriptor() == Timestamp::descriptor()) {
    const auto& timestamp = static_cast<const Timestamp&>(message);
    return json::Value::String(FormatTime(Time(Duration(timestamp.seconds()))));
  }
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  json::Value tree = json::Value::MakeObject(fields.size());
  for (const FieldDescriptor* field : fields) {
    if (!field->is_repeated()) {
      tree.Add(field->name(), ValueOf(message, *field, -1));
      continue;
    }
    const int size = message.GetReflection()->FieldSize(message, field);
    json::Value list = json::Value::MakeArray(static_cast<std::size_t>(size));
    for (int i = 0; i < size; ++i) list.Append(ValueOf(message, *field, i));
    tree.Add(field->name(), std::move(list));
  }
  return tree;
}

std::string CanonicalJson(const Message& message) {
  std::string text;
  text.reserve(32 * 1024);
  Write(message, text);
  return text;
}

}  // namespace assay::appraisal
