// The switch between the host's C++ and translated code, and the call out of it that keeps vector state in
// place.
#include "hypervisor/translate/stubs.h"

#define XBYAK_NO_EXCEPTION
#include <xbyak/xbyak.h>

#include "base/check.h"
#include "hypervisor/x86/extended_state.h"

namespace cumulet::hypervisor {

namespace {
constexpr size_t kBufferSize = 8192;

class Generator : public Xbyak::CodeGenerator {
 public:
  explicit Generator(const Context& layout) : Xbyak::CodeGenerator(kBufferSize), layout_(layout) {}

  void generate(uint64_t address, AccessMissHandler handler, Stubs& stubs) {
    handler_ = handler;
    stubs.enter = address + offset();
    enter();
    stubs.link = address + offset();
    leave_with(LeaveReason::kLink);
    stubs.lookup = address + offset();
    leave_with(LeaveReason::kLookup);
    stubs.interpret = address + offset();
    leave_with(LeaveReason::kInterpret);
    stubs.access_miss = address + offset();
    access_miss();
    stubs.leave_fault = address + offset();
    L(leave_saved_);
    save_extended_state();
    return_to_host();
    stubs.size = offset();
  }

 private:
  [[nodiscard]] size_t offset() const { return getSize(); }
  Xbyak::Address field(const void* member, bool wide = true) {
    putSeg(gs);
    auto displacement = static_cast<uint32_t>(context_offset(layout_, member));
    return wide ? qword[Xbyak::RegExp(displacement)] : dword[Xbyak::RegExp(displacement)];
  }

  // Invariant of the machine's ABI: rbx, rbp, r12 to r15 are the caller's.
  void enter() {
    for (const Xbyak::Reg64& reg : {rbx, rbp, r12, r13, r14, r15}) push(reg);
    sub(rsp, 8);
    wrgsbase(rdi);
    mov(field(&layout_.host_rsp), rsp);
    mov(rdi, field(&layout_.xsave_area));
    mov(eax, kGuestExtendedState);
    xor_(edx, edx);
    xrstor64(rdi);
    push(field(&layout_.host_flags));
    popfq();
    load_registers();
    jmp(field(&layout_.target));
  }

  void leave_with(LeaveReason reason) {
    mov(field(&layout_.reason, false), static_cast<uint32_t>(reason));
    save_registers();
    mov(rsp, field(&layout_.host_rsp));
    pushfq();
    pop(field(&layout_.host_flags));
    jmp(leave_saved_, T_NEAR);
  }

  void save_extended_state() {
    mov(rdi, field(&layout_.xsave_area));
    mov(eax, kGuestExtendedState);
    xor_(edx, edx);
    xsave64(rdi);
  }

  void return_to_host() {
    fninit();
    putSeg(gs);
    ldmxcsr(dword[Xbyak::RegExp(static_cast<size_t>(context_offset(layout_, &layout_.host_mxcsr)))]);
    vzeroupper();
    add(rsp, 8);
    for (const Xbyak::Reg64& reg : {r15, r14, r13, r12, rbp, rbx}) pop(reg);
    ret();
  }

  // C++ may use the vector registers, but no x87 register and no MXCSR-dependent instruction runs in the
  // handler: keeping ymm0 to ymm15 in the Context is enough, and much cheaper than XSAVE.
  void access_miss() {
    save_registers();
    mov(rsp, field(&layout_.host_rsp));
    move_vectors(true);
    vzeroupper();
    rdgsbase(rdi);
    mov(rax, reinterpret_cast<uint64_t>(handler_));
    call(rax);
    mov(ecx, eax);
    move_vectors(false);
    Xbyak::Label failed;
    test(cl, cl);
    jz(failed, T_NEAR);
    load_registers();
    jmp(field(&layout_.target));
    L(failed);
    mov(field(&layout_.reason, false), static_cast<uint32_t>(LeaveReason::kInterpret));
    jmp(leave_saved_, T_NEAR);
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
  AccessMissHandler handler_ = nullptr;
  Xbyak::Label leave_saved_;
};
}  // namespace

std::vector<uint8_t> generate_stubs(uint64_t address, const Context& layout, AccessMissHandler handler,
                                    Stubs& stubs) {
  Generator generator(layout);
  generator.generate(address, handler, stubs);
  generator.ready();
  CHECK(Xbyak::GetError() == Xbyak::ERR_NONE);
  return {generator.getCode(), generator.getCode() + generator.getSize()};
}

}  // namespace cumulet::hypervisor
