// THE CONTRACT of a device model: registers on a bus, an interrupt line, a life cycle.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace cumulet::hypervisor {

// Something that answers reads and writes of a range of ports or of physical memory. Offsets are relative to
// the range's start. The guest chooses offset, width and data freely: a handler answers every combination, as
// hardware does (all ones for what is not there), and never fails. Thread safety: called by vCPU and timer
// threads, one at a time: the machine holds its device lock.
class IoHandler {
 public:
  virtual ~IoHandler() = default;
  // Fills all of `out` (1 to 64 bytes, little-endian).
  virtual void read(uint64_t offset, MutableByteView out) = 0;
  virtual void write(uint64_t offset, ByteView bytes) = 0;
};

// A device's life: reset() puts registers into their power-on values; pause() returns when no timer or worker
// of the device touches guest memory any more; resume() undoes it. A device is created in the reset state,
// running. How it is reached is its own affair: it is an IoHandler, or has one for each of its windows.
class Device {
 public:
  virtual ~Device() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  virtual void reset() = 0;
  virtual void pause() {}
  virtual void resume() {}
};

// A wire from a device to an interrupt controller; `high` means asserted, whatever the electrical polarity.
// Called under the machine's device lock: a worker thread of a device takes that lock first.
class InterruptLine {
 public:
  virtual ~InterruptLine() = default;
  virtual void set_level(bool high) = 0;
  // A rising and a falling edge: one edge-triggered interrupt.
  void pulse() {
    set_level(true);
    set_level(false);
  }
};

// Where message-signalled interrupts are written (SDM volume 3, 10.11). Called under the machine's device
// lock.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  virtual void send_message(uint64_t address, uint32_t data) = 0;
};

}  // namespace cumulet::hypervisor
