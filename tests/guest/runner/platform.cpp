// The platform of guest programs.
#include "platform.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "start_state.h"

namespace cumulet::guest_test {

using namespace hypervisor;

namespace {
constexpr GuestAddress kEchoPage = 0xd0000000, kCounterPage = 0xd0001000;
constexpr uint16_t kSerial = 0x3f8, kQueue = 0x500;

uint32_t value_of(ByteView data) {
  return static_cast<uint32_t>(load_le_sized(data.first(std::min<size_t>(data.size(), 4))));
}
}  // namespace

Request Platform::port(const PortIoExit& exit) {
  std::unique_lock lock(mutex_);
  Request request;
  for (uint32_t i = 0; i < exit.count; ++i) {
    MutableByteView item = exit.data.subspan(size_t{i} * exit.size, exit.size);
    if (exit.direction == Direction::kRead) {
      port_read(exit.port, item);
    } else {
      request = port_write(exit.port, item);
    }
  }
  if (exit.port == 0xfc && exit.direction == Direction::kWrite) {
    uint32_t duration_ms = std::min<uint32_t>(value_of(exit.data), 1000);
    lock.unlock();
    std::this_thread::sleep_for(std::chrono::milliseconds(duration_ms));
  }
  return request;
}

Request Platform::port_write(uint16_t port, ByteView data) {
  switch (port) {
    case kSerial: serial_.push_back(static_cast<char>(data[0])); return {};
    case kQueue:
      for (uint8_t byte : data) queue_.push_back(static_cast<char>(byte));
      return {};
    case 0xf3: return {Request::Kind::kPass, 0};
    case 0xf4: return {Request::Kind::kFail, value_of(data)};
    case 0xf5: return {Request::Kind::kInterrupt, value_of(data)};
    case 0xf6: return {Request::Kind::kNmi, 0};
    case 0xf7: return {Request::Kind::kStartVcpu, value_of(data)};
    case 0xf8: return {Request::Kind::kKick, value_of(data)};
    case 0xf9: return {Request::Kind::kInterruptWhenHalted, value_of(data)};
    case 0xfa: return {Request::Kind::kSipi, value_of(data)};
    default: return {};
  }
}

void Platform::port_read(uint16_t port, MutableByteView data) {
  std::fill(data.begin(), data.end(), uint8_t{0xff});
  if (port == kQueue) {
    for (uint8_t& byte : data) {
      if (queue_.empty()) break;
      byte = static_cast<uint8_t>(queue_.front());
      queue_.erase(0, 1);
    }
  } else if (port == 0xfb) {
    store_le_sized(data, task_priority_exits_);
  }
}

void Platform::mmio(const MmioExit& exit) {
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < exit.data.size(); ++i) {
    GuestAddress address = exit.address + i;
    uint8_t* cell = nullptr;
    if (address - kEchoPage < echo_.size()) cell = &echo_[address - kEchoPage];
    if (address - kRamSize < after_ram_.size()) cell = &after_ram_[address - kRamSize];
    if (exit.direction == Direction::kRead) {
      exit.data[i] = cell != nullptr ? *cell : 0xff;
    } else if (cell != nullptr) {
      *cell = exit.data[i];
    }
  }
  if (exit.address - kEchoPage < echo_.size()) ++echo_accesses_;
  if (exit.address == kCounterPage && exit.direction == Direction::kRead && exit.data.size() <= 8)
    store_le_sized(exit.data, echo_accesses_);
}

void Platform::msr(const MsrExit& exit) {
  std::lock_guard lock(mutex_);
  bool write = exit.direction == Direction::kWrite;
  if (exit.index == 0x1b && !write) {
    *exit.value = 0xfee00900;
  } else if (exit.index - 0x4b564d00 < clock_msrs_.size()) {
    uint64_t& held = clock_msrs_[exit.index - 0x4b564d00];
    if (write) {
      held = *exit.value;
    } else {
      *exit.value = held;
    }
  } else {
    *exit.fault = true;
  }
}

void Platform::count_task_priority() {
  std::lock_guard lock(mutex_);
  ++task_priority_exits_;
}

std::string Platform::serial() const {
  std::lock_guard lock(mutex_);
  return serial_;
}

}  // namespace cumulet::guest_test
