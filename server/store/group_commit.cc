#include "store/group_commit.h"

#include <algorithm>

namespace assay::store {
namespace {

constexpr std::size_t kMostTogether = 256;  // so that nobody waits for a transaction without end

}  // namespace

absl::Status GroupCommit::Run(const std::string& operation, const std::function<absl::Status()>& write) {
  Waiting mine{operation, write, absl::OkStatus(), false, {}};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&mine);
  mine.turn.wait(lock, [&] { return mine.done || (!leading_ && waiting_.front() == &mine); });
  if (mine.done) return mine.status;

  leading_ = true;
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kMostTogether));
  const std::vector<Waiting*> group(waiting_.begin(), end);
  waiting_.erase(waiting_.begin(), end);
  lock.unlock();
  Commit(group);
  lock.lock();
  leading_ = false;
  for (Waiting* member : group) {
    member->done = true;
    if (member != &mine) member->turn.notify_one();
  }
  if (!waiting_.empty()) waiting_.front()->turn.notify_one();
  return mine.status;
}

void GroupCommit::Commit(const std::vector<Waiting*>& group) {
  const std::string& operation = group.front()->operation;
  SqliteTransaction transaction(database_, operation);
  absl::Status whole = transaction.Begin();
  bool any = false;
  for (std::size_t i = 0; whole.ok() && i < group.size(); ++i) {
    Waiting& member = *group[i];
    whole = database_.Execute("SAVEPOINT member", operation);
    if (!whole.ok()) break;
    member.status = member.write();
    whole = database_.Execute(member.status.ok() ? "RELEASE member" : "ROLLBACK TO member; RELEASE member", operation);
    any |= member.status.ok();
  }
  if (whole.ok() && any) whole = transaction.Commit();
  if (whole.ok()) return;
  for (Waiting* member : group) {
    if (member->status.ok()) member->status = whole;
  }
}

}  // namespace assay::store
