#include "crypto/binding_transcript.h"

#include <string_view>

namespace assay::crypto {
namespace {

void AppendField(Bytes& transcript, ByteView field) {
  AppendU32Be(transcript, static_cast<std::uint32_t>(field.size()));
  Append(transcript, field);
}

}  // namespace

Bytes BindingTranscript::Encode() const {
  using namespace std::string_view_literals;
  Bytes transcript = ToBytes(AsBytes("assay-binding-v1\0"sv));
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

}  // namespace assay::crypto
