#include "store/group_commit.h"

#include <algorithm>

namespace assay::store {
namespace {

constexpr std::size_t kMostTogether = 256;  // so that nobody waits for a transaction without end

}  // namespace

absl::Status GroupCommit::Run(const std::string& operation, const std::function<absl::Status()>& write) {
  Waiting mine{operation, write, absl::OkStatus()};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&mine);
  if (leading_) {
    lock.unlock();
    mine.turn.Await();
    if (mine.done) return mine.status;
    lock.lock();
  }
  leading_ = true;
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kMostTogether));
  const std::vector<Waiting*> group(waiting_.begin(), end);
  waiting_.erase(waiting_.begin(), end);
  lock.unlock();
  Commit(group);
  lock.lock();
  Waiting* const next = waiting_.empty() ? nullptr : waiting_.front();
  leading_ = next != nullptr;
  lock.unlock();
  // Not under the lock, which whoever wakes up would wait for at once. A member that has its turn may be gone.
  if (next != nullptr) next->turn.Give();
  for (Waiting* member : group) {
    if (member == &mine) continue;
    member->done = true;
    member->turn.Give();
  }
  return mine.status;
}

// To go back to before one member SQLite copies every page that it changes; so that is only made possible where one has failed.
void GroupCommit::Commit(const std::vector<Waiting*>& group) {
  if (!CommitAtOnce(group)) CommitEach(group);
}

// False: one failed beside others, and nothing is done.
bool GroupCommit::CommitAtOnce(const std::vector<Waiting*>& group) {
  SqliteTransaction transaction(database_, group.front()->operation);
  absl::Status whole = transaction.Begin();
  for (Waiting* member : group) {
    if (!whole.ok()) break;
    member->status = member->write();
    if (!member->status.ok()) return group.size() == 1;
  }
  if (whole.ok()) whole = transaction.Commit();
  for (Waiting* member : group) {
    if (!whole.ok()) member->status = whole;
  }
  return true;
}

void GroupCommit::CommitEach(const std::vector<Waiting*>& group) {
  const std::string& operation = group.front()->operation;
  for (Waiting* member : group) member->status = absl::OkStatus();
  SqliteTransaction transaction(database_, operation);
  absl::Status whole = transaction.Begin();
  bool any = false;
  for (std::size_t i = 0; whole.ok() && i < group.size(); ++i) {
    Waiting& member = *group[i];
    whole = database_.Execute("SAVEPOINT member", operation);
    if (!whole.ok()) break;
    member.status = member.write();
    if (!member.status.ok() && !database_.InTransaction()) {
      // SQLite has undone all of them: there is no savepoint to go back to, and what failed for this one failed for each.
      whole = member.status;
      break;
    }
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
