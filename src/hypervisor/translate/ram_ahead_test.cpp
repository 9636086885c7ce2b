// Tests of fetching guest RAM ahead: ascending touches fetch what follows, others nothing.
#include "hypervisor/translate/ram_ahead.h"

#include <chrono>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>

namespace cumulet::hypervisor {
namespace {

constexpr uint64_t kChunk = 64 << 10, kRamSize = 16 << 20;

class RamAheadTest : public testing::Test {
 protected:
  // What the memfd has pages for.
  [[nodiscard]] uint64_t allocated() const {
    struct stat info {};
    EXPECT_EQ(fstat(memory_->fd(), &info), 0);
    return static_cast<uint64_t>(info.st_blocks) * 512;
  }
  // Waits, a minute at most, for so many bytes.
  [[nodiscard]] bool comes_to(uint64_t bytes) const {
    for (int tries = 0; tries < 60'000 && allocated() < bytes; ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return allocated() >= bytes;
  }
  void touch(uint64_t address) { ahead_.touched(memory_->unsafe_host_pointer(address, 1)); }

  std::unique_ptr<GuestMemory> memory_ = GuestMemory::create({{0, kRamSize, 0}}).value();
  RamAhead ahead_{*memory_};
};

TEST_F(RamAheadTest, FetchesWhatFollowsInGrowingWindows) {
  touch(0);
  touch(kChunk);
  ASSERT_TRUE(comes_to(kChunk));  // the third chunk
  touch(2 * kChunk);
  ASSERT_TRUE(comes_to(3 * kChunk));  // two more
  touch(3 * kChunk);
  ASSERT_TRUE(comes_to(7 * kChunk));  // four more
  touch(4 * kChunk);                  // inside a window: nothing
  touch(5 * kChunk);
  EXPECT_TRUE(comes_to(15 * kChunk));
  EXPECT_EQ(allocated(), 15 * kChunk);
}

TEST_F(RamAheadTest, FetchesNothingForOtherTouches) {
  for (uint64_t address = 0; address < kRamSize; address += 2 * kChunk) touch(address);  // with gaps
  for (uint64_t address = kRamSize - kChunk; address > kChunk; address -= 2 * kChunk) touch(address + 0x1000);
  touch(0);
  EXPECT_EQ(allocated(), 0u);
}

TEST_F(RamAheadTest, GoesThroughAllOfRamAndNotBeyond) {
  for (uint64_t address = 0; address < kRamSize; address += 0x1000) touch(address);
  // A thread that is late leaves windows out, and the first two chunks are the guest's own.
  EXPECT_TRUE(comes_to(kChunk));
  EXPECT_LE(allocated(), kRamSize - 2 * kChunk);
}

}  // namespace
}  // namespace cumulet::hypervisor
