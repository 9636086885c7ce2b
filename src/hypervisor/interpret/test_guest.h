// TestGuest: a processor with a little memory and page tables, for the interpreter's tests.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

#include "hypervisor/interpret/interpreter.h"

namespace cumulet::hypervisor {

// 4 MiB of RAM at 0. Long mode maps the first 2 MiB one to one with one 2 MiB page, all rights, user; the
// second 2 MiB by 4 KiB pages that tests may change. The GDT has flat segments of each kind.
class TestGuest {
 public:
  static constexpr uint64_t kCode = 0x10000, kData = 0x20000, kStack = 0x30000;
  static constexpr uint64_t kGdt = 0x1000, kIdt = 0x2000, kTss = 0x3000, kPageTables = 0x4000;
  static constexpr uint64_t kSmallPages = 0x200000;  // first address that 4 KiB pages map
  static constexpr uint64_t kSmallPageTable = kPageTables + 0x3000;
  static constexpr uint64_t kHandlers = 0x18000;  // handler of vector n: kHandlers + 16 n
  static constexpr uint16_t kCode64 = 0x08, kDataSelector = 0x10, kUserCode64 = 0x2b, kUserData = 0x23,
                            kCode32 = 0x30, kTssSelector = 0x38, kCode16 = 0x48, kData16 = 0x50;

  TestGuest();

  // Modes; each sets segments, tables and a stack, with RIP at kCode.
  void enter_long_mode();
  void enter_protected_mode();
  void enter_real_mode();
  // Level 3 of long mode.
  void enter_user_mode();

  // Writes code at RIP, or anywhere.
  void code(std::initializer_list<uint8_t> bytes);
  void put(uint64_t address, const std::vector<uint8_t>& bytes);
  void put64(uint64_t address, uint64_t value);
  [[nodiscard]] uint64_t get64(uint64_t address) const;
  // Interrupt gate of long mode for `vector`.
  void set_gate(uint8_t vector, uint8_t dpl = 0, uint8_t ist = 0);

  // One step that is expected to need no machine.
  void step();
  // True if the processor stands at the handler of `vector`.
  [[nodiscard]] bool at_handler(uint8_t vector) const { return state().rip == kHandlers + 16u * vector; }

  [[nodiscard]] CpuState& state() { return cpu.state; }
  [[nodiscard]] const CpuState& state() const { return cpu.state; }
  [[nodiscard]] uint64_t& reg(Register name) { return cpu.state.gpr[name]; }

  std::unique_ptr<GuestMemory> memory;
  Cpu cpu;
  std::unique_ptr<Interpreter> interpreter;
};

}  // namespace cumulet::hypervisor
