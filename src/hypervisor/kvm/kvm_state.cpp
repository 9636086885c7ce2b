// Conversions between CpuState and KVM's structures.
#include "hypervisor/kvm/kvm_state.h"

#include <cstring>

namespace cumulet::hypervisor {

namespace {
constexpr uint8_t kShadowMovSs = 1,
                  kShadowSti = 2;  // KVM_X86_SHADOW_INT_*, which the uapi header does not have

kvm_segment to_kvm_segment(const Segment& segment) {
  kvm_segment out{};
  out.base = segment.base;
  out.limit = segment.limit;
  out.selector = segment.selector;
  out.type = segment.type();
  out.s = (segment.attributes & Segment::kCodeOrData) != 0;
  out.dpl = segment.dpl();
  out.present = segment.present();
  out.avl = (segment.attributes >> 12) & 1;
  out.l = segment.long_mode();
  out.db = segment.default_big();
  out.g = (segment.attributes & Segment::kGranularity) != 0;
  out.unusable = (segment.attributes & Segment::kUnusable) != 0;
  return out;
}

Segment from_kvm_segment(const kvm_segment& segment) {
  uint32_t attributes = segment.type & Segment::kTypeMask;
  if (segment.s != 0) attributes |= Segment::kCodeOrData;
  attributes |= static_cast<uint32_t>(segment.dpl & 3) << 5;
  if (segment.present != 0) attributes |= Segment::kPresent;
  attributes |= static_cast<uint32_t>(segment.avl & 1) << 12;
  if (segment.l != 0) attributes |= Segment::kLong;
  if (segment.db != 0) attributes |= Segment::kDefaultBig;
  if (segment.g != 0) attributes |= Segment::kGranularity;
  if (segment.unusable != 0) attributes |= Segment::kUnusable;
  return {segment.selector, attributes, segment.limit, segment.base};
}

// kvm_regs in the hardware's order of registers.
std::array<__u64*, 16> registers_of(kvm_regs& regs) {
  return {&regs.rax, &regs.rcx, &regs.rdx, &regs.rbx, &regs.rsp, &regs.rbp, &regs.rsi, &regs.rdi,
          &regs.r8,  &regs.r9,  &regs.r10, &regs.r11, &regs.r12, &regs.r13, &regs.r14, &regs.r15};
}

std::array<kvm_segment*, 6> segments_of(kvm_sregs& sregs) {
  return {&sregs.es, &sregs.cs, &sregs.ss, &sregs.ds, &sregs.fs, &sregs.gs};
}

// The fields of ModelSpecificRegisters in the order of kStateMsrs.
std::array<uint64_t*, kStateMsrs.size()> msrs_of(ModelSpecificRegisters& msr) {
  return {&msr.star,        &msr.lstar,        &msr.cstar,        &msr.fmask, &msr.kernel_gs_base,
          &msr.sysenter_cs, &msr.sysenter_esp, &msr.sysenter_eip, &msr.pat,   &msr.tsc_aux};
}

void to_kvm_sregs(const CpuState& state, kvm_sregs& sregs) {
  auto segments = segments_of(sregs);
  for (size_t i = 0; i < segments.size(); ++i) *segments[i] = to_kvm_segment(state.segments[i]);
  sregs.ldt = to_kvm_segment(state.ldtr);
  sregs.tr = to_kvm_segment(state.tr);
  sregs.gdt.base = state.gdtr.base;
  sregs.gdt.limit = state.gdtr.limit;
  sregs.idt.base = state.idtr.base;
  sregs.idt.limit = state.idtr.limit;
  sregs.cr0 = state.cr0;
  sregs.cr2 = state.cr2;
  sregs.cr3 = state.cr3;
  sregs.cr4 = state.cr4;
  sregs.cr8 = state.cr8;
  sregs.efer = state.msr.efer;
}

uint8_t to_kvm_shadow(const CpuState& state) {
  if (!state.interrupt_shadow) return 0;
  // Hardware refuses a shadow of sti with IF clear (SDM volume 3, 26.3.1.5).
  return (state.rflags & rflags::kIf) != 0 ? kShadowSti : kShadowMovSs;
}
}  // namespace

void to_kvm(const CpuState& state, KvmState& kvm) {
  auto registers = registers_of(kvm.regs);
  for (size_t i = 0; i < registers.size(); ++i) *registers[i] = state.gpr[i];
  kvm.regs.rip = state.rip;
  kvm.regs.rflags = state.rflags | rflags::kFixed;
  to_kvm_sregs(state, kvm.sregs);

  kvm.xsave = state.xsave;
  kvm.xcrs = {};
  kvm.xcrs.nr_xcrs = 1;
  kvm.xcrs.xcrs[0].xcr = 0;
  kvm.xcrs.xcrs[0].value = state.xcr0;

  kvm.debug = {};
  for (size_t i = 0; i < state.dr.size(); ++i) kvm.debug.db[i] = state.dr[i];
  kvm.debug.dr6 = state.dr6;
  kvm.debug.dr7 = state.dr7;

  ModelSpecificRegisters msr = state.msr;
  auto msrs = msrs_of(msr);
  for (size_t i = 0; i < msrs.size(); ++i) kvm.msrs[i] = *msrs[i];

  kvm.events.interrupt.shadow = to_kvm_shadow(state);
  kvm.events.flags |= KVM_VCPUEVENT_VALID_SHADOW;
}

CpuState from_kvm(const KvmState& kvm) {
  CpuState state;
  KvmState source = kvm;
  auto registers = registers_of(source.regs);
  for (size_t i = 0; i < registers.size(); ++i) state.gpr[i] = *registers[i];
  state.rip = kvm.regs.rip;
  state.rflags = kvm.regs.rflags;

  auto segments = segments_of(source.sregs);
  for (size_t i = 0; i < segments.size(); ++i) state.segments[i] = from_kvm_segment(*segments[i]);
  state.ldtr = from_kvm_segment(kvm.sregs.ldt);
  state.tr = from_kvm_segment(kvm.sregs.tr);
  state.gdtr = {kvm.sregs.gdt.base, kvm.sregs.gdt.limit};
  state.idtr = {kvm.sregs.idt.base, kvm.sregs.idt.limit};
  state.cr0 = kvm.sregs.cr0;
  state.cr2 = kvm.sregs.cr2;
  state.cr3 = kvm.sregs.cr3;
  state.cr4 = kvm.sregs.cr4;
  state.cr8 = kvm.sregs.cr8;

  state.xsave = kvm.xsave;
  state.xcr0 = kvm.xcrs.nr_xcrs > 0 ? kvm.xcrs.xcrs[0].value : 1;
  for (size_t i = 0; i < state.dr.size(); ++i) state.dr[i] = kvm.debug.db[i];
  state.dr6 = kvm.debug.dr6;
  state.dr7 = kvm.debug.dr7;

  auto msrs = msrs_of(state.msr);
  for (size_t i = 0; i < msrs.size(); ++i) *msrs[i] = kvm.msrs[i];
  state.msr.efer = kvm.sregs.efer;
  state.interrupt_shadow = kvm.events.interrupt.shadow != 0;
  return state;
}

void drop_pending_events(KvmState& kvm) {
  uint8_t shadow = kvm.events.interrupt.shadow;
  kvm.events.exception = {};
  kvm.events.interrupt = {};
  kvm.events.interrupt.shadow = shadow;
  kvm.events.nmi = {};
  kvm.events.triple_fault = {};
  kvm.events.exception_has_payload = 0;
  kvm.events.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING;
  std::memset(kvm.sregs.interrupt_bitmap, 0, sizeof(kvm.sregs.interrupt_bitmap));
}

uint64_t linear_rip(const KvmState& kvm) { return kvm.sregs.cs.base + kvm.regs.rip; }

}  // namespace cumulet::hypervisor
