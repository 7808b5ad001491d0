#include "codec/cose.h"

#include <string>
#include <utility>

#include "base/strings.h"
#include "codec/cbor.h"

namespace assay::cose {
namespace {

constexpr std::uint64_t kSign1Tag = 18;
constexpr std::int64_t kAlg = 1;  // RFC 9052 section 3.1
constexpr std::string_view kContext = "Signature1";

Finding Defect(std::string_view name, std::string claim, std::string expected, std::string actual) {
  return {.reason = Reason::kCoseMalformed,
          .component = std::string(name),
          .claim = std::move(claim),
          .expected = std::move(expected),
          .actual = std::move(actual),
          .spec = "RFC 9052 section 4.2"};
}

// Head of a byte string: major type 2, in the shortest form.
void AppendByteString(Bytes& to, ByteView content) {
  const std::size_t size = content.size();
  if (size < 24) {
    to.push_back(static_cast<std::uint8_t>(0x40 | size));
  } else if (size <= 0xFF) {
    to.push_back(0x58);
    to.push_back(static_cast<std::uint8_t>(size));
  } else if (size <= 0xFFFF) {
    to.push_back(0x59);
    to.push_back(static_cast<std::uint8_t>(size >> 8));
    to.push_back(static_cast<std::uint8_t>(size & 0xFF));
  } else {
    to.push_back(0x5A);
    AppendU32Be(to, static_cast<std::uint32_t>(size));
  }
  Append(to, content);
}

}  // namespace

Outcome<Sign1> ParseSign1(ByteView bytes, std::string_view name, std::size_t limit) {
  const auto root = cbor::Parse(bytes, name, {.bytes = limit, .depth = 4, .entries = 1, .values = 8});
  if (!root) return root.findings();
  const cbor::Value* tagged = root->Untag(kSign1Tag);
  const cbor::Value& message = tagged == nullptr ? *root : *tagged;
  const cbor::Value::Array* members = message.AsArray();
  if (members == nullptr || members->size() != 4) {
    return Defect(name, "COSE_Sign1", "an array of 4, bare or with tag 18",
                  members == nullptr ? std::string(message.KindName()) : Cat("an array of ", members->size()));
  }
  const Bytes* protected_header = (*members)[0].AsBytes();
  const cbor::Value::Map* unprotected_header = (*members)[1].AsMap();
  const Bytes* payload = (*members)[2].AsBytes();
  const Bytes* signature = (*members)[3].AsBytes();
  if (protected_header == nullptr) return Defect(name, "protected", "a byte string", std::string((*members)[0].KindName()));
  if (unprotected_header == nullptr || !unprotected_header->empty()) {
    return Defect(name, "unprotected", "an empty map",
                  unprotected_header == nullptr ? std::string((*members)[1].KindName()) : "a map with parameters that nothing signs");
  }
  if (payload == nullptr || payload->empty()) {
    return Defect(name, "payload", "a byte string that is not empty", std::string((*members)[2].KindName()));
  }
  if (signature == nullptr || signature->empty()) {
    return Defect(name, "signature", "a byte string that is not empty", std::string((*members)[3].KindName()));
  }

  const auto header = cbor::Parse(*protected_header, Cat(name, ": protected header"), {.depth = 2, .entries = 8, .values = 32});
  if (!header) return header.findings();
  const cbor::Value::Map* parameters = header->AsMap();
  const cbor::Value* algorithm = header->Find(kAlg);
  if (parameters == nullptr || parameters->size() != 1 || algorithm == nullptr || !algorithm->AsInt64()) {
    return Defect(name, "protected", "a map of alg, a number, and nothing else",
                  parameters == nullptr  ? std::string(header->KindName())
                  : algorithm == nullptr ? "no alg"
                                         : Cat("alg, ", algorithm->KindName(), ", of ", parameters->size(), " parameters"));
  }
  return Sign1{*protected_header, *algorithm->AsInt64(), *payload, *signature};
}

Bytes SigStructure(ByteView protected_header, ByteView payload) {
  Bytes structure;
  structure.reserve(kContext.size() + protected_header.size() + payload.size() + 16);
  structure.push_back(0x84);
  structure.push_back(static_cast<std::uint8_t>(0x60 | kContext.size()));
  Append(structure, AsBytes(kContext));
  AppendByteString(structure, protected_header);
  AppendByteString(structure, {});
  AppendByteString(structure, payload);
  return structure;
}

}  // namespace assay::cose
