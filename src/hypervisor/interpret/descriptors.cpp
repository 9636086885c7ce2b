// Reading descriptors from the GDT and LDT, and loading data and stack segments.
#include "hypervisor/interpret/descriptors.h"

#include "hypervisor/interpret/memory_access.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint16_t kLdtSelector = 4;
constexpr uint64_t kAccessed = uint64_t{1} << 40;
constexpr uint32_t kRealModeData = 0x93;

// Reads 8 bytes of a descriptor table as the processor itself.
bool read_table(Execution& x, uint64_t linear, uint64_t& value) {
  return read_linear_integer(x, linear, 8, value, AccessPrivilege::kImplicitSupervisor);
}
}  // namespace

bool read_descriptor(Execution& x, uint16_t selector, Descriptor& descriptor, Vector vector) {
  bool local = (selector & kLdtSelector) != 0;
  uint64_t base = local ? x.state.ldtr.base : x.state.gdtr.base;
  uint64_t limit = local ? x.state.ldtr.limit : x.state.gdtr.limit;
  bool usable = !local || (!is_null_selector(x.state.ldtr.selector) && x.state.ldtr.present() &&
                           (x.state.ldtr.attributes & Segment::kUnusable) == 0);
  uint64_t offset = selector & 0xfff8;
  if (!usable || offset + 7 > limit) return x.stop(fault_with_code(vector, selector_code(selector)));
  descriptor.address = base + offset;
  return read_table(x, descriptor.address, descriptor.raw);
}

bool read_descriptor_base_high(Execution& x, const Descriptor& descriptor, uint64_t& high) {
  if (!read_table(x, descriptor.address + 8, high)) return false;
  high <<= 32;
  return true;
}

bool mark_accessed(Execution& x, Descriptor& descriptor) {
  if ((descriptor.raw & kAccessed) != 0) return true;
  descriptor.raw |= kAccessed;
  return write_linear_integer(x, descriptor.address + 5, 1, descriptor.raw >> 40 & 0xff,
                              AccessPrivilege::kImplicitSupervisor);
}

Segment to_segment(uint16_t selector, const Descriptor& descriptor) {
  uint64_t raw = descriptor.raw;
  Segment segment;
  segment.selector = selector;
  segment.attributes = raw >> 40 & 0xf0ff;
  segment.limit = static_cast<uint32_t>((raw & 0xffff) | (raw >> 32 & 0xf0000));
  if ((segment.attributes & Segment::kGranularity) != 0) segment.limit = segment.limit << 12 | 0xfff;
  segment.base = (raw >> 16 & 0xffffff) | (raw >> 32 & 0xff000000);
  return segment;
}

Segment null_segment(uint16_t selector, uint8_t dpl) {
  return {selector, Segment::kUnusable | static_cast<uint32_t>(dpl) << 5, 0, 0};
}

Segment real_mode_segment(uint16_t selector, const Segment& old) {
  Segment segment = old;
  if ((old.attributes & Segment::kUnusable) != 0 || !old.present()) segment = {0, kRealModeData, 0xffff, 0};
  segment.selector = selector;
  segment.base = static_cast<uint64_t>(selector) << 4;
  return segment;
}

bool check_stack_segment(Execution& x, uint16_t selector, uint8_t cpl, Vector vector, Segment& out) {
  Exception fault = fault_with_code(vector, selector_code(selector));
  Descriptor descriptor;
  if (is_null_selector(selector)) return x.stop(fault_with_code(vector, 0));
  if (!read_descriptor(x, selector, descriptor, vector)) return false;
  if (rpl(selector) != cpl || descriptor.dpl() != cpl || !descriptor.is_writable_data()) return x.stop(fault);
  if (!descriptor.present()) return x.stop(stack_fault(selector_code(selector)));
  if (!mark_accessed(x, descriptor)) return false;
  out = to_segment(selector, descriptor);
  return true;
}

bool load_segment(Execution& x, SegmentRegister target, uint16_t selector) {
  Segment& segment = x.state.segments[target];
  if (!x.protected_mode()) {
    segment = real_mode_segment(selector, segment);
    return true;
  }
  if (target == kSs) {
    uint8_t cpl = x.cpu.cpl();
    if (is_null_selector(selector) && x.code64() && cpl < 3 && rpl(selector) == cpl) {
      segment = null_segment(selector, cpl);
      return true;
    }
    Segment loaded;
    if (!check_stack_segment(x, selector, cpl, kGeneralProtection, loaded)) return false;
    segment = loaded;
    return true;
  }
  if (is_null_selector(selector)) {
    segment = null_segment(selector);
    return true;
  }
  Descriptor descriptor;
  if (!read_descriptor(x, selector, descriptor)) return false;
  Exception fault = general_protection(selector_code(selector));
  if (!descriptor.is_readable()) return x.stop(fault);
  bool checks_privilege = !descriptor.is_conforming();
  if (checks_privilege && (rpl(selector) > descriptor.dpl() || x.cpu.cpl() > descriptor.dpl()))
    return x.stop(fault);
  if (!descriptor.present()) return x.stop(fault_with_code(kSegmentNotPresent, selector_code(selector)));
  if (!mark_accessed(x, descriptor)) return false;
  segment = to_segment(selector, descriptor);
  return true;
}

void drop_inner_segments(CpuState& state, uint8_t cpl) {
  for (SegmentRegister name : {kEs, kDs, kFs, kGs}) {
    Segment& segment = state.segments[name];
    // An empty register keeps its base: that is how 64-bit code has FS and GS.
    if ((segment.attributes & Segment::kUnusable) != 0) continue;
    bool conforming = (segment.type() & 0xc) == 0xc;
    if (segment.dpl() < cpl && !conforming) segment = null_segment(0);
  }
}

}  // namespace cumulet::hypervisor
