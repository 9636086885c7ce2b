// The switch between the host's C++ and translated code, and the call out of it that keeps vector state in
// place.
#include "hypervisor/translate/stubs.h"

#define XBYAK_NO_EXCEPTION
#include <xbyak/xbyak.h>

#include "base/check.h"
#include "hypervisor/translate/code_pages.h"
#include "hypervisor/x86/extended_state.h"

namespace cumulet::hypervisor {

namespace {
constexpr size_t kBufferSize = 32 << 10;
constexpr uint32_t kPageBytes = 4096;

class Generator : public Xbyak::CodeGenerator {
 public:
  explicit Generator(const Context& layout) : Xbyak::CodeGenerator(kBufferSize), layout_(layout) {}

  void generate(uint64_t address, const StubHandlers& handlers, const StubMemory& memory, Stubs& stubs) {
    stubs.enter = address + offset();
    enter();
    stubs.leave.link = address + offset();
    save_registers();
    call_quick(handlers.quick.link);
    stubs.leave.lookup = address + offset();
    leave_light(LeaveReason::kLookup, handlers.leave);
    stubs.dropped = address + offset();
    leave_light(LeaveReason::kDropped, handlers.leave);
    stubs.indirect_miss = address + offset();
    mov(field(&layout_.cpu.state.rip), rcx);
    mov(rcx, field(&layout_.spill[0]));
    mov(r11, field(&layout_.spill[1]));
    save_registers();
    call_quick(handlers.quick.indirect);
    stubs.leave.interpret_general = address + offset();
    leave_light(LeaveReason::kInterpretGeneral, handlers.leave);
    stubs.region_miss = address + offset();
    add_page_base();
    leave_light(LeaveReason::kRegionMiss, handlers.leave);
    stubs.access_miss = address + offset();
    save_registers();
    find_missed_access(address);
    store_beside_code(memory);
    call_quick(handlers.quick.access_miss);
    for (size_t i = 0; i < kSystemOperations; ++i) {
      stubs.leave.system[i] = address + offset();
      save_registers();
      call_quick(handlers.quick.system[i]);
    }
    L(leave_quick_);
    call_handler(handlers.leave);
    stubs.leave.interpret = address + offset();
    leave_full();
    stubs.leave_fault = address + offset();
    L(leave_saved_);
    save_extended_state();
    return_to_host();
    add_relative_ways(address, stubs.leave, stubs.leave_relative);
  }

 private:
  [[nodiscard]] size_t offset() const { return getSize(); }
  Xbyak::Address field(const void* member, bool wide = true) {
    putSeg(gs);
    auto displacement = static_cast<uint32_t>(context_offset(layout_, member));
    return wide ? qword[Xbyak::RegExp(displacement)] : dword[Xbyak::RegExp(displacement)];
  }

  // miss_site and miss_linear of a missed access; the site stays in rax. Its scratch registers still hold
  // what the check left: the address minus the tag of the TLB line, and where the line is in its table. The
  // tag is the same as then, for others change it only while this vCPU is outside.
  void find_missed_access(uint64_t code) {
    static_assert(offsetof(TlbEntry, read_tag) == 0 &&
                  offsetof(TlbEntry, write_tag) == 2 * AccessSite::kWrite);
    auto registers = static_cast<uint32_t>(context_offset(layout_, &layout_.cpu.state.gpr));
    mov(eax, field(&layout_.miss_site, false));
    mov(rcx, code);
    sub(eax, ecx);
    add(rax, rcx);
    mov(field(&layout_.miss_site), rax);
    movzx(edx, byte[rax + offsetof(AccessSite, registers)]);
    mov(ecx, edx);
    and_(ecx, 0xf);
    shr(edx, 4);
    putSeg(gs);
    mov(rcx, ptr[rcx * 8 + registers]);
    putSeg(gs);
    mov(rdx, ptr[rdx * 8 + registers]);
    movzx(r8d, byte[rax + offsetof(AccessSite, element_and_tlb)]);
    shr(r8d, 4);
    shl(r8d, kTlbEntryBits + kTlbEntryShift);
    add(r8, rdx);
    movzx(edx, byte[rax + offsetof(AccessSite, kinds)]);
    and_(edx, AccessSite::kWrite);
    lea(r8, ptr[r8 + rdx * 2]);
    add(rcx, line_field(&layout_.tlb[0][0].read_tag));
    mov(field(&layout_.miss_linear), rcx);
  }

