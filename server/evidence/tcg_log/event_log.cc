#include "evidence/tcg_log/event_log.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/tcg_log/event_data.h"

namespace assay::tcg_log {
namespace {

constexpr std::string_view kSpec = "TCG PC Client Platform Firmware Profile 1.06, section 10";
constexpr std::string_view kStartupLocality("StartupLocality\0", 16);

consteval Field P(std::string_view name) { return FieldNamed(kPcrEvent, name); }
consteval Field S(std::string_view name) { return FieldNamed(kSpecId, name); }

// TCG_PCR_EVENT with the Spec ID: signature and all, but for what its lengths say.
bool BeginsWithSpecId(ByteView bytes) {
  return bytes.size() >= kPcrEventSize + kSpecIdSize &&
         LittleEndianOf(bytes, P("EVENTTYPE")) == static_cast<std::uint64_t>(EventType::kNoAction) &&
         AllZero(SliceOf(bytes, P("DIGEST"))) && Equal(bytes.subspan(kPcrEventSize, kSpecIdSignature.size()), AsBytes(kSpecIdSignature));
}

// One log, read from front to back. Each step says why if it can't go on.
class LogReading {
 public:
  LogReading(ByteView bytes, Registers registers, CheckLog& log)
      : reader_(bytes), zeros_from_(EndOfContent(bytes)), registers_(registers), log_(log) {}

  bool Read() {
    if (BeginsWithSpecId(Rest())) {
      if (!ReadHeader()) return false;
    } else {
      // TDX has no legacy form.
      if (!log_.Require(Check::kLogHeader, registers_ == Registers::kPcrs, [&] {
            return Refusal(Reason::kFieldInvalid, "Spec ID event", "EV_NO_ACTION with \"Spec ID Event03\"",
                           Cat(Rest().size(), " bytes, beginning ", ToHexBounded(Rest(), 24)));
          })) {
        return false;
      }
      crypto_agile_ = false;
      algorithms_ = {{kSha1, 20}};
    }
    while (!AtEnd()) {
      if (!log_.Require(Check::kLogSize, events_.size() < kMaxEvents,
                        [&] { return Refusal(Reason::kSizeOverLimit, "events", Cat("at most ", kMaxEvents), "more"); })) {
        return false;
      }
      if (!ReadEvent()) return false;
    }
    log_.Pass(Check::kLogLengths);
    return ReadPadding();
  }

  bool crypto_agile() const { return crypto_agile_; }
  std::vector<Algorithm>& algorithms() { return algorithms_; }
  std::vector<Event>& events() { return events_; }

 private:
  // Where the last byte that is not zero ends: looked for once, and not behind each event again.
  static std::size_t EndOfContent(ByteView bytes) {
    const auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](std::uint8_t byte) { return byte != 0; });
    return static_cast<std::size_t>(bytes.rend() - last);
  }
  ByteView Rest() const { return Reader(reader_).TakeRest(); }
  Finding Refusal(Reason reason, std::string field, std::string expected, std::string actual) const {
    return {.reason = reason,
            .component = std::string(kLogComponent),
            .claim = std::move(field),
            .expected = std::move(expected),
            .actual = std::move(actual),
            .spec = std::string(kSpec)};
  }
  // "event 3, offset 415": which event of those that can be listed.
  std::string Here(std::string_view field) const { return Cat("event ", events_.size(), ", offset ", at_, ": ", field); }

  template <typename Taken>
  bool Cuts(std::string_view part, std::uint64_t size, const std::optional<Taken>& taken) {
    return log_.Require(Check::kLogLengths, taken.has_value(), [&] {
      return Refusal(Reason::kLengthWrong, std::string(part), Cat(size, " bytes"), Cat(reader_.remaining(), " bytes left"));
    }) && taken.has_value();
  }
  // Of a field of the event that is being read.
  template <typename Taken>
  bool CutsHere(std::string_view field, std::uint64_t size, const std::optional<Taken>& taken) {
    return taken.has_value() || Cuts(Here(field), size, taken);
  }

