// The IO-APIC's pins, redirection entries and register window.
#include "hypervisor/interrupt/io_apic.h"

#include "base/check.h"
#include "hypervisor/interrupt/register_slots.h"

namespace cumulet::hypervisor {

namespace {

// Offsets in the window, as slots of 16 bytes (82093AA datasheet, 3.1; EOI: 82489DX-compatible from version
// 0x20 on).
enum Slot : uint32_t { kSelect = 0, kWindow = 1, kEndOfInterrupt = 4 };
enum Index : uint8_t { kId = 0, kVersion = 1, kArbitration = 2, kFirstEntry = 0x10 };
constexpr uint32_t kVersionValue = (IoApic::kPinCount - 1) << 16 | 0x20;
constexpr uint32_t kIdWritable = 0x0f00'0000;

// Redirection entry (3.2.4).
constexpr uint64_t kLogical = 1 << 11, kRemoteIrr = 1 << 14, kLevel = 1 << 15, kMasked = 1 << 16;
constexpr uint64_t kEntryWritable = 0xfffe'0000'0001'afff;

}  // namespace

IoApic::IoApic(ApicBus& bus, uint8_t id) : bus_(bus), id_(id) {
  reset();
  bus_.attach(*this);
}

void IoApic::reset() {
  selected_ = 0;
  id_register_ = uint32_t{id_} << 24 & kIdWritable;
  entries_.fill(kMasked);
}

void IoApic::read(uint64_t offset, MutableByteView out) {
  read_register_slots(offset, out, [this](uint32_t slot) -> uint32_t {
    if (slot == kSelect) return selected_;
    return slot == kWindow ? read_register(selected_) : 0;
  });
}

void IoApic::write(uint64_t offset, ByteView bytes) {
  if (offset % kRegisterSlotSize != 0) return;
  auto value = static_cast<uint32_t>(load_le_sized(bytes.first(bytes.size() < 4 ? bytes.size() : 4)));
  switch (offset / kRegisterSlotSize) {
    case kSelect: selected_ = static_cast<uint8_t>(value); return;
    case kWindow: return write_register(selected_, value);
    case kEndOfInterrupt: return end_of_interrupt(static_cast<uint8_t>(value));
    default: return;
  }
}

uint32_t IoApic::read_register(uint8_t index) const {
  if (index == kId || index == kArbitration) return id_register_;
  if (index == kVersion) return kVersionValue;
  uint32_t pin = (index - uint32_t{kFirstEntry}) / 2;
  if (index < kFirstEntry || pin >= kPinCount) return 0;
  return static_cast<uint32_t>(entries_[pin] >> (index % 2 * 32));
}

void IoApic::write_register(uint8_t index, uint32_t value) {
  if (index == kId) id_register_ = value & kIdWritable;
  uint32_t pin = (index - uint32_t{kFirstEntry}) / 2;
  if (index < kFirstEntry || pin >= kPinCount) return;
  uint64_t& entry = entries_[pin];
  unsigned shift = index % 2 * 32;
  uint64_t writable = kEntryWritable & uint64_t{0xffff'ffff} << shift;
  entry = (entry & ~writable) | (uint64_t{value} << shift & writable);
  // An entry made edge-triggered forgets the interrupt it waits for; operating systems end stuck ones that
  // way.
  if ((entry & kLevel) == 0) entry &= ~kRemoteIrr;
  if ((entry & kLevel) != 0 && (levels_ >> pin & 1) != 0) deliver(pin);
}

void IoApic::set_level(uint32_t pin, bool high) {
  CHECK(pin < kPinCount);
  uint32_t bit = uint32_t{1} << pin;
  bool rising = high && (levels_ & bit) == 0;
  levels_ = high ? levels_ | bit : levels_ & ~bit;
  if (rising) deliver(pin);  // an edge that finds its pin masked is lost
}

void IoApic::deliver(uint32_t pin) {
  uint64_t& entry = entries_[pin];
  bool level = (entry & kLevel) != 0;
  if ((entry & kMasked) != 0 || (level && (entry & kRemoteIrr) != 0)) return;
  InterruptMessage message;
  message.destination =
      static_cast<uint32_t>(entry >> 56 | (entry >> 49 & 0x7f) << 8);  // bits 55:49: as in an MSI
  message.logical = (entry & kLogical) != 0;
  if (!message.logical && message.destination == 0xff) message.destination = kBroadcast;
  message.mode = static_cast<DeliveryMode>(entry >> 8 & 7);
  message.vector = static_cast<uint8_t>(entry);
  message.level_triggered = level;
  // Before delivery: the receiver may complete the interrupt at once.
  if (level) entry |= kRemoteIrr;
  if (!bus_.deliver(message)) entry &= ~kRemoteIrr;
}

void IoApic::end_of_interrupt(uint8_t vector) {
  for (uint32_t pin = 0; pin < kPinCount; ++pin) {
    uint64_t& entry = entries_[pin];
    if ((entry & kRemoteIrr) == 0 || static_cast<uint8_t>(entry) != vector) continue;
    entry &= ~kRemoteIrr;
    if ((levels_ >> pin & 1) != 0) deliver(pin);
  }
}

}  // namespace cumulet::hypervisor
