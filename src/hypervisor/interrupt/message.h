// InterruptMessage: what travels between IO-APIC, message-signalled devices and local APICs.
#pragma once

#include <cstdint>
#include <optional>

namespace cumulet::hypervisor {

// Delivery modes as encoded in the ICR, LVT, IO-APIC entries and MSI data (SDM volume 3, 10.6.1).
enum class DeliveryMode : uint8_t {
  kFixed = 0,
  kLowestPriority = 1,
  kSmi = 2,
  kNmi = 4,
  kInit = 5,
  kStartup = 6,
  kExternal = 7,
};

// Destination that means every processor.
inline constexpr uint32_t kBroadcast = 0xffff'ffff;

struct InterruptMessage {
  uint32_t destination = 0;  // an APIC id, a logical destination, or kBroadcast
  bool logical = false;
  DeliveryMode mode = DeliveryMode::kFixed;
  uint8_t vector = 0;
  bool level_triggered = false;
};

// Decodes a message-signalled interrupt (SDM volume 3, 10.11), with destination bits 14:8 in address bits
// 11:5 (KVM's MSI_EXT_DEST_ID). Empty when the address is not in the interrupt range 0xfeexxxxx.
std::optional<InterruptMessage> decode_message(uint64_t address, uint32_t data);

}  // namespace cumulet::hypervisor
