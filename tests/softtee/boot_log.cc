#include "tests/softtee/boot_log.h"

#include <utility>

namespace assay::softtee {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kGlobal = "\x61\xDF\xE4\x8B\xCA\x93\xD2\x11\xAA\x0D\x00\xE0\x98\x03\x2B\x8C"sv;  // EFI_GLOBAL_VARIABLE
constexpr std::string_view kSecurity =
    "\xCB\xB2\x19\xD7\x3A\x3D\x96\x45\xA3\xBC\xDA\xD0\x0E\x67\x65\x6F"sv;  // EFI_IMAGE_SECURITY_DATABASE_GUID

constexpr std::uint32_t kSeparator = 0x04, kFirmwareVersion = 0x08, kIpl = 0x0D, kVariable = 0x80000001, kImage = 0x80000003,
                        kAction = 0x80000007, kAuthority = 0x800000E0;

void PutLe(Bytes& to, std::size_t size, std::uint64_t value) {
  for (std::size_t i = 0; i < size; ++i) to.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

Bytes Utf16(std::string_view text) {
  Bytes encoded;
  for (const char c : text) PutLe(encoded, 2, static_cast<std::uint8_t>(c));
  return encoded;
}

// UEFI_VARIABLE_DATA
Bytes VariableData(std::string_view guid, std::string_view name, std::string_view value) {
  Bytes data = ToBytes(AsBytes(guid));
  PutLe(data, 8, name.size());
  PutLe(data, 8, value.size());
  Append(data, Utf16(name));
  Append(data, AsBytes(value));
  return data;
}

// UEFI_IMAGE_LOAD_EVENT of "a.e" on some disk.
Bytes ImageData() {
  Bytes data;
  PutLe(data, 8, 0xBCB5C018);
  PutLe(data, 8, 1234);
  PutLe(data, 8, 0);
  PutLe(data, 8, 14);
  Append(data, Bytes{4, 4, 10, 0, 'a', 0, '.', 0, 'e', 0, 0x7F, 0xFF, 4, 0});
  return data;
}

// Sizes and values behind the signature of TCG_EfiSpecIdEvent: platform class, version 2.0, UINTN of 64 bits, one algorithm, no vendor's data.
constexpr std::pair<std::size_t, std::uint64_t> kSpecId[] = {{4, 0}, {1, 0},          {1, 2},  {1, 0}, {1, 2},
                                                             {4, 1}, {2, kTpmSha256}, {2, 32}, {1, 0}};

class Writer {
 public:
  Writer() {
    for (unsigned index = 0; index < 24; ++index) result_.bank.values[index] = Bytes(32, index >= 17 && index <= 22 ? 0xFF : 0);
    Bytes header = ToBytes(AsBytes("Spec ID Event03\0"sv));
    for (const auto& [size, value] : kSpecId) PutLe(header, size, value);
    PutLe(result_.log, 4, 0);
    PutLe(result_.log, 4, 3);  // EV_NO_ACTION
    Append(result_.log, Bytes(20, 0));
    PutLe(result_.log, 4, header.size());
    Append(result_.log, header);
  }

  void Add(unsigned index, std::uint32_t type, const Bytes& data, ByteView measured) {
    const Bytes digest = Sha256(measured);
    PutLe(result_.log, 4, index);
    PutLe(result_.log, 4, type);
    PutLe(result_.log, 4, 1);
    PutLe(result_.log, 2, kTpmSha256);
    Append(result_.log, digest);
    PutLe(result_.log, 4, data.size());
    Append(result_.log, data);
    Bytes& value = result_.bank.values[index];
    Append(value, digest);
    value = Sha256(value);
  }
  void Add(unsigned index, std::uint32_t type, const Bytes& data) { Add(index, type, data, data); }
  void Add(unsigned index, std::uint32_t type, std::string_view data) { Add(index, type, ToBytes(AsBytes(data))); }

  BootLog Take() { return std::move(result_); }

 private:
  BootLog result_;
};

}  // namespace

BootLog MintBootLog(std::string_view firmware) {
  Writer log;
  Bytes version = Utf16(firmware);
  PutLe(version, 2, 0);
  log.Add(0, kFirmwareVersion, version);
  log.Add(7, kVariable, VariableData(kGlobal, "SecureBoot", "\x01"));
  log.Add(7, kVariable, VariableData(kGlobal, "PK", "platform key"));
  log.Add(7, kVariable, VariableData(kGlobal, "KEK", "exchange key"));
  log.Add(7, kVariable, VariableData(kSecurity, "db", "allowed"));
  log.Add(7, kVariable, VariableData(kSecurity, "dbx", ""));
  log.Add(7, kSeparator, Bytes(4, 0));
  log.Add(4, kAction, "Calling EFI Application from Boot Option");
  for (const unsigned index : {0U, 1U, 2U, 3U, 4U, 5U, 6U}) log.Add(index, kSeparator, Bytes(4, 0));
  log.Add(7, kAuthority, VariableData(kSecurity, "db", "certificate of shim"));
  log.Add(4, kImage, ImageData(), AsBytes("shim"));
  log.Add(14, kIpl, ToBytes(AsBytes("MokList\0"sv)), AsBytes("keys"));
  log.Add(4, kImage, ImageData(), AsBytes("grub"));
  log.Add(9, kIpl, ToBytes(AsBytes("/vmlinuz\0"sv)), AsBytes("MZ kernel"));
  log.Add(4, kImage, ImageData(), AsBytes("MZ kernel"));
  log.Add(8, kIpl, ToBytes(AsBytes("kernel_cmdline: /vmlinuz root=/dev/vda ro\0"sv)), AsBytes("/vmlinuz root=/dev/vda ro"));
  log.Add(9, kIpl, ToBytes(AsBytes("/initrd.img\0"sv)), AsBytes("initial file system"));
  log.Add(5, kAction, "Exit Boot Services Invocation");
  return log.Take();
}

}  // namespace assay::softtee
