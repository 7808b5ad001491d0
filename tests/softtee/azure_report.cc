#include "tests/softtee/azure_report.h"

#include <algorithm>

#include "tests/softtee/dcap_quote.h"

namespace assay::softtee {
namespace {

std::string Text(std::string_view text) { return "\"" + std::string(text) + "\""; }

void Put(Bytes& to, std::string_view text) { Append(to, AsBytes(text)); }

void PutRamp(Bytes& to, std::size_t size, std::uint8_t first) {
  for (std::size_t i = 0; i < size; ++i) to.push_back(static_cast<std::uint8_t>(first + i));
}

}  // namespace

std::string Base64Url(ByteView bytes) {
  std::string text = ToBase64(bytes);
  text.erase(std::remove(text.begin(), text.end(), '='), text.end());
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

Bytes HclReport::Write() const {
  const auto length = static_cast<std::uint32_t>(claims.size());
  Bytes out;
  Put(out, magic);
  PutLe(out, 4, version);
  PutLe(out, 4, declared_report.value_or(1236 + length));
  PutLe(out, 4, request_type);
  PutLe(out, 4, status);
  Append(out, reserved);
  Append(out, hardware);
  out.resize(1216, 0);
  PutLe(out, 4, declared_data.value_or(20 + length));
  PutLe(out, 4, data_version);
  PutLe(out, 4, report_type);
  PutLe(out, 4, hash_type);
  PutLe(out, 4, declared_claims.value_or(length));
  Put(out, claims);
  out.resize(std::max(out.size(), size), 0);
  return out;
}

HclKey HclKey::Of(std::string_view kid, const Key& rsa) {
  HclKey key;
  key.kid = kid;
  if (kid == "HCLEkPub") key.key_ops = "[\"encrypt\"]";
  key.n = Base64Url(rsa.Modulus());
  return key;
}

std::string HclKey::Json() const {
  return "{\"kid\":" + Text(kid) + ",\"key_ops\":" + key_ops + ",\"kty\":" + Text(kty) + ",\"e\":" + Text(e) + ",\"n\":" + Text(n) + "}";
}

std::string HclClaims::Json() const {
  std::string text = "{\"keys\":[";
  for (const HclKey& key : keys) text += (text.back() == '[' ? "" : ",") + key.Json();
  text += "],\"vm-configuration\":{";
  for (const auto& [name, value] : configuration) text += (text.back() == '{' ? "" : ",") + Text(name) + ":" + value;
  text += "}";
  if (user_data) text += ",\"user-data\":" + Text(*user_data);
  return text + "}";
}

std::string& HclClaims::Member(std::string_view name) {
  const auto found = std::find_if(configuration.begin(), configuration.end(), [name](const auto& member) { return member.first == name; });
  return found == configuration.end() ? configuration.emplace_back(std::string(name), "").second : found->second;
}

ByteArray<64> HclCommitment(std::string_view claims) {
  ByteArray<64> commitment{};
  const Bytes digest = Sha256(AsBytes(claims));
  std::copy(digest.begin(), digest.end(), commitment.begin());
  return commitment;
}

Bytes TdReport::Write() const {
  Bytes out = {type, subtype, version, reserved_3};
  Append(out, reserved_4);
  PutRamp(out, 16, 0x10);  // CPUSVN
  PutRamp(out, 48, 0x20);  // TEE_TCB_INFO_HASH
  PutRamp(out, 48, 0x50);  // TEE_INFO_HASH
  Append(out, report_data);
  out.resize(224, 0);
  PutRamp(out, 32, 0xC0);   // MAC
  PutRamp(out, 239, 0x01);  // TEE_TCB_INFO
  out.resize(512, 0);
  PutRamp(out, 512, 0x02);  // TEE_INFO
  return out;
}

}  // namespace assay::softtee
