// Quotes that parse and that nobody signed, as the software TEE writes them.
#pragma once

#include "tests/softtee/dcap_quote.h"

namespace assay::dcap::test {

using PlainQuote = softtee::DcapQuote;
using softtee::kPlainChain;
using softtee::PutLe;
using softtee::SgxV3;
using softtee::SgxV4;
using softtee::SgxV5;
using softtee::TdxV4;
using softtee::TdxV5;

}  // namespace assay::dcap::test
