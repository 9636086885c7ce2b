// Page faults on the quick path: the TLB is filled, or the guest's handler entered through its IDT.
#include "hypervisor/translate/block.h"
#include "hypervisor/translate/page_seams.h"
#include "hypervisor/translate/quick_path.h"

namespace cumulet::hypervisor::quick {

namespace {
constexpr uint8_t kPageFaultVector = 14;
constexpr uint64_t kLahfFlags = rflags::kArithmetic & 0xff;

bool is_canonical(uint64_t linear) {
  return static_cast<uint64_t>(static_cast<int64_t>(linear << 16) >> 16) == linear;
}

struct Handler {
  uint64_t rip = 0;
  uint16_t selector = 0;
  uint64_t code = 0;  // descriptor
  uint64_t stack = 0;
  bool clears_if = false;
};

// A 64-bit gate to ring 0 (SDM volume 3, 6.14.1).
bool find_handler(Context& context, uint8_t vector, Handler& handler, uint8_t& stack_table_index) {
  constexpr uint64_t kGateSize = 16, kTypeAndPresent = uint64_t{0x9e} << 40, kGate = uint64_t{0x8e} << 40;
  constexpr uint64_t kConforming = uint64_t{1} << 42, kCode = uint64_t{1} << 43, kDpl = uint64_t{3} << 45,
                     kLong = uint64_t{1} << 53, kBig = uint64_t{1} << 54;
  const DescriptorTable& idt = context.cpu.state.idtr;
  if (vector * kGateSize + kGateSize - 1 > idt.limit) return false;
  uint64_t gate = system_address(context, idt.base + vector * kGateSize, kGateSize, false);
  if (gate == 0) return false;
  uint64_t low = load(gate);
  uint64_t high = load(gate + 8);
  if ((low & kTypeAndPresent) != kGate) return false;
  handler.clears_if = (low >> 40 & 1) == 0;
  handler.selector = low >> 16 & 0xfffc;
  handler.rip = (low & 0xffff) | (low >> 32 & 0xffff0000) | high << 32;
  stack_table_index = low >> 32 & 7;
  if (!is_canonical(handler.rip) || !read_descriptor(context, handler.selector, handler.code)) return false;
  return (handler.code & (kConforming | kCode | kDpl | kLong | kBig)) == (kCode | kLong);
}

// The handler's stack: the current one, or one of the TSS (SDM volume 3, 6.14.2 and 6.14.5).
bool find_stack(Context& context, uint8_t stack_table_index, uint64_t& stack) {
  constexpr uint64_t kRsp0 = 4, kIst1 = 36, kSlot = 8;
  const CpuState& state = context.cpu.state;
  stack = state.gpr[kRsp];
  if (stack_table_index == 0 && context.cpu.cpl() == 0) return true;
  uint64_t offset = stack_table_index == 0 ? kRsp0 : kIst1 + (stack_table_index - 1) * kSlot;
  if (offset + kSlot - 1 > state.tr.limit) return false;
  uint64_t host = system_address(context, state.tr.base + offset, kSlot, false);
  if (host == 0) return false;
  stack = load(host);
  return is_canonical(stack);
}

// The frame that a handler finds (SDM volume 3, figure 6-9), within one page.
bool push_frame(Context& context, const Exception& fault, uint64_t& stack) {
  constexpr uint64_t kSize = 6 * 8;
  const CpuState& state = context.cpu.state;
  uint64_t top = stack & ~uint64_t{15};
  uint64_t host = system_address(context, top - kSize, kSize, true);
  if (host == 0) return false;
  store(host, fault.error_code);
  store(host + 8, state.rip);
  store(host + 16, state.segments[kCs].selector);
  store(host + 24, state.rflags | rflags::kRf);  // a fault's frame has RF set (SDM volume 3, 17.3.1.1)
  store(host + 32, state.gpr[kRsp]);
  store(host + 40, state.segments[kSs].selector);
  stack = top - kSize;
  return true;
}
}  // namespace

void load_segment(Segment& segment, uint16_t selector, uint64_t raw) {
  segment.selector = selector;
  segment.attributes = raw >> 40 & 0xf0ff;
  segment.limit = static_cast<uint32_t>((raw & 0xffff) | (raw >> 32 & 0xf0000));
  if ((segment.attributes & Segment::kGranularity) != 0) segment.limit = segment.limit << 12 | 0xfff;
  segment.base = (raw >> 16 & 0xffffff) | (raw >> 32 & 0xff000000);
}

void take_flags(Context& context) {
  CpuState& state = context.cpu.state;
  state.rflags = (state.rflags & ~rflags::kArithmetic) | (context.host_flags & rflags::kArithmetic);
}

void set_flags(Context& context, uint64_t flags) {
  context.cpu.state.rflags = flags;
  context.host_flags = flags;  // for whoever leaves
  context.resume_flags = (flags & kLahfFlags) << 8 | ((flags & rflags::kOf) != 0 ? 1 : 0);
}

bool go_to_rip(Context& context) {
  CpuState& state = context.cpu.state;
  context.reason = LeaveReason::kLookup;
  if (!is_canonical(state.rip)) return false;
  context.spill[0] = state.gpr[kRcx];
  context.spill[1] = state.gpr[kR11];
  context.target = jump_table(context, code_mode(context.cpu))[jump_index(state.rip)];
  state.gpr[kRcx] = state.rip;
  return true;
}

bool deliver_page_fault(Context& context, const Exception& fault) {
  constexpr uint32_t kRing0Null = Segment::kUnusable;
  CpuState& state = context.cpu.state;
  Handler handler;
  uint8_t stack_table_index = 0;
  if (!find_handler(context, kPageFaultVector, handler, stack_table_index) ||
      !find_stack(context, stack_table_index, handler.stack) || !push_frame(context, fault, handler.stack))
    return false;
  state.cr2 = fault.address;
  if (context.cpu.cpl() != 0) state.segments[kSs] = {0, kRing0Null, 0, 0};
  state.gpr[kRsp] = handler.stack;
  load_segment(state.segments[kCs], handler.selector, handler.code);
  state.rip = handler.rip;
  uint64_t cleared = rflags::kTf | rflags::kNt | rflags::kRf | rflags::kVm;
  if (handler.clears_if) cleared |= rflags::kIf;
  set_flags(context, state.rflags & ~cleared);
  return true;
}

void undo_access(Context& context, const AccessSite& site) {
  CpuState& state = context.cpu.state;
  state.rip = site_rip(context, site.page_number(), site.guest_rip());
  state.gpr[site.address()] = context.spill[0];
  state.gpr[site.index()] = context.spill[1];
  if (site.element_size() != 0) {
    state.gpr[kRcx] += context.string_rest;
    context.string_rest = 0;
  }
  if (site.flags() != FlagsPlace::kDead) {
    uint64_t kept = site.flags() == FlagsPlace::kRax ? state.gpr[kRax] : context.saved_flags;
    if (site.flags() == FlagsPlace::kRax) state.gpr[kRax] = context.spill[2];
    // lahf's form: SF ZF AF PF CF in ah, OF in al.
    context.host_flags = (kept >> 8 & kLahfFlags) | ((kept & 1) != 0 ? rflags::kOf : 0);
  }
  take_flags(context);
}

namespace {
// The host address of an access to two pages, or 0: if it faults, the interpreter finds out how.
uint64_t crossing_address(Context& context, uint64_t linear, uint64_t size, bool write) {
  Exception fault{};
  uint64_t in_first = kPageSize - (linear & ~kPageMask);
  uint64_t first = data_address(context, linear, in_first, write, fault);
  uint64_t second = first == 0 ? 0 : data_address(context, linear + in_first, size - in_first, write, fault);
  return second == 0 ? 0 : context.seams->join(first, second);
}

// The same for instructions that may write to only one of the pages. 0: they are done one by one.
uint64_t crossing_address_with_gaps(Context& context, uint64_t linear, uint64_t size) {
  uint64_t in_first = kPageSize - (linear & ~kPageMask);
  uint64_t first = known_writable(context, linear, in_first);
  uint64_t second = first == 0 ? 0 : known_writable(context, linear + in_first, size - in_first);
  return second == 0 ? 0 : context.seams->join(first, second);
}

bool crosses_page(uint64_t linear, uint64_t size) { return (linear & ~kPageMask) + size > kPageSize; }

uint64_t missed_address(Context& context, const AccessSite& site, uint64_t size, Exception& fault) {
  uint64_t linear = context.miss_linear;
  if (crosses_page(linear, size))
    return site.has_gaps() ? crossing_address_with_gaps(context, linear, size)
                           : crossing_address(context, linear, size, site.write());
  if (site.element_size() != 0 && !site.write()) return string_source_address(context, linear, size, fault);
  return data_address(context, linear, size, site.write(), fault);
}

// A misaligned vector operand (or that of cmpxchg16b) is #GP before it is a page fault, and an x87 exception
// that waits is #MF. The two instructions of MMX with 16 bytes, cvtpd2pi and cvttpd2pi, are interpreted.
bool faults_first(const AccessSite& site, uint64_t linear) {
  constexpr uint8_t kXmm = 16, kYmm = 32, kZmm = 64;
  if (site.several()) return false;
  if (site.size == kXmm || site.size == kYmm || site.size == kZmm) return linear % site.size == 0;
  return site.general();
}
}  // namespace

bool access_miss(Context* pointer) {
  Context& context = *pointer;
  const AccessSite site = missed_site(context);
  uint64_t size = site.element_size() == 0 ? site.size : context.cpu.state.gpr[kRcx] * site.element_size();
  Exception fault{};
  context.target = resume_address(context, site);
  if (site.long_run()) {
    if (run_string(context, site, fault)) return true;
  } else if (uint64_t host = missed_address(context, site, size, fault); host != 0) {
    context.cpu.state.gpr[site.address()] = host;
    return true;
  }
  bool apart = site.has_gaps() && crosses_page(context.miss_linear, size);
  context.reason = LeaveReason::kStoreToCode;
  if (site.write() && !site.long_run() && !apart && fault.vector != kPageFaultVector) return false;
  undo_access(context, site);
  if (fault.vector == kPageFaultVector && faults_first(site, fault.address) &&
      deliver_page_fault(context, fault))
    return go_to_rip(context);
  context.reason = site.general() ? LeaveReason::kInterpretGeneral : LeaveReason::kInterpret;
  return false;
}

}  // namespace cumulet::hypervisor::quick
