// HCL reports of Azure's paravisor and TDREPORTs, as plain descriptions written byte by byte: after microsoft/openvmm, igvm_attest, and
// Intel's TDX module ABI specification.
//
// Does not promise that the values make sense: any field, declared sizes included, can be set to anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "tests/softtee/key.h"

namespace assay::softtee {

std::string Base64Url(ByteView bytes);  // without padding

struct HclReport {
  std::string magic = "HCLA";
  std::uint32_t version = 2;
  std::uint32_t request_type = 2;
  std::uint32_t status = 0;
  Bytes reserved = Bytes(12, 0);
  Bytes hardware = {};  // 1184 bytes; shorter: zeros behind it
  std::uint32_t data_version = 1;
  std::uint32_t report_type = 2;  // 2 SEV-SNP, 4 TDX
  std::uint32_t hash_type = 1;    // SHA-256
  std::string claims = {};
  std::optional<std::uint32_t> declared_claims = {};  // and so on: what stands in the three sizes, if not the truth
  std::optional<std::uint32_t> declared_data = {};
  std::optional<std::uint32_t> declared_report = {};
  std::size_t size = 2600;  // zeros behind the claims up to it

  Bytes Write() const;
};

// One key of the claims, members as they stand in the text.
struct HclKey {
  std::string kid = "HCLAkPub";
  std::string key_ops = "[\"sign\"]";
  std::string kty = "RSA";
  std::string e = "AQAB";
  std::string n = {};

  static HclKey Of(std::string_view kid, const Key& rsa);
  std::string Json() const;
};

struct HclClaims {
  std::vector<HclKey> keys = {};
  std::vector<std::pair<std::string, std::string>> configuration = {
      {"console-enabled", "true"}, {"root-cert-thumbprint", "\"6nZZnYaJc4KqUZ_yvA-mucFdYNouvlPnITnNMXsHl-0\""},
      {"secure-boot", "true"},     {"tpm-enabled", "true"},
      {"tpm-persisted", "true"},   {"vmUniqueId", "\"01234567-89AB-CDEF-0123-456789ABCDEF\""}};
  std::optional<std::string> user_data = std::string(128, '0');

  std::string Json() const;
  std::string& Member(std::string_view name);  // of the configuration; added if it is not there
};

// 32 bytes of SHA-256 and 32 zeros.
ByteArray<64> HclCommitment(std::string_view claims);

// TDREPORT_STRUCT, 1024 bytes: every field a ramp but those given. Its MAC is nobody's.
struct TdReport {
  std::uint8_t type = 0x81, subtype = 0, version = 0, reserved_3 = 0;
  Bytes reserved_4 = Bytes(12, 0);
  ByteArray<64> report_data{};

  Bytes Write() const;
};

}  // namespace assay::softtee
