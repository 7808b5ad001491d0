#include "collateral/answer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/hex.h"
#include "base/strings.h"
#include "codec/pem.h"

namespace assay::collateral {
namespace {

Finding Malformed(std::string component, std::string expected, std::string actual) {
  return {
      .reason = Reason::kAnswerMalformed, .component = std::move(component), .expected = std::move(expected), .actual = std::move(actual)};
}

constexpr std::string_view kChain = "issuer chain";

// Only a DER SEQUENCE comes in hexadecimal: text that happens to be digits is left as it is.
std::optional<Bytes> FromHexDer(std::string_view body) {
  while (!body.empty() && (body.back() == '\n' || body.back() == '\r' || body.back() == ' ')) body.remove_suffix(1);
  if (!body.starts_with("30")) return std::nullopt;
  return FromHex(body);
}

}  // namespace

Outcome<std::string> DecodeIssuerChain(std::string_view header) {
  if (header.size() > kMostChainBytes) {
    return Malformed(std::string(kChain), Cat("at most ", kMostChainBytes, " bytes"), Cat(header.size(), " bytes"));
  }
  std::string text;
  text.reserve(header.size());
  for (std::size_t at = 0; at < header.size(); ++at) {
    char c = header[at];
    if (c == '%') {
      const auto byte = at + 2 < header.size() ? FromHex(header.substr(at + 1, 2)) : std::nullopt;
      if (!byte) {
        return Malformed(std::string(kChain), "two hexadecimal digits behind each %",
                         Cat("'", Printable(header.substr(at, 3)), "' at byte ", at));
      }
      c = static_cast<char>(byte->front());
      at += 2;
    }
    if ((c < ' ' || c > '~') && c != '\n' && c != '\r') {
      return Malformed(std::string(kChain), "text", Cat("'", Printable(std::string_view(&c, 1)), "'"));
    }
    text += c;
  }
  const auto blocks = codec::ParsePem(text, kChain, {.bytes = kMostChainBytes, .blocks = kMostChainCertificates});
  if (!blocks) {
    const Finding& why = blocks.findings().front();
    return Malformed(std::string(kChain), Cat("PEM certificates: ", why.expected), why.actual);
  }
  for (const codec::PemBlock& block : *blocks) {
    if (block.label != "CERTIFICATE") return Malformed(std::string(kChain), "certificates only", Cat("'", Printable(block.label, 64), "'"));
  }
  return text;
}

Outcome<std::vector<trust::UntrustedBytes>> BodiesOf(const FetchAnswer& answer) {
  if (answer.body.empty()) return Malformed("body", "a document", "nothing");
  std::vector<trust::UntrustedBytes> bodies;
  auto der = FromHexDer(answer.body);
  bodies.emplace_back(der ? *std::move(der) : ToBytes(AsBytes(answer.body)));
  if (!answer.chain.empty()) {
    const auto chain = DecodeIssuerChain(answer.chain);
    if (!chain) return chain.findings();
    bodies.emplace_back(ToBytes(AsBytes(*chain)));
  }
  return bodies;
}

}  // namespace assay::collateral
