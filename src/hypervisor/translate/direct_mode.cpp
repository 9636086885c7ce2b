// The policy of DirectMode.
#include "hypervisor/translate/direct_mode.h"

#include <algorithm>
#include <x86intrin.h>

namespace cumulet::hypervisor {

namespace {
// A system's start is hundreds of processes that run for some ticks each: with two ticks instead of these,
// full Debian took a tenth more of the vCPU's time than with no direct memory at all.
constexpr uint32_t kFirstTicks = 8, kMostTicks = 256, kTicksForAllPages = 16;
// With other address spaces running in between: enough that it is hardly one process after the other with the
// same CR3, nor a daemon that works a little now and then.
constexpr uint32_t kTicksInPieces = 60;
// A fill's cost in TSC cycles, roughly, and how many fills are free: a program's start.
constexpr uint64_t kFillCycles = 15'000;
constexpr uint32_t kFreeFills = 2048;
constexpr uint64_t kShareForFills = 5;  // at most one part in so many of the time
}  // namespace

DirectMode::DirectMode(DirectMemory policy, Context& context, GuestMemory& memory, CodePages& pages)
    : policy_(policy), window_(context, memory, pages), ticks_needed_(kFirstTicks) {}

bool DirectMode::activate(uint64_t cr3) {
  if (!window_.reserve()) return false;
  window_.clear();
  state_ = State::kActive;
  owner_ = cr3;
  ticks_ = 0;
  fills_ = 0;
  active_cycles_ = 0;
  resumed_tsc_ = __rdtsc();
  all_pages_ = policy_ == DirectMemory::kAlways;
  return true;
}

bool DirectMode::entering_user_code(uint64_t cr3) {
  if (state_ == State::kReturning) {
    // If hardly anything is as it was, it is another process, to which the same page tables were given.
    bool same = window_.resume();
    if (!same) window_.clear();
    state_ = same ? State::kActive : State::kNone;
    resumed_tsc_ = __rdtsc();
    if (same || policy_ != DirectMemory::kAlways) return same;
  }
  return policy_ == DirectMemory::kAlways && !active() && activate(cr3);
}

bool DirectMode::user_code_interrupted(uint64_t cr3) {
  if (policy_ != DirectMemory::kAutomatic || state_ == State::kReturning) return false;
  if (active()) {
    candidate_ = 0;
    if (all_pages_ || ++ticks_ < kTicksForAllPages) return false;
    return all_pages_ = true;
  }
  if (cr3 != candidate_) ticks_of_candidate_ = 0;
  candidate_ = cr3;
  ++ticks_of_candidate_;
  bool stays = ++ticks_since_switch_ >= ticks_needed_ ||
               ticks_of_candidate_ >= std::max(ticks_needed_, kTicksInPieces);
  return stays && activate(cr3);
}

void DirectMode::flushed(uint64_t cr3) {
  if (cr3 != cr3_) ticks_since_switch_ = 0;
  cr3_ = cr3;
  if (active()) {
    active_cycles_ += __rdtsc() - resumed_tsc_;
    resumed_tsc_ = __rdtsc();
    if (fills_cost_too_much()) return give_up();
    window_.suspend();
    state_ = State::kAway;
  }
  if (state_ != State::kNone) state_ = cr3 == owner_ ? State::kReturning : State::kAway;
}

bool DirectMode::review() {
  if (!active() || !fills_cost_too_much()) return false;
  give_up();
  return true;
}

// Whether the fills took too large a share of the time.
bool DirectMode::fills_cost_too_much() const {
  if (policy_ == DirectMemory::kAlways || fills_ < kFreeFills) return false;
  uint64_t spent = uint64_t{fills_ - kFreeFills} * kFillCycles;
  return spent * kShareForFills > active_cycles_ + (__rdtsc() - resumed_tsc_);
}

void DirectMode::give_up() {
  window_.clear();
  state_ = State::kNone;
  candidate_ = 0;
  ticks_needed_ = std::min(ticks_needed_ * 2, kMostTicks);
}

bool DirectMode::fill(uint64_t host, bool write) {
  if (!active() || !window_.contains(host)) return false;
  ++fills_;
  return window_.fill(host, write);
}

}  // namespace cumulet::hypervisor
