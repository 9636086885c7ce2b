// Layout and arithmetic of pvclock_vcpu_time_info and pvclock_wall_clock.
#include "hypervisor/machine/kvm_clock.h"

#include <array>

#include "base/check.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kEnabled = 1;
constexpr uint8_t kTscStable = 1 << 0;
constexpr size_t kTimeInfoSize = 32, kWallClockSize = 12;
// An even version means that nobody is writing.
constexpr uint32_t kVersion = 2;
}  // namespace

TscScale tsc_scale(uint64_t tsc_khz) {
  CHECK(tsc_khz != 0);
  // Brings the frequency into (1 GHz, 2 GHz], so that the multiplier uses its 32 bits.
  uint64_t hz = tsc_khz * 1000;
  int8_t shift = 0;
  while (hz > 2 * kNsPerSecond) {
    hz >>= 1;
    ++shift;
  }
  while (hz <= kNsPerSecond) {
    hz <<= 1;
    --shift;
  }
  // The guest shifts the ticks the other way round than we shifted the frequency.
  return {static_cast<uint32_t>((kNsPerSecond << 32) / hz), static_cast<int8_t>(-shift)};
}

KvmClock::KvmClock(GuestMemory& memory, const Clock& clock, uint64_t tsc_khz, uint64_t boot_tsc)
    : memory_(memory), scale_(tsc_scale(tsc_khz)), boot_tsc_(boot_tsc), boot_wall_ns_(clock.wall_ns()) {}

bool KvmClock::write_system_time(uint64_t value) {
  if ((value & kEnabled) == 0) return true;
  std::array<uint8_t, kTimeInfoSize> info{};
  store_le<uint32_t>(info, 0, kVersion);
  store_le<uint64_t>(info, 8, boot_tsc_);
  store_le<uint64_t>(info, 16, 0);  // system time at boot_tsc_
  store_le<uint32_t>(info, 24, scale_.multiplier);
  info[28] = static_cast<uint8_t>(scale_.shift);
  info[29] = kTscStable;
  return memory_.write(value & ~kEnabled, info);
}

bool KvmClock::write_wall_clock(uint64_t value) {
  std::array<uint8_t, kWallClockSize> wall{};
  store_le<uint32_t>(wall, 0, kVersion);
  store_le<uint32_t>(wall, 4, static_cast<uint32_t>(boot_wall_ns_ / kNsPerSecond));
  store_le<uint32_t>(wall, 8, static_cast<uint32_t>(boot_wall_ns_ % kNsPerSecond));
  return memory_.write(value, wall);
}

}  // namespace cumulet::hypervisor
