// The mutations of assay-cases/1: small, exact changes to an input, made in memory before a case runs.
//
// Promises: an operation that reaches past the end of its input, or that does not fit its curve, is an error and
// changes nothing; it is never clipped. Does not promise that the result differs from the original.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "base/bytes.h"

namespace assay::vectors {

struct Xor {
  std::size_t offset;
  std::uint8_t value;
};
struct Replace {
  std::size_t offset;
  Bytes bytes;
};
struct Fill {
  std::size_t offset;
  std::size_t length;
  std::uint8_t value;
};
struct SetU32Le {
  std::size_t offset;
  std::uint32_t value;
};
struct Truncate {
  std::size_t length;
};
struct AppendBytes {
  Bytes bytes;
};
// Replaces the integer s at `offset` by n - s, n being the order of the curve's group: the other valid half of an ECDSA
// signature. s must lie in 1 to n-1.
struct NegateS {
  enum class Curve : std::uint8_t { kP256, kP384 } curve;
  enum class ByteOrder : std::uint8_t { kLittle, kBig } byte_order;
  std::size_t offset;
};

using Operation = std::variant<Xor, Replace, Fill, SetU32Le, Truncate, AppendBytes, NegateS>;

struct Mutation {
  std::string role;  // of the input that it changes
  Operation operation;
};

// INVALID_ARGUMENT: the operation does not fit; `bytes` is unchanged.
absl::Status Apply(const Operation& operation, Bytes& bytes);

}  // namespace assay::vectors
