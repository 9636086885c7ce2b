// Exit: every reason for which a virtual processor stops running and asks its machine for something.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

enum class Direction : uint8_t { kRead, kWrite };  // as the guest sees it: kRead = in, load, rdmsr

// in/out/ins/outs. `data` holds count × size bytes, each item little-endian: filled by the guest for kWrite,
// to be filled by the machine before the next run() for kRead. String instructions arrive with count ≥ 1.
struct PortIoExit {
  uint16_t port;
  uint8_t size;  // 1, 2 or 4 bytes
  Direction direction;
  uint32_t count;
  MutableByteView data;  // owned by the vCPU; valid until its next run()
};

// A memory access outside guest RAM. `data` as above; 1 to 64 bytes.
struct MmioExit {
  GuestAddress address;
  Direction direction;
  MutableByteView data;
};

// rdmsr/wrmsr of a register that the engine does not hold itself (APIC, kvmclock, machine checks, ...).
struct MsrExit {
  uint32_t index;
  Direction direction;
  uint64_t* value;  // the value written, or where to put the value read
  bool* fault;      // set to true to give the guest #GP(0) instead
};

// hlt (or mwait) with nothing to do. Run again when an interrupt is injected; running earlier is harmless.
struct HaltExit {};
// The machine asked for it with request_interrupt_window(), and the guest can take an interrupt now.
struct InterruptWindowExit {};
// The guest lowered CR8; an interrupt held back by priority may now be due. get_cr8() gives the new value.
struct TaskPriorityExit {};
// kick() was called. Nothing happened otherwise.
struct InterruptedExit {};
// vmcall/vmmcall. Arguments are in the general registers by the guest's ABI; the result goes into rax by
// set_state.
struct HypercallExit {};
// Triple fault: the processor is in shutdown (SDM volume 3, 6.15). Only a reset brings it back.
struct ShutdownExit {};
// The engine cannot go on: an instruction it does not know, or a host failure. The VM must end with this
// reason.
struct FailureExit {
  std::string reason;
};

using Exit = std::variant<PortIoExit, MmioExit, MsrExit, HaltExit, InterruptWindowExit, TaskPriorityExit,
                          InterruptedExit, HypercallExit, ShutdownExit, FailureExit>;

}  // namespace cumulet::hypervisor
