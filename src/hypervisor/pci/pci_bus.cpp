// The bus: functions by place, BARs on the machine's buses, first assignment of addresses.
#include "hypervisor/pci/pci_bus.h"

#include <algorithm>

#include "base/check.h"

namespace cumulet::hypervisor {

namespace {

constexpr uint8_t place(uint8_t device, uint8_t function) {
  return static_cast<uint8_t>(device << 3 | function);
}

// Takes `size` bytes, aligned to their size, from the front of [next, end). Empty when it is full.
std::optional<uint64_t> take(uint64_t& next, uint64_t end, uint64_t size) {
  uint64_t address = (next + size - 1) & ~(size - 1);
  if (address < next || address >= end || size > end - address) return std::nullopt;
  next = address + size;
  return address;
}

}  // namespace

PciBus::PciBus(Bus& ports, Bus& memory, const PciWindows& windows)
    : ports_(ports), memory_(memory), windows_(windows) {
  slots_[0].function = &host_bridge_;
}

PciBus::~PciBus() {
  for (auto& [where, slot] : slots_) unclaim(slot);
}

Result<void> PciBus::add(uint8_t device, uint8_t function, PciFunction& added) {
  if (device > 31 || function > 7)
    return fail(ErrorCode::kInvalidArgument, "there is no such place on a PCI bus");
  auto [it, inserted] = slots_.try_emplace(place(device, function));
  if (!inserted) return fail(ErrorCode::kAlreadyExists, "the place on the PCI bus is taken");
  it->second.function = &added;
  update_multi_function(device);
  remap();
  return {};
}

void PciBus::remove(uint8_t device, uint8_t function) {
  auto it = slots_.find(place(device, function));
  if (it == slots_.end() || it->second.function == &host_bridge_) return;
  unclaim(it->second);
  slots_.erase(it);
  update_multi_function(device);
  remap();
}

void PciBus::update_multi_function(uint8_t device) {
  auto first = slots_.find(place(device, 0));
  if (first == slots_.end()) return;
  auto next = std::next(first);
  first->second.function->set_multi_function(next != slots_.end() && next->first >> 3 == device);
}

Result<void> PciBus::assign_resources() {
  PciWindows free = windows_;
  uint64_t io_next = free.io_start;
  for (auto& [where, slot] : slots_) {
    for (size_t i = 0; i < pci::kBarCount; ++i) {
      uint64_t size = slot.function->bar_size(i);
      if (size == 0) continue;
      std::optional<uint64_t> address;
      if (slot.function->bar_is_io(i)) {
        address = take(io_next, free.io_end, size);
      } else {
        if (slot.function->bar_is_64_bit(i)) address = take(free.memory_64_start, free.memory_64_end, size);
        if (!address) address = take(free.memory_32_start, free.memory_32_end, size);
      }
      if (!address) return fail(ErrorCode::kResourceExhausted, "no address space is left for PCI devices");
      slot.function->assign_bar(i, *address);
    }
    slot.function->enable_decoding();
  }
  remap();
  return {};
}

void PciBus::reset() {
  for (auto& [where, slot] : slots_) slot.function->reset();
  remap();
}

void PciBus::config_read(uint8_t bus, uint8_t device_function, uint64_t offset, MutableByteView out) const {
  auto it = bus == 0 ? slots_.find(device_function) : slots_.end();
  if (it == slots_.end()) {
    std::fill(out.begin(), out.end(), uint8_t{0xff});
  } else {
    it->second.function->config_read(offset, out);
  }
}

void PciBus::config_write(uint8_t bus, uint8_t device_function, uint64_t offset, ByteView bytes) {
  auto it = bus == 0 ? slots_.find(device_function) : slots_.end();
  if (it == slots_.end()) return;
  it->second.function->config_write(offset, bytes);
  remap();
}

bool PciBus::within_windows(const PciBarRange& range) const {
  auto within = [&range](uint64_t start, uint64_t end) {
    return range.address >= start && range.address < end && range.size <= end - range.address;
  };
  if (range.io) return within(windows_.io_start, windows_.io_end);
  return within(windows_.memory_32_start, windows_.memory_32_end) ||
         within(windows_.memory_64_start, windows_.memory_64_end);
}

void PciBus::unclaim(Slot& slot) {
  for (auto& claimed : slot.claimed) {
    if (claimed) (claimed->io ? ports_ : memory_).remove(claimed->address);
    claimed.reset();
  }
}

void PciBus::remap() {
  // First everything that moved gives its range up; then whatever has none takes its own, if it is free.
  for (auto& [where, slot] : slots_) {
    for (size_t i = 0; i < pci::kBarCount; ++i) {
      auto& claimed = slot.claimed[i];
      if (!claimed || claimed == slot.function->bar_range(i)) continue;
      (claimed->io ? ports_ : memory_).remove(claimed->address);
      claimed.reset();
    }
  }
  for (auto& [where, slot] : slots_) {
    for (size_t i = 0; i < pci::kBarCount; ++i) {
      if (slot.claimed[i]) continue;
      std::optional<PciBarRange> range = slot.function->bar_range(i);
      if (!range || !within_windows(*range)) continue;
      Bus& bus = range->io ? ports_ : memory_;
      if (bus.insert(range->address, range->size, *slot.function->bar_handler(i))) slot.claimed[i] = range;
    }
  }
}

}  // namespace cumulet::hypervisor
