// AMD's KDS and Intel's PCS, or a PCCS, as far as a verifier asks them: the same paths, forms and headers, with documents of the software
// TEE's PKIs. What they refuse they refuse as the genuine ones do.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "tests/fakes/https_server.h"
#include "tests/softtee/intel_pki.h"
#include "tests/softtee/snp_pki.h"

namespace assay::fakes {

using Moment = std::chrono::steady_clock::time_point;

class Kds final : public Service {
 public:
  Kds(const softtee::SnpPki& pki, std::function<Time()> now) : pki_(pki), now_(std::move(now)) {}

  // One answer in so much time, by this clock; in between 429 with Retry-After.
  void Throttle(std::chrono::seconds interval, std::function<Moment()> clock);
  // The lists' number and dates from now on.
  void SetList(std::uint64_t number, Duration age, Duration lifetime);
  std::size_t throttled() const;

 private:
  Reply AnswerItself(const std::string& target) override;
  Reply ListOf(softtee::Product product);

  const softtee::SnpPki& pki_;
  const std::function<Time()> now_;
  mutable std::mutex mutex_;
  std::chrono::seconds interval_{0};
  std::function<Moment()> clock_;
  std::optional<Moment> last_;
  std::size_t throttled_ = 0;
  std::uint64_t number_ = 1;
  Duration age_{86400}, lifetime_{30 * 86400};
};

class Pcs final : public Service {
 public:
  Pcs(const softtee::IntelPki& pki, std::function<Time()> now, bool pccs = false) : pki_(pki), now_(std::move(now)), pccs_(pccs) {}

  // Of documents from now on; the early channel has the next number.
  void SetDocuments(unsigned number, Duration age, Duration lifetime);

 private:
  Reply AnswerItself(const std::string& target) override;

  const softtee::IntelPki& pki_;
  const std::function<Time()> now_;
  const bool pccs_;
  mutable std::mutex mutex_;
  unsigned number_ = 18;
  Duration age_{86400}, lifetime_{30 * 86400};
};

}  // namespace assay::fakes
