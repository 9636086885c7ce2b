// DirectMode: when a vCPU's user code reaches memory directly, and when it had better not.
#pragma once

#include <cstdint>

#include "hypervisor/translate/direct_window.h"
#include "hypervisor/translate/engine.h"

namespace cumulet::hypervisor {

// Mapping a page costs microseconds, a checked access a nanosecond more than a direct one: so direct memory
// is for address spaces that stay. One whose user code is interrupted by several timer ticks in a row is
// taken to be such; one that needs new mappings too often, or is switched away from too soon, must stay
// longer the next time.
//
// Not thread-safe, window().protect() excepted: the vCPU's thread.
class DirectMode {
 public:
  DirectMode(DirectMemory policy, Context& context, GuestMemory& memory, CodePages& pages);

  [[nodiscard]] DirectWindow& window() { return window_; }
  // Whether some user code runs with kModeDirect now.
  [[nodiscard]] bool active() const { return active_; }
  // False: entering_user_code() is needed first.
  [[nodiscard]] bool settled() const { return active_ || policy_ != DirectMemory::kAlways; }
  // Whether that of this page does. Making regions costs more than making plain blocks, so at first only the
  // pages where interrupts find user code get them.
  [[nodiscard]] bool wants(const CodePage& page) const {
    return active_ && (all_pages_ || page.hot.load(std::memory_order_relaxed) != 0);
  }

  // All return whether what active() or wants() say changed.
  // User code is about to run, in the address space of this CR3.
  bool entering_user_code(uint64_t cr3);
  // An external interrupt arrives while user code runs.
  bool user_code_interrupted();
  // Translations other than global ones were flushed, and CR3 is this now.
  bool flushed(uint64_t cr3);
  // Looks at how often the window had to be filled.
  bool review();

  void flush_page(uint64_t linear) { window_.flush_page(linear); }
  // As DirectWindow::fill(), and counts it.
  bool fill(uint64_t host, bool write);

 private:
  bool activate();
  bool deactivate(bool penalty);

  const DirectMemory policy_;
  DirectWindow window_;
  bool active_ = false;
  bool all_pages_;
  uint64_t cr3_ = 0;
  uint32_t ticks_ = 0;  // interrupts of user code since the address space came, or since activation
  uint32_t ticks_needed_;
  uint32_t fills_ = 0;  // since activation
  uint64_t activated_tsc_ = 0;
};

}  // namespace cumulet::hypervisor
