// Tests of the 16550A: what a driver's detection looks at, interrupts, FIFO and flow of input.
#include "hypervisor/serial/uart.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

#include "hypervisor/device/recording_line.h"

namespace cumulet::hypervisor {
namespace {

class UartTest : public testing::Test {
 protected:
  void set(uart::Register index, int value) {
    write_value<uint8_t>(uart_, index, static_cast<uint8_t>(value));
  }
  int get(uart::Register index) { return read_value<uint8_t>(uart_, index); }
  size_t receive(std::string_view text) {
    return uart_.receive(std::vector<uint8_t>(text.begin(), text.end()));
  }

  RecordingLine line_;
  std::string output_;
  int rooms_ = 0;
  Uart uart_{line_,
             {[this](uint8_t byte) { output_.push_back(static_cast<char>(byte)); }, [this] { ++rooms_; }}};
};

TEST_F(UartTest, LooksLikeA16550A) {
  // What Linux's 8250 driver tries, in its order.
  set(uart::kInterruptEnable, 0);
  EXPECT_EQ(get(uart::kInterruptEnable), 0);
  set(uart::kInterruptEnable, 0xff);
  EXPECT_EQ(get(uart::kInterruptEnable), 0x0f);
  set(uart::kInterruptEnable, 0);
  set(uart::kModemControl, uart::kLoop | uart::kOut2 | uart::kRts);
  EXPECT_EQ(get(uart::kModemStatus) & 0xf0, uart::kCarrierDetect | uart::kClearToSend);
  set(uart::kModemControl, 0);
  set(uart::kInterruptIdentity, uart::kFifoEnable);
  EXPECT_EQ(get(uart::kInterruptIdentity) >> 6, 3);
  set(uart::kLineControl, 0xbf);
  EXPECT_NE(get(uart::kInterruptIdentity), 0);  // a 16650 would show its EFR
  set(uart::kLineControl, 0x80);
  set(uart::kInterruptIdentity, uart::kFifoEnable | 0x20);
  EXPECT_EQ(get(uart::kInterruptIdentity) >> 5, 6);  // a 16750 would show bit 5
  set(uart::kData, 0x34);
  set(uart::kInterruptEnable, 0x12);
  EXPECT_EQ(get(uart::kData), 0x34);
  EXPECT_EQ(get(uart::kInterruptEnable), 0x12);
  set(uart::kLineControl, 0x03);
  EXPECT_EQ(get(uart::kInterruptEnable), 0);
  set(uart::kScratch, 0x5a);
  EXPECT_EQ(get(uart::kScratch), 0x5a);
  EXPECT_EQ(get(uart::kModemStatus) & 0xf0, 0xb0);
}

TEST_F(UartTest, SendsAndAsksForMore) {
  set(uart::kInterruptEnable, uart::kEnableTransmitterEmpty);
  EXPECT_TRUE(line_.high());
  EXPECT_EQ(get(uart::kInterruptIdentity), uart::kIdTransmitterEmpty);  // reading it ends the condition
  EXPECT_FALSE(line_.high());
  EXPECT_EQ(get(uart::kInterruptIdentity), uart::kIdNone);
  EXPECT_EQ(line_.take_rises(), 1);
  set(uart::kData, 'h');
  set(uart::kData, 'i');
  EXPECT_EQ(output_, "hi");
  EXPECT_EQ(line_.take_rises(), 2);  // one edge for each: the line may be edge-triggered
  EXPECT_EQ(get(uart::kLineStatus), uart::kTransmitterHoldingEmpty | uart::kTransmitterEmpty);
  set(uart::kInterruptEnable, 0);
  EXPECT_FALSE(line_.high());
  set(uart::kInterruptEnable, uart::kEnableTransmitterEmpty);
  EXPECT_TRUE(line_.high());
}

TEST_F(UartTest, ReceivesAsMuchAsFits) {
  EXPECT_EQ(receive("ab"), 1u);  // without FIFO: one byte
  EXPECT_EQ(get(uart::kLineStatus) & uart::kDataReady, uart::kDataReady);
  EXPECT_EQ(rooms_, 0);
  EXPECT_EQ(get(uart::kData), 'a');
  EXPECT_EQ(rooms_, 1);
  set(uart::kInterruptIdentity, uart::kFifoEnable | 2 << uart::kFifoTriggerShift);  // trigger at 8
  set(uart::kInterruptEnable, uart::kEnableReceived);
  EXPECT_EQ(receive("abc"), 3u);
  EXPECT_EQ(get(uart::kInterruptIdentity), uart::kIdCharacterTimeout | uart::kIdFifosEnabled);
  EXPECT_EQ(receive("0123456789abcdef"), 13u);
  EXPECT_EQ(get(uart::kInterruptIdentity), uart::kIdReceived | uart::kIdFifosEnabled);
  EXPECT_EQ(get(uart::kData), 'a');
  EXPECT_EQ(rooms_, 2);
  for (int i = 0; i < 15; ++i) {
    EXPECT_TRUE(line_.high()) << i;
    (void)get(uart::kData);
  }
  EXPECT_FALSE(line_.high());
  EXPECT_EQ(get(uart::kData), 0);
  EXPECT_EQ(get(uart::kLineStatus) & uart::kOverrun, 0);
  (void)receive("xyz");
  set(uart::kInterruptIdentity, uart::kFifoEnable | uart::kFifoClearReceiver);
  EXPECT_EQ(get(uart::kLineStatus) & uart::kDataReady, 0);
}

TEST_F(UartTest, LoopsBack) {
  set(uart::kInterruptEnable, uart::kEnableLineStatus | uart::kEnableModemStatus);
  (void)get(uart::kModemStatus);
  set(uart::kModemControl, uart::kLoop | uart::kDtr);
  EXPECT_EQ(get(uart::kInterruptIdentity), uart::kIdModemStatus);
  EXPECT_EQ(get(uart::kModemStatus), uart::kDataSetReady | 0x09);  // CTS and DCD went off
  EXPECT_FALSE(line_.high());
  set(uart::kData, 'x');
  EXPECT_EQ(output_, "");
  EXPECT_EQ(receive("outside"), 0u);
  set(uart::kData, 'y');  // the one-byte buffer overruns
  EXPECT_EQ(get(uart::kInterruptIdentity), uart::kIdLineStatus);
  EXPECT_EQ(get(uart::kLineStatus) & (uart::kOverrun | uart::kDataReady), uart::kOverrun | uart::kDataReady);
  EXPECT_EQ(get(uart::kLineStatus) & uart::kOverrun, 0);
  EXPECT_EQ(get(uart::kData), 'x');
  EXPECT_EQ(rooms_, 0);  // still disconnected
  set(uart::kModemControl, 0);
  EXPECT_EQ(rooms_, 1);
}

TEST_F(UartTest, ResetAndOddAccesses) {
  set(uart::kInterruptEnable, 0x0f);
  set(uart::kScratch, 7);
  uart_.reset();
  EXPECT_FALSE(line_.high());
  EXPECT_EQ(get(uart::kScratch), 0);
  write_value<uint32_t>(uart_, 4, 0x11223344);  // four registers at once
  EXPECT_EQ(get(uart::kModemControl), 0x04);    // bits 5 to 7 do not exist
  EXPECT_EQ(get(uart::kScratch), 0x11);
  EXPECT_EQ(read_value<uint64_t>(uart_, 7) >> 8, 0x00ffffffffffffffu);
}

}  // namespace
}  // namespace cumulet::hypervisor
