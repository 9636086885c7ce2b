// Making random guests.
#include "storm_guest.h"

#include <algorithm>
#include <array>
#include <vector>

#include "start_state.h"

#include "base/check.h"
#include "hypervisor/x86/extended_state.h"

namespace cumulet::guest_test {

using namespace hypervisor;

namespace {
constexpr uint64_t kCodeSize = 0x8000;
constexpr GuestAddress kIdt = 0x2000, kStubs = 0x110000;
constexpr uint8_t kUserBit = 4;

class Maker {
 public:
  Maker(GuestMemory& memory, std::mt19937_64& random) : memory_(memory), random_(random) {}

  CpuState make() {
    write_tables(memory_);
    auto mode = static_cast<StartMode>(below(8) < 5 ? 0 : 1 + below(2));
    CpuState state = start_state(mode, load_address(mode) + below(64), kStackTop);
    write_code(load_address(mode));
    write_gates(mode);
    if (mode == StartMode::kLong && below(2) == 0) disturb_page_tables();
    disturb(state, mode);
    return state;
  }

 private:
  uint64_t below(uint64_t limit) { return random_() % limit; }

  // A number that instructions are likely to do something interesting with.
  uint64_t number() {
    switch (below(10)) {
      case 0: return below(256);
      case 1: return ~uint64_t{0} - below(16);
      case 2: return kStormRamSize - 8 + below(16);
      case 3: return 0xd0000000 + below(0x2000);
      case 4: return 0x7ffffffffff0 + below(32);
      case 5: return 0xffff800000000000 + below(1 << 20);
      case 6: return kPml4 + below(0x9000);
      case 7: return kProgram + below(kCodeSize);
      case 8: return below(kStormRamSize);
      default: return random_();
    }
  }

  void emit(std::initializer_list<uint8_t> bytes) { code_.insert(code_.end(), bytes); }
  void emit_random(size_t count) {
    for (size_t i = 0; i < count; ++i) code_.push_back(static_cast<uint8_t>(random_()));
  }

  // An EVEX prefix as if of an instruction that exists, mostly.
  void emit_evex() {
    emit({0x62, static_cast<uint8_t>((random_() & 0xf0) | (1 + below(3))),
          static_cast<uint8_t>(random_() | 4 | (below(2) == 0 ? 0x78 : 0)), static_cast<uint8_t>(random_())});
  }

  // Prefixes, an opcode of one of the maps, ModRM and a tail, all random.
  void emit_encoded() {
    static constexpr uint8_t kPrefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x64, 0x65};
    while (below(3) == 0) code_.push_back(kPrefixes[below(std::size(kPrefixes))]);
    if (below(3) == 0) code_.push_back(static_cast<uint8_t>(0x40 + below(16)));
    switch (below(5)) {
      case 0: break;
      case 4: emit_evex(); break;
      case 1: code_.push_back(0x0f); break;
      case 2: emit({0x0f, static_cast<uint8_t>(below(2) == 0 ? 0x38 : 0x3a)}); break;
      default: emit({0xc4, static_cast<uint8_t>(random_()), static_cast<uint8_t>(random_())}); break;
    }
    emit_random(2 + below(5));
  }

  // Instructions that change what the processor is doing, with a random operand where they have one.
  void emit_system() {
    auto modrm = static_cast<uint8_t>(random_());
    auto reg_only = static_cast<uint8_t>(0xc0 | random_());
    switch (below(24)) {
      case 0: emit({0x0f, 0x22, reg_only}); break;  // mov cr, r
      case 1: emit({0x0f, 0x20, reg_only}); break;  // mov r, cr
      case 2: emit({0x0f, 0x23, reg_only}); break;  // mov dr, r
      case 3: emit({0x0f, 0x30}); break;            // wrmsr
      case 4: emit({0x0f, 0x32}); break;            // rdmsr
      case 5: emit({0x48, 0xcf}); break;            // iretq
      case 6: emit({0x0f, 0x05}); break;            // syscall
      case 7: emit({0x48, 0x0f, 0x07}); break;      // sysretq
      case 8: emit({0x8e, modrm}); break;           // mov sreg, r/m
      case 9: emit({0x0f, 0x01, modrm}); break;     // lgdt, lidt, invlpg, swapgs, xsetbv, ...
      case 10: emit({0x0f, 0x00, modrm}); break;    // lldt, ltr, verr, ...
      case 11: emit({0x9d}); break;                 // popf
      case 12: emit({0xfb}); break;                 // sti
      case 13: emit({0xcd, static_cast<uint8_t>(random_())}); break;  // int n
      case 14: emit({0xff, modrm}); break;                            // call, jmp, push, inc
      case 15: emit({0xf3, 0xa4}); break;                             // rep movsb
      case 16: emit({0xf3, 0xab}); break;                             // rep stosd
      case 17: emit({0x0f, 0xae, modrm}); break;                      // fxsave, xrstor, clflush, ...
      case 18: emit({0x48, 0x0f, 0xc7, modrm}); break;                // cmpxchg16b, xsaves, ...
      case 19: emit({0x5c}); break;                                   // pop rsp
      case 20: emit({0x6c}); break;                                   // ins
      case 21: emit({0xcb}); break;                                   // retf
      case 22: emit({0x0f, 0xa2}); break;                             // cpuid
      default: emit({0xf4}); break;                                   // hlt
    }
  }

