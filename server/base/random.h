// Randomness as a constructor argument, so that tests can script it and production cannot forget it.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace assay {

class Random {
 public:
  virtual ~Random() = default;
  // Fills all of `out` with unpredictable bytes. Does not return on failure: a process without entropy must not go on.
  virtual void Fill(std::span<std::uint8_t> out) = 0;
};

// getrandom(2).
class SystemRandom final : public Random {
 public:
  void Fill(std::span<std::uint8_t> out) override;
};

}  // namespace assay
