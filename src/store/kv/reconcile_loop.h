// ReconcileLoop: calls a reconciler for every key that changed, failed or asked to be looked at again.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/result.h"
#include "store/kv/kv.h"

namespace cumulet::store {

// Brings the world closer to what one key says. It has no input but the store and the world itself, and
// calling it once more than needed changes nothing: so it may be stopped between any two steps and started
// again.
class Reconciler {
 public:
  virtual ~Reconciler() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;    // for the log
  [[nodiscard]] virtual std::string_view prefix() const = 0;  // of the keys it is for
  // `value` is what the key held lately, none if it was deleted. Returns after how many milliseconds to look
  // again although nothing changed; none: when it changes. After an error it is called again, ever later.
  [[nodiscard]] virtual Result<std::optional<uint64_t>> reconcile(
      const std::string& key, const std::optional<std::string>& value) = 0;
};

// Woken by the watch and by a timer. Not thread-safe; one thread drives it.
class ReconcileLoop {
 public:
  // All three must outlive the loop. Every key is looked at once at the start, and again each `resync_ms`.
  ReconcileLoop(Kv& kv, const Clock& clock, Reconciler& reconciler, uint64_t resync_ms = 60'000);

  // Takes in what changed, waiting for a change for at most `maximum_wait_ms` if nothing is due, and
  // reconciles every key that is due. Errors of the store only: try again.
  [[nodiscard]] Result<> step(uint32_t maximum_wait_ms);

 private:
  struct Pending {
    std::optional<std::string> value;
    std::optional<uint64_t> due_ms;  // none: when it changes
    uint32_t failures = 0;
  };
  [[nodiscard]] uint64_t now_ms() const { return clock_.monotonic_ns() / 1'000'000; }
  [[nodiscard]] Result<> read_all();
  [[nodiscard]] Result<> take_changes(uint32_t wait_ms);
  [[nodiscard]] uint32_t time_to_next(uint32_t maximum_wait_ms) const;
  void reconcile_one(const std::string& key, Pending& pending);

  Kv& kv_;
  const Clock& clock_;
  Reconciler& reconciler_;
  const uint64_t resync_ms_;
  std::map<std::string, Pending> keys_;
  uint64_t revision_ = 0;
  std::optional<uint64_t> next_resync_ms_;  // none: at once
};

// A thread that drives a loop until it is destroyed.
class ReconcileThread {
 public:
  ReconcileThread(Kv& kv, const Clock& clock, Reconciler& reconciler);
  // Waits for the step in progress; it is short after Kv::interrupt_watches().
  ~ReconcileThread();
  ReconcileThread(const ReconcileThread&) = delete;
  ReconcileThread& operator=(const ReconcileThread&) = delete;

 private:
  void run();

  std::atomic<bool> stopping_ = false;
  Reconciler& reconciler_;
  ReconcileLoop loop_;
  std::thread thread_;
};

}  // namespace cumulet::store
