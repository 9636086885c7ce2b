// String instructions on memory, with and without repeat prefixes (SDM volume 1, 7.3.9).
#include <algorithm>

#include "hypervisor/interpret/breakpoints.h"
#include "hypervisor/interpret/guest_ram_unsafe.h"
#include "hypervisor/interpret/instructions.h"
#include "hypervisor/interpret/memory_access.h"
#include "hypervisor/interpret/operands.h"
#include "hypervisor/interpret/string_operands.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kPageSize = 4096;
constexpr int kElementsPerStep = 256;  // bound of the slow way, so that interrupts get their turn
constexpr int kPagesPerStep = 16;      // bound of the fast way

enum class Operation : uint8_t { kMovs, kStos, kLods, kCmps, kScas };

Operation operation_of(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_STOSB:
    case ZYDIS_MNEMONIC_STOSW:
    case ZYDIS_MNEMONIC_STOSD:
    case ZYDIS_MNEMONIC_STOSQ: return Operation::kStos;
    case ZYDIS_MNEMONIC_LODSB:
    case ZYDIS_MNEMONIC_LODSW:
    case ZYDIS_MNEMONIC_LODSD:
    case ZYDIS_MNEMONIC_LODSQ: return Operation::kLods;
    case ZYDIS_MNEMONIC_CMPSB:
    case ZYDIS_MNEMONIC_CMPSW:
    case ZYDIS_MNEMONIC_CMPSD:
    case ZYDIS_MNEMONIC_CMPSQ: return Operation::kCmps;
    case ZYDIS_MNEMONIC_SCASB:
    case ZYDIS_MNEMONIC_SCASW:
    case ZYDIS_MNEMONIC_SCASD:
    case ZYDIS_MNEMONIC_SCASQ: return Operation::kScas;
    default: return Operation::kMovs;
  }
}

// Sets the arithmetic flags as CMP of two integers of `size` bytes does.
void set_compare_flags(CpuState& state, uint64_t left, uint64_t right, unsigned size) {
  uint64_t mask = low_mask(size * 8);
  uint64_t sign = mask ^ (mask >> 1);
  left &= mask;
  right &= mask;
  uint64_t difference = (left - right) & mask;
  uint64_t flags = 0;
  if (left < right) flags |= rflags::kCf;
  if ((__builtin_popcountll(difference & 0xff) & 1) == 0) flags |= rflags::kPf;
  if (((left ^ right ^ difference) & 0x10) != 0) flags |= rflags::kAf;
  if (difference == 0) flags |= rflags::kZf;
  if ((difference & sign) != 0) flags |= rflags::kSf;
  if (((left ^ right) & (left ^ difference) & sign) != 0) flags |= rflags::kOf;
  state.rflags = (state.rflags & ~rflags::kArithmetic) | flags;
}

bool run_element(Execution& x, Operation operation, const StringOperands& string) {
  unsigned size = string.element_size;
  uint64_t value = 0;
  uint64_t other = 0;
  switch (operation) {
    case Operation::kMovs:
      if (!string.load_source(x, value) || !string.store_destination(x, value)) return false;
      string.advance_source(x);
      string.advance_destination(x);
      return true;
    case Operation::kStos:
      if (!string.store_destination(x, x.state.gpr[kRax])) return false;
      string.advance_destination(x);
      return true;
    case Operation::kLods:
      if (!string.load_source(x, value)) return false;
      write_gpr(x, kRax, size * 8, value);
      string.advance_source(x);
      return true;
    case Operation::kCmps:
      if (!string.load_source(x, value) || !string.load_destination(x, other)) return false;
      set_compare_flags(x.state, value, other, size);
      string.advance_source(x);
      string.advance_destination(x);
      return true;
    case Operation::kScas:
      if (!string.load_destination(x, other)) return false;
      set_compare_flags(x.state, x.state.gpr[kRax], other, size);
      string.advance_destination(x);
      return true;
  }
  return true;
}

// A run of elements that lies within one page, with its guest-physical address.
bool find_run(Execution& x, SegmentRegister segment, uint64_t offset, AccessType type,
              const StringOperands& string, uint64_t& elements, GuestAddress& physical) {
  uint64_t linear = 0;
  elements = std::min(elements, (low_mask(string.address_bits) - offset) / string.element_size);
  if (elements == 0 || !to_linear(x, segment, offset, string.element_size, type, linear)) return false;
  elements = std::min(elements, (kPageSize - (linear & (kPageSize - 1))) / string.element_size);
  if (elements == 0 || !to_linear(x, segment, offset, elements * string.element_size, type, linear))
    return false;
  return translate(x, linear, type, AccessPrivilege::kCurrent, physical);
}

