// Linear and segmented memory accesses of one instruction.
#include "hypervisor/interpret/memory_access.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "hypervisor/interpret/breakpoints.h"
#include "hypervisor/interpret/guest_ram_unsafe.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kPageSize = 4096;

uint64_t bytes_to_page_end(uint64_t linear) { return kPageSize - (linear & (kPageSize - 1)); }

// Outside 64-bit mode linear addresses have 32 bits and wrap.
uint64_t wrap_linear(const Execution& x, uint64_t linear) {
  return x.cpu.long_mode() ? linear : linear & 0xffffffff;
}

// One physical piece of an access.
bool read_physical(Execution& x, GuestAddress address, MutableByteView out) {
  if (ram_read(*x.cpu.memory, address, out)) return true;
  MachineRequest question = {MachineRequest::Kind::kMmio, Direction::kRead, address, 0,
                             std::vector<uint8_t>(out.size(), 0xff)};
  const MachineRequest* answer = x.requests.ask(question);
  if (answer == nullptr) return x.stop_for(MmioExit{address, Direction::kRead, x.requests.back().data});
  std::copy(answer->data.begin(), answer->data.end(), out.begin());
  return true;
}

bool write_physical(Execution& x, GuestAddress address, ByteView bytes) {
  if (ram_write(*x.cpu.memory, address, bytes)) {
    if (x.cpu.observer != nullptr) x.cpu.observer->memory_written(address, bytes.size());
    return true;
  }
  MachineRequest question = {MachineRequest::Kind::kMmio, Direction::kWrite, address, 0,
                             std::vector<uint8_t>(bytes.begin(), bytes.end())};
  if (x.requests.ask(question) != nullptr) return true;
  return x.stop_for(MmioExit{address, Direction::kWrite, x.requests.back().data});
}

// #AC applies to user code that asked for it (SDM volume 3, 6.15, vector 17).
bool check_alignment(Execution& x, uint64_t linear, uint64_t size, AccessPrivilege privilege) {
  if (privilege != AccessPrivilege::kCurrent || (size & (size - 1)) != 0 || (linear & (size - 1)) == 0)
    return true;
  if ((x.state.rflags & rflags::kAc) == 0 || (x.state.cr0 & cr0::kAm) == 0 || x.cpu.cpl() != 3) return true;
  return x.stop(fault_with_code(kAlignmentCheck, 0));
}

bool check_type(const Segment& segment, AccessType type) {
  bool code = (segment.type() & 8) != 0;
  bool readable_or_writable = (segment.type() & 2) != 0;
  if (type == AccessType::kWrite) return !code && readable_or_writable;
  if (type == AccessType::kRead) return !code || readable_or_writable;
  return true;
}
}  // namespace

bool within_limit(const Segment& segment, uint64_t offset, uint64_t size) {
  uint64_t last = offset + size - 1;
  bool expand_down = (segment.attributes & Segment::kCodeOrData) != 0 && (segment.type() & 0xc) == 4;
  if (!expand_down) return last <= segment.limit && last >= offset;
  uint64_t highest = segment.default_big() ? 0xffffffff : 0xffff;
  return offset > segment.limit && last <= highest && last >= offset;
}

bool to_linear(Execution& x, SegmentRegister segment, uint64_t offset, uint64_t size, AccessType type,
               uint64_t& linear) {
  const Segment& s = x.state.segments[segment];
  Exception fault = segment == kSs ? stack_fault() : general_protection();
  if (x.code64()) {
    linear = offset + (segment == kFs || segment == kGs ? s.base : 0);
    return (is_canonical(linear) && is_canonical(linear + size - 1)) || x.stop(fault);
  }
  linear = (s.base + offset) & 0xffffffff;
  if (x.protected_mode() && ((s.attributes & Segment::kUnusable) != 0 || !check_type(s, type)))
    return x.stop(fault);
  return within_limit(s, offset, size) || x.stop(fault);
}

bool translate(Execution& x, uint64_t linear, AccessType type, AccessPrivilege privilege,
               GuestAddress& physical) {
  auto result = walk_page(x.cpu, linear, type, privilege);
  if (const Exception* fault = std::get_if<Exception>(&result)) return x.stop(*fault);
  physical = std::get<Translation>(result).page + (linear & (kPageSize - 1));
  return true;
}

bool read_linear(Execution& x, uint64_t linear, MutableByteView out, AccessPrivilege privilege) {
  if (!check_alignment(x, linear, out.size(), privilege)) return false;
  note_data_breakpoints(x, linear, out.size(), AccessType::kRead);
  for (size_t done = 0; done < out.size();) {
    uint64_t at = wrap_linear(x, linear + done);
    size_t piece = std::min<uint64_t>(out.size() - done, bytes_to_page_end(at));
    GuestAddress physical = 0;
    if (!translate(x, at, AccessType::kRead, privilege, physical)) return false;
    if (!read_physical(x, physical, out.subspan(done, piece))) return false;
    done += piece;
  }
  return true;
}

