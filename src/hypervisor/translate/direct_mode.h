// DirectMode: when a vCPU's user code reaches memory directly, and when it had better not.
#pragma once

#include <cstdint>

#include "hypervisor/translate/direct_window.h"
#include "hypervisor/translate/engine.h"

namespace cumulet::hypervisor {

// Mapping a page costs microseconds, a checked access a nanosecond more than a direct one: so direct memory
// is for address spaces that stay. One whose user code is interrupted by several timer ticks in a row is
// taken to be such, and owns the window then (it takes more of them if others run in between); while others
// run, its mappings wait, and those that the page tables still say are used again. The next owner is one that
// is interrupted several times in a row while the owner is not. One that needs new mappings too often is
// given up, and it takes more ticks from then on.
//
// Not thread-safe, window().protect() excepted: the vCPU's thread.
class DirectMode {
 public:
  DirectMode(DirectMemory policy, Context& context, GuestMemory& memory, CodePages& pages);

  [[nodiscard]] DirectWindow& window() { return window_; }
  // Whether some user code runs with kModeDirect now.
  [[nodiscard]] bool active() const { return state_ == State::kActive; }
  // False: entering_user_code() is needed first.
  [[nodiscard]] bool settled() const {
    return active() || (policy_ != DirectMemory::kAlways && state_ != State::kReturning);
  }
  // Whether that of this page does. Making regions costs more than making plain blocks, so at first only the
  // pages where interrupts find user code get them.
  [[nodiscard]] bool wants(const CodePage& page) const {
    return active() && (all_pages_ || page.hot.load(std::memory_order_relaxed) != 0);
  }

  // These return whether what active() or wants() say changed.
  // User code is about to run, in the address space of this CR3.
  bool entering_user_code(uint64_t cr3);
  // An external interrupt arrives while user code runs.
  bool user_code_interrupted(uint64_t cr3);
  // Looks at how often the window had to be filled.
  bool review();

  // Translations other than global ones were flushed, and CR3 is this now. Jumps into user code are forgotten
  // too, so that entering_user_code() comes before it.
  void flushed(uint64_t cr3);

  void flush_page(uint64_t linear) { window_.flush_page(linear); }
  // As DirectWindow::fill(), and counts it.
  bool fill(uint64_t host, bool write);

 private:
  // Of the window: nobody's; its owner's, who is away; who comes back, but may find other translations; who
  // runs.
  enum class State : uint8_t { kNone, kAway, kReturning, kActive };
  bool activate(uint64_t cr3);
  [[nodiscard]] bool fills_cost_too_much() const;
  void give_up();

  const DirectMemory policy_;
  DirectWindow window_;
  State state_ = State::kNone;
  uint64_t owner_ = 0;  // its CR3
  bool all_pages_ = false;
  uint32_t ticks_ = 0;  // interrupts of the owner's user code
  uint64_t candidate_ = 0;
  uint32_t ticks_of_candidate_ = 0;
  uint64_t cr3_ = 0;
  uint32_t ticks_since_switch_ = 0;
  uint32_t ticks_needed_;
  uint32_t fills_ = 0;  // since activation
  uint64_t active_cycles_ = 0, resumed_tsc_ = 0;
};

}  // namespace cumulet::hypervisor
