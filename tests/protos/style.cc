#include "tests/protos/style.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include <google/protobuf/descriptor.pb.h>

#include "base/strings.h"

namespace assay::protos {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using google::protobuf::SourceLocation;

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Words of letters and digits, parted by single underscores, beginning with a letter.
bool IsSnake(std::string_view name, bool (*is_letter)(char)) {
  if (name.empty() || !is_letter(name.front()) || name.back() == '_') return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (!is_letter(c) && !IsDigit(c) && !(c == '_' && name[i - 1] != '_')) return false;
  }
  return true;
}

bool IsPascal(std::string_view name) {
  return !name.empty() && IsUpper(name.front()) &&
         std::all_of(name.begin(), name.end(), [](char c) { return IsLower(c) || IsUpper(c) || IsDigit(c); });
}

// "CheckResult" → "CHECK_RESULT"
std::string UpperSnake(std::string_view pascal) {
  std::string snake;
  for (std::size_t i = 0; i < pascal.size(); ++i) {
    const char c = pascal[i];
    if (i > 0 && IsUpper(c) && !IsUpper(pascal[i - 1])) snake += '_';
    snake += IsLower(c) ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return snake;
}

class Style {
 public:
  void File(const FileDescriptor& file) {
    const std::string& path = file.name();
    std::string folder = path.substr(0, path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/'));
    std::replace(folder.begin(), folder.end(), '/', '.');
    if (file.package() != folder) Deviates(path, Cat("package '", file.package(), "' is not the folder '", folder, "'"));
    if (file.syntax() != FileDescriptor::SYNTAX_PROTO3) Deviates(path, "syntax is not proto3");
    for (int i = 0; i < file.message_type_count(); ++i) Message(*file.message_type(i));
    for (int i = 0; i < file.enum_type_count(); ++i) Enum(*file.enum_type(i));
    for (int i = 0; i < file.service_count(); ++i) Service(*file.service(i));
  }
  std::vector<std::string> Finish() {
    for (const auto& [type, methods] : users_) {
      if (methods.size() > 1) Deviates(type, Cat("is used by more than one place: ", Join(methods, ", ")));
    }
    return std::move(deviations_);
  }

 private:
  void Deviates(const std::string& name, std::string_view how) { deviations_.push_back(Cat(name, ": ", how)); }

  template <typename Any>
  void HasComment(const Any& descriptor) {
    SourceLocation location;
    if (!descriptor.GetSourceLocation(&location) || location.leading_comments.find_first_not_of(" \t\n") == std::string::npos) {
      Deviates(descriptor.full_name(), "has no leading comment");
    }
  }

  void Message(const Descriptor& message) {
    if (message.options().map_entry()) return;  // made by protoc; the map field itself is what was written
    HasComment(message);
    if (!IsPascal(message.name())) Deviates(message.full_name(), "is not PascalCase");
    for (int i = 0; i < message.field_count(); ++i) {
      const FieldDescriptor& field = *message.field(i);
      HasComment(field);
      if (!IsSnake(field.name(), &IsLower)) Deviates(field.full_name(), "is not lower_snake_case");
    }
    for (int i = 0; i < message.real_oneof_decl_count(); ++i) {
      const auto& oneof = *message.oneof_decl(i);
      if (!IsSnake(oneof.name(), &IsLower)) Deviates(oneof.full_name(), "is not lower_snake_case");
    }
    for (int i = 0; i < message.nested_type_count(); ++i) Message(*message.nested_type(i));
    for (int i = 0; i < message.enum_type_count(); ++i) Enum(*message.enum_type(i));
  }

  void Enum(const EnumDescriptor& type) {
    HasComment(type);
    if (!IsPascal(type.name())) Deviates(type.full_name(), "is not PascalCase");
    const std::string prefix = UpperSnake(type.name()) + "_";
    for (int i = 0; i < type.value_count(); ++i) {
      const auto& value = *type.value(i);
      HasComment(value);
      if (!IsSnake(value.name(), &IsUpper)) Deviates(value.full_name(), "is not UPPER_SNAKE_CASE");
      if (!value.name().starts_with(prefix)) Deviates(value.full_name(), Cat("does not begin with ", prefix));
      if ((value.number() == 0) != (value.name() == prefix + "UNSPECIFIED")) {
        Deviates(value.full_name(), Cat("zero, and only zero, is ", prefix, "UNSPECIFIED"));
      }
    }
  }

  void Service(const ServiceDescriptor& service) {
    HasComment(service);
    if (!IsPascal(service.name()) || !service.name().ends_with("Service")) {
      Deviates(service.full_name(), "is not PascalCase ending in Service");
    }
    for (int i = 0; i < service.method_count(); ++i) {
      const MethodDescriptor& method = *service.method(i);
      HasComment(method);
      if (!IsPascal(method.name())) Deviates(method.full_name(), "is not PascalCase");
      if (method.input_type()->name() != method.name() + "Request") {
        Deviates(method.full_name(), Cat("its request is not named ", method.name(), "Request"));
      }
      if (method.output_type()->name() != method.name() + "Response") {
        Deviates(method.full_name(), Cat("its response is not named ", method.name(), "Response"));
      }
      users_[method.input_type()->full_name()].push_back(method.full_name() + " (request)");
      users_[method.output_type()->full_name()].push_back(method.full_name() + " (response)");
    }
  }

  std::vector<std::string> deviations_;
  std::map<std::string, std::vector<std::string>> users_;  // request or response type → where it is used
};

void CheckCanonicalBelow(const Descriptor& message, std::set<const Descriptor*>& seen, std::vector<std::string>& deviations) {
  if (!seen.insert(&message).second) return;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    if (field.is_map()) deviations.push_back(Cat(field.full_name(), ": is a map, which has no order"));
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_FLOAT || field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
      deviations.push_back(Cat(field.full_name(), ": is a floating point number"));
    }
    if (field.message_type() != nullptr) CheckCanonicalBelow(*field.message_type(), seen, deviations);
  }
}

}  // namespace

std::vector<std::string> CheckStyle(const std::vector<const FileDescriptor*>& files) {
  Style style;
  for (const FileDescriptor* file : files) style.File(*file);
  return style.Finish();
}

std::vector<std::string> CheckCanonical(const Descriptor& message) {
  std::set<const Descriptor*> seen;
  std::vector<std::string> deviations;
  CheckCanonicalBelow(message, seen, deviations);
  return deviations;
}

}  // namespace assay::protos
