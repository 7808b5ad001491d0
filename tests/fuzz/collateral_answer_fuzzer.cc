// What upstreams answer, and keys that evidence hints at: an issuer chain decodes to PEM certificates or not at all; a URL has nothing
// in it that could lead elsewhere.
#include <algorithm>

#include "base/bug.h"
#include "codec/pem.h"
#include "collateral/addresses.h"
#include "collateral/answer.h"
#include "collateral/document_kinds.h"
#include "collateral/manners.h"
#include "tests/fuzz/fuzzer.h"

namespace assay {

std::vector<Bytes> fuzz::MintedSeeds() { return {}; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace collateral;
  const std::string text(AsText({data, size}));
  if (const auto chain = DecodeIssuerChain(text)) {
    const auto blocks = codec::ParsePem(*chain);
    ASSAY_CHECK(blocks.ok() && !blocks->empty() && blocks->size() <= kMostChainCertificates);
  }
  const std::size_t half = std::min(text.size(), text.find('\n'));
  const auto bodies =
      BodiesOf({.status = 200, .body = text.substr(std::min(half + 1, text.size())), .chain = text.substr(0, half), .retry_after = {}});
  ASSAY_CHECK(bodies.ok() ? !bodies->empty() && bodies->size() <= 2 : !bodies.findings().empty());

  const auto pause = RetryAfter(text, Time());
  ASSAY_CHECK(!pause || (pause->count() >= 0 && *pause <= kLongestPause));

  static const UpstreamConfigs all = [] {
    UpstreamConfigs configs;
    for (const Upstream upstream : kAllUpstreams) configs.Of(upstream) = UpstreamConfig{.base_url = std::string(PublicUrlOf(upstream))};
    return configs;
  }();
  const std::size_t slash = std::min(text.size(), text.find('/'));
  for (const DocumentKind& kind : AllDocumentKinds()) {
    for (const auto& [scope, detail] : {std::pair(text.substr(0, slash), text.substr(std::min(slash + 1, text.size()))),
                                        std::pair(std::string("Milan"), text), std::pair(std::string("TDX"), text)}) {
      for (const Address& address : AddressesOf({{std::string(kind.name), scope, detail}}, all)) {
        ASSAY_CHECK(address.path.starts_with('/') && address.path.find("..") == std::string::npos &&
                    address.path.find("//") == std::string::npos);
        ASSAY_CHECK(std::all_of(address.path.begin(), address.path.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 std::string_view("/?&=._-").find(c) != std::string_view::npos;
        }));
      }
    }
  }
  return 0;
}

}  // namespace assay
