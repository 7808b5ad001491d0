// Types of events. A type is what the log says of an event: no digest covers it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace assay::tcg_log {

enum class EventType : std::uint32_t {
#define EVENT_TYPE(constant, number, name) constant = number,
#include "evidence/tcg_log/event_types.def"
#undef EVENT_TYPE
};

std::string_view NameOf(EventType type);  // "" if the profile does not define it
std::string Show(EventType type);         // its name, or its number in hexadecimal

}  // namespace assay::tcg_log
