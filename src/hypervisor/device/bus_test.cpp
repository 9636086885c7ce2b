// Tests of bus dispatch: claims, overlaps, accesses that nobody answers.
#include "hypervisor/device/bus.h"

#include <array>
#include <gtest/gtest.h>

namespace cumulet::hypervisor {
namespace {

class Echo final : public IoHandler {
 public:
  void read(uint64_t offset, MutableByteView out) override {
    std::fill(out.begin(), out.end(), static_cast<uint8_t>(offset));
  }
  void write(uint64_t offset, ByteView bytes) override { last = offset * 256 + bytes[0]; }
  uint64_t last = 0;
};

TEST(Bus, DispatchesByRange) {
  Bus bus;
  Echo low, high;
  ASSERT_TRUE(bus.insert(0x10, 0x10, low).has_value());
  ASSERT_TRUE(bus.insert(0x20, 0x10, high).has_value());
  EXPECT_FALSE(bus.insert(0x1f, 1, high).has_value());
  EXPECT_FALSE(bus.insert(0x8, 0x9, high).has_value());
  EXPECT_FALSE(bus.insert(0x40, 0, high).has_value());
  EXPECT_FALSE(bus.insert(~uint64_t{0}, 2, high).has_value());
  std::array<uint8_t, 2> out{};
  bus.read(0x23, out);
  EXPECT_EQ(out[0], 3);
  bus.read(0x1f, out);  // crosses from one claim into the next
  EXPECT_EQ(out[0], 0xff);
  bus.read(0x30, out);
  EXPECT_EQ(out[1], 0xff);
  std::array<uint8_t, 1> in{7};
  bus.write(0x11, in);
  EXPECT_EQ(low.last, 0x107u);
  bus.remove(0x10);
  bus.read(0x11, out);
  EXPECT_EQ(out[0], 0xff);
}

}  // namespace
}  // namespace cumulet::hypervisor
