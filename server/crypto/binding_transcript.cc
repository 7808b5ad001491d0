#include "crypto/binding_transcript.h"

#include <array>
#include <string_view>

#include "base/reader.h"

namespace assay::crypto {
namespace {

constexpr std::string_view kPrefix("assay-binding-v1\0", 17);

void AppendField(Bytes& transcript, ByteView field) {
  AppendU32Be(transcript, static_cast<std::uint32_t>(field.size()));
  Append(transcript, field);
}

}  // namespace

Bytes BindingTranscript::Encode() const {
  Bytes transcript = ToBytes(AsBytes(kPrefix));
  AppendField(transcript, nonce);
  AppendField(transcript, node_spki);
  AppendField(transcript, csr_sha256);
  AppendField(transcript, AsBytes(cluster));
  AppendField(transcript, AsBytes(role));
  AppendField(transcript, AsBytes(name));
  AppendField(transcript, tpm_ak);
  AppendField(transcript, server_spki_sha256);
  return transcript;
}

std::optional<BindingTranscript> BindingTranscript::Decode(ByteView transcript) {
  Reader reader(transcript);
  const auto prefix = reader.Take(kPrefix.size());
  if (!prefix || !Equal(*prefix, AsBytes(kPrefix))) return std::nullopt;
  std::array<ByteView, 8> fields;
  for (ByteView& field : fields) {
    const auto size = reader.U32Be();
    const auto bytes = size ? reader.Take(*size) : std::nullopt;
    if (!bytes) return std::nullopt;
    field = *bytes;
  }
  if (!reader.AtEnd()) return std::nullopt;
  return BindingTranscript{.nonce = ToBytes(fields[0]),
                           .node_spki = ToBytes(fields[1]),
                           .csr_sha256 = ToBytes(fields[2]),
                           .cluster = std::string(AsText(fields[3])),
                           .role = std::string(AsText(fields[4])),
                           .name = std::string(AsText(fields[5])),
                           .tpm_ak = ToBytes(fields[6]),
                           .server_spki_sha256 = ToBytes(fields[7])};
}

}  // namespace assay::crypto
