// Strict protocol buffers, the wire format: one message into its fields, as they stand in the bytes. No schema: who reads a message knows it.
// protobuf.dev, Encoding.
//
// Promises: whole fields up to the last byte; varints of at most 64 bits in their shortest form; field numbers from 1 to 2^29 - 1; neither
// groups nor the types that nobody defined; size and number of fields bounded before memory is spent on them. Does not promise: that fields
// are in order, or there once, or mean anything. Views are of the message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/outcome.h"

namespace assay::protobuf {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

struct Field {
  std::uint32_t number;
  WireType type;
  std::uint64_t value;  // of kVarint, kFixed64, kFixed32
  ByteView bytes;       // of kLength
};

struct Limits {
  std::size_t bytes = std::size_t{64} * 1024;
  std::size_t fields = 1024;
};

// Findings name the place: "name at byte N". encoding_malformed, size_over_limit.
Outcome<std::vector<Field>> Parse(ByteView message, std::string_view name = "protobuf", const Limits& limits = {});

}  // namespace assay::protobuf
