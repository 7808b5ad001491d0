#include "evidence/tcg_log/predict.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "evidence/tcg_log/event_data.h"

namespace assay::tcg_log {
namespace {

constexpr std::string_view kCallingApplication = "Calling EFI Application from Boot Option";
constexpr ByteArray<4> kSeparator = {0, 0, 0, 0};
// 605dab50-e046-4300-abb6-3dd810dd8b23, shim's.
constexpr ByteArray<16> kShimGuid = {0x50, 0xAB, 0x5D, 0x60, 0x46, 0xE0, 0x00, 0x43, 0xAB, 0xB6, 0x3D, 0xD8, 0x10, 0xDD, 0x8B, 0x23};
constexpr std::array<std::string_view, 3> kShimVariables = {"Shim", "SbatLevel", "MokListTrusted"};
// In the order of systemd's stub; .pcrsig, which signs PCR 11, is left out.
constexpr auto kMeasuredSections =
    std::to_array<std::string_view>({".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash", ".dtb", ".uname", ".sbat", ".pcrpkey",
                                     ".profile", ".dtbauto", ".hwids", ".efifw"});

Bytes Utf16(std::string_view ascii, bool with_zero) {
  Bytes encoded;
  for (const char c : ascii) {
    encoded.push_back(static_cast<std::uint8_t>(c));
    encoded.push_back(0);
  }
  if (with_zero) encoded.insert(encoded.end(), 2, 0);
  return encoded;
}

void AppendU64Le(Bytes& to, std::uint64_t value) {
  for (unsigned i = 0; i < 8; ++i) to.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

Bytes VariableData(ByteView guid, std::string_view name, ByteView value) {
  Bytes data = ToBytes(guid);
  AppendU64Le(data, name.size());
  AppendU64Le(data, value.size());
  Append(data, Utf16(name, false));
  Append(data, value);
  return data;
}

}  // namespace

Bytes PredictApplications(crypto::HashAlgorithm hash, std::span<const PeImage> images) {
  PcrChain chain(hash);
  chain.Measure(AsBytes(kCallingApplication)).Measure(kSeparator);
  for (const PeImage& image : images) chain.Extend(AuthenticodeDigest(image, hash));
  return chain.value();
}

bool IsAuthority(std::string_view variable) {
  return variable == "db" || std::find(kShimVariables.begin(), kShimVariables.end(), variable) != kShimVariables.end();
}

Bytes PredictSecureBoot(crypto::HashAlgorithm hash, const SecureBootVariables& variables) {
  PcrChain chain(hash);
  chain.Measure(VariableData(kGlobalVariableGuid, "SecureBoot", ByteArray<1>{variables.enabled ? std::uint8_t{1} : std::uint8_t{0}}))
      .Measure(VariableData(kGlobalVariableGuid, "PK", variables.pk))
      .Measure(VariableData(kGlobalVariableGuid, "KEK", variables.kek))
      .Measure(VariableData(kImageSecurityGuid, "db", variables.db))
      .Measure(VariableData(kImageSecurityGuid, "dbx", variables.dbx))
      .Measure(kSeparator);
  for (const auto& [name, value] : variables.authorities) {
    chain.Measure(VariableData(name == "db" ? ByteView(kImageSecurityGuid) : ByteView(kShimGuid), name, value));
  }
  return chain.value();
}

Bytes PredictLinuxStub(crypto::HashAlgorithm hash, const std::string& load_options, std::span<const Bytes> initrds) {
  PcrChain chain(hash);
  if (!load_options.empty()) chain.Measure(Utf16(load_options, true));
  for (const Bytes& initrd : initrds) chain.Measure(initrd);
  return chain.value();
}

Outcome<Bytes> PredictUki(crypto::HashAlgorithm hash, const PeImage& image, std::span<const std::string> phases) {
  PcrChain chain(hash);
  const auto unpredictable = [](std::string_view name, std::string expected, std::string actual) {
    return Finding{.reason = Reason::kFieldInvalid,
                   .component = "unified kernel image",
                   .claim = Cat("section ", name),
                   .expected = std::move(expected),
                   .actual = std::move(actual)};
  };
  for (const std::string_view name : kMeasuredSections) {
    const auto is_it = [&](const PeSection& section) { return section.name == name; };
    const auto count = std::count_if(image.sections.begin(), image.sections.end(), is_it);
    if (count == 0) {
      if (name == kMeasuredSections.front()) return unpredictable(name, "there: a kernel", "absent");
      continue;
    }
    if (count > 1) return unpredictable(name, "once: which of them is used is chosen at boot", Cat(count, " times"));
    const PeSection& section = *std::find_if(image.sections.begin(), image.sections.end(), is_it);
    if (section.virtual_size > section.data.size()) {
      return unpredictable(name, Cat("at most ", section.data.size(), " bytes in memory, as in the image"),
                           std::to_string(section.virtual_size));
    }
    chain.Measure(AsBytes(std::string(name).append(1, '\0'))).Measure(section.data.first(section.virtual_size));
  }
  for (const std::string& phase : phases) chain.Measure(AsBytes(phase));
  return chain.value();
}

Bytes PredictStub(crypto::HashAlgorithm hash, const std::string& command_line) {
  return PcrChain(hash).Measure(Utf16(command_line, true)).value();
}

}  // namespace assay::tcg_log
