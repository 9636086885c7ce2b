// What a DirectWindow maps, with which rights, and when it takes them back.
#include "hypervisor/translate/direct_window.h"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>

#include "hypervisor/translate/block.h"

namespace cumulet::hypervisor {
namespace {

constexpr uint64_t kRam = 16 << 20;
constexpr uint64_t kTables = 0x10000;
constexpr uint64_t kPresent = 1, kWritable = 2, kUser = 4;
// Three linear pages in one region of 4 GiB.
constexpr uint64_t kData = 0x7f12'3456'7000, kReadOnly = kData + kPageSize, kDevice = kData + 2 * kPageSize;
constexpr uint64_t kDataPhysical = 0x20'0000, kReadOnlyPhysical = 0x21'0000, kDevicePhysical = 0x8000'0000;

class DirectWindowTest : public ::testing::Test {
 protected:
  DirectWindowTest() {
    Cpu& cpu = mapping_->get().cpu;
    cpu.memory = memory_.get();
    cpu.state.cr0 = cr0::kPe | cr0::kPg | cr0::kWp;
    cpu.state.cr3 = kTables;
    cpu.state.cr4 = cr4::kPae;
    cpu.state.msr.efer = efer::kLme | efer::kLma;
    cpu.state.segments[kCs] = {0x33, 0xa0fb, 0xffffffff, 0};
    cpu.state.segments[kSs] = {0x2b, 0xc0f3, 0xffffffff, 0};
    map(kData, kDataPhysical | kWritable);
    map(kReadOnly, kReadOnlyPhysical);
    map(kDevice, kDevicePhysical | kWritable);
    EXPECT_TRUE(window_.reserve());
  }

  void map(uint64_t linear, uint64_t entry) {
    uint64_t table = kTables;
    for (int shift : {39, 30, 21}) {
      uint64_t next = table + kPageSize;
      EXPECT_TRUE(
          memory_->write_value(table + ((linear >> shift) & 511) * 8, next | kPresent | kWritable | kUser));
      table = next;
    }
    EXPECT_TRUE(memory_->write_value(table + ((linear >> 12) & 511) * 8, entry | kPresent | kUser));
  }

  // Where translated code would reach a linear address.
  uint64_t host_of(uint64_t linear) {
    std::optional<uint8_t> slot = window_.slot_of(linear);
    EXPECT_TRUE(slot.has_value());
    return linear + mapping_->get().direct_slots[slot.value_or(0)].delta;
  }

  // The rights of an address of this process, as /proc shows them.
  static std::string rights(uint64_t address) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
      uint64_t begin = 0, end = 0;
      char dash = 0;
      std::string found;
      std::istringstream(line) >> std::hex >> begin >> dash >> end >> found;
      if (begin <= address && address < end) return found.substr(0, 2);
    }
    return "none";
  }

  std::unique_ptr<ContextMapping> mapping_ = *ContextMapping::create();
  std::unique_ptr<GuestMemory> memory_ = *GuestMemory::create({{0, kRam, 0}});
  CodePages pages_{*memory_};
  DirectWindow window_{mapping_->get(), *memory_, pages_};
};

