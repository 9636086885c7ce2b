// The queue of deadlines and the thread that waits for the first of them.
#include "hypervisor/machine/timer_thread.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <pthread.h>
#include <sys/prctl.h>

namespace cumulet::hypervisor {

namespace {
// Longest single sleep: bounds what a far deadline may do to the arithmetic of wait_for().
constexpr uint64_t kLongestSleepNs = 3'600'000'000'000;
}  // namespace

class TimerThread::ThreadTimer final : public Timer {
 public:
  ThreadTimer(TimerThread& service, std::function<void()> callback)
      : service_(service), callback_(std::move(callback)) {}
  ~ThreadTimer() override { disarm(); }
  ThreadTimer(const ThreadTimer&) = delete;
  ThreadTimer& operator=(const ThreadTimer&) = delete;

  void arm(uint64_t deadline_ns) override {
    disarm();
    place_ = service_.queue_.emplace(deadline_ns, this);
    if (deadline_ns < service_.sleeping_until_ns_) service_.changed_.notify_one();
  }
  void disarm() override {
    if (place_) service_.queue_.erase(*place_);
    place_.reset();
  }
  void fire() {
    disarm();
    callback_();
  }

 private:
  TimerThread& service_;
  std::function<void()> callback_;
  std::optional<Queue::iterator> place_;
};

std::unique_ptr<Timer> TimerThread::create(std::function<void()> callback) {
  return std::make_unique<ThreadTimer>(*this, std::move(callback));
}

void TimerThread::start() {
  thread_ = std::thread([this] { run(); });
}

void TimerThread::stop() {
  {
    std::lock_guard lock(device_lock_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void TimerThread::run() {
  pthread_setname_np(pthread_self(), "timers");
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);  // the default of 50 us would be late for a guest's clock
  std::unique_lock lock(device_lock_);
  while (!stopping_) {
    uint64_t now_ns = clock_.monotonic_ns();
    if (!queue_.empty() && queue_.begin()->first <= now_ns) {
      queue_.begin()->second->fire();
      continue;
    }
    uint64_t sleep_ns =
        queue_.empty() ? kLongestSleepNs : std::min(queue_.begin()->first - now_ns, kLongestSleepNs);
    sleeping_until_ns_ = now_ns + sleep_ns;
    changed_.wait_for(lock, std::chrono::nanoseconds(sleep_ns));
    sleeping_until_ns_ = 0;
  }
}

}  // namespace cumulet::hypervisor
