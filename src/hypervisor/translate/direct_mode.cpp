// The policy of DirectMode.
#include "hypervisor/translate/direct_mode.h"

#include <algorithm>
#include <x86intrin.h>

namespace cumulet::hypervisor {

namespace {
constexpr uint32_t kFirstTicks = 2, kMostTicks = 256, kTicksForAllPages = 10;
// A fill's cost in TSC cycles, roughly, and how many fills are free: a program's start.
constexpr uint64_t kFillCycles = 15'000;
constexpr uint32_t kFreeFills = 2048;
constexpr uint64_t kShareForFills = 5;  // at most one part in so many of the time
}  // namespace

DirectMode::DirectMode(DirectMemory policy, Context& context, GuestMemory& memory, CodePages& pages)
    : policy_(policy),
      window_(context, memory, pages),
      all_pages_(policy == DirectMemory::kAlways),
      ticks_needed_(kFirstTicks) {}

bool DirectMode::activate() {
  if (active_ || !window_.reserve()) return false;
  active_ = true;
  ticks_ = 0;
  fills_ = 0;
  activated_tsc_ = __rdtsc();
  return true;
}

bool DirectMode::deactivate(bool penalty) {
  ticks_ = 0;
  if (!active_) return false;
  all_pages_ = policy_ == DirectMemory::kAlways;
  window_.clear();
  active_ = false;
  if (penalty) ticks_needed_ = std::min(ticks_needed_ * 2, kMostTicks);
  return true;
}

bool DirectMode::entering_user_code(uint64_t cr3) {
  if (policy_ != DirectMemory::kAlways || active_) return false;
  cr3_ = cr3;
  return activate();
}

bool DirectMode::user_code_interrupted() {
  if (policy_ != DirectMemory::kAutomatic || all_pages_) return false;
  ++ticks_;
  if (!active_) return ticks_ >= ticks_needed_ && activate();
  return all_pages_ = ticks_ >= kTicksForAllPages;
}

bool DirectMode::flushed(uint64_t cr3) {
  if (cr3 == cr3_) {
    window_.flush();
    return false;
  }
  cr3_ = cr3;
  // It was worth it if the fills took a small share of the time.
  return deactivate(uint64_t{fills_} * kFillCycles * kShareForFills > __rdtsc() - activated_tsc_);
}

bool DirectMode::review() {
  if (policy_ == DirectMemory::kAlways || !active_ || fills_ < kFreeFills) return false;
  uint64_t spent = uint64_t{fills_ - kFreeFills} * kFillCycles;
  return spent * kShareForFills > __rdtsc() - activated_tsc_ && deactivate(true);
}

bool DirectMode::fill(uint64_t host, bool write) {
  if (!active_ || !window_.contains(host)) return false;
  ++fills_;
  return window_.fill(host, write);
}

}  // namespace cumulet::hypervisor
