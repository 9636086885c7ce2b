// The timer service of tests: time moves when the test says so.
#include <algorithm>
#include <optional>
#include <vector>

#include "hypervisor/device/timer.h"

namespace cumulet::hypervisor {

namespace {
struct Alarm {
  std::function<void()> callback;
  std::optional<uint64_t> deadline_ns = {};
};
}  // namespace

struct ManualTimerService::Queue {
  ManualClock clock;
  std::vector<Alarm*> alarms;
};

ManualTimerService::ManualTimerService() : queue_(std::make_shared<Queue>()) {}
ManualTimerService::~ManualTimerService() = default;
const Clock& ManualTimerService::clock() const { return queue_->clock; }

std::unique_ptr<Timer> ManualTimerService::create(std::function<void()> callback) {
  class ManualTimer final : public Timer {
   public:
    ManualTimer(std::shared_ptr<Queue> queue, std::function<void()> on_due)
        : queue_(std::move(queue)), alarm_{std::move(on_due)} {
      queue_->alarms.push_back(&alarm_);
    }
    ~ManualTimer() override { std::erase(queue_->alarms, &alarm_); }
    ManualTimer(const ManualTimer&) = delete;
    ManualTimer& operator=(const ManualTimer&) = delete;
    void arm(uint64_t deadline_ns) override { alarm_.deadline_ns = deadline_ns; }
    void disarm() override { alarm_.deadline_ns.reset(); }

   private:
    std::shared_ptr<Queue> queue_;
    Alarm alarm_;
  };
  return std::make_unique<ManualTimer>(queue_, std::move(callback));
}

void ManualTimerService::advance_ns(uint64_t ns) {
  uint64_t end = queue_->clock.monotonic_ns() + ns;
  while (true) {
    Alarm* next = nullptr;
    for (Alarm* alarm : queue_->alarms) {
      if (alarm->deadline_ns && *alarm->deadline_ns <= end &&
          (next == nullptr || *alarm->deadline_ns < *next->deadline_ns))
        next = alarm;
    }
    if (next == nullptr) break;
    uint64_t now = queue_->clock.monotonic_ns();
    queue_->clock.advance_ns(std::max(*next->deadline_ns, now) - now);
    next->deadline_ns.reset();
    next->callback();
  }
  queue_->clock.advance_ns(end - queue_->clock.monotonic_ns());
}

}  // namespace cumulet::hypervisor