  bool ReadHeader() {
    const ByteView event = *reader_.Take(kPcrEventSize);
    const std::uint64_t size = LittleEndianOf(event, P("EVENTSIZE"));
    const auto data = reader_.Take(size);
    if (!Cuts("Spec ID event", size, data)) return false;
    Reader inside(*data);
    const auto fixed = inside.Take(kSpecIdSize);
    if (!Cuts("Spec ID", kSpecIdSize, fixed)) return false;
    const std::uint64_t major = LittleEndianOf(*fixed, S("SPECVERSIONMAJOR"));
    const std::uint64_t minor = LittleEndianOf(*fixed, S("SPECVERSIONMINOR"));
    bool sound = log_.Require(Check::kLogHeader, major == 2 && minor == 0,
                              [&] { return Refusal(Reason::kVersionUnsupported, "Spec ID version", "2.0", Cat(major, ".", minor)); });
    const std::uint64_t count = LittleEndianOf(*fixed, S("NUMBEROFALGORITHMS"));
    if (!log_.Require(Check::kLogAlgorithms, count >= 1 && count <= kMaxAlgorithms, [&] {
          return Refusal(Reason::kEventDigestsWrong, "NUMBEROFALGORITHMS", Cat("1 to ", kMaxAlgorithms), std::to_string(count));
        })) {
      return false;
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto id = inside.U16Le();
      const auto digest_size = inside.U16Le();
      if (!Cuts("Spec ID algorithm", 4, digest_size)) return false;
      const std::optional<crypto::HashAlgorithm> hash = HashOf(*id);
      const bool known_size = hash ? *digest_size == crypto::DigestSize(*hash) : *digest_size >= 1 && *digest_size <= kMaxDigestSize;
      const bool once = std::none_of(algorithms_.begin(), algorithms_.end(), [&](const Algorithm& other) { return other.id == *id; });
      sound &= log_.Require(Check::kLogAlgorithms, known_size && once, [&] {
        return Refusal(Reason::kEventDigestsWrong, "Spec ID algorithms", "each once, with the size of its digests",
                       Cat(ShowAlgorithm(*id), " with ", *digest_size, " bytes", once ? "" : ", again"));
      });
      algorithms_.push_back({*id, *digest_size});
    }
    const auto vendor_size = inside.U8();
    if (!Cuts("Spec ID vendorInfoSize", 1, vendor_size)) return false;
    sound &= log_.Require(Check::kLogLengths, inside.remaining() == *vendor_size, [&] {
      return Refusal(Reason::kLengthWrong, "Spec ID vendorInfo", Cat(*vendor_size, " bytes to the end of the event"),
                     Cat(inside.remaining(), " bytes"));
    });
    if (registers_ == Registers::kRtmrs) {
      sound &= log_.Require(Check::kLogAlgorithms, algorithms_.size() == 1 && algorithms_.front().id == kSha384, [&] {
        return Refusal(Reason::kDigestAlgorithmMissing, "Spec ID algorithms", "SHA-384 alone, as RTMRs are made of it",
                       Cat(algorithms_.size(), " beginning with ", ShowAlgorithm(algorithms_.front().id)));
      });
    }
    return sound;
  }

  // An area is longer than its log: what follows the last event is what the area was filled with.
  bool AtEnd() const {
    const ByteView rest = Rest();
    if (rest.empty()) return true;
    Reader ahead(rest);
    const auto index = ahead.U32Le();
    if (index == kEndOfLog) return true;
    return (!index || *index == 0) && reader_.position() >= zeros_from_;
  }

  bool ReadPadding() {
    const ByteView rest = reader_.TakeRest();
    // What real firmware left behind the end of TPM logs is anything; it was never part of them.
    const bool filler = rest.empty() || AllZero(rest) || AllEqualTo(rest, 0xFF) || registers_ == Registers::kPcrs;
    return log_.Require(Check::kLogPadding, filler, [&] {
      return Refusal(Reason::kReservedNotZero, "bytes behind the last event", "only zeros, or only FF", ToHexBounded(rest, 24));
    });
  }

  bool ReadEvent() {
    at_ = reader_.position();
    const auto index = reader_.U32Le();
    const auto type = reader_.U32Le();
    if (!CutsHere("register and type", 8, type)) return false;
    const std::uint32_t count_of_registers = registers_ == Registers::kRtmrs ? kMeasurementRegisters : kPcrs;
    bool sound = log_.Require(Check::kLogRegister, *index < count_of_registers, [&] {
      return Refusal(Reason::kFieldInvalid, Here("register"), Cat("0 to ", count_of_registers - 1), std::to_string(*index));
    });
    Event event{.register_index = *index, .type = static_cast<EventType>(*type), .digests = {}, .data = {}};
    if (!(crypto_agile_ ? ReadDigests(event) : ReadLegacyDigest(event))) return false;
    const auto size = reader_.U32Le();
    if (!CutsHere("size", 4, size)) return false;
    const auto data = reader_.Take(*size);
    if (!CutsHere("data", *size, data)) return false;
    event.data = *data;
    events_.push_back(std::move(event));
    return sound;
  }

