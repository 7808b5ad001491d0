#include "service/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace assay::service {
namespace {

constexpr std::string_view kEveryOther = "";  // the bucket of keys for which there is no room

}  // namespace

RateLimit::Bucket RateLimit::Refilled(const Bucket& bucket, Clock::time_point now) const {
  const double seconds = std::max(0.0, std::chrono::duration<double>(now - bucket.at).count());
  return {std::min(rate_.burst, bucket.tokens + seconds * rate_.per_second), std::max(now, bucket.at)};
}

bool RateLimit::Take(std::string_view key, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  auto found = buckets_.find(std::string(key));
  if (found == buckets_.end()) {
    if (buckets_.size() >= most_keys_) {
      std::erase_if(buckets_, [&](const auto& entry) { return Refilled(entry.second, now).tokens >= rate_.burst; });
    }
    found = buckets_.try_emplace(std::string(buckets_.size() >= most_keys_ ? kEveryOther : key), Bucket{rate_.burst, now}).first;
  }
  Bucket& bucket = found->second;
  bucket = Refilled(bucket, now);
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

std::chrono::milliseconds RateLimit::Wait() const {
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(1000 / rate_.per_second)));
}

}  // namespace assay::service
