// System instructions on the quick path: a kernel's ways in and out, and the registers that it writes on
// them.
#include "hypervisor/translate/quick_path.h"
#include "hypervisor/x86/cpuid.h"

namespace cumulet::hypervisor::quick {

namespace {
// Attributes of the flat segments that syscall and sysret load (SDM volume 2).
constexpr uint32_t kFlatCode = 0x9b | Segment::kLong | Segment::kGranularity;
constexpr uint32_t kFlatData = 0x93 | Segment::kDefaultBig | Segment::kGranularity;
constexpr uint32_t kRing3 = 3 << 5;

bool is_canonical(uint64_t linear) {
  return static_cast<uint64_t>(static_cast<int64_t>(linear << 16) >> 16) == linear;
}

void load_flat(Segment& segment, uint64_t selector, uint32_t attributes) {
  segment.selector = static_cast<uint16_t>(selector);
  segment.attributes = attributes;
  segment.limit = ~uint32_t{0};
  segment.base = 0;
}

bool decline(Context& context) {
  context.reason = LeaveReason::kInterpretGeneral;
  return false;
}

QuickOperand operand_of(const Context& context) { return __builtin_bit_cast(QuickOperand, context.operand); }

bool go_to_next(Context& context) {
  context.cpu.state.rip += operand_of(context).length;
  return go_to_rip(context);
}

bool system_call(Context* pointer) {
  Context& context = *pointer;
  CpuState& state = context.cpu.state;
  take_flags(context);
  uint64_t flags = (state.rflags & ~(state.msr.fmask | rflags::kRf)) | rflags::kFixed;
  if ((state.msr.efer & efer::kSce) == 0 || !flags_are_usual(context, flags, 0)) return decline(context);
  state.gpr[kRcx] = state.rip + operand_of(context).length;
  state.gpr[kR11] = state.rflags & ~rflags::kRf;
  state.rip = state.msr.lstar;
  uint64_t selector = state.msr.star >> 32 & 0xfffc;
  load_flat(state.segments[kCs], selector, kFlatCode);
  load_flat(state.segments[kSs], selector + 8, kFlatData);
  set_flags(context, flags);
  return go_to_rip(context);
}

// sysret with a 64-bit operand.
bool system_return(Context* pointer) {
  constexpr uint64_t kLoaded = 0x3c7fd7;
  Context& context = *pointer;
  CpuState& state = context.cpu.state;
  take_flags(context);
  uint64_t flags = (state.gpr[kR11] & kLoaded) | rflags::kFixed;
  bool usual = (state.msr.efer & efer::kSce) != 0 && is_canonical(state.gpr[kRcx]);
  if (!usual || !flags_are_usual(context, flags, 3)) return decline(context);
  state.rip = state.gpr[kRcx];
  uint64_t base = state.msr.star >> 48;
  load_flat(state.segments[kCs], (base + 16) | 3, kFlatCode | kRing3);
  load_flat(state.segments[kSs], (base + 8) | 3, kFlatData | kRing3);
  set_flags(context, flags);
  return go_to_rip(context);
}

// As IRET does for data segments when it returns to an outer level (SDM volume 2, IRET).
void drop_inner_segments(CpuState& state) {
  for (SegmentRegister name : {kEs, kDs, kFs, kGs}) {
    Segment& segment = state.segments[name];
    bool conforming = (segment.type() & 0xc) == 0xc;
    if ((segment.attributes & Segment::kUnusable) != 0 || segment.dpl() == 3 || conforming) continue;
    segment.selector = 0;
    segment.attributes = Segment::kUnusable;
    segment.limit = 0;
    segment.base = 0;
  }
}

struct ReturnFrame {
  uint64_t rip, cs, flags, rsp, ss;
  uint64_t code, stack;  // descriptors; stack: 0 for a null selector
};

// 64-bit code and a flat or null stack of one level, from ring 0 (SDM volume 2, IRET).
bool read_return_frame(Context& context, ReturnFrame& frame) {
  constexpr uint64_t kCodeBits = uint64_t{0x600c} << 40 | uint64_t{3} << 45;  // D, L, code, conforming, DPL
  constexpr uint64_t kStackBits = uint64_t{0xa} << 40 | uint64_t{3} << 45;    // code, writable, DPL
  Exception fault{};
  uint64_t host = data_address(context, context.cpu.state.gpr[kRsp], 40, false, fault);
  if (host == 0) return false;
  frame = {load(host), load(host + 8) & 0xffff, load(host + 16), load(host + 24), load(host + 32) & 0xffff, 0,
           0};
  uint64_t level = frame.cs & 3;
  if ((level != 0 && level != 3) || (frame.ss & 3) != level || !is_canonical(frame.rip)) return false;
  if (!read_descriptor(context, static_cast<uint16_t>(frame.cs), frame.code)) return false;
  if ((frame.code & kCodeBits) != (uint64_t{0x2008} << 40 | level << 45)) return false;
  if (frame.ss < 4) return level == 0;
  return read_descriptor(context, static_cast<uint16_t>(frame.ss), frame.stack) &&
         (frame.stack & kStackBits) == (uint64_t{2} << 40 | level << 45);
}

bool interrupt_return(Context* pointer) {
  constexpr uint64_t kLoaded = rflags::kArithmetic | rflags::kTf | rflags::kDf | rflags::kNt | rflags::kAc |
                               rflags::kId | rflags::kIopl | rflags::kIf;
  Context& context = *pointer;
  CpuState& state = context.cpu.state;
  ReturnFrame frame;
  take_flags(context);
  if ((state.rflags & rflags::kNt) != 0 || context.cpu.nmi_blocked || !read_return_frame(context, frame))
    return decline(context);
  auto level = static_cast<uint8_t>(frame.cs & 3);
  // RF would cover the next instruction only, and there are no breakpoints.
  uint64_t flags = (state.rflags & ~(kLoaded | rflags::kRf)) | (frame.flags & kLoaded);
  if (!flags_are_usual(context, flags, level)) return decline(context);
  load_segment(state.segments[kCs], static_cast<uint16_t>(frame.cs), frame.code);
  if (frame.ss < 4) {
    state.segments[kSs] = {static_cast<uint16_t>(frame.ss), Segment::kUnusable, 0, 0};
  } else {
    load_segment(state.segments[kSs], static_cast<uint16_t>(frame.ss), frame.stack);
  }
  if (level == 3) drop_inner_segments(state);
  state.gpr[kRsp] = frame.rsp;
  state.rip = frame.rip;
  set_flags(context, flags);
  return go_to_rip(context);
}

bool pop_flags(Context* pointer) {
  Context& context = *pointer;
  CpuState& state = context.cpu.state;
  Exception fault{};
  take_flags(context);
  uint64_t host = data_address(context, state.gpr[kRsp], 8, false, fault);
  if (host == 0) return decline(context);
  uint64_t loaded = rflags::kArithmetic | rflags::kTf | rflags::kDf | rflags::kNt | rflags::kAc | rflags::kId;
  uint8_t cpl = context.cpu.cpl();
  if (cpl == 0) loaded |= rflags::kIopl;
  if (cpl <= (state.rflags >> 12 & 3)) loaded |= rflags::kIf;
  uint64_t flags = (state.rflags & ~(loaded | rflags::kRf)) | (load(host) & loaded);
  if (!flags_are_usual(context, flags, cpl)) return decline(context);
  state.gpr[kRsp] += 8;
  set_flags(context, flags);
  return go_to_next(context);
}

// The segment bases among the MSRs; null for all others.
uint64_t* base_register(CpuState& state) {
  constexpr uint32_t kFsBase = 0xc0000100, kGsBase = 0xc0000101, kKernelGsBase = 0xc0000102;
  switch (static_cast<uint32_t>(state.gpr[kRcx])) {
    case kFsBase: return &state.segments[kFs].base;
    case kGsBase: return &state.segments[kGs].base;
    case kKernelGsBase: return &state.msr.kernel_gs_base;
    default: return nullptr;
  }
}

bool write_msr(Context* pointer) {
  Context& context = *pointer;
  CpuState& state = context.cpu.state;
  take_flags(context);
  uint64_t* base = base_register(state);
  uint64_t value = state.gpr[kRdx] << 32 | (state.gpr[kRax] & 0xffffffff);
  if (base == nullptr || !is_canonical(value)) return decline(context);
  *base = value;
  return finish(context);
}

bool read_msr(Context* pointer) {
  Context& context = *pointer;
  CpuState& state = context.cpu.state;
  take_flags(context);
  const uint64_t* base = base_register(state);
  if (base == nullptr) return decline(context);
  state.gpr[kRax] = *base & 0xffffffff;
  state.gpr[kRdx] = *base >> 32;
  return finish(context);
}

template <SegmentRegister Name, bool Write>
bool access_base(Context* pointer) {
  Context& context = *pointer;
  CpuState& state = context.cpu.state;
  take_flags(context);
  uint64_t& general = state.gpr[operand_of(context).general_register];
  uint64_t& base = state.segments[Name].base;
  if ((state.cr4 & cr4::kFsgsbase) == 0 || (Write && !is_canonical(general))) return decline(context);
  (Write ? base : general) = Write ? general : base;
  return finish(context);
}

bool read_control(Context* pointer) {
  Context& context = *pointer;
  CpuState& state = context.cpu.state;
  take_flags(context);
  QuickOperand operand = operand_of(context);
  uint64_t& general = state.gpr[operand.general_register];
  switch (operand.control_register) {
    case 0: general = state.cr0; break;
    case 2: general = state.cr2; break;
    case 3: general = state.cr3; break;
    case 4: general = state.cr4; break;
    default: return decline(context);
  }
  return finish(context);
}

// Leaf 0xd is the interpreter's: it follows XCR0.
bool answer_cpuid(Context* pointer) {
  constexpr uint32_t kFeatures = 1, kExtendedState = 0xd, kOsxsave = 1 << 27;
  Context& context = *pointer;
  CpuState& state = context.cpu.state;
  take_flags(context);
  auto leaf = static_cast<uint32_t>(state.gpr[kRax]);
  if (leaf == kExtendedState || context.cpu.cpuid == nullptr) return decline(context);
  CpuidResult result = context.cpu.cpuid->query(leaf, static_cast<uint32_t>(state.gpr[kRcx]));
  if (leaf == kFeatures) {  // SDM volume 2, CPUID
    result.ecx &= ~kOsxsave;
    if ((state.cr4 & cr4::kOsxsave) != 0) result.ecx |= kOsxsave;
  }
  state.gpr[kRax] = result.eax;
  state.gpr[kRbx] = result.ebx;
  state.gpr[kRcx] = result.ecx;
  state.gpr[kRdx] = result.edx;
  return finish(context);
}

// mov to CR3 and invlpg empty caches, which is too much for here: the light way goes on with them.
bool change_translation(Context* context) {
  take_flags(*context);
  context->reason = LeaveReason::kChangeTranslation;
  return false;
}
}  // namespace

bool finish(Context& context) {
  set_flags(context, context.cpu.state.rflags);
  return go_to_next(context);
}

bool flags_are_usual(const Context& context, uint64_t flags, uint8_t cpl) {
  const CpuState& state = context.cpu.state;
  if ((flags & rflags::kTf) != 0) return false;
  if ((flags & rflags::kIf) != 0 && context.interrupt_wanted != 0) return false;
  if (cpl == 0) return true;
  // What `translatable` says of ring 3.
  bool alignment_checks = (flags & rflags::kAc) != 0 && (state.cr0 & cr0::kAm) != 0;
  return !alignment_checks && (state.cr4 & cr4::kTsd) == 0;
}

}  // namespace cumulet::hypervisor::quick

namespace cumulet::hypervisor {

QuickHandlers quick_handlers() {
  using namespace quick;
  return {
      access_miss,
      follow_link,
      follow_indirect_jump,
      {system_call, system_return, interrupt_return, pop_flags, read_msr, write_msr, access_base<kFs, false>,
       access_base<kGs, false>, access_base<kFs, true>, access_base<kGs, true>, read_control,
       change_translation, change_translation, save_extended, restore_extended, answer_cpuid}};
}

}  // namespace cumulet::hypervisor
