// Intel's certificates as the software TEE writes them (Intel SGX PCK Certificate and Certificate Revocation List Profile Specification):
// names, the PCK's SGX extension, and who may sign what. Every part can be changed before it is signed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "tests/softtee/certificate.h"
#include "tests/softtee/key.h"

namespace assay::softtee {

enum class IntelKind : std::uint8_t { kRoot, kPlatformCa, kProcessorCa, kPck, kTcbSigning };
std::string_view CommonNameOf(IntelKind kind);  // "Intel SGX Root CA"

Bytes IntelName(std::string_view common_name);  // CN, O, L, ST, C in Intel's order

// Members of the PCK's SGX extension; each is one DER SEQUENCE of OID and value.
struct PckExtension {
  std::vector<Bytes> members;
  Bytes Der() const;
};
Bytes PckMember(std::string_view suffix, ByteView value);  // below 1.2.840.113741.1.13.1.

// What a PCK certificate says of the machine that it is for.
struct Machine {
  ByteArray<16> ppid = Repeated<16>(0xA1);
  ByteArray<16> components = {15, 30, 45, 60, 75, 90, 105, 120, 135, 150, 165, 180, 195, 210, 225, 240};
  std::uint16_t pce_svn = 13;
  ByteArray<16> cpu_svn = Repeated<16>(0x18);
  ByteArray<2> pce_id = {0, 0};
  ByteArray<6> fmspc = {0x00, 0x80, 0x6F, 0x05, 0x00, 0x00};
  std::uint8_t sgx_type = 1;
  // The Platform CA's certificates only:
  ByteArray<16> platform_instance_id = Repeated<16>(0xA6);
  bool dynamic_platform = true, cached_keys = false, smt_enabled = true;

  template <std::size_t N>
  static constexpr ByteArray<N> Repeated(std::uint8_t value) {
    ByteArray<N> bytes{};
    for (std::uint8_t& byte : bytes) byte = value;
    return bytes;
  }
};
PckExtension DescribePckExtension(const Machine& machine, bool platform_ca);

struct Validity {
  Time not_before;
  Time not_after;
};

// Ready to be signed with the issuer's key: the root's of its own, the CAs' and TCB signing of the root, the PCK of its CA. The SGX
// extension is the caller's to add. Extensions: keyUsage, basicConstraints; with `issuer_key` key identifiers and distribution point
// before them, as in genuine certificates.
Certificate DescribeIntel(IntelKind kind, std::string_view issuer, const Key& key, Bytes serial, const Validity& validity,
                          const Key* issuer_key = nullptr);

// The list of the root (of CAs and TCB signing certificates), or of a CA (of PCKs).
RevocationList DescribeIntelCrl(IntelKind issuer, std::vector<Bytes> serials, const Validity& window, std::uint64_t number = 1);

}  // namespace assay::softtee
