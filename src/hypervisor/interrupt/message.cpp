// Decoding of message-signalled interrupts.
#include "hypervisor/interrupt/message.h"

namespace cumulet::hypervisor {

std::optional<InterruptMessage> decode_message(uint64_t address, uint32_t data) {
  constexpr uint64_t kInterruptRange = 0xfee;  // address bits 31:20
  constexpr uint32_t kLevel = 1 << 15, kAssert = 1 << 14;
  constexpr uint32_t kRedirectionHint = 1 << 3, kLogical = 1 << 2;
  if (address >> 20 != kInterruptRange) return std::nullopt;
  if ((data & kLevel) != 0 && (data & kAssert) == 0)
    return std::nullopt;  // the end of a level: nothing to deliver

  InterruptMessage message;
  message.destination = static_cast<uint32_t>((address >> 12 & 0xff) | (address >> 5 & 0x7f) << 8);
  message.logical = (address & kLogical) != 0;
  if (!message.logical && message.destination == 0xff) message.destination = kBroadcast;
  message.mode = static_cast<DeliveryMode>(data >> 8 & 7);
  if (message.mode == DeliveryMode::kFixed && (address & kRedirectionHint) != 0)
    message.mode = DeliveryMode::kLowestPriority;
  message.vector = static_cast<uint8_t>(data);
  message.level_triggered = (data & kLevel) != 0;
  return message;
}

}  // namespace cumulet::hypervisor