bool write_linear(Execution& x, uint64_t linear, ByteView bytes, AccessPrivilege privilege) {
  CHECK(bytes.size() <= kPageSize);
  if (!check_alignment(x, linear, bytes.size(), privilege)) return false;
  note_data_breakpoints(x, linear, bytes.size(), AccessType::kWrite);
  size_t first_size = std::min<uint64_t>(bytes.size(), bytes_to_page_end(linear));
  GuestAddress first = 0;
  GuestAddress second = 0;
  if (!translate(x, wrap_linear(x, linear), AccessType::kWrite, privilege, first)) return false;
  if (first_size == bytes.size()) return write_physical(x, first, bytes);
  uint64_t next_page = wrap_linear(x, linear + first_size);
  if (!translate(x, next_page, AccessType::kWrite, privilege, second)) return false;
  ByteView head = bytes.first(first_size);
  ByteView tail = bytes.subspan(first_size);
  // Half RAM, half device: the device's half first, because a stop runs the instruction again, and its reads
  // must find RAM as it was.
  uint8_t byte = 0;
  if (!ram_read(*x.cpu.memory, second, {&byte, 1})) {
    if (ram_read(*x.cpu.memory, first, {&byte, 1})) {
      std::swap(first, second);
      std::swap(head, tail);
    }
  }
  return write_physical(x, first, head) && write_physical(x, second, tail);
}

bool check_write(Execution& x, uint64_t linear, uint64_t size) {
  GuestAddress physical = 0;
  uint64_t last = linear + size - 1;
  if (!check_alignment(x, linear, size, AccessPrivilege::kCurrent)) return false;
  if (!translate(x, wrap_linear(x, linear), AccessType::kWrite, AccessPrivilege::kCurrent, physical))
    return false;
  if ((linear ^ last) < kPageSize && bytes_to_page_end(linear) >= size) return true;
  return translate(x, wrap_linear(x, last) & ~(kPageSize - 1), AccessType::kWrite, AccessPrivilege::kCurrent,
                   physical);
}

bool read_memory(Execution& x, SegmentRegister segment, uint64_t offset, MutableByteView out) {
  uint64_t linear = 0;
  return to_linear(x, segment, offset, out.size(), AccessType::kRead, linear) && read_linear(x, linear, out);
}

bool write_memory(Execution& x, SegmentRegister segment, uint64_t offset, ByteView bytes) {
  uint64_t linear = 0;
  return to_linear(x, segment, offset, bytes.size(), AccessType::kWrite, linear) &&
         write_linear(x, linear, bytes);
}

bool read_integer(Execution& x, SegmentRegister segment, uint64_t offset, unsigned size, uint64_t& value) {
  uint64_t linear = 0;
  return to_linear(x, segment, offset, size, AccessType::kRead, linear) &&
         read_linear_integer(x, linear, size, value);
}

bool write_integer(Execution& x, SegmentRegister segment, uint64_t offset, unsigned size, uint64_t value) {
  uint64_t linear = 0;
  return to_linear(x, segment, offset, size, AccessType::kWrite, linear) &&
         write_linear_integer(x, linear, size, value);
}

bool read_linear_integer(Execution& x, uint64_t linear, unsigned size, uint64_t& value,
                         AccessPrivilege privilege) {
  uint8_t bytes[8] = {};
  MutableByteView view = MutableByteView(bytes).first(size);
  if (!read_linear(x, linear, view, privilege)) return false;
  value = load_le_sized(view);
  return true;
}

bool write_linear_integer(Execution& x, uint64_t linear, unsigned size, uint64_t value,
                          AccessPrivilege privilege) {
  uint8_t bytes[8] = {};
  store_le_sized(MutableByteView(bytes), value);
  return write_linear(x, linear, ByteView(bytes).first(size), privilege);
}

uint64_t stack_pointer(const Execution& x) { return x.state.gpr[kRsp] & low_mask(x.stack_bits()); }

void set_stack_pointer(Execution& x, uint64_t value) {
  uint64_t mask = low_mask(x.stack_bits());
  uint64_t& rsp = x.state.gpr[kRsp];
  rsp = x.stack_bits() == 16 ? (rsp & ~mask) | (value & mask) : value & mask;
}

bool push(Execution& x, unsigned size, uint64_t value) {
  uint64_t to = (stack_pointer(x) - size) & low_mask(x.stack_bits());
  if (!write_integer(x, kSs, to, size, value)) return false;
  set_stack_pointer(x, to);
  return true;
}

bool pop(Execution& x, unsigned size, uint64_t& value) {
  uint64_t from = stack_pointer(x);
  if (!read_integer(x, kSs, from, size, value)) return false;
  set_stack_pointer(x, from + size);
  return true;
}

}  // namespace cumulet::hypervisor