  // With what find_missed_access() leaves: a missed store to a page that holds code goes on if its line
  // allows that (kTlbCodeStore) and its bytes are in chunks that hold none. No fence is needed between the
  // look and the store: see CodePages.
  void store_beside_code(const StubMemory& memory) {
    Xbyak::Label slow;
    test(byte[rax + offsetof(AccessSite, kinds)], AccessSite::kWrite);
    jz(slow, T_NEAR);
    test(byte[rax + offsetof(AccessSite, element_and_tlb)], 0xf);
    jnz(slow, T_NEAR);
    movzx(edx, byte[rax + offsetof(AccessSite, size)]);
    mov(esi, ecx);
    and_(esi, kPageBytes - 1);
    lea(edi, ptr[rsi + rdx - 1]);  // its last byte
    cmp(edi, kPageBytes);
    jae(slow, T_NEAR);
    mov(r8d, ecx);
    shr(r8d, 12 - kTlbEntryShift);
    and_(r8d, (kTlbEntries - 1) << kTlbEntryShift);
    movzx(r9d, byte[rax + offsetof(AccessSite, element_and_tlb)]);
    shr(r9d, 4);
    shl(r9d, kTlbEntryBits + kTlbEntryShift);
    add(r8, r9);
    sub(rcx, rsi);
    const TlbEntry& line = layout_.tlb[0][0];
    cmp(rcx, line_field(&line.read_tag));
    jne(slow, T_NEAR);
    mov(r9, line_field(&line.physical));
    test(r9b, kTlbCodeStore);
    jz(slow, T_NEAR);
    mov(rcx, line_field(&line.host));
    mov(r9, memory.ram);
    mov(r10, rcx);
    sub(r10, r9);
    shr(r10, 12 - kCodePageShift);
    mov(r9, memory.pages);
    mov(r9, ptr[r9 + r10 + offsetof(CodePage, chunks)]);
    add(rcx, rsi);
    for (const Xbyak::Reg64& end : {rsi, rdi}) {
      shr(end, 6);
      bt(r9, end);
      jc(slow, T_NEAR);
    }
    movzx(edx, byte[rax + offsetof(AccessSite, registers)]);
    and_(edx, 0xf);
    putSeg(gs);
    mov(ptr[rdx * 8 + static_cast<uint32_t>(context_offset(layout_, &layout_.cpu.state.gpr))], rcx);
    movsxd(rcx, dword[rax + offsetof(AccessSite, resume)]);
    add(rax, rcx);
    mov(field(&layout_.target), rax);
    load_registers();
    jmp(field(&layout_.target));
    L(slow);
  }
  // A field of the TLB line at offset r8.
  Xbyak::Address line_field(const void* member) {
    putSeg(gs);
    return qword[r8 + static_cast<uint32_t>(context_offset(layout_, member))];
  }

  // Invariant of the machine's ABI: rbx, rbp, r12 to r15 are the caller's.
  void enter() {
    for (const Xbyak::Reg64& reg : {rbx, rbp, r12, r13, r14, r15}) push(reg);
    sub(rsp, 8);
    wrgsbase(rdi);
    mov(field(&layout_.host_rsp), rsp);
    mov(rdi, field(&layout_.xsave_area));
    mov(eax, field(&layout_.extended_state, false));
    xor_(edx, edx);
    xrstor64(rdi);
    go_on();
  }

