// Tests of the PCI bus: both ways into configuration space, enumeration, BAR sizing, moving and conflicts.
#include "hypervisor/pci/pci_bus.h"

#include <gtest/gtest.h>

#include "hypervisor/device/recording_line.h"
#include "hypervisor/pci/config_access.h"

namespace cumulet::hypervisor {
namespace {

class Register final : public IoHandler {
 public:
  void read(uint64_t offset, MutableByteView out) override {
    std::fill(out.begin(), out.end(), static_cast<uint8_t>(offset));
  }
  void write(uint64_t, ByteView) override { ++writes; }
  int writes = 0;
};

class TestFunction final : public PciFunction {
 public:
  TestFunction()
      : PciFunction({.vendor_id = 0x1d0f,
                     .device_id = 0x8061,
                     .class_code = 0x010802,
                     .revision = 1,
                     .subsystem_vendor_id = 0x1d0f,
                     .subsystem_id = 0x1234}) {
    add_memory_bar(0, 0x4000, memory, true);
    add_memory_bar(2, 0x1000, memory, false);
    add_io_bar(4, 0x20, ports);
    first = add_capability(0x09, 7);
    second = add_capability(0x01, 8);
    extended = add_extended_capability(0x10, 1, 0x40);
    (void)add_extended_capability(0x03, 1, 12);
  }
  [[nodiscard]] std::string_view name() const override { return "test"; }

