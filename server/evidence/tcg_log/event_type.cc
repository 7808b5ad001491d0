#include "evidence/tcg_log/event_type.h"

#include "base/hex.h"
#include "base/strings.h"

namespace assay::tcg_log {

std::string_view NameOf(EventType type) {
  switch (type) {
#define EVENT_TYPE(constant, number, name) \
  case EventType::constant:                \
    return name;
#include "evidence/tcg_log/event_types.def"
#undef EVENT_TYPE
  }
  return "";
}

std::string Show(EventType type) {
  const std::string_view name = NameOf(type);
  if (!name.empty()) return std::string(name);
  Bytes number;
  AppendU32Be(number, static_cast<std::uint32_t>(type));
  return Cat("type 0x", ToHex(number));
}

}  // namespace assay::tcg_log
