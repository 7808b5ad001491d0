#include "trust/challenge.h"

namespace assay::trust {

crypto::Sha256Digest Challenge::Digest() const {
  Bytes encoded;
  const auto append = [&encoded](bool present, ByteView value) {
    encoded.push_back(static_cast<std::uint8_t>(present));
    AppendU32Be(encoded, static_cast<std::uint32_t>(value.size()));
    Append(encoded, value);
  };
  encoded.push_back(static_cast<std::uint8_t>(demanded()));
  encoded.push_back(static_cast<std::uint8_t>(absence_accepted_));
  if (demanded()) {
    const Values& values = *values_;
    append(values.report_data.has_value(), values.report_data ? ByteView(*values.report_data) : ByteView());
    append(values.nonce.has_value(), values.nonce ? ByteView(*values.nonce) : ByteView());
  }
  return crypto::Sha256(encoded);
}

}  // namespace assay::trust