// Whether [address, address + size) of RAM holds a byte of the instruction that is executed.
bool is_own_code(Execution& x, GuestAddress address, uint64_t size) {
  uint64_t first = x.state.segments[kCs].base + x.state.rip;
  for (uint64_t byte : {first, first + x.info().length - 1}) {
    GuestAddress physical = 0;
    bool found = translate(x, byte, AccessType::kExecute, AccessPrivilege::kCurrent, physical);
    x.exception.reset();
    if (found && physical - address < size) return true;
  }
  return false;
}

// Does as many elements of REP MOVS or REP STOS at once as lie in one page of RAM on each side. Returns how
// many; 0 when the slow way must take the next element (and find out what is wrong with it).
// `rewritten`: the instruction overwrote itself.
uint64_t run_fast(Execution& x, Operation operation, const StringOperands& string, uint64_t count,
                  bool& rewritten) {
  bool moves = operation == Operation::kMovs;
  if ((!moves && operation != Operation::kStos) || (x.state.rflags & rflags::kDf) != 0) return 0;
  uint64_t elements = count;
  GuestAddress source = 0;
  GuestAddress destination = 0;
  uint64_t to = read_gpr(x, kRdi, string.address_bits);
  uint64_t from = read_gpr(x, kRsi, string.address_bits);
  bool found =
      find_run(x, kEs, to, AccessType::kWrite, string, elements, destination) &&
      (!moves || find_run(x, string.source_segment, from, AccessType::kRead, string, elements, source));
  x.exception.reset();
  if (!found) return 0;
  uint64_t size = elements * string.element_size;
  uint8_t item[8];
  store_le<uint64_t>(item, 0, x.state.gpr[kRax]);
  bool done =
      moves ? ram_move_upwards(*x.cpu.memory, destination, source, size, string.element_size)
            : ram_fill_upwards(*x.cpu.memory, destination, size, ByteView(item).first(string.element_size));
  if (!done) return 0;
  rewritten = is_own_code(x, destination, size);
  if (x.cpu.observer != nullptr) x.cpu.observer->memory_written(destination, size);
  write_gpr(x, kRdi, string.address_bits, to + size);
  if (moves) write_gpr(x, kRsi, string.address_bits, from + size);
  return elements;
}

// True when REPE or REPNE ends the loop at the current ZF.
bool condition_ends(const Execution& x, Operation operation) {
  if (operation != Operation::kCmps && operation != Operation::kScas) return false;
  bool zf = (x.state.rflags & rflags::kZf) != 0;
  return x.has(ZYDIS_ATTRIB_HAS_REPNE) ? zf : !zf;
}
}  // namespace

bool execute_string(Execution& x) {
  // MOVSD and CMPSD are also SSE2 instructions.
  if (x.info().meta.category != ZYDIS_CATEGORY_STRINGOP) return execute_natively(x);
  Operation operation = operation_of(x.info().mnemonic);
  StringOperands string(x);
  if (!string.repeated) return run_element(x, operation, string);

  bool step_by_step = (x.state.rflags & rflags::kTf) != 0 || breakpoints_enabled(x.state);
  int elements_left = step_by_step ? 1 : kElementsPerStep;
  int pages_left = kPagesPerStep;
  uint64_t count = read_gpr(x, kRcx, string.address_bits);
  while (count != 0) {
    if (elements_left == 0 || pages_left == 0) {
      x.repeat = true;
      return true;
    }
    bool rewritten = false;
    uint64_t done = step_by_step ? 0 : run_fast(x, operation, string, count, rewritten);
    if (done != 0) {
      --pages_left;
    } else {
      if (!run_element(x, operation, string)) return false;
      --elements_left;
      done = 1;
    }
    count -= done;
    write_gpr(x, kRcx, string.address_bits, count);
    // The elements so far are done for good, whatever the next one meets.
    x.checkpoint();
    x.requests.clear();
    if (condition_ends(x, operation)) break;
    // What an instruction does that overwrote itself depends on when interrupts make it start again. Starting
    // again at once makes all engines agree.
    if (rewritten && count != 0) {
      x.repeat = true;
      return true;
    }
  }
  return true;
}

}  // namespace cumulet::hypervisor