  void save_registers_and_flags() {
    save_registers();
    mov(rsp, field(&layout_.host_rsp));
    pushfq();
    pop(field(&layout_.host_flags));
  }

  void add_relative_ways(uint64_t address, const LeaveStubs& ways, LeaveStubs& relative) {
    auto add = [&](uint64_t way, uint64_t& made) {
      made = address + offset();
      add_page_base();
      jmp(getCode() + (way - address), T_NEAR);
    };
    add(ways.link, relative.link);
    add(ways.lookup, relative.lookup);
    add(ways.interpret_general, relative.interpret_general);
    add(ways.interpret, relative.interpret);
    for (size_t i = 0; i < kSystemOperations; ++i) add(ways.system[i], relative.system[i]);
  }

  // Makes state.rip a linear address. Leaves flags and registers alone.
  void add_page_base() {
    static_assert(sizeof(PageBase) == 4 * 8);
    mov(field(&layout_.temporary), rax);
    mov(field(&layout_.spill[0]), rcx);
    mov(eax, field(&layout_.page_number, false));
    lea(eax, ptr[rax * 4]);
    putSeg(gs);
    mov(rax, ptr[rax * 8 + static_cast<uint32_t>(context_offset(layout_, &layout_.page_bases[0].base))]);
    mov(rcx, field(&layout_.cpu.state.rip));
    lea(rax, ptr[rax + rcx]);
    mov(field(&layout_.cpu.state.rip), rax);
    mov(rax, field(&layout_.temporary));
    mov(rcx, field(&layout_.spill[0]));
  }

  void leave_light(LeaveReason reason, LightLeaveHandler handler) {
    mov(field(&layout_.reason, false), static_cast<uint32_t>(reason));
    save_registers_and_flags();
    call_handler(handler);
  }

  void leave_full() {
    mov(field(&layout_.reason, false), static_cast<uint32_t>(LeaveReason::kInterpret));
    save_registers_and_flags();
    jmp(leave_saved_, T_NEAR);
  }

  void go_on() {
    mov(rax, field(&layout_.resume_flags));
    add(al, 0x7f);
    sahf();
    load_registers();
    jmp(field(&layout_.target));
  }

  void save_extended_state() {
    mov(rdi, field(&layout_.xsave_area));
    mov(eax, field(&layout_.extended_state, false));
    xor_(edx, edx);
    xsave64(rdi);
  }

  void return_to_host() {
    fninit();
    mxcsr(false, &layout_.host_mxcsr);
    vzeroupper();
    add(rsp, 8);
    for (const Xbyak::Reg64& reg : {r15, r14, r13, r12, rbp, rbx}) pop(reg);
    ret();
  }

  // After save_registers().
  void call_quick(QuickHandler handler) {
    mov(rsp, field(&layout_.host_rsp));
    pushfq();
    pop(field(&layout_.host_flags));
    rdgsbase(rdi);
    mov(rax, reinterpret_cast<uint64_t>(handler));
    call(rax);
    test(al, al);
    jz(leave_quick_, T_NEAR);
    go_on();
  }

  // C++ may use the vector registers and MXCSR, but no x87 register: so keeping ymm0 to ymm15 (or all that
  // AVX-512 has: the C library uses that) and MXCSR in the Context is enough, and much cheaper than XSAVE.
  void call_handler(LightLeaveHandler handler) {
    move_all_vectors(true);
    vzeroupper();
    mxcsr(true, &layout_.guest_mxcsr);
    mxcsr(false, &layout_.host_mxcsr);
    rdgsbase(rdi);
    mov(rax, reinterpret_cast<uint64_t>(handler));
    call(rax);
    mov(ecx, eax);
    move_all_vectors(false);
    mxcsr(false, &layout_.guest_mxcsr);
    test(cl, cl);
    jz(leave_saved_, T_NEAR);
    go_on();
  }

