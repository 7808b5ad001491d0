#include "evidence/tcg_log/event_data.h"

#include <algorithm>
#include <array>

#include "base/guid.h"
#include "base/hex.h"
#include "base/reader.h"
#include "base/strings.h"

namespace assay::tcg_log {
namespace {

constexpr std::size_t kShownText = 4096;  // bytes of a text that an event holds
constexpr std::size_t kShownOctets = 64;

constexpr std::array<std::string_view, 3> kGrubPrefixes = {"grub_cmd: ", kGrubCommandLine, "module_cmdline: "};

// What the data say, and the bytes of them that the digest is of by the type's own rule; empty: of something else, or of all of it.
struct Saying {
  std::string text;
  ByteView measured = {};
};

std::string ShowBytes(ByteView data) {
  ByteView text = data;
  while (!text.empty() && text.back() == 0) text = text.first(text.size() - 1);
  const bool printable = !text.empty() && std::all_of(text.begin(), text.end(),
                                                      [](std::uint8_t c) { return (c >= 0x20 && c < 0x7F) || c == '\n' || c == '\t'; });
  return printable ? Printable(AsText(text), kShownText) : ToHexBounded(data, kShownOctets);
}

Saying SayVariable(EventType type, ByteView data) {
  const std::optional<Variable> variable = ReadVariable(data);
  if (!variable) return {ShowBytes(data)};
  Saying saying{Cat(Printable(variable->name), " ", UefiGuidText(variable->guid), " = ",
                    variable->value.empty() ? std::string("(empty)") : ToHexBounded(variable->value, kShownOctets))};
  // EDK2 measures the value alone of boot variables; some firmware leaves out the last byte of authorities.
  if (type == EventType::kVariableBoot) saying.measured = variable->value;
  if (type == EventType::kVariableAuthority) saying.measured = data.first(data.size() - 1);
  return saying;
}

// UEFI_IMAGE_LOAD_EVENT: the digest is the image's own (Authenticode), not of this.
Saying SayImage(ByteView data) {
  Reader reader(data);
  reader.Skip(8);
  const auto size = reader.U64Le();
  reader.Skip(8);
  const auto path_size = reader.U64Le();
  if (!path_size || *path_size != reader.remaining()) return {ShowBytes(data)};
  std::string path;
  while (!reader.AtEnd()) {
    const auto type = reader.U8();
    const auto subtype = reader.U8();
    const auto length = reader.U16Le();
    const auto node = length && *length >= 4 ? reader.Take(*length - std::size_t{4}) : std::nullopt;
    if (!node) break;
    if (*type != 4 || *subtype != 4) continue;  // media, file path
    const auto text = TextOfUtf16(*node);
    path += Cat(path.empty() ? "" : " ", text ? Printable(*text) : ToHexBounded(*node, kShownOctets));
  }
  return {Cat("image of ", *size, " bytes", path.empty() ? "" : " from ", path)};
}

Saying SayPartitions(ByteView data) {
  constexpr std::size_t kHeader = 92;
  if (data.size() < kHeader + 8 || !Equal(data.first(kGptSignature.size()), AsBytes(kGptSignature))) return {ShowBytes(data)};
  const std::uint64_t count = LittleEndianOf(data, {"NumberOfPartitions", kHeader, 8});
  return {Cat("disk ", UefiGuidText(data.subspan(56, 16)), ", ", count, count == 1 ? " partition" : " partitions")};
}

Saying SayTag(ByteView data) {
  Reader reader(data);
  const auto id = reader.U32Le();
  const auto size = reader.U32Le();
  if (!size || *size != reader.remaining()) return {ShowBytes(data)};
  Bytes number;
  AppendU32Be(number, *id);
  return {Cat("tag 0x", ToHex(number), " ", ShowBytes(reader.TakeRest()))};
}

Saying SayIpl(const Event& event) {
  for (const std::string_view prefix : kGrubPrefixes) {
    if (const auto text = GrubText(event, prefix)) return {Printable(Cat(prefix, *text), kShownText), AsBytes(*text)};
  }
  if (event.data.size() >= 4 && event.data[1] == 0 && event.data[0] != 0) {  // systemd's stub writes UTF-16
    ByteView text = event.data;
    if (text.size() >= 2 && text[text.size() - 1] == 0 && text[text.size() - 2] == 0) text = text.first(text.size() - 2);
    if (const auto decoded = TextOfUtf16(text)) return {Printable(*decoded, kShownText)};
  }
  return {ShowBytes(event.data)};
}

Saying Say(const Event& event) {
  switch (event.type) {
    case EventType::kVariableDriverConfig:
    case EventType::kVariableBoot:
    case EventType::kVariableBoot2:
    case EventType::kVariableAuthority: return SayVariable(event.type, event.data);
    case EventType::kBootServicesApplication:
    case EventType::kBootServicesDriver:
    case EventType::kRuntimeServicesDriver: return SayImage(event.data);
    case EventType::kGpt:
    case EventType::kGpt2: return SayPartitions(event.data);
    case EventType::kEventTag: return SayTag(event.data);
    case EventType::kIpl: return SayIpl(event);
    case EventType::kCrtmVersion: {
      ByteView text = event.data;
      while (text.size() >= 2 && text[text.size() - 1] == 0 && text[text.size() - 2] == 0) text = text.first(text.size() - 2);
      const auto decoded = TextOfUtf16(text);
      return {decoded && !decoded->empty() ? Printable(*decoded) : ShowBytes(event.data)};
    }
    default: return {ShowBytes(event.data)};
  }
}

}  // namespace

bool Covers(const Event& event, ByteView bytes) {
  bool any = false;
  for (const LoggedDigest& logged : event.digests) {
    const std::optional<crypto::HashAlgorithm> hash = HashOf(logged.algorithm);
    if (!hash) continue;
    if (!Equal(crypto::Digest(*hash, bytes), logged.digest)) return false;
    any = true;
  }
  return any;
}

std::optional<Variable> ReadVariable(ByteView data) {
  Reader reader(data);
  const auto guid = reader.Take(16);
  const auto name_length = reader.U64Le();  // in characters
  const auto value_length = reader.U64Le();
  if (!value_length || *name_length > reader.remaining() / 2) return std::nullopt;
  const auto name = reader.Take(static_cast<std::size_t>(*name_length) * 2);
  if (!name || *value_length != reader.remaining()) return std::nullopt;
  std::optional<std::string> text = TextOfUtf16(*name);
  if (!text) return std::nullopt;
  return Variable{*guid, *std::move(text), reader.TakeRest()};
}

std::optional<std::string_view> GrubText(const Event& event, std::string_view prefix) {
  std::string_view text = AsText(event.data);
  if (event.type != EventType::kIpl || !text.starts_with(prefix) || !text.ends_with('\0')) return std::nullopt;
  text.remove_prefix(prefix.size());
  text.remove_suffix(1);
  return text;
}

std::optional<std::string> TextOfUtf16(ByteView encoded) {
  if (encoded.size() % 2 != 0) return std::nullopt;
  std::string text;
  Reader reader(encoded);
  while (!reader.AtEnd()) {
    std::uint32_t unit = *reader.U16Le();
    if (unit >= 0xD800 && unit < 0xE000) {
      const auto low = reader.U16Le();
      if (unit >= 0xDC00 || !low || *low < 0xDC00 || *low >= 0xE000) return std::nullopt;
      unit = 0x10000 + ((unit - 0xD800) << 10) + (*low - 0xDC00U);
    }
    const auto add = [&](std::uint32_t byte) { text += static_cast<char>(static_cast<std::uint8_t>(byte)); };
    if (unit < 0x80) {
      add(unit);
    } else if (unit < 0x800) {
      add(0xC0 | unit >> 6);
      add(0x80 | (unit & 0x3F));
    } else if (unit < 0x10000) {
      add(0xE0 | unit >> 12);
      add(0x80 | (unit >> 6 & 0x3F));
      add(0x80 | (unit & 0x3F));
    } else {
      add(0xF0 | unit >> 18);
      add(0x80 | (unit >> 12 & 0x3F));
      add(0x80 | (unit >> 6 & 0x3F));
      add(0x80 | (unit & 0x3F));
    }
  }
  return text;
}

void AddData(const Event& event, trust::Description& description) {
  if (event.data.empty()) {
    description.Add("data", "none");
    return;
  }
  const Saying saying = Say(event);
  description.Add("data", saying.text);
  if (!event.Extends()) {
    description.Add("data matches digest", "no: nothing covers an event that was not measured");
  } else if (Covers(event, event.data)) {
    description.Add("data matches digest", "yes");
  } else if (!saying.measured.empty() && Covers(event, saying.measured)) {
    description.Add("data matches digest", Cat("in part: ", saying.measured.size(), " of ", event.data.size(), " bytes were measured"));
  } else {
    description.Add("data matches digest", "no: the digest is of something else, and the data are a hint");
  }
}

}  // namespace assay::tcg_log
