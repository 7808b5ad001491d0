// Bundles: any bytes are refused or read; behind a signature, which an attacker does not have, what was read is the same when it is
// written and read again.
#include "base/bug.h"
#include "base/hex.h"
#include "base/strings.h"
#include "result/collateral_bundle.h"
#include "tests/fuzz/fuzzer.h"
#include "token/jws.h"

namespace assay {
namespace {

const result::SigningKey& Key() {
  static const result::SigningKey key = result::SigningKey::Generate();
  return key;
}

result::CollateralBundle Sample() {
  result::CollateralBundle bundle{.number = 7, .made = *ParseTime("2026-11-24T02:00:00Z"), .documents = {}, .floors = {}};
  bundle.documents.push_back({{"intel.tcb_info", "TDX", "00806f050000"}, trust::Channel::kEarly, bundle.made, {1, 2, 3}});
  bundle.floors.push_back({{{"amd.crl", "Milan", ""}, 12, bundle.made}, trust::Channel::kStandard});
  return bundle;
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() {
  const std::string file = *result::SignBundle(Sample(), Key());
  return {ToBytes(AsBytes(file)), ToBytes(AsBytes(std::string_view(file).substr(file.find('\n') + 1)))};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = AsText(ByteView{data, size});
  static const std::vector<token::Jwk> trusted{{Key().key().public_key(), Key().id(), {}}},
      strangers{{result::SigningKey::Generate().key().public_key(), "", {}}};
  {
    CheckLog log;
    ASSAY_CHECK(!result::OpenBundle(text, strangers, log) && !log.findings().empty());
  }
  CheckLog log;
  const std::string head = Cat(R"({"made":"2026-11-24T02:00:00Z","number":7,"sha256":")", ToHex(crypto::Sha256(AsBytes(text))), "\"}");
  const auto opened =
      result::OpenBundle(Cat(token::SignJws(head, Key().id(), "assay-collateral-bundle", Key().key()), "\n", text), trusted, log);
  ASSAY_CHECK(opened.has_value() == log.findings().empty());
  if (!opened) return 0;
  const auto written = result::SignBundle(opened->bundle, Key());
  ASSAY_CHECK(written.has_value());
  CheckLog unused;
  const auto again = result::OpenBundle(*written, trusted, unused);
  ASSAY_CHECK(again && again->bundle.documents.size() == opened->bundle.documents.size() &&
              again->bundle.floors.size() == opened->bundle.floors.size());
  return 0;
}

}  // namespace assay
