// What every fuzz target <name>_fuzzer.cc defines.
//
// LLVMFuzzerTestOneInput runs the code on any bytes, keeps no state from one input to the next, and asserts with
// ASSAY_CHECK what holds of every input, not only that nothing crashes.
//
// MintedSeeds gives inputs that can't lie in corpus/<name>/ as text, such as evidence made by the software TEE with a
// key of this run. The replay program runs and mutates them like the files, and `fuzz_replay_<name> --write-seeds DIR`
// leaves them for libFuzzer. Most targets return {}.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace assay::fuzz {
std::vector<Bytes> MintedSeeds();
}  // namespace assay::fuzz
