// Tests of MSI-X: masks hold messages back and let them go; table and pending bits as the guest sees them.
#include "hypervisor/pci/msix.h"

#include <gtest/gtest.h>

#include "hypervisor/device/recording_line.h"
#include "hypervisor/pci/function.h"
#include "hypervisor/pci/msix_bar.h"

namespace cumulet::hypervisor {
namespace {

class RecordingSink final : public MessageSink {
 public:
  void send_message(uint64_t address, uint32_t data) override { sent.emplace_back(address, data); }
  std::vector<std::pair<uint64_t, uint32_t>> sent;
};

class MsiXTest : public testing::Test {
 protected:
  void program(size_t index, uint64_t address, uint32_t data, uint32_t control) {
    write_value<uint64_t>(bar_, index * 16, address);
    write_value<uint64_t>(bar_, index * 16 + 8, uint64_t{control} << 32 | data);
  }
  uint64_t pending() { return read_value<uint64_t>(bar_, bar_.pending_offset()); }

  RecordingSink sink_;
  MsiX msix_{sink_, 70};
  MsiXBar bar_{msix_};
};

TEST_F(MsiXTest, BeginsMasked) {
  EXPECT_EQ(read_value<uint32_t>(bar_, 12), 1u);
  EXPECT_EQ(bar_.pending_offset(), 0x1000u);
  EXPECT_EQ(bar_.size(), 0x2000u);
  msix_.notify(0);  // disabled: lost
  msix_.set_control(pci::kMsiXEnable);
  program(0, 0xfee00000, 0x31, 0);
  EXPECT_TRUE(sink_.sent.empty());
  msix_.notify(0);
  ASSERT_EQ(sink_.sent.size(), 1u);
  EXPECT_EQ(sink_.sent[0], std::make_pair(uint64_t{0xfee00000}, 0x31u));
}

TEST_F(MsiXTest, MaskedVectorsPend) {
  msix_.set_control(pci::kMsiXEnable);
  program(65, 0x1'fee01000, 0x41, 1);
  msix_.notify(65);
  msix_.notify(65);
  EXPECT_TRUE(sink_.sent.empty());
  EXPECT_EQ(read_value<uint64_t>(bar_, bar_.pending_offset() + 8), 2u);
  EXPECT_EQ(pending(), 0u);
  write_value<uint32_t>(bar_, 65 * 16 + 12, 0);
  ASSERT_EQ(sink_.sent.size(), 1u);  // once, however often it was due
  EXPECT_EQ(sink_.sent[0].first, 0x1'fee01000u);
  EXPECT_EQ(read_value<uint64_t>(bar_, bar_.pending_offset() + 8), 0u);
}

TEST_F(MsiXTest, FunctionMaskHoldsAll) {
  program(1, 0xfee00000, 0x31, 0);
  program(2, 0xfee00000, 0x32, 0);
  msix_.set_control(pci::kMsiXEnable | pci::kMsiXFunctionMask);
  msix_.notify(1);
  msix_.notify(2);
  EXPECT_EQ(pending(), 6u);
  msix_.set_control(pci::kMsiXEnable);
  EXPECT_EQ(sink_.sent.size(), 2u);
  EXPECT_EQ(pending(), 0u);
  msix_.reset();
  EXPECT_FALSE(msix_.enabled());
  EXPECT_EQ(read_value<uint32_t>(bar_, 16), 0u);
}

TEST_F(MsiXTest, OddAccessesAreIgnored) {
  write_value<uint8_t>(bar_, 8, 0xff);
  write_value<uint32_t>(bar_, 6, 0xffffffff);
  write_value<uint64_t>(bar_, msix_.table_size() - 4, ~uint64_t{0});  // half of it lies past the table
  EXPECT_EQ(read_value<uint32_t>(bar_, 8), 0u);
  EXPECT_EQ(read_value<uint64_t>(bar_, msix_.table_size() - 4), 1u);
  write_value<uint64_t>(bar_, bar_.pending_offset(), ~uint64_t{0});
  EXPECT_EQ(pending(), 0u);
  EXPECT_EQ(read_value<uint16_t>(bar_, 12), 1u);
}

TEST_F(MsiXTest, CapabilityDrivesIt) {
  class Function final : public PciFunction {
   public:
    Function(MsiX& msix, MsiXBar& bar)
        : PciFunction({.vendor_id = 0x1d0f, .device_id = 1, .class_code = 0x020000}), msix_(msix) {
      add_memory_bar(1, bar.size(), bar, false);
      capability = add_msix_capability(msix.vector_count(), 1, 0, 1, bar.pending_offset());
    }
    [[nodiscard]] std::string_view name() const override { return "test"; }
    uint16_t capability = 0;

   private:
    void config_written(uint64_t, size_t) override {
      msix_.set_control(config().get<uint16_t>(static_cast<uint16_t>(capability + pci::kMsiXControl)));
    }
    MsiX& msix_;
  };
  Function function(msix_, bar_);
  std::array<uint8_t, 12> bytes{};
  function.config_read(function.capability, bytes);
  EXPECT_EQ(load_le<uint32_t>(bytes, 0), 69u << 16 | 0x11);
  EXPECT_EQ(load_le<uint32_t>(bytes, 4), 1u);
  EXPECT_EQ(load_le<uint32_t>(bytes, 8), 0x1001u);
  std::array<uint8_t, 2> enable = {0xff, 0xff};
  function.config_write(function.capability + 2u, enable);
  EXPECT_TRUE(msix_.enabled());
  function.config_read(function.capability, bytes);
  EXPECT_EQ(load_le<uint16_t>(bytes, 2), 0xc045);  // the table's size is read-only
}

}  // namespace
}  // namespace cumulet::hypervisor
