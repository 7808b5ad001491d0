#include "appraisal/canonical.h"

#include <utility>

#include "base/bug.h"
#include "base/clock.h"
#include "base/hex.h"
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
      return json::Value::String(std::to_string(single ? reflection.GetInt64(message, &field) : reflection.GetRepeatedInt64(message, &field, index)));
    case FieldDescriptor::CPPTYPE_UINT64:
      return json::Value::String(std::to_string(single ? reflection.GetUInt64(message, &field)
                                                       : reflection.GetRepeatedUInt64(message, &field, index)));
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
  Outcome<std::string> text = json::Canonical(TreeOf(message));
  ASSAY_CHECK(text.ok());  // protobuf keeps text UTF-8
  return std::move(text).value();
}

}  // namespace assay::appraisal
