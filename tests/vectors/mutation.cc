#include "tests/vectors/mutation.h"

#include <algorithm>
#include <span>

#include "base/absl_bridge.h"
#include "base/strings.h"

namespace assay::vectors {
namespace {

// Group orders, big-endian: SEC 2 version 2.0, sections 2.4.2 and 2.5.1 (secp256r1, secp384r1).
constexpr ByteArray<32> kOrderP256 = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
constexpr ByteArray<48> kOrderP384 = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
                                      0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73};

absl::Status PastEnd(std::size_t offset, std::size_t length, std::size_t size) {
  return absl::InvalidArgumentError(
      ToAbsl(Cat("mutation reaches past the end: offset ", offset, ", length ", length, ", input has ", size, " bytes")));
}

bool Fits(std::size_t offset, std::size_t length, std::size_t size) { return offset <= size && length <= size - offset; }

// minuend - subtrahend, both big-endian and equally long, minuend the greater.
Bytes Subtract(ByteView minuend, ByteView subtrahend) {
  Bytes difference(minuend.size());
  int borrow = 0;
  for (std::size_t i = minuend.size(); i-- > 0;) {
    const int digit = minuend[i] - subtrahend[i] - borrow;
    borrow = digit < 0 ? 1 : 0;
    difference[i] = static_cast<std::uint8_t>(digit + 256 * borrow);
  }
  return difference;
}

struct Applier {
  Bytes& bytes;

  absl::Status Write(std::size_t offset, ByteView written) const {
    if (!Fits(offset, written.size(), bytes.size())) return PastEnd(offset, written.size(), bytes.size());
    std::copy(written.begin(), written.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    return absl::OkStatus();
  }

  absl::Status operator()(const Xor& op) const {
    if (!Fits(op.offset, 1, bytes.size())) return PastEnd(op.offset, 1, bytes.size());
    bytes[op.offset] = static_cast<std::uint8_t>(bytes[op.offset] ^ op.value);
    return absl::OkStatus();
  }
  absl::Status operator()(const Replace& op) const { return Write(op.offset, op.bytes); }
  absl::Status operator()(const Fill& op) const {
    if (!Fits(op.offset, op.length, bytes.size())) return PastEnd(op.offset, op.length, bytes.size());
    return Write(op.offset, Bytes(op.length, op.value));
  }
  absl::Status operator()(const SetU32Le& op) const {
    ByteArray<4> encoded;
    for (std::size_t i = 0; i < encoded.size(); ++i) encoded[i] = static_cast<std::uint8_t>(op.value >> (8 * i));
    return Write(op.offset, encoded);
  }
  absl::Status operator()(const Truncate& op) const {
    if (op.length > bytes.size()) return PastEnd(0, op.length, bytes.size());
    bytes.resize(op.length);
    return absl::OkStatus();
  }
  absl::Status operator()(const AppendBytes& op) const {
    Append(bytes, op.bytes);
    return absl::OkStatus();
  }
  absl::Status operator()(const NegateS& op) const {
    const ByteView order = op.curve == NegateS::Curve::kP256 ? ByteView(kOrderP256) : ByteView(kOrderP384);
    if (!Fits(op.offset, order.size(), bytes.size())) return PastEnd(op.offset, order.size(), bytes.size());
    const bool little = op.byte_order == NegateS::ByteOrder::kLittle;
    Bytes s = ToBytes(ByteView(bytes).subspan(op.offset, order.size()));
    if (little) std::reverse(s.begin(), s.end());
    if (AllZero(s) || !std::lexicographical_compare(s.begin(), s.end(), order.begin(), order.end())) {
      return absl::InvalidArgumentError("negate_s: the integer is not in 1 to n-1");
    }
    Bytes negated = Subtract(order, s);
    if (little) std::reverse(negated.begin(), negated.end());
    return Write(op.offset, negated);
  }
};

}  // namespace

absl::Status Apply(const Operation& operation, Bytes& bytes) { return std::visit(Applier{bytes}, operation); }

}  // namespace assay::vectors
