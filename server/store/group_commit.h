// Many writers, one disk: whoever waits while a transaction is being made durable shares the next one.
//
// Promises: Run returns OK only after the transaction that the write was part of is durable; a write that fails is undone
// alone, those beside it stand; writes run one at a time, in the order of their calls. The connection belongs to whatever runs
// inside of Run. Where the disk is
// full or fails, those beside it may fail with it. Does not promise which writes share a transaction, nor that a write runs only once: where another one failed, it
// was undone and is run again.
#pragma once

#include <semaphore.h>

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "store/sqlite_database.h"

namespace assay::store {

class GroupCommit {
 public:
  explicit GroupCommit(SqliteDatabase& database) : database_(database) {}
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  // `operation` completes "cannot …" in messages. The write must not call Run.
  absl::Status Run(const std::string& operation, const std::function<absl::Status()>& write);

 private:
  // Of POSIX: a std::binary_semaphore yields the CPU a dozen times before it waits.
  class Turn {
   public:
    Turn() { ::sem_init(&semaphore_, 0, 0); }
    ~Turn() { ::sem_destroy(&semaphore_); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    void Give() { ::sem_post(&semaphore_); }
    void Await() {
      while (::sem_wait(&semaphore_) != 0) {}  // a signal
    }

   private:
    sem_t semaphore_;
  };
  struct Waiting {
    const std::string& operation;
    const std::function<absl::Status()>& write;
    absl::Status status;
    bool done = false;
    Turn turn = {};  // given once: it is done, or leads the next group
  };
  void Commit(const std::vector<Waiting*>& group);
  bool CommitAtOnce(const std::vector<Waiting*>& group);
  void CommitEach(const std::vector<Waiting*>& group);

  SqliteDatabase& database_;
  std::mutex mutex_;
  std::deque<Waiting*> waiting_;  // guarded by mutex_
  bool leading_ = false;          // guarded by mutex_: one of the callers is committing
};

}  // namespace assay::store
