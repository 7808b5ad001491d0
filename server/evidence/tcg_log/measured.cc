#include "evidence/tcg_log/measured.h"

#include <algorithm>

#include "base/bug.h"
#include "base/strings.h"

namespace assay::tcg_log {
namespace {

constexpr std::array<ByteArray<4>, 3> kSeparators = {{{0, 0, 0, 0}, {0xFF, 0xFF, 0xFF, 0xFF}, {1, 0, 0, 0}}};
// PFP section 10.4.4, as far as they say nothing against the machine.
constexpr std::array<std::string_view, 5> kHarmlessActions = {
    "Calling EFI Application from Boot Option", "Returning from EFI Application from Boot Option", "Exit Boot Services Invocation",
    "Exit Boot Services Returned with Failure", "Exit Boot Services Returned with Success"};

}  // namespace

Measured::Measured(const EventLog& log, std::uint16_t algorithm) : log_(log), algorithm_(algorithm), hash_() {
  const std::optional<crypto::HashAlgorithm> hash = HashOf(algorithm);
  ASSAY_CHECK(hash.has_value());
  hash_ = *hash;
  for (const auto& data : kSeparators) separators_.push_back(crypto::Digest(hash_, data));
  for (const std::string_view text : kHarmlessActions) harmless_actions_.push_back(crypto::Digest(hash_, AsBytes(text)));
}

EventsOfRegister Measured::Of(std::uint32_t register_index) const {
  EventsOfRegister events;
  for (const Event& event : log_.events()) {
    if (event.register_index == register_index && event.Extends()) events.push_back(&event);
  }
  return events;
}

EventsOfRegister Measured::BeforeSeparator(const EventsOfRegister& events) const {
  const auto end = std::find_if(events.begin(), events.end(), [&](const Event* event) { return IsSeparator(*event); });
  return end == events.end() ? EventsOfRegister() : EventsOfRegister(events.begin(), end);
}

bool Measured::HasDigestOf(const Event& event, ByteView bytes) const { return Equal(DigestOf(event), crypto::Digest(hash_, bytes)); }

bool Measured::IsSeparator(const Event& event) const {
  return std::any_of(separators_.begin(), separators_.end(), [&](const Bytes& digest) { return Equal(DigestOf(event), digest); });
}
bool Measured::IsHarmlessAction(const Event& event) const {
  return std::any_of(harmless_actions_.begin(), harmless_actions_.end(),
                     [&](const Bytes& digest) { return Equal(DigestOf(event), digest); });
}
// An image's digest is of its own bytes, which begin "MZ": no image can be taken for a partition table.
bool Measured::IsPartitionTable(const Event& event) const {
  return AsText(event.data).starts_with(kGptSignature) && HasDigestOf(event, event.data);
}

const Event* Measured::OnlyOf(const EventsOfRegister& events, const SecureBootVariable& wanted, ByteView& value) const {
  const Event* found = nullptr;
  for (const Event* event : events) {
    const std::optional<Variable> variable = ReadVariable(event->data);
    if (!variable || variable->name != wanted.name || !Equal(variable->guid, wanted.guid) || !HasDigestOf(*event, event->data)) continue;
    if (found != nullptr) return nullptr;
    found = event;
    value = variable->value;
  }
  return found;
}

const Event* Measured::OnlyCommandLine(const EventsOfRegister& events, std::string_view& text) const {
  const Event* found = nullptr;
  for (const Event* event : events) {
    const auto line = GrubText(*event, kGrubCommandLine);
    if (!line || line->empty() || Printable(*line, line->size()) != *line || !HasDigestOf(*event, AsBytes(*line))) continue;
    if (found != nullptr) return nullptr;
    found = event;
    text = *line;
  }
  return found;
}

Bytes Measured::Replay(const EventsOfRegister& events, const EventTest& left_out) const {
  Bytes value(crypto::DigestSize(hash_), 0);
  bool any = false;
  for (const Event* event : events) {
    if (left_out(*event)) continue;
    any = true;
    Append(value, DigestOf(*event));
    value = crypto::Digest(hash_, value);
  }
  return any ? value : Bytes();
}

}  // namespace assay::tcg_log
