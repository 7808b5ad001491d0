#include "store/verdict_id.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace assay::store {
namespace {

class ScriptedRandom final : public Random {
 public:
  explicit ScriptedRandom(Bytes bytes) : bytes_(std::move(bytes)) {}
  void Fill(std::span<std::uint8_t> out) override {
    ASSERT_EQ(out.size(), bytes_.size());
    std::copy(bytes_.begin(), bytes_.end(), out.begin());
  }

 private:
  Bytes bytes_;
};

Time At(std::string_view text) { return *ParseTime(text); }

// The values were computed with big integers: number = milliseconds << 80 | random, 26 digits of base 32.
TEST(VerdictId, EncodesMillisecondsThenRandomBits) {
  const struct {
    Time now;
    Bytes random;
    const char* id;
  } cases[] = {
      {Time{}, Bytes(10, 0x00), "00000000000000000000000000"},
      {Time{}, Bytes(10, 0xff), "0000000000ZZZZZZZZZZZZZZZZ"},
      {Time{Duration{281474976710}}, Bytes(10, 0xff), "7ZZZZZZZBGZZZZZZZZZZZZZZZZ"},
      {Time{Duration{-1}}, Bytes(10, 0xff), "0000000000ZZZZZZZZZZZZZZZZ"},
      {Time{Duration{999999999999}}, Bytes(10, 0x00), "7ZZZZZZZZZ0000000000000000"},
      {At("2026-11-24T02:00:00Z"), {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, "01M85MG280000G40R40M30E209"},
  };
  for (const auto& c : cases) {
    ScriptedRandom random(c.random);
    const std::string id = NewVerdictId(c.now, random);
    EXPECT_EQ(id, c.id);
    EXPECT_TRUE(IsVerdictId(id)) << id;
  }
}

TEST(VerdictId, SortsByTimeWhateverTheRandomBits) {
  ScriptedRandom all_ones(Bytes(10, 0xff)), all_zeros(Bytes(10, 0x00));
  Time now = At("2026-11-24T02:00:00Z");
  for (const Duration step : {Duration{1}, Duration{59}, Duration{86400}, Duration{86400 * 365}}) {
    const std::string earlier = NewVerdictId(now, all_ones);
    now += step;
    EXPECT_LT(earlier, NewVerdictId(now, all_zeros));
  }
}

TEST(VerdictId, IsUniqueWithinASecond) {
  SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    const std::string id = NewVerdictId(At("2026-11-24T02:00:00Z"), random);
    EXPECT_TRUE(IsVerdictId(id)) << id;
    EXPECT_TRUE(seen.insert(id).second) << id;
  }
}

TEST(VerdictId, EveryRandomBitShows) {
  const std::string none = [] {
    ScriptedRandom random(Bytes(10, 0));
    return NewVerdictId(Time{}, random);
  }();
  std::set<std::string> seen = {none};
  for (std::size_t bit = 0; bit < 80; ++bit) {
    Bytes bytes(10, 0);
    bytes[bit / 8] = static_cast<std::uint8_t>(1U << (bit % 8));
    ScriptedRandom random(bytes);
    EXPECT_TRUE(seen.insert(NewVerdictId(Time{}, random)).second) << bit;
  }
}

TEST(IsVerdictId, RefusesEverythingElse) {
  const std::string good = "01M85MG280000G40R40M30E209";
  ASSERT_TRUE(IsVerdictId(good));
  std::vector<std::string> bad = {"",
                                  "0",
                                  good.substr(1),
                                  good + "0",
                                  " " + good,
                                  good + "\n",
                                  "01m85mg280000g40r40m30e209",
                                  std::string(26, '\0'),
                                  std::string(26, '-'),
                                  "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
                                  "ZZZZZZZZZZZZZZZZZZZZZZZZZZ",
                                  "01M85MG2-0000G40R40M30E209",
                                  "../../../../../etc/passwd0"};
  for (const char c : {'I', 'L', 'O', 'U', 'a', 'z', 'i', '-', '/', ':', '@', '[', ' ', '\0', '\xc3'}) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{13}, std::size_t{25}}) {
      bad.push_back(good);
      bad.back()[at] = c;
    }
  }
  for (const char first : {'8', '9', 'A', 'Z'}) bad.push_back(first + good.substr(1));
  for (const std::string& text : bad) EXPECT_FALSE(IsVerdictId(text)) << text;
}

}  // namespace
}  // namespace assay::store
