// DCAP quotes: any bytes are refused with findings or read without; what was read is no shorter than it says, nothing of it can be cut
// off, and nothing but zeros can stand behind it.
#include "base/bug.h"
#include "evidence/dcap/format.h"
#include "evidence/dcap/quote.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/unit/dcap/minted_quote.h"

namespace assay {
namespace {

using dcap::QuoteParser;

bool Parses(const Bytes& bytes) {
  CheckLog log;
  return QuoteParser::Parse(trust::UntrustedBytes(bytes), nullptr, log).has_value();
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() {
  using namespace dcap::test;
  std::vector<Bytes> seeds;
  for (const PlainQuote& kind : {SgxV3(), SgxV4(), TdxV4(), SgxV5(), TdxV5(2), TdxV5(3), TdxV5(4)}) seeds.push_back(kind.Write());
  PlainQuote padded = TdxV4();
  padded.tail = Bytes(64, 0);
  padded.chain += '\0';
  seeds.push_back(padded.Write());
  PlainQuote named = SgxV3();
  named.inner_type = 3;
  seeds.push_back(named.Write());
  seeds.push_back(Mint());
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input = ToBytes(ByteView(data, size));
  const trust::UntrustedBytes bytes(input);
  CheckLog log;
  const auto parsed = QuoteParser::Parse(bytes, nullptr, log);
  ASSAY_CHECK(parsed.has_value() == log.findings().empty() && parsed.has_value() != log.HasRejection());
  for (const Finding& finding : log.findings()) ASSAY_CHECK(!finding.expected.empty() && !finding.actual.empty());
  const auto description = dcap::kFormat.describe(bytes);
  if (!parsed) {
    ASSAY_CHECK(!description || description->malformed());
    return 0;
  }
  ASSAY_CHECK(size <= dcap::kMaxQuoteSize && dcap::kFormat.media_type_of(bytes) == dcap::kQuoteMediaType);
  ASSAY_CHECK(description && !description->malformed());

  Bytes whole = input;
  while (whole.size() > 1000 && whole.back() == 0 && Parses(Bytes(whole.begin(), whole.end() - 1))) whole.pop_back();
  ASSAY_CHECK(!Parses(Bytes(whole.begin(), whole.end() - 1)));
  whole.push_back(0);
  ASSAY_CHECK(Parses(whole) == (whole.size() <= dcap::kMaxQuoteSize));
  whole.back() = 1;
  ASSAY_CHECK(!Parses(whole));
  return 0;
}

}  // namespace assay