  // A register gets a number: without these, random code soon addresses nothing.
  void emit_load() {
    emit({static_cast<uint8_t>(0x48 + below(2)), static_cast<uint8_t>(0xb8 + below(8))});
    uint64_t value = number();
    for (int i = 0; i < 8; ++i) code_.push_back(static_cast<uint8_t>(value >> (8 * i)));
  }

  // A store into the code itself, and short jumps.
  void emit_self_modification() {
    emit({0xc6, 0x05, static_cast<uint8_t>(random_()), static_cast<uint8_t>(below(2) == 0 ? 0 : 0xff), 0, 0,
          static_cast<uint8_t>(random_())});
  }
  void emit_jump() {
    emit({static_cast<uint8_t>(below(3) == 0 ? 0xeb : 0x70 + below(16)), static_cast<uint8_t>(random_())});
  }

  void write_code(GuestAddress address) {
    while (code_.size() < kCodeSize) {
      switch (below(12)) {
        case 0:
        case 1: emit_system(); break;
        case 2:
        case 3: emit_load(); break;
        case 4: emit_jump(); break;
        case 5: emit_self_modification(); break;
        case 6: emit_random(1 + below(6)); break;
        default: emit_encoded(); break;
      }
    }
    code_.resize(kCodeSize);
    code_base_ = address;
    CHECK(memory_.write(address, code_));
  }

  // A vector's first instructions: `add al, 0; jmp handler`. They set the arithmetic flags, because the
  // translator does not promise those of a faulting instruction that was about to set them itself.
  uint64_t write_stub(uint64_t vector, uint64_t handler) {
    uint64_t stub = kStubs + 16 * vector;
    std::array<uint8_t, 7> code = {0x04, 0x00, 0xe9};
    store_le<uint32_t>(code, 3, static_cast<uint32_t>(handler - (stub + code.size())));
    CHECK(memory_.write(stub, code));
    return stub;
  }

  // Every vector leads back into the code; some gates are broken.
  void write_gates(StartMode mode) {
    for (uint64_t vector = 0; vector < 256; ++vector) {
      uint64_t handler = code_base_ + below(kCodeSize);
      if (mode == StartMode::kReal) {
        CHECK(memory_.write_value<uint32_t>(4 * vector, static_cast<uint32_t>(handler & 0xffff)));
        continue;
      }
      bool is_long = mode == StartMode::kLong;
      handler = write_stub(vector, handler);
      uint64_t selector = is_long ? 0x08 : 0x40;
      uint64_t type = below(16) == 0 ? random_() & 0xff : 0x8e | (below(2) << 5) | (below(2) << 6);
      uint64_t stack = is_long ? below(3) : 0;
      uint64_t low =
          (handler & 0xffff) | selector << 16 | stack << 32 | type << 40 | (handler >> 16 & 0xffff) << 48;
      CHECK(memory_.write_value(kIdt + (is_long ? 16 : 8) * vector, low));
      if (is_long) CHECK(memory_.write_value<uint64_t>(kIdt + 16 * vector + 8, 0));
    }
  }

  // Random bits in entries of the last level; user access to all, sometimes.
  void disturb_page_tables() {
    for (GuestAddress at = kPml4 + 0x2000; at < kPml4 + 0x9000; at += 8) {
      uint64_t entry = 0;
      CHECK(memory_.read_value(at, entry));
      if (below(64) == 0) entry ^= uint64_t{1} << below(64);
      entry |= kUserBit;
      CHECK(memory_.write_value(at, entry));
    }
    for (uint64_t i = 0; i < 512; ++i)
      CHECK(memory_.write_value(kPml4 + 0x8000 + 8 * i,
                                (below(kStormRamSize) & ~uint64_t{0xfff}) | (random_() & 0xfff)));
  }

  void disturb(CpuState& state, StartMode mode) {
    for (size_t i = 0; i < state.gpr.size(); ++i)
      if (i != kRsp || below(8) == 0) state.gpr[i] = number();
    state.rflags |= random_() & (rflags::kArithmetic | rflags::kIf | rflags::kDf | rflags::kAc);
    if (below(32) == 0) state.rflags |= rflags::kTf;
    if (below(8) == 0) {
      for (uint64_t& breakpoint : state.dr) breakpoint = code_base_ + below(kCodeSize);
      state.dr7 = 0x400 | (random_() & 0xffff03ff);
    }
    if (mode == StartMode::kLong) {
      state.cr4 |= random_() & (cr4::kTsd | cr4::kDe | cr4::kUmip);
      if (below(2) == 0) {
        state.cr4 |= cr4::kOsfxsr | cr4::kOsxmmexcpt | cr4::kOsxsave;
        state.xcr0 = kGuestExtendedState | (host_wide_layout().end != 0 ? kWideState : 0);
      }
      if (below(4) == 0) state.cr0 |= cr0::kAm | cr0::kTs;
      state.msr.lstar = code_base_ + below(kCodeSize);
      state.msr.star = 0x0018000800000000;
      state.msr.kernel_gs_base = number() & 0x7fffffffffff;
    }
  }

  GuestMemory& memory_;
  std::mt19937_64& random_;
  std::vector<uint8_t> code_;
  GuestAddress code_base_ = 0;
};
}  // namespace

CpuState make_storm_guest(GuestMemory& memory, std::mt19937_64& random) {
  return Maker(memory, random).make();
}

}  // namespace cumulet::guest_test
