// TimerThread: the timer service of a running machine: one thread that calls devices back under the device
// lock.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "hypervisor/device/timer.h"

namespace cumulet::hypervisor {

// Invariant: the queue is touched under the device lock only, so arming a timer takes no lock of its own.
// Ownership: outlives every timer that it created.
class TimerThread final : public TimerService {
 public:
  // `device_lock` is the machine's; it is held while callbacks run, and by whoever arms or disarms a timer.
  TimerThread(const Clock& clock, std::mutex& device_lock) : clock_(clock), device_lock_(device_lock) {}
  ~TimerThread() override { stop(); }
  TimerThread(const TimerThread&) = delete;
  TimerThread& operator=(const TimerThread&) = delete;

  [[nodiscard]] std::unique_ptr<Timer> create(std::function<void()> callback) override;
  [[nodiscard]] const Clock& clock() const override { return clock_; }

  // Begins to call back; timers may be armed before. Called once.
  void start();
  // After this returns no callback runs any more. Must not be called under the device lock. Idempotent.
  void stop();

 private:
  class ThreadTimer;
  using Queue = std::multimap<uint64_t, ThreadTimer*>;  // by deadline, nanoseconds
  void run();

  const Clock& clock_;
  std::mutex& device_lock_;
  std::condition_variable changed_;
  Queue queue_;
  uint64_t sleeping_until_ns_ = 0;  // what run() waits for now
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace cumulet::hypervisor
