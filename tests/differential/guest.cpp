// The small system around a sequence in the guest, and how its outcome is read.
#include "guest.h"

#include <algorithm>
#include <fmt/format.h>

#include "hypervisor/x86/extended_state.h"

namespace cumulet::differential {

using namespace hypervisor;

namespace {

constexpr uint64_t kMemorySize = 16 << 20;
constexpr uint64_t kPml4 = 0x10000;
constexpr uint64_t kFirstTable = 0x11000;
constexpr uint64_t kPresent = 1, kWritable = 2, kUser = 4, kNoExecute = uint64_t{1} << 63;

// Supervisor pages: handlers (one hlt every 16 bytes), tables, interrupt stack.
constexpr uint64_t kSystemLinear = 0xffff'ff80'0000'0000, kSystemPhysical = 0x40'0000;
constexpr uint64_t kHandlers = kSystemLinear;
constexpr uint64_t kHandlerSpacing = 16;
constexpr uint64_t kIdt = kSystemLinear + 0x1000;
constexpr uint64_t kGdt = kSystemLinear + 0x2000;
constexpr uint64_t kTss = kSystemLinear + 0x2800;
constexpr uint64_t kInterruptStackTop = kSystemLinear + 0x4000;
constexpr uint16_t kKernelCode = 0x10;
constexpr uint16_t kTssSelector = 0x40;
constexpr int kVectors = 32;
constexpr uint8_t kHlt = 0xf4;

uint64_t physical_page(uint64_t linear) {
  uint64_t page = (linear / kPageSize) & 1;
  switch (linear & ~(kAreaSize - 1)) {
    case kCodeBase: return 0x10'0000 + page * 0x8000;
    case kDataBase: return 0x20'0000 + page * 0x8000;
    case kStackBase: return 0x30'0000 + page * 0x8000;
    default: return kSystemPhysical + (linear - kSystemLinear) / kPageSize * kPageSize;
  }
}

bool pushes_error_code(uint8_t vector) {
  return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21;
}

Segment flat(uint16_t selector, uint32_t attributes) { return {selector, attributes, 0xffffffff, 0}; }

}  // namespace

Result<std::unique_ptr<GuestMemory>> GuestRunner::make_memory() {
  return GuestMemory::create({{0, kMemorySize, 0}});
}

Result<std::unique_ptr<GuestRunner>> GuestRunner::create(GuestMemory& memory, Engine& engine) {
  auto vcpu = TRY(engine.create_vcpu(0, engine.supported_cpuid()));
  std::unique_ptr<GuestRunner> runner(new GuestRunner(memory, engine, std::move(vcpu)));
  runner->build_system();
  return runner;
}

GuestRunner::GuestRunner(GuestMemory& memory, Engine& engine, std::unique_ptr<Vcpu> vcpu)
    : memory_(memory), engine_(engine), vcpu_(std::move(vcpu)), next_table_(kFirstTable) {}

void GuestRunner::map(uint64_t linear, uint64_t physical, uint64_t flags) {
  uint64_t table = kPml4;
  for (int shift : {39, 30, 21}) {
    uint64_t slot = table + ((linear >> shift) & 511) * 8;
    uint64_t entry = 0;
    CHECK(memory_.read_value(slot, entry));
    if ((entry & kPresent) == 0) {
      entry = next_table_ | kPresent | kWritable | kUser;
      next_table_ += kPageSize;
      CHECK(memory_.write_value(slot, entry));
    }
    table = entry & 0xffff'ffff'f000;
  }
  CHECK(memory_.write_value(table + ((linear >> 12) & 511) * 8, physical | flags | kPresent));
}

void GuestRunner::build_system() {
  for (uint64_t page = 0; page < kAreaSize; page += kPageSize) {
    map(kCodeBase + page, physical_page(kCodeBase + page), kUser);
    map(kDataBase + page, physical_page(kDataBase + page), kUser | kWritable | kNoExecute);
    map(kStackBase + page, physical_page(kStackBase + page), kUser | kWritable | kNoExecute);
  }
  for (uint64_t page = 0; page < 4 * kPageSize; page += kPageSize)
    map(kSystemLinear + page, kSystemPhysical + page, kWritable);
  for (int vector = 0; vector < kVectors; ++vector) {
    uint64_t handler = kHandlers + vector * kHandlerSpacing;
    CHECK(memory_.write_value(kSystemPhysical + vector * kHandlerSpacing, kHlt));
    bool user_may_call = vector == 3 || vector == 4;
    uint64_t low = (handler & 0xffff) | uint64_t{kKernelCode} << 16 | uint64_t{1} << 32 |
                   (user_may_call ? uint64_t{0xee00} : uint64_t{0x8e00}) << 32 |
                   (handler >> 16 & 0xffff) << 48;
    uint64_t gate = kSystemPhysical + (kIdt - kSystemLinear) + vector * 16;
    CHECK(memory_.write_value(gate, low) && memory_.write_value(gate + 8, handler >> 32));
  }
  uint64_t gdt = kSystemPhysical + (kGdt - kSystemLinear);
  CHECK(memory_.write_value(gdt + kKernelCode, uint64_t{0x00af'9b00'0000'ffff}));
  CHECK(memory_.write_value(gdt + (kUserStackSelector & ~7), uint64_t{0x00cf'f300'0000'ffff}));
  CHECK(memory_.write_value(gdt + (kUserCodeSelector & ~7), uint64_t{0x00af'fb00'0000'ffff}));
  uint64_t tss = kSystemPhysical + (kTss - kSystemLinear);
  CHECK(memory_.write_value(tss + 4, kInterruptStackTop) &&
        memory_.write_value(tss + 36, kInterruptStackTop));
}

void GuestRunner::place(uint64_t linear_area, const Area& bytes) {
  for (uint64_t page = 0; page < kAreaSize; page += kPageSize) {
    uint64_t physical = physical_page(linear_area + page);
    CHECK(memory_.write(physical, ByteView(bytes).subspan(page, kPageSize)));
    engine_.memory_changed(physical, kPageSize);
  }
}

void GuestRunner::fetch(uint64_t linear_area, Area& bytes) const {
  for (uint64_t page = 0; page < kAreaSize; page += kPageSize)
    CHECK(memory_.read(physical_page(linear_area + page), MutableByteView(bytes).subspan(page, kPageSize)));
}

Result<Outcome> GuestRunner::run(const Start& start) {
  Area code;
  code.fill(kEndOfSequence);
  std::copy(start.code.begin(), start.code.end(),
            code.begin() + static_cast<ptrdiff_t>(start.registers.rip - kCodeBase));
  place(kCodeBase, code);
  place(kDataBase, start.data);
  place(kStackBase, start.stack);

  CpuState state;
  state.gpr = start.registers.gpr;
  state.rip = start.registers.rip;
  state.rflags = start.registers.rflags;
  for (SegmentRegister data : {kEs, kDs, kFs, kGs}) state.segments[data] = flat(0, Segment::kUnusable);
  state.segments[kCs] = flat(kUserCodeSelector, 0xa0fb);
  state.segments[kSs] = flat(kUserStackSelector, 0xc0f3);
  state.ldtr = flat(0, Segment::kUnusable);
  state.tr = {kTssSelector, 0x8b, 0x67, kTss};
  state.gdtr = {kGdt, 0x7f};
  state.idtr = {kIdt, kVectors * 16 - 1};
  state.cr0 = cr0::kPe | cr0::kMp | cr0::kEt | cr0::kNe | cr0::kWp | cr0::kAm | cr0::kPg;
  state.cr3 = kPml4;
  state.cr4 = cr4::kPae | cr4::kOsfxsr | cr4::kOsxmmexcpt | cr4::kOsxsave;
  state.msr.efer = efer::kSce | efer::kLme | efer::kLma | efer::kNx;
  state.xcr0 = engine_.supported_cpuid().query(0xd, 0).eax;  // all components that there are
  std::copy(start.registers.vector.begin(), start.registers.vector.end(), state.xsave.begin());
  store_le<uint64_t>(state.xsave, 512, state.xcr0);
  TRY_VOID(vcpu_->set_state(state));

  Exit exit = vcpu_->run();
  if (!std::holds_alternative<HaltExit>(exit)) {
    const auto* failure = std::get_if<FailureExit>(&exit);
    return fail(ErrorCode::kUnavailable,
                failure != nullptr
                    ? failure->reason
                    : fmt::format("the guest left by exit number {}, not by an exception", exit.index()));
  }
  return read_outcome();
}

Result<Outcome> GuestRunner::read_outcome() {
  CpuState state = vcpu_->get_state();
  Outcome outcome;
  uint64_t handler = state.rip - 1 - kHandlers;
  if (handler >= kVectors * kHandlerSpacing || handler % kHandlerSpacing != 0)
    return fail(ErrorCode::kUnavailable,
                fmt::format("the guest halted at {:#x}, outside its handlers", state.rip));
  outcome.vector = static_cast<uint8_t>(handler / kHandlerSpacing);
  uint64_t frame = kSystemPhysical + (state.gpr[kRsp] - kSystemLinear);
  if (pushes_error_code(outcome.vector)) {
    CHECK(memory_.read_value(frame, outcome.error_code));
    frame += 8;
  }
  outcome.registers.gpr = state.gpr;
  CHECK(memory_.read_value(frame, outcome.registers.rip));
  CHECK(memory_.read_value(frame + 16, outcome.registers.rflags));
  CHECK(memory_.read_value(frame + 24, outcome.registers.gpr[kRsp]));
  outcome.fault_address = state.cr2;
  // What the header calls initial may hold anything.
  constexpr uint64_t kHeader = 512;
  const WideLayout& layout = host_wide_layout();
  auto present = load_le<uint64_t>(state.xsave, kHeader);
  outcome.registers.vector = state.xsave;
  auto clear_initial = [&](uint32_t component, uint32_t offset, uint32_t size) {
    if (layout.end != 0 && (present & component) == 0)
      std::fill_n(outcome.registers.vector.begin() + offset, size, uint8_t{0});
  };
  clear_initial(kOpmaskState, layout.opmask, WideLayout::kOpmaskSize);
  clear_initial(kUpperHalvesState, layout.upper_halves, WideLayout::kUpperHalvesSize);
  clear_initial(kHighRegistersState, layout.high_registers, WideLayout::kHighRegistersSize);
  fetch(kDataBase, outcome.data);
  fetch(kStackBase, outcome.stack);
  return outcome;
}

}  // namespace cumulet::differential