  Register memory, ports;
  uint16_t first = 0, second = 0, extended = 0;
};

class PciBusTest : public testing::Test {
 protected:
  static constexpr PciWindows kWindows = {.memory_32_start = 0xc000'0000,
                                          .memory_32_end = 0xe000'0000,
                                          .memory_64_start = 0x60'0000'0000,
                                          .memory_64_end = 0x80'0000'0000,
                                          .io_start = 0x1000,
                                          .io_end = 0x1'0000};
  static constexpr uint64_t kPlace = 3 << 15;  // device 3, function 0
  uint32_t get(uint64_t offset) { return read_value<uint32_t>(ecam_, kPlace | offset); }
  void set(uint64_t offset, uint32_t value) { write_value<uint32_t>(ecam_, kPlace | offset, value); }
  uint8_t memory_at(uint64_t address) {
    uint8_t byte = 0;
    memory_.read(address, {&byte, 1});
    return byte;
  }

  Bus ports_, memory_;
  Register reset_;
  PciBus bus_{ports_, memory_, kWindows};
  PciConfigPorts config_ports_{bus_, reset_};
  EcamWindow ecam_{bus_};
  TestFunction function_;
};

TEST_F(PciBusTest, HostBridgeIsThere) {
  write_value<uint32_t>(config_ports_, 0, 0x8000'0000);
  EXPECT_EQ(read_value<uint32_t>(config_ports_, 4), 0x1237'8086u);
  EXPECT_EQ(read_value<uint32_t>(config_ports_, 0), 0x8000'0000u);
  write_value<uint32_t>(config_ports_, 0, 0x8000'0008);
  EXPECT_EQ(read_value<uint16_t>(config_ports_, 6), 0x0600);
  write_value<uint32_t>(config_ports_, 0, 0x8000'1800);  // device 3: empty
  EXPECT_EQ(read_value<uint32_t>(config_ports_, 4), 0xffff'ffffu);
  write_value<uint32_t>(config_ports_, 0, 0x8001'0000);  // bus 1: empty
  EXPECT_EQ(read_value<uint32_t>(config_ports_, 4), 0xffff'ffffu);
  write_value<uint32_t>(config_ports_, 0, 0x0000'0000);  // not enabled
  EXPECT_EQ(read_value<uint32_t>(config_ports_, 4), 0xffff'ffffu);
  write_value<uint8_t>(config_ports_, 1, 6);  // the register inside
  EXPECT_EQ(reset_.writes, 1);
  EXPECT_EQ(read_value<uint32_t>(ecam_, 0), 0x1237'8086u);
  EXPECT_EQ(read_value<uint32_t>(ecam_, 0xfff'fffc), 0xffff'ffffu);
  EXPECT_EQ(read_value<uint64_t>(ecam_, 0xffc) >> 32, 0xffff'ffffu);  // past the function's end
}

TEST_F(PciBusTest, ShowsHeaderAndCapabilities) {
  ASSERT_TRUE(bus_.add(3, 0, function_).has_value());
  EXPECT_FALSE(bus_.add(3, 0, function_).has_value());
  EXPECT_FALSE(bus_.add(32, 0, function_).has_value());
  EXPECT_EQ(get(0), 0x8061'1d0fu);
  EXPECT_EQ(get(8), 0x0108'0201u);
  EXPECT_EQ(get(0x2c), 0x1234'1d0fu);
  EXPECT_EQ(get(4) >> 16, 0x0010u);
  EXPECT_EQ(get(0x34) & 0xff, 0x40u);
  EXPECT_EQ(get(0x40) & 0xffff, 0x4809u);
  EXPECT_EQ(get(0x48) & 0xffff, 0x0001u);
  EXPECT_EQ(get(0x100), 0x1401'0010u);
  EXPECT_EQ(get(0x140), 0x0001'0003u);
  set(0, 0);
  set(8, 0);
  EXPECT_EQ(get(0), 0x8061'1d0fu);
  set(4, 0xffff'ffff);
  EXPECT_EQ(get(4), 0x0010'0547u);
  EXPECT_TRUE(function_.may_master_bus());
  write_value<uint8_t>(ecam_, kPlace | 0x3c, 11);
  EXPECT_EQ(get(0x3c), 11u);  // no interrupt pin
}

TEST_F(PciBusTest, SizesAndMovesBars) {
  ASSERT_TRUE(bus_.add(3, 0, function_).has_value());
  EXPECT_EQ(get(0x10), 0x4u);
  for (uint64_t offset = 0x10; offset <= 0x24; offset += 4) set(offset, 0xffff'ffff);
  EXPECT_EQ(get(0x10), 0xffff'c004u);
  EXPECT_EQ(get(0x14), 0xffff'ffffu);
  EXPECT_EQ(get(0x18), 0xffff'f000u);
  EXPECT_EQ(get(0x1c), 0u);
  EXPECT_EQ(get(0x20), 0xffff'ffe1u);
  set(0x10, 0);
  set(0x14, 0x60);
  set(0x18, 0xc000'0000);
  set(0x20, 0x2000);
  EXPECT_EQ(memory_at(0x60'0000'0012), 0xff);  // decoding is off
  set(4, 3);
  EXPECT_EQ(memory_at(0x60'0000'0012), 0x12);
  EXPECT_EQ(memory_at(0xc000'0034), 0x34);
  set(0x18, 0xd000'0000);
  EXPECT_EQ(memory_at(0xc000'0034), 0xff);
  EXPECT_EQ(memory_at(0xd000'0034), 0x34);
  set(0x18, 0xfee0'0000);  // outside the window: answers nothing
  EXPECT_EQ(memory_at(0xfee0'0034), 0xff);
  set(4, 0);
  EXPECT_EQ(memory_at(0x60'0000'0012), 0xff);
}

TEST_F(PciBusTest, ConflictsAreSolvedByMovingAway) {
  TestFunction other;
  ASSERT_TRUE(bus_.add(3, 0, function_).has_value());
  ASSERT_TRUE(bus_.add(3, 1, other).has_value());
  EXPECT_EQ(get(0x0c) >> 16 & 0x80, 0x80u);  // several functions
  constexpr uint64_t kOther = 1 << 12;
  set(4, 2);
  set(kOther | 4, 2);
  set(0x18, 0xc000'0000);
  set(kOther | 0x18, 0xc000'0000);
  uint8_t byte = 0;
  memory_.write(0xc000'0000, {&byte, 1});
  EXPECT_EQ(function_.memory.writes, 1);
  set(0x18, 0xc100'0000);
  memory_.write(0xc000'0000, {&byte, 1});
  EXPECT_EQ(other.memory.writes, 1);
  bus_.remove(3, 1);
  EXPECT_EQ(memory_at(0xc000'0000), 0xff);
  EXPECT_EQ(get(0x0c) >> 16 & 0x80, 0u);
  bus_.remove(3, 1);
  bus_.remove(0, 0);  // the host bridge stays
  EXPECT_EQ(read_value<uint32_t>(ecam_, 0), 0x1237'8086u);
}

TEST_F(PciBusTest, FirmwareAssignsResources) {
  TestFunction other;
  ASSERT_TRUE(bus_.add(3, 0, function_).has_value());
  ASSERT_TRUE(bus_.add(4, 0, other).has_value());
  ASSERT_TRUE(bus_.assign_resources().has_value());
  EXPECT_EQ(function_.bar_range(0), (PciBarRange{.io = false, .address = 0x60'0000'0000, .size = 0x4000}));
  EXPECT_EQ(other.bar_range(0), (PciBarRange{.io = false, .address = 0x60'0000'4000, .size = 0x4000}));
  EXPECT_EQ(other.bar_range(2), (PciBarRange{.io = false, .address = 0xc000'1000, .size = 0x1000}));
  EXPECT_EQ(other.bar_range(4), (PciBarRange{.io = true, .address = 0x1020, .size = 0x20}));
  EXPECT_FALSE(other.bar_range(1).has_value());
  EXPECT_EQ(memory_at(0xc000'1056), 0x56);
  bus_.reset();
  EXPECT_EQ(memory_at(0xc000'1056), 0xff);
  EXPECT_EQ(get(0x18), 0u);

  PciBus small(ports_, memory_, {.memory_32_start = 0xc000'0000, .memory_32_end = 0xc000'1000});
  TestFunction third;
  ASSERT_TRUE(small.add(1, 0, third).has_value());
  auto assigned = small.assign_resources();
  ASSERT_FALSE(assigned.has_value());
  EXPECT_EQ(assigned.error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace cumulet::hypervisor