TEST_F(DirectWindowTest, ARegionKeepsItsSlot) {
  std::optional<uint8_t> slot = window_.slot_of(kData);
  ASSERT_TRUE(slot.has_value());
  EXPECT_EQ(window_.slot_of(kData + 0x1000'0000), slot);
  EXPECT_NE(window_.slot_of(kData + (uint64_t{1} << 32)), slot);
  EXPECT_FALSE(window_.slot_of(uint64_t{1} << 47).has_value());
  EXPECT_FALSE(window_.slot_of(0xffff'8000'0000'0000).has_value());
}

TEST_F(DirectWindowTest, SlotsRunOut) {
  uint32_t given = 0;
  for (uint64_t upper = 0; upper < 0x8000; upper += 0x100)
    if (window_.slot_of(upper << 32)) ++given;
  EXPECT_LE(given, kDirectSlots);
  EXPECT_GE(given, 4u);
}

TEST_F(DirectWindowTest, MapsWithTheRightsOfThePageTables) {
  EXPECT_EQ(rights(host_of(kData)), "--");
  ASSERT_TRUE(window_.fill(host_of(kData), true));
  EXPECT_EQ(rights(host_of(kData)), "rw");
  ASSERT_TRUE(window_.fill(host_of(kReadOnly), false));
  EXPECT_EQ(rights(host_of(kReadOnly)), "r-");
  EXPECT_FALSE(window_.fill(host_of(kReadOnly), true));
}

// The dirty bit is not set yet, so a store must come back here.
TEST_F(DirectWindowTest, APageThatWasOnlyReadMayOnlyBeRead) {
  ASSERT_TRUE(window_.fill(host_of(kData), false));
  EXPECT_EQ(rights(host_of(kData)), "r-");
  ASSERT_TRUE(window_.fill(host_of(kData), true));
  EXPECT_EQ(rights(host_of(kData)), "rw");
}

TEST_F(DirectWindowTest, WhatPageTablesStillSayIsThereAfterAPause) {
  constexpr uint64_t kOther = kReadOnly + kPageSize * 4;
  map(kOther, (kDataPhysical + 0x10000) | kWritable);
  uint64_t data = host_of(kData), read_only = host_of(kReadOnly), other = host_of(kOther);
  ASSERT_TRUE(window_.fill(data, true));
  ASSERT_TRUE(window_.fill(read_only, false));
  ASSERT_TRUE(window_.fill(other, true));
  window_.suspend();
  EXPECT_FALSE(window_.contains(data));
  map(kReadOnly, kReadOnlyPhysical + kPageSize);  // another page
  map(kOther, kDataPhysical + 0x10000);           // fewer rights
  EXPECT_FALSE(window_.resume());
  EXPECT_EQ(host_of(kData), data);
  EXPECT_EQ(rights(data), "rw");
  EXPECT_EQ(rights(read_only), "--");
  EXPECT_EQ(rights(other), "--");
  ASSERT_TRUE(window_.fill(other, false));
  EXPECT_EQ(rights(other), "r-");
}

TEST_F(DirectWindowTest, GuardsAndDevicesStayUnmapped) {
  uint64_t end_of_region = (kData | 0xffff'ffff) + 1;
  EXPECT_FALSE(window_.fill(host_of(kData) + (end_of_region - kData), false));
  EXPECT_FALSE(window_.contains(host_of(kData) + (end_of_region - kData)));
  EXPECT_FALSE(window_.fill(host_of(kDevice), false));
  EXPECT_TRUE(window_.refused(host_of(kDevice)));
  EXPECT_FALSE(window_.fill(host_of(kDevice + kPageSize), false));  // not present
  EXPECT_FALSE(window_.refused(host_of(kDevice + kPageSize)));
}

TEST_F(DirectWindowTest, PagesWithCodeMayNotBeStoredTo) {
  ASSERT_TRUE(window_.fill(host_of(kData), true));
  pages_.page(kDataPhysical)->chunks.store(1);
  window_.protect(kDataPhysical);
  EXPECT_EQ(rights(host_of(kData)), "r-");
  EXPECT_FALSE(window_.fill(host_of(kData), true));
  EXPECT_TRUE(window_.refused(host_of(kData)));
  pages_.page(kDataPhysical)->chunks.store(0);
  EXPECT_TRUE(window_.fill(host_of(kData), true));
}

TEST_F(DirectWindowTest, FlushesUnmap) {
  ASSERT_TRUE(window_.fill(host_of(kData), true));
  ASSERT_TRUE(window_.fill(host_of(kReadOnly), false));
  window_.flush_page(kData);
  EXPECT_EQ(rights(host_of(kData)), "--");
  EXPECT_EQ(rights(host_of(kReadOnly)), "r-");
  window_.flush();
  EXPECT_EQ(rights(host_of(kReadOnly)), "--");
  ASSERT_TRUE(window_.fill(host_of(kData), true));
  uint64_t host = host_of(kData);
  window_.clear();
  EXPECT_EQ(rights(host), "--");
  EXPECT_FALSE(window_.contains(host));
}

}  // namespace
}  // namespace cumulet::hypervisor
