// Tests of the wiring: shared lines, both interrupt controllers, message-signalled interrupts.
#include "hypervisor/interrupt/interrupt_router.h"

#include <gtest/gtest.h>

#include "hypervisor/device/recording_line.h"

namespace cumulet::hypervisor {
namespace {

class InterruptRouterTest : public testing::Test {
 protected:
  InterruptRouterTest() {
    apic_ = &router_.add_local_apic({.id = 0, .bootstrap = true}, {}, timers_);
    other_ = &router_.add_local_apic({.id = 0x112}, {}, timers_);
    EXPECT_TRUE(router_.pic().claim(ports_, 0x20, 0xa0, 0x4d0).has_value());
    apic_->enter_virtual_wire_mode();
    EXPECT_TRUE(
        other_->write_msr(apic::kMsrBase, apic::kBaseDefault | apic::kBaseEnable | apic::kBaseExtended));
    EXPECT_TRUE(other_->write_msr(0x80f, 0x1ff));
  }
  void program(uint8_t pin, uint32_t low) {
    write_value<uint32_t>(router_.io_apic(), 0, 0x10 + 2u * pin);
    write_value<uint32_t>(router_.io_apic(), 0x10, low);
  }

  ManualTimerService timers_;
  InterruptRouter router_;
  Bus ports_;
  LocalApic* apic_;
  LocalApic* other_;
};

TEST_F(InterruptRouterTest, IsaLinesReachBothControllers) {
  InterruptLine& line = router_.isa_line(0);
  program(2, 0x52);  // IRQ 0 is pin 2
  for (uint8_t word : {0x11, 0x08, 0x04, 0x01}) ports_.write(word == 0x11 ? 0x20 : 0x21, {&word, 1});
  line.pulse();
  EXPECT_EQ(apic_->acknowledge(), 0x08);  // the 8259A's comes first
  EXPECT_EQ(apic_->acknowledge(), 0x52);
}

TEST_F(InterruptRouterTest, LinesOfOneInterruptShareIt) {
  InterruptLine &first = router_.isa_line(9), &second = router_.gsi_line(9);
  program(9, 0x59 | 1 << 15);
  first.set_level(true);
  second.set_level(true);
  first.set_level(false);
  first.set_level(false);
  EXPECT_EQ(apic_->acknowledge(), 0x59);
  write_value<uint32_t>(*apic_, 0xb0, 0);
  EXPECT_EQ(apic_->acknowledge(), 0x59);  // the second line is still high
  second.set_level(false);
  write_value<uint32_t>(*apic_, 0xb0, 0);
  EXPECT_FALSE(apic_->pending());
}

TEST_F(InterruptRouterTest, MessagesGoWhereTheirAddressSays) {
  router_.send_message(0xfee00000, 0x61);
  EXPECT_EQ(apic_->acknowledge(), 0x61);
  // Destination 0x112: bits 7:0 in address bits 19:12, bits 14:8 in address bits 11:5.
  router_.send_message(0xfee00000 | 0x12 << 12 | 0x1 << 5, 0x62);
  EXPECT_EQ(other_->acknowledge(), 0x62);
  EXPECT_FALSE(apic_->pending());
  router_.send_message(0xfeeff000, 0x73);  // physical 0xff: all
  EXPECT_EQ(apic_->acknowledge(), 0x73);
  EXPECT_EQ(other_->acknowledge(), 0x73);
  router_.send_message(0xfed00000, 0x84);
  router_.send_message(uint64_t{1} << 32 | 0xfee00000, 0x84);
  router_.send_message(0xfee00000, 0x8084);  // end of a level
  EXPECT_FALSE(apic_->pending());
}

}  // namespace
}  // namespace cumulet::hypervisor
