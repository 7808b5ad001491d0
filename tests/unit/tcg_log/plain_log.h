// Logs written with the literal offsets of the profile's tables and not with the parser's.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "crypto/digest.h"

namespace assay::tcg_log::test {

inline void PutLe(Bytes& to, std::size_t size, std::uint64_t value) {
  for (std::size_t i = 0; i < size; ++i) to.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

struct PlainEvent {
  std::uint32_t index;
  std::uint32_t type;
  Bytes data;
  Bytes measured = {};  // what the digests are of; empty: the data
  bool zero_digest = false;
};

inline PlainEvent Measured(std::uint32_t index, std::uint32_t type, std::string_view data, std::string_view measured = {}) {
  return {index, type, ToBytes(AsBytes(data)), ToBytes(AsBytes(measured))};
}

struct PlainLog {
  std::uint32_t header_index = 1;
  std::uint32_t header_type = 3;
  Bytes header_digest = Bytes(20, 0);
  std::string signature = std::string("Spec ID Event03\0", 16);
  std::uint8_t minor = 0;
  std::uint8_t major = 2;
  std::vector<std::pair<std::uint16_t, std::uint16_t>> algorithms = {{0x000C, 48}};
  std::int64_t algorithms_more = 0;  // added to the declared number
  Bytes vendor_info = {};
  std::int64_t vendor_more = 0;
  bool legacy = false;  // no header, SHA-1
  std::vector<PlainEvent> events = {};
  Bytes padding = {};

  Bytes Header() const {
    Bytes spec_id = ToBytes(AsBytes(signature));
    PutLe(spec_id, 4, 0);
    PutLe(spec_id, 1, minor);
    PutLe(spec_id, 1, major);
    PutLe(spec_id, 1, 0);
    PutLe(spec_id, 1, 2);
    PutLe(spec_id, 4, static_cast<std::uint64_t>(static_cast<std::int64_t>(algorithms.size()) + algorithms_more));
    for (const auto& [id, size] : algorithms) {
      PutLe(spec_id, 2, id);
      PutLe(spec_id, 2, size);
    }
    PutLe(spec_id, 1, static_cast<std::uint64_t>(static_cast<std::int64_t>(vendor_info.size()) + vendor_more));
    Append(spec_id, vendor_info);
    Bytes raw;
    PutLe(raw, 4, header_index);
    PutLe(raw, 4, header_type);
    Append(raw, header_digest);
    PutLe(raw, 4, spec_id.size());
    Append(raw, spec_id);
    return raw;
  }

  static Bytes DigestOf(std::uint16_t algorithm, std::uint16_t size, const PlainEvent& event) {
    if (event.zero_digest) return Bytes(size, 0);
    const Bytes& measured = event.measured.empty() ? event.data : event.measured;
    switch (algorithm) {
      case 0x0004: return crypto::Digest(crypto::HashAlgorithm::kSha1, measured);
      case 0x000B: return crypto::Digest(crypto::HashAlgorithm::kSha256, measured);
      case 0x000C: return crypto::Digest(crypto::HashAlgorithm::kSha384, measured);
      case 0x000D: return crypto::Digest(crypto::HashAlgorithm::kSha512, measured);
      default: return Bytes(size, 0xDD);
    }
  }

  Bytes Write() const {
    Bytes raw = legacy ? Bytes() : Header();
    for (const PlainEvent& event : events) {
      PutLe(raw, 4, event.index);
      PutLe(raw, 4, event.type);
      if (legacy) {
        Append(raw, DigestOf(0x0004, 20, event));
      } else {
        PutLe(raw, 4, algorithms.size());
        for (const auto& [id, size] : algorithms) {
          PutLe(raw, 2, id);
          Append(raw, DigestOf(id, size, event));
        }
      }
      PutLe(raw, 4, event.data.size());
      Append(raw, event.data);
    }
    Append(raw, padding);
    return raw;
  }

  // R = SHA384(R || SHA384(measured)) from zero, without EV_NO_ACTION; `skipped`: numbers of events left out.
  Bytes Replay(std::uint32_t index, const std::vector<std::size_t>& skipped = {}) const {
    Bytes value(48, 0);
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (events[i].index != index || events[i].type == 3) continue;
      bool skip = false;
      for (const std::size_t one : skipped) skip |= one == i;
      if (skip) continue;
      Append(value, DigestOf(0x000C, 48, events[i]));
      value = ToBytes(crypto::Sha384(value));
    }
    return value;
  }
  // What 24 PCRs of that bank hold after it, PCR 0 from `locality`.
  std::map<std::uint32_t, Bytes> Pcrs(std::uint16_t algorithm, std::uint8_t locality = 0) const {
    std::map<std::uint32_t, Bytes> pcrs;
    const auto size = static_cast<std::uint16_t>(DigestOf(algorithm, 0, {}).size());
    for (std::uint32_t index = 0; index < 24; ++index) {
      Bytes& value = pcrs[index];
      value.assign(size, index >= 17 && index <= 22 ? 0xFF : 0);
      if (index == 0) value.back() = locality;
      for (const PlainEvent& event : events) {
        if (event.index != index || event.type == 3) continue;
        Append(value, DigestOf(algorithm, size, event));
        value = DigestOf(algorithm, size, {0, 0, value});
      }
    }
    return pcrs;
  }
  std::array<Bytes, 4> Rtmrs() const { return {Replay(1), Replay(2), Replay(3), Replay(4)}; }
};

inline constexpr std::string_view kGlobal("\x61\xDF\xE4\x8B\xCA\x93\xD2\x11\xAA\x0D\x00\xE0\x98\x03\x2B\x8C", 16);
inline constexpr std::string_view kSecurity("\xCB\xB2\x19\xD7\x3A\x3D\x96\x45\xA3\xBC\xDA\xD0\x0E\x67\x65\x6F", 16);

inline Bytes VariableData(std::string_view guid, std::string_view name, std::string_view value) {
  Bytes data = ToBytes(AsBytes(guid));
  PutLe(data, 8, name.size());
  PutLe(data, 8, value.size());
  for (const char c : name) PutLe(data, 2, static_cast<std::uint8_t>(c));
  Append(data, AsBytes(value));
  return data;
}
inline PlainEvent Variable(std::string_view guid, std::string_view name, std::string_view value) {
  return {1, 0x80000001, VariableData(guid, name, value)};
}
inline PlainEvent Separator(std::uint32_t index) { return {index, 4, Bytes(4, 0)}; }
inline PlainEvent CommandLine(std::string_view text) {
  return Measured(3, 0x0D, std::string("kernel_cmdline: ").append(text).append(1, '\0'), text);
}

// What a TDX guest with Secure Boot and GRUB logs. Numbers of its events:
enum BootEvent : std::size_t {
  kHandoff,
  kSecureBoot,
  kPk,
  kKek,
  kDb,
  kDbx,
  kSeparator0,
  kAcpi,
  kBootOrder,
  kCalling,
  kSeparator1,
  kGpt,
  kShim,
  kGrub,
  kMokList,
  kGrubConfig,
  kGrubCommand,
  kCommandLine,
  kInitrd,
  kExit,
  kExited,
  kBootEvents
};
inline PlainLog BootLog() {
  const std::string gpt =
      std::string("EFI PART") + std::string(48, 'h') + std::string(16, 'g') + std::string(20, 'h') + std::string(8, '\0');
  Bytes image;
  PutLe(image, 8, 0xBCB5C018);
  PutLe(image, 8, 1234);
  PutLe(image, 8, 0);
  PutLe(image, 8, 14);
  Append(image, Bytes{4, 4, 10, 0, 'a', 0, '.', 0, 'e', 0, 0x7F, 0xFF, 4, 0});
  PlainLog log;
  log.events = {
      Measured(1, 0x8000000B, "\tTdxTable", "TD HOB"),
      Variable(kGlobal, "SecureBoot", "\x01"),
      Variable(kGlobal, "PK", "platform key"),
      Variable(kGlobal, "KEK", "exchange key"),
      Variable(kSecurity, "db", "allowed"),
      Variable(kSecurity, "dbx", "forbidden"),
      Separator(1),
      Measured(1, 0x0A, "ACPI DATA", "tables"),
      {1, 0x80000002, VariableData(kGlobal, "BootOrder", "12"), {'1', '2'}},
      Measured(2, 0x80000007, "Calling EFI Application from Boot Option"),
      Separator(2),
      Measured(2, 0x80000006, gpt),
      {2, 0x80000003, image, {'s', 'h', 'i', 'm'}},
      {2, 0x80000003, image, {'g', 'r', 'u', 'b'}},
      Measured(3, 0x0D, std::string_view("MokList\0", 8), "keys"),
      Measured(3, 0x0D, std::string_view("/boot/grub.cfg\0", 15), "set timeout=0"),
      Measured(3, 0x0D, std::string_view("grub_cmd: set timeout=0\0", 24), "set timeout=0"),
      CommandLine("/vmlinuz root=/dev/vda ro"),
      Measured(3, 0x0D, std::string_view("/initrd.img\0", 12), "initial file system"),
      Measured(2, 0x80000007, "Exit Boot Services Invocation"),
      Measured(2, 0x80000007, "Exit Boot Services Returned with Success"),
  };
  return log;
}

// What a TPM of Google's logs in three banks: Secure Boot, shim, GRUB. Numbers of its events:
enum PcrEvent : std::size_t {
  kVersion,
  kNonHostInfo,
  kPcrSecureBoot,
  kPcrPk,
  kPcrKek,
  kPcrDb,
  kPcrDbx,
  kPcrSeparator7,
  kPcrCalling,
  kPcrSeparator0,
  kPcrSeparator4,
  kPcrGpt,
  kDbAuthority,
  kPcrShim,
  kPcrMokList,
  kSbatLevel,
  kShimAuthority,
  kPcrGrub,
  kPcrGrubConfig,
  kPcrGrubCommand,
  kKernelFile,
  kPcrKernel,
  kPcrCommandLine,
  kPcrInitrd,
  kPcrExit,
  kPcrEvents
};
inline PlainEvent InPcr(std::uint32_t index, PlainEvent event) {
  event.index = index;
  return event;
}
inline PlainEvent Authority(std::string_view guid, std::string_view name, std::string_view value) {
  return {7, 0x800000E0, VariableData(guid, name, value)};
}
inline Bytes Utf16(std::string_view text) {
  Bytes encoded;
  for (const char c : text) PutLe(encoded, 2, static_cast<std::uint8_t>(c));
  PutLe(encoded, 2, 0);
  return encoded;
}
inline PlainLog PcrLog() {
  const PlainLog tdx = BootLog();
  PlainLog log;
  log.header_index = 0;
  log.algorithms = {{0x04, 20}, {0x0B, 32}, {0x0C, 48}};
  // A shim that counts the variable's head twice: six bytes more, the last of which is not measured.
  PlainEvent cut = Authority(kSecurity, "Shim", "vendor certificate");
  cut.data.insert(cut.data.end(), 6, 0xAA);
  cut.measured.assign(cut.data.begin(), cut.data.end() - 1);
  log.events = {
      {0, 0x08, Utf16("GCE Virtual Firmware v2")},
      {0, 0x11, ToBytes(AsBytes(std::string("GCE NonHostInfo\0\1", 17) + std::string(15, '\0')))},
      InPcr(7, Variable(kGlobal, "SecureBoot", "\x01")),
      InPcr(7, Variable(kGlobal, "PK", "platform key")),
      InPcr(7, Variable(kGlobal, "KEK", "exchange key")),
      InPcr(7, Variable(kSecurity, "db", "allowed")),
      InPcr(7, Variable(kSecurity, "dbx", "")),
      Separator(7),
      Measured(4, 0x80000007, "Calling EFI Application from Boot Option"),
      Separator(0),
      Separator(4),
      InPcr(5, tdx.events[kGpt]),
      Authority(kSecurity, "db", "certificate of shim"),
      InPcr(4, tdx.events[kShim]),
      Measured(14, 0x0D, std::string_view("MokList\0", 8), "keys"),
      Authority(kGlobal, "SbatLevel", "sbat,1,2022052400\n"),
      cut,
      InPcr(4, tdx.events[kGrub]),
      InPcr(9, tdx.events[kGrubConfig]),
      InPcr(8, tdx.events[kGrubCommand]),
      Measured(9, 0x0D, std::string_view("/vmlinuz\0", 9), "MZ kernel"),
      {4, 0x80000003, tdx.events[kGrub].data, ToBytes(AsBytes("MZ kernel"))},
      InPcr(8, CommandLine("/vmlinuz root=/dev/sda1 ro")),
      InPcr(9, tdx.events[kInitrd]),
      Measured(5, 0x80000007, "Exit Boot Services Invocation"),
  };
  return log;
}

// What systemd's stub measures of a unified kernel image, and of a command line that it is given beside it.
inline PlainLog UkiLog() {
  PlainLog log = PcrLog();
  const auto section = [&](std::string_view name, std::string_view content) {
    log.events.push_back({11, 0x0D, Utf16(name), ToBytes(AsBytes(std::string(name).append(1, '\0')))});
    log.events.push_back({11, 0x0D, Utf16(name), ToBytes(AsBytes(content))});
  };
  section(".linux", "MZ kernel");
  section(".osrel", "ID=debian");
  section(".initrd", "initial file system");
  log.events.push_back({12, 0x0D, Utf16("console=ttyS0")});
  return log;
}

}  // namespace assay::tcg_log::test
