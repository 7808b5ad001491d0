// Claims of a TPM's log. Which PCR is for what: PFP section 3.3.4; GRUB's, shim's and systemd's documentation of what they measure.
#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "base/hex.h"
#include "base/reader.h"
#include "base/strings.h"
#include "evidence/tcg_log/claims.h"
#include "evidence/tcg_log/measured.h"

namespace assay::tcg_log {
namespace {

constexpr std::uint32_t kFirmwarePcr = 0;
constexpr std::uint32_t kApplicationsPcr = 4;
constexpr std::uint32_t kSecureBootPcr = 7;
constexpr std::uint32_t kGrubCommandsPcr = 8;
constexpr std::uint32_t kFilesPcr = 9;
constexpr std::uint32_t kUkiPcr = 11;
constexpr std::uint32_t kStubPcr = 12;

// What EDK2 measures into PCR 7 beside variables and the separator.
constexpr std::array<std::string_view, 2> kSecureBootActions = {kDebugMode, "DMA Protection Disabled"};
// systemd's stub measures each section's name, with its zero, before its content.
constexpr std::array<std::string_view, 15> kUkiSections = {".linux",   ".osrel",   ".cmdline", ".initrd", ".ucode",
                                                           ".splash",  ".dtb",     ".uname",   ".sbat",   ".pcrsig",
                                                           ".pcrpkey", ".profile", ".dtbauto", ".hwids",  ".efifw"};
constexpr std::string_view kGceSignature("GCE NonHostInfo\0", 16);
constexpr std::size_t kGceInfoSize = 32;
constexpr std::array<std::string_view, 5> kGceTechnologies = {"none", "sev", "sev_es", "tdx", "sev_snp"};

std::string_view BankName(std::uint16_t algorithm) {
  switch (algorithm) {
    case kSha256: return "sha256";
    case kSha384: return "sha384";
    case kSha512: return "sha512";
    default: return kSha1Bank;
  }
}

trust::Names NamesOf(const std::set<std::string>& names) { return {{names.begin(), names.end()}}; }

// EV_EFI_VARIABLE_AUTHORITY. Some shims and EDK2s count the variable's head twice: behind the value then stand a few bytes more, and the
// digest leaves out the last of them.
std::optional<std::string> AuthorityIn(const Measured& measured, const Event& event) {
  constexpr std::size_t kHead = 32, kMostSurplus = 8;
  Reader reader(event.data);
  reader.Skip(16);
  const auto name_length = reader.U64Le();
  const auto value_length = reader.U64Le();
  if (!value_length || *name_length > reader.remaining() / 2) return std::nullopt;
  const auto name = TextOfUtf16(*reader.Take(static_cast<std::size_t>(*name_length) * 2));
  const ByteView rest = event.data.subspan(kHead + static_cast<std::size_t>(*name_length) * 2);
  if (!name || *value_length > rest.size() || rest.size() - *value_length > kMostSurplus) return std::nullopt;
  const ByteView value = rest.first(static_cast<std::size_t>(*value_length));
  const bool whole = value.size() == rest.size() && measured.HasDigestOf(event, event.data);
  const bool cut = value.size() < rest.size() && measured.HasDigestOf(event, event.data.first(event.data.size() - 1));
  if (!whole && !cut) return std::nullopt;
  const bool plain =
      !name->empty() && std::all_of(name->begin(), name->end(), [](char c) { return c > ' ' && c <= '~' && c != ',' && c != ':'; });
  return Cat(plain ? *name : ToHex(AsBytes(*name)), ":", ToHex(crypto::Sha256(value)));
}

struct SecureBoot {
  std::string state = "unknown";
  std::uint64_t unknown_events = 0;
  std::vector<std::pair<std::string_view, const Event*>> variables;  // those that have claims
  std::set<std::string> authorities;
};

// Firmware that measures no separator would let whoever runs behind it write the rest, and every label with it; so each event must be
// understood by its digest, stand where it belongs, and bear the type that belongs to it.
SecureBoot ReadSecureBoot(const Measured& measured, const EventsOfRegister& events) {
  SecureBoot result;
  bool separated = false, debug = false;
  std::set<std::pair<std::string, Bytes>> seen;
  std::optional<Bytes> secure_boot;
  std::size_t keys = 0;
  for (const Event* event : events) {
    const auto is_action = [&](std::string_view text) { return measured.HasDigestOf(*event, AsBytes(text)); };
    bool known = false;
    if (measured.IsSeparator(*event)) {
      known = event->type == EventType::kSeparator && !separated && measured.HasDigestOf(*event, Bytes(4, 0));
      separated = true;
    } else if (event->type == EventType::kVariableDriverConfig) {
      const std::optional<Variable> variable = ReadVariable(event->data);
      known = variable && !separated && measured.HasDigestOf(*event, event->data) &&
              seen.emplace(variable->name, ToBytes(variable->guid)).second;
      for (const SecureBootVariable& wanted : kSecureBootVariables) {
        if (!known || variable->name != wanted.name || !Equal(variable->guid, wanted.guid)) continue;
        if (wanted.claim.empty()) secure_boot = ToBytes(variable->value);
        else result.variables.emplace_back(wanted.claim, event);
        keys += wanted.claim != "log.dbx" && !wanted.claim.empty() && !variable->value.empty();
      }
    } else if (event->type == EventType::kVariableAuthority) {
      const auto authority = AuthorityIn(measured, *event);
      known = authority.has_value();
      if (known) result.authorities.insert(*authority);
    } else if (event->type == EventType::kAction || event->type == EventType::kEfiAction) {
      known = std::any_of(kSecureBootActions.begin(), kSecureBootActions.end(), is_action);
      debug |= is_action(kDebugMode);
    }
    result.unknown_events += !known;
  }
  if (!separated || result.unknown_events != 0) {  // then anybody may have written any of it
    result.variables.clear();
    return result;
  }
  if (!secure_boot || debug) return result;
  if (*secure_boot == Bytes{0}) result.state = "false";
  // PK, KEK and db, and something that let the first image start.
  if (*secure_boot == Bytes{1} && keys == 3 && !result.authorities.empty()) result.state = "true";
  return result;
}

// The one event whose data hash to its digest and that `test` takes for what is looked for; nullptr: none, or several.
const Event* OnlyWhere(const Measured& measured, const EventsOfRegister& events, const EventTest& test) {
  const Event* found = nullptr;
  for (const Event* event : events) {
    if (!test(*event) || !measured.HasDigestOf(*event, event->data)) continue;
    if (found != nullptr) return nullptr;
    found = event;
  }
  return found;
}

// UTF-16 with the zero that ends it, of printable characters only.
std::optional<std::string> PrintableUtf16(ByteView data) {
  if (data.size() < 4 || data[data.size() - 1] != 0 || data[data.size() - 2] != 0) return std::nullopt;
  std::optional<std::string> text = TextOfUtf16(data.first(data.size() - 2));
  return text && Printable(*text, text->size()) == *text ? text : std::nullopt;
}

}  // namespace

void EventLog::WritePcrClaims(const PcrReplay& replay, trust::ClaimWriter& claims) const {
  const Measured measured(*this, replay.bank);
  const auto add_replay = [&](std::string_view name, Bytes value) {
    if (!value.empty()) claims.Add(name, std::move(value));
  };
  claims.Add(kBankClaim, std::string(BankName(replay.bank)));
  trust::Names unlogged;
  for (const std::uint32_t index : replay.unlogged) unlogged.names.push_back(Cat("pcr", index));
  std::sort(unlogged.names.begin(), unlogged.names.end());
  claims.Add("log.unlogged_pcrs", std::move(unlogged));

  const EventsOfRegister firmware = measured.BeforeSeparator(measured.Of(kFirmwarePcr));
  const Event* version = OnlyWhere(measured, firmware, [](const Event& event) { return event.type == EventType::kCrtmVersion; });
  const auto version_text = version == nullptr ? std::nullopt : PrintableUtf16(version->data);
  if (version_text) claims.Add("log.firmware_version", *version_text);
  const Event* gce = OnlyWhere(measured, firmware, [](const Event& event) {
    return event.data.size() == kGceInfoSize && Equal(event.data.first(kGceSignature.size()), AsBytes(kGceSignature));
  });
  const std::size_t technology = gce == nullptr ? kGceTechnologies.size() : gce->data[kGceSignature.size()];
  if (technology < kGceTechnologies.size()) claims.Add("log.gce_technology", std::string(kGceTechnologies[technology]));

  const SecureBoot secure_boot = ReadSecureBoot(measured, measured.Of(kSecureBootPcr));
  claims.Add("log.secure_boot", secure_boot.state);
  claims.Add(kUnknownSecureBootEventsClaim, secure_boot.unknown_events);
  claims.Add("log.authorities", NamesOf(secure_boot.authorities));
  for (const auto& [claim, event] : secure_boot.variables) claims.Add(claim, ToBytes(measured.DigestOf(*event)));

  const EventsOfRegister applications = measured.Of(kApplicationsPcr);
  const auto no_application = [&](const Event& event) { return measured.IsSeparator(event) || measured.IsHarmlessAction(event); };
  std::set<std::string> images;
  for (const Event* event : applications) {
    if (!no_application(*event)) images.insert(ToHex(measured.DigestOf(*event)));
  }
  claims.Add("log.boot_images", NamesOf(images));
  add_replay("log.boot_applications", measured.Replay(applications, no_application));

  // One digest over both registers, each a chain of its own: GRUB's commands are in the one, the files that they load in the other.
  const EventsOfRegister commands = measured.Of(kGrubCommandsPcr), loaded = measured.Of(kFilesPcr);
  std::string_view command_line;
  const Event* left_out = measured.OnlyCommandLine(commands, command_line);
  if (left_out != nullptr) claims.Add(kCommandLineClaim, std::string(command_line));
  Bytes chains = measured.Replay(commands, [&](const Event& event) { return &event == left_out; });
  const Bytes of_files = measured.Replay(loaded, [](const Event&) { return false; });
  if (!chains.empty() || !of_files.empty()) {
    const std::size_t size = measured.digest_size();
    chains.resize(size, 0);
    Append(chains, of_files.empty() ? Bytes(size, 0) : of_files);
    claims.Add(kBootFilesClaim, measured.DigestOf(chains));
  }

  const EventsOfRegister uki = measured.Of(kUkiPcr);
  if (!uki.empty()) {
    std::set<std::string> sections;
    for (const std::string_view name : kUkiSections) {
      const Bytes with_zero = ToBytes(AsBytes(std::string(name).append(1, '\0')));
      const bool there = std::any_of(uki.begin(), uki.end(), [&](const Event* event) { return measured.HasDigestOf(*event, with_zero); });
      if (there) sections.emplace(name.substr(1));
    }
    claims.Add("log.uki_sections", NamesOf(sections));
    claims.Add("log.uki", measured.Replay(uki, [](const Event&) { return false; }));
    claims.Add("log.boot_phase", replay.boot_phase);
  }
  const EventsOfRegister stub = measured.Of(kStubPcr);
  if (stub.size() == 1 && measured.HasDigestOf(*stub.front(), stub.front()->data)) {
    if (auto text = PrintableUtf16(stub.front()->data)) claims.Add("log.stub_cmdline", *std::move(text));
  }
}

}  // namespace assay::tcg_log