  bool ReadLegacyDigest(Event& event) {
    const auto digest = reader_.Take(algorithms_.front().digest_size);
    if (!CutsHere("digest", algorithms_.front().digest_size, digest)) return false;
    event.digests.push_back({kSha1, *digest});
    return true;
  }

  bool ReadDigests(Event& event) {
    const auto count = reader_.U32Le();
    if (!CutsHere("digest count", 4, count)) return false;
    if (!log_.Require(Check::kLogDigests, *count == algorithms_.size(), [&] {
          return Refusal(Reason::kEventDigestsWrong, Here("digest count"), Cat(algorithms_.size(), ", one of each algorithm of the header"),
                         std::to_string(*count));
        })) {
      return false;
    }
    for (std::uint32_t i = 0; i < *count; ++i) {
      const auto id = reader_.U16Le();
      if (!CutsHere("digest algorithm", 2, id)) return false;
      const auto algorithm = std::find_if(algorithms_.begin(), algorithms_.end(), [&](const Algorithm& known) { return known.id == *id; });
      const bool once = event.DigestOf(*id).empty();
      if (!log_.Require(Check::kLogDigests, algorithm != algorithms_.end() && once,
                        [&] {
                          return Refusal(Reason::kEventDigestsWrong, Here("digest algorithm"), "each algorithm of the header once",
                                         Cat(ShowAlgorithm(*id), once ? ", which the header lacks" : ", again"));
                        }) ||
          algorithm == algorithms_.end()) {
        return false;
      }
      const auto digest = reader_.Take(algorithm->digest_size);
      if (!CutsHere("digest", algorithm->digest_size, digest)) return false;
      event.digests.push_back({*id, *digest});
    }
    return true;
  }

  Reader reader_;
  const std::size_t zeros_from_;  // nothing but zeros from here on
  const Registers registers_;
  CheckLog& log_;
  bool crypto_agile_ = true;
  std::size_t at_ = 0;  // where the event that is being read begins
  std::vector<Algorithm> algorithms_;
  std::vector<Event> events_;
};

}  // namespace

std::string NameOf(Registers registers, std::uint32_t index) {
  if (registers == Registers::kPcrs) return Cat("PCR ", index);
  return index == 0 ? "MRTD" : Cat("RTMR", index - 1);
}

std::optional<crypto::HashAlgorithm> HashOf(std::uint16_t algorithm) {
  switch (algorithm) {
    case kSha1: return crypto::HashAlgorithm::kSha1;
    case kSha256: return crypto::HashAlgorithm::kSha256;
    case kSha384: return crypto::HashAlgorithm::kSha384;
    case kSha512: return crypto::HashAlgorithm::kSha512;
    default: return std::nullopt;
  }
}

std::string ShowAlgorithm(std::uint16_t algorithm) {
  if (const auto hash = HashOf(algorithm)) return std::string(crypto::NameOf(*hash));
  return Cat("algorithm 0x", ToHex(Bytes{static_cast<std::uint8_t>(algorithm >> 8), static_cast<std::uint8_t>(algorithm)}));
}

ByteView Event::DigestOf(std::uint16_t algorithm) const {
  for (const LoggedDigest& logged : digests) {
    if (logged.algorithm == algorithm) return logged.digest;
  }
  return {};
}

std::optional<trust::Parsed<EventLog>> EventLogParser::Parse(const trust::UntrustedBytes& bytes, Registers registers, CheckLog& log) {
  if (!log.Require(Check::kLogSize, bytes.size() <= kMaxLogSize, [&] {
        return Finding{.reason = Reason::kSizeOverLimit,
                       .component = std::string(kLogComponent),
                       .claim = "length",
                       .expected = Cat("at most ", kMaxLogSize, " bytes"),
                       .actual = Cat(bytes.size(), " bytes")};
      })) {
    return std::nullopt;
  }
  EventLog parsed;
  parsed.raw_ = std::make_shared<const Bytes>(ToBytes(bytes.Read().TakeRest()));
  LogReading reading(*parsed.raw_, registers, log);
  if (!reading.Read()) return std::nullopt;
  parsed.registers_ = registers;
  parsed.crypto_agile_ = reading.crypto_agile();
  parsed.algorithms_ = std::move(reading.algorithms());
  parsed.events_ = std::move(reading.events());
  return trust::Parsed<EventLog>(trust::ParserPass<EventLog>(), std::move(parsed));
}