  void mxcsr(bool save, const uint32_t* member) {
    auto displacement = static_cast<size_t>(context_offset(layout_, member));
    putSeg(gs);
    if (save) {
      stmxcsr(dword[Xbyak::RegExp(displacement)]);
    } else {
      ldmxcsr(dword[Xbyak::RegExp(displacement)]);
    }
  }

  // Flags are lost, rcx is kept.
  void move_all_vectors(bool save) {
    if (host_wide_layout().end == 0) return move_vectors(save);
    Xbyak::Label wide, done;
    cmp(field(&layout_.extended_state, false), kGuestExtendedState);
    jne(wide, T_NEAR);
    move_vectors(save);
    jmp(done, T_NEAR);
    L(wide);
    move_wide_vectors(save);
    L(done);
  }

  void move_wide_vectors(bool save) {
    auto place = [this](size_t offset) {
      putSeg(gs);
      return ptr[Xbyak::RegExp(static_cast<size_t>(context_offset(layout_, &layout_.vector_save)) + offset)];
    };
    for (int i = 0; i < static_cast<int>(kWideSaveRegisters); ++i) {
      Xbyak::Address slot = place(static_cast<size_t>(i) * 64);
      if (save) {
        vmovdqa64(slot, Xbyak::Zmm(i));
      } else {
        vmovdqa64(Xbyak::Zmm(i), slot);
      }
    }
    for (int i = 0; i < static_cast<int>(kWideSaveMasks); ++i) {
      Xbyak::Address slot = place(kWideSaveRegisters * 64 + static_cast<size_t>(i) * 8);
      if (save) {
        kmovq(slot, Xbyak::Opmask(i));
      } else {
        kmovq(Xbyak::Opmask(i), slot);
      }
    }
  }

  void move_vectors(bool save) {
    for (int i = 0; i < 16; ++i) {
      auto displacement = static_cast<size_t>(context_offset(layout_, &layout_.vector_save) + i * 32);
      putSeg(gs);
      if (save) {
        vmovdqa(ptr[Xbyak::RegExp(displacement)], Xbyak::Ymm(i));
      } else {
        vmovdqa(Xbyak::Ymm(i), ptr[Xbyak::RegExp(displacement)]);
      }
    }
  }

  void save_registers() {
    for (int i = 0; i < 16; ++i) mov(field(&layout_.cpu.state.gpr[i]), Xbyak::Reg64(i));
  }
  void load_registers() {
    for (int i = 0; i < 16; ++i) mov(Xbyak::Reg64(i), field(&layout_.cpu.state.gpr[i]));
  }

  // Not in this version of Xbyak.
  void wrgsbase(const Xbyak::Reg64& reg) { coded({0xf3, 0x48, 0x0f, 0xae, 0xd8}, reg); }
  void rdgsbase(const Xbyak::Reg64& reg) { coded({0xf3, 0x48, 0x0f, 0xae, 0xc8}, reg); }
  void xsave64(const Xbyak::Reg64& reg) { coded({0x48, 0x0f, 0xae, 0x20}, reg); }
  void xrstor64(const Xbyak::Reg64& reg) { coded({0x48, 0x0f, 0xae, 0x28}, reg); }
  void coded(std::initializer_list<uint8_t> bytes, const Xbyak::Reg64& reg) {
    CHECK(reg.getIdx() < 8);
    size_t left = bytes.size();
    for (uint8_t code : bytes) db(--left == 0 ? code | reg.getIdx() : code);
  }

  const Context& layout_;
  Xbyak::Label leave_saved_, leave_quick_;
};
}  // namespace

std::vector<uint8_t> generate_stubs(uint64_t address, const Context& layout, const StubHandlers& handlers,
                                    const StubMemory& memory, Stubs& stubs) {
  Generator generator(layout);
  generator.generate(address, handlers, memory, stubs);
  generator.ready();
  CHECK(Xbyak::GetError() == Xbyak::ERR_NONE);
  return {generator.getCode(), generator.getCode() + generator.getSize()};
}

}  // namespace cumulet::hypervisor
