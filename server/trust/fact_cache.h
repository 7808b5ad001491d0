// A bounded cache of immutable, positive facts: "this chain leads to that anchor", "that root signed this list".
//
// A fact is named by the digest of everything that it depends on, so a hit is as good as computing it again, and windows,
// revocation, TCB and policy are still judged every time. Only facts that were proven are ever inserted: garbage cannot
// fill the cache. New facts start on probation and are protected from the second use on, so a stream of one-off genuine
// chains evicts only other one-offs.
//
// Safe to use from several threads.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/bug.h"
#include "base/bytes.h"
#include "crypto/digest.h"

namespace assay::trust {

template <typename Fact>
class FactCache {
 public:
  // At most `capacity` facts, two or more; about a fifth of them on probation.
  explicit FactCache(std::size_t capacity) : probation_capacity_(capacity / 5 + 1), protected_capacity_(capacity - probation_capacity_) {
    ASSAY_CHECK(capacity >= 2);
  }

  std::shared_ptr<const Fact> Find(const crypto::Sha256Digest& name) {
    const std::lock_guard lock(mutex_);
    const auto found = index_.find(name);
    if (found == index_.end()) return nullptr;
    Promote(found->second);
    return found->second->fact;
  }

  void Insert(const crypto::Sha256Digest& name, std::shared_ptr<const Fact> fact) {
    const std::lock_guard lock(mutex_);
    if (index_.contains(name)) return;
    probation_.push_front({name, std::move(fact), false});
    index_[name] = probation_.begin();
    if (probation_.size() > probation_capacity_) Evict(probation_);
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return index_.size();
  }

 private:
  struct Entry {
    crypto::Sha256Digest name;
    std::shared_ptr<const Fact> fact;
    bool is_protected;
  };
  using Entries = std::list<Entry>;
  struct DigestHash {
    std::size_t operator()(const crypto::Sha256Digest& digest) const {
      std::size_t value = 0;
      for (std::size_t i = 0; i < sizeof value; ++i) value = value << 8 | digest[i];
      return value;
    }
  };

  void Promote(typename Entries::iterator entry) {
    protected_.splice(protected_.begin(), entry->is_protected ? protected_ : probation_, entry);
    entry->is_protected = true;
    if (protected_.size() > protected_capacity_) Evict(protected_);
  }
  void Evict(Entries& from) {
    index_.erase(from.back().name);
    from.pop_back();
  }

  const std::size_t probation_capacity_;
  const std::size_t protected_capacity_;
  mutable std::mutex mutex_;
  Entries probation_;
  Entries protected_;
  std::unordered_map<crypto::Sha256Digest, typename Entries::iterator, DigestHash> index_;
};

}  // namespace assay::trust