std::optional<std::uint8_t> StartupLocality(const Event& event) {
  const bool is_one = event.type == EventType::kNoAction && event.register_index == 0 && event.data.size() == kStartupLocality.size() + 1 &&
                      Equal(event.data.first(kStartupLocality.size()), AsBytes(kStartupLocality));
  return is_one ? std::optional(event.data.back()) : std::nullopt;
}

std::vector<Bytes> EventLog::ReplayAll(std::uint16_t algorithm) const {
  const std::optional<crypto::HashAlgorithm> hash = HashOf(algorithm);
  if (!hash) return {};
  const std::size_t size = crypto::DigestSize(*hash);
  const bool pcrs = registers_ == Registers::kPcrs;
  std::vector<Bytes> values;
  for (std::uint32_t index = 0; index < (pcrs ? kPcrs : kMeasurementRegisters); ++index) {
    // PCRs of the dynamic root of trust start at FF, PCR 0 at the locality from which the TPM was started.
    values.emplace_back(size, pcrs && index >= kFirstDynamicPcr && index <= kLastDynamicPcr ? 0xFF : 0x00);
  }
  Bytes extended;
  for (const Event& event : events_) {
    Bytes& value = values[event.register_index];
    if (!event.Extends()) {
      const auto locality = pcrs ? StartupLocality(event) : std::nullopt;
      if (locality && AllZero(value)) value.back() = *locality;
      continue;
    }
    extended.assign(value.begin(), value.end());
    Append(extended, event.DigestOf(algorithm));
    value = crypto::Digest(*hash, extended);
  }
  return values;
}

Bytes EventLog::Replay(std::uint16_t algorithm, std::uint32_t register_index) const {
  std::vector<Bytes> values = ReplayAll(algorithm);
  return values.empty() ? Bytes() : std::move(values[register_index]);
}

bool EventLog::Extends(std::uint32_t register_index) const {
  return std::any_of(events_.begin(), events_.end(),
                     [&](const Event& event) { return event.register_index == register_index && event.Extends(); });
}

std::optional<Registers> LooksLikeLog(ByteView bytes) {
  if (!BeginsWithSpecId(bytes)) return std::nullopt;
  const ByteView spec_id = bytes.subspan(kPcrEventSize);
  Reader algorithms(spec_id.subspan(kSpecIdSize));
  return LittleEndianOf(spec_id, S("NUMBEROFALGORITHMS")) == 1 && algorithms.U16Le() == kSha384 ? Registers::kRtmrs : Registers::kPcrs;
}

trust::Description EventLog::Describe() const {
  trust::Description description(
      registers_ == Registers::kRtmrs ? "event log of a TDX guest (CCEL)" : "event log of a TPM",
      Cat(crypto_agile_ ? "crypto-agile, " : "legacy, ", events_.size(), events_.size() == 1 ? " event" : " events"));
  trust::Description replay("replay");
  for (const Algorithm& algorithm : algorithms_) {
    const std::vector<Bytes> values = ReplayAll(algorithm.id);
    for (std::uint32_t index = 0; index < values.size(); ++index) {
      const bool used = std::any_of(events_.begin(), events_.end(), [&](const Event& event) { return event.register_index == index; });
      const bool shown = registers_ == Registers::kRtmrs ? index > 0 : used;  // no log replays to MRTD
      if (!shown) continue;
      replay.Add(algorithms_.size() == 1 ? NameOf(registers_, index) : Cat(NameOf(registers_, index), " ", ShowAlgorithm(algorithm.id)),
                 ToHex(values[index]));
    }
  }
  description.Add(std::move(replay));
  for (std::size_t i = 0; i < events_.size(); ++i) {
    const Event& event = events_[i];
    trust::Description child(Cat("event ", i), Cat(NameOf(registers_, event.register_index), "  ", Show(event.type)));
    for (const LoggedDigest& logged : event.digests) child.Add(ShowAlgorithm(logged.algorithm), ToHex(logged.digest));
    AddData(event, child);
    description.Add(std::move(child));
  }
  return description;
}

}  // namespace assay::tcg_log
