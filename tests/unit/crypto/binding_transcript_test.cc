// The transcript's bytes are pinned: nodes and verifiers of every version must agree on them. Computed independently of this
// code, from the text of docs/join.md.
#include "crypto/binding_transcript.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/hex.h"

namespace assay::crypto {
namespace {

Bytes Ramp(std::uint8_t first) {
  Bytes bytes(32);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(first + i);
  return bytes;
}

BindingTranscript Example() {
  return {.nonce = Ramp(0),
          .node_spki = ToBytes(AsBytes("node key")),
          .csr_sha256 = {},
          .cluster = "prod",
          .role = "worker",
          .name = "node-1",
          .tpm_ak = {},
          .server_spki_sha256 = Ramp(0xE0)};
}

TEST(BindingTranscript, HasTheseBytes) {
  EXPECT_EQ(ToHex(Example().Encode()),
            "61737361792d62696e64696e672d76310000000020000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c"
            "1d1e1f000000086e6f6465206b6579000000000000000470726f6400000006776f726b6572000000066e6f64652d31000000"
            "0000000020e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
  EXPECT_EQ(ToHex(Example().ReportData()),
            "75af428c696b46c6b6e4ede0813a01033deed7c55e9c55c8e8fcaac9862d4ede9cee2448e6d6df793787d28c825bf47c6280"
            "04abf362e21b072c99296cbdda92");
  EXPECT_EQ(ToHex(Example().ExtraData()), "65930fcfb7fcc7288af9cc99a1be42a5e5627d4ce273676d505c132ca2ef1f28");
}

TEST(BindingTranscript, EmptyFieldsStillHaveTheirPlace) {
  EXPECT_EQ(ToHex(BindingTranscript{}.Encode()),
            "61737361792d62696e64696e672d7631000000000000000000000000000000000000000000000000000000000000000000");
}

TEST(BindingTranscript, Attack003_NoTwoSetsOfFieldsShareTheirBytes) {
  const std::vector<std::function<void(BindingTranscript&)>> changes = {
      [](BindingTranscript&) {},
      [](BindingTranscript& t) { t.nonce[31] ^= 1; },
      [](BindingTranscript& t) { t.node_spki.push_back(0); },
      [](BindingTranscript& t) { t.csr_sha256 = Ramp(0); },
      [](BindingTranscript& t) { t.tpm_ak = {0}; },
      [](BindingTranscript& t) { t.server_spki_sha256.clear(); },
      // The same text, cut elsewhere.
      [](BindingTranscript& t) { t.cluster = "prodworker", t.role = ""; },
      [](BindingTranscript& t) { t.cluster = "pro", t.role = "dworker"; },
      [](BindingTranscript& t) { t.role = "workernode-1", t.name = ""; },
      [](BindingTranscript& t) { std::swap(t.cluster, t.role); },
      [](BindingTranscript& t) { t.name = std::string("node-1\0", 7); },
  };
  std::set<Bytes> seen;
  for (const auto& change : changes) {
    BindingTranscript transcript = Example();
    change(transcript);
    EXPECT_TRUE(seen.insert(transcript.Encode()).second);
  }
}

TEST(BindingTranscript, IsReadBackExactly) {
  for (const BindingTranscript& transcript : {Example(), BindingTranscript{}}) {
    const Bytes encoded = transcript.Encode();
    const auto decoded = BindingTranscript::Decode(encoded);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->Encode(), encoded);
    EXPECT_EQ(decoded->node_spki, transcript.node_spki);
    EXPECT_EQ(decoded->cluster, transcript.cluster);
    EXPECT_EQ(decoded->server_spki_sha256, transcript.server_spki_sha256);
    for (std::size_t size = 0; size < encoded.size(); ++size) {
      EXPECT_FALSE(BindingTranscript::Decode(ByteView(encoded).first(size))) << size;
    }
    Bytes longer = encoded;
    longer.push_back(0);
    EXPECT_FALSE(BindingTranscript::Decode(longer));
    Bytes other = encoded;
    other[15] = '2';  // another version
    EXPECT_FALSE(BindingTranscript::Decode(other));
    Bytes endless = encoded;
    endless[17] = 0xFF;  // the first length
    EXPECT_FALSE(BindingTranscript::Decode(endless));
  }
}

}  // namespace
}  // namespace assay::crypto
