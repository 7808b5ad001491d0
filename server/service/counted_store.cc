#include "service/counted_store.h"

#include <chrono>
#include <type_traits>
#include <utility>

namespace assay::service {
namespace {

using telemetry::StoreOperation;

absl::StatusCode CodeOf(const absl::Status& status) { return status.code(); }
template <typename T>
absl::StatusCode CodeOf(const absl::StatusOr<T>& result) {
  return result.status().code();
}

class CountedStore final : public store::VerdictStore {
 public:
  CountedStore(std::unique_ptr<store::VerdictStore> store, telemetry::Metrics& metrics) : store_(std::move(store)), metrics_(metrics) {}

  absl::Status Redeem(ByteView nonce, Time expires, Time now) override {
    return Count(StoreOperation::kRedeem, [&] { return store_->Redeem(nonce, expires, now); });
  }
  absl::StatusOr<appraisal::InstanceState> InstanceStateOf(const store::Candidate& candidate, Time now) override {
    return Count(StoreOperation::kGet, [&] { return store_->InstanceStateOf(candidate, now); });
  }
  absl::StatusOr<std::vector<appraisal::Denial>> Denials() override {
    return Count(StoreOperation::kGet, [&] { return store_->Denials(); });
  }
  absl::Status Record(const v1::VerdictRecord& record, std::span<const store::Blob> blobs) override {
    return Count(StoreOperation::kRecord, [&] { return store_->Record(record, blobs); });
  }
  absl::StatusOr<v1::VerdictRecord> Get(std::string_view id) override {
    return Count(StoreOperation::kGet, [&] { return store_->Get(id); });
  }
  absl::StatusOr<v1::VerdictSummary> GetSummary(std::string_view id) override {
    return Count(StoreOperation::kGet, [&] { return store_->GetSummary(id); });
  }
  absl::StatusOr<Bytes> GetBlob(const crypto::Sha256Digest& sha256) override {
    return Count(StoreOperation::kGetBlob, [&] { return store_->GetBlob(sha256); });
  }
  absl::StatusOr<store::Page<v1::VerdictSummary>> ListVerdicts(const store::PageRequest& request) override {
    return Count(StoreOperation::kList, [&] { return store_->ListVerdicts(request); });
  }
  absl::StatusOr<store::Page<v1::Node>> ListNodes(const store::PageRequest& request) override {
    return Count(StoreOperation::kList, [&] { return store_->ListNodes(request); });
  }
  absl::StatusOr<store::Page<v1::Ban>> ListBans(const store::PageRequest& request) override {
    return Count(StoreOperation::kList, [&] { return store_->ListBans(request); });
  }
  absl::StatusOr<store::Page<v1::VerdictEvent>> EventsAfter(std::int64_t after, const std::string& filter, int size) override {
    return Count(StoreOperation::kList, [&] { return store_->EventsAfter(after, filter, size); });
  }
  absl::StatusOr<std::int64_t> LatestEvent() override { return store_->LatestEvent(); }
  absl::StatusOr<v1::VerdictSummary> Revoke(std::string_view id, const store::Act& act) override {
    return Count(StoreOperation::kRecord, [&] { return store_->Revoke(id, act); });
  }
  absl::StatusOr<v1::Node> Release(ByteView identity, const store::Act& act) override {
    return Count(StoreOperation::kRecord, [&] { return store_->Release(identity, act); });
  }
  absl::StatusOr<v1::Ban> Impose(v1::BanKind kind, std::string_view value, const store::Act& act) override {
    return Count(StoreOperation::kRecord, [&] { return store_->Impose(kind, value, act); });
  }
  absl::StatusOr<v1::Ban> Lift(v1::BanKind kind, std::string_view value, const store::Act& act) override {
    return Count(StoreOperation::kRecord, [&] { return store_->Lift(kind, value, act); });
  }
  absl::StatusOr<std::vector<appraisal::Enrolment>> EnrolmentsOf(const appraisal::TpmState& asked) override {
    return Count(StoreOperation::kGet, [&] { return store_->EnrolmentsOf(asked); });
  }
  absl::StatusOr<v1::EnrolledKey> Enrol(const v1::EnrolledKey& key, const store::Act& act) override {
    return Count(StoreOperation::kRecord, [&] { return store_->Enrol(key, act); });
  }
  absl::StatusOr<v1::EnrolledKey> Unenrol(ByteView spki_sha256, const store::Act& act) override {
    return Count(StoreOperation::kRecord, [&] { return store_->Unenrol(spki_sha256, act); });
  }
  absl::StatusOr<store::Page<v1::EnrolledKey>> ListEnrolments(const store::PageRequest& request) override {
    return Count(StoreOperation::kList, [&] { return store_->ListEnrolments(request); });
  }
  absl::StatusOr<bool> RecordFlip(std::string_view id, const v1::VerdictFlip& found) override {
    return Count(StoreOperation::kRecord, [&] { return store_->RecordFlip(id, found); });
  }
  absl::StatusOr<store::Page<v1::VerdictFlip>> ListFlips(const store::PageRequest& request) override {
    return Count(StoreOperation::kList, [&] { return store_->ListFlips(request); });
  }
  absl::StatusOr<store::Purged> Purge(const store::Retention& retention, Time now) override {
    return Count(StoreOperation::kPurge, [&] { return store_->Purge(retention, now); });
  }
  absl::StatusOr<Time> LatestTime() override {
    return Count(StoreOperation::kLatestTime, [&] { return store_->LatestTime(); });
  }
  absl::Status Probe() override {
    return Count(StoreOperation::kProbe, [&] { return store_->Probe(); });
  }
  absl::StatusOr<store::NodeCounts> CountNodes(Time now) override { return store_->CountNodes(now); }
  absl::StatusOr<std::vector<store::VerdictCount>> CountVerdicts(Time since) override {
    return Count(StoreOperation::kList, [&] { return store_->CountVerdicts(since); });
  }
  std::int64_t SizeInBytes() override { return store_->SizeInBytes(); }

 private:
  template <typename Operation>
  std::invoke_result_t<Operation> Count(StoreOperation name, const Operation& operation) {
    const auto begin = std::chrono::steady_clock::now();
    auto result = operation();
    metrics_.CountStore(name, CodeOf(result), std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    return result;
  }

  const std::unique_ptr<store::VerdictStore> store_;
  telemetry::Metrics& metrics_;
};

}  // namespace

std::unique_ptr<store::VerdictStore> CountStore(std::unique_ptr<store::VerdictStore> store, telemetry::Metrics& metrics) {
  return std::make_unique<CountedStore>(std::move(store), metrics);
}

}  // namespace assay::service
