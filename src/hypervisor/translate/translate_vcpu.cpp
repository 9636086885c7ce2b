// The dispatcher loop of one emulated processor, and what guest state changes mean for its caches.
#include "hypervisor/translate/translate_vcpu.h"

#include "base/check.h"
#include "base/log.h"
#include "hypervisor/interpret/native.h"
#include "hypervisor/translate/native_fault.h"
#include "hypervisor/translate/quick_path.h"
#include "hypervisor/x86/extended_state.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kMaxInstructionLength = 15;
constexpr uint32_t kHostMxcsr = 0x1f80;
// Offsets into the XSAVE area (SDM volume 1, 10.5.1 and 13.4).
constexpr size_t kMxcsrOffset = 24, kXstateBvOffset = 512, kXcompBvOffset = 520;
constexpr uint32_t kMxcsrMask = 0xffff;

bool is_canonical(uint64_t linear) {
  return static_cast<uint64_t>(static_cast<int64_t>(linear << 16) >> 16) == linear;
}

// What this vCPU may have in XCR0 (SDM volume 1, 13.3).
uint64_t guest_extended_state(const CpuidTable& cpuid) {
  constexpr uint32_t kXsaveLeaf = 0xd;
  bool wide = host_wide_layout().end != 0 && (cpuid.query(kXsaveLeaf, 0).eax & kWideState) == kWideState;
  return wide ? kGuestExtendedState | kWideState : kGuestExtendedState;
}

// XRSTOR faults on these fields, and it runs in our own code. `components` are those that the vCPU has.
void sanitize_extended_state(CpuState& state, uint64_t components) {
  MutableByteView area = state.xsave;
  store_le<uint32_t>(area, kMxcsrOffset, load_le<uint32_t>(area, kMxcsrOffset) & kMxcsrMask);
  store_le<uint64_t>(area, kXstateBvOffset, load_le<uint64_t>(area, kXstateBvOffset) & components);
  for (size_t offset = kXcompBvOffset; offset < kXstateBvOffset + 64; offset += 8)
    store_le<uint64_t>(area, offset, 0);
  settle_x87(state);
}
}  // namespace

TranslateVcpu::TranslateVcpu(uint32_t index, const CpuidTable& cpuid, GuestMemory& memory, CodeSpace* space,
                             const TranslateOptions& options, std::unique_ptr<ContextMapping> mapping)
    : mapping_(std::move(mapping)),
      context_(mapping_->get()),
      cpu_(context_.cpu),
      cpuid_(cpuid),
      extended_state_(guest_extended_state(cpuid)),
      space_(space),
      use_jump_cache_(options.mode == TranslateMode::kChainedBlocks),
      gate_(*mapping_),
      tlb_(context_, space),
      fetch_(cpu_),
      slots_(context_),
      page_bases_(context_),
      seams_(memory),
      interpreter_(set_up_cpu(index, memory)) {
  context_.owner = this;
  context_.filler = &tlb_;
  context_.lookup = nullptr;
  context_.seams = &seams_;
  context_.host_mxcsr = kHostMxcsr;
  context_.extended_state = kGuestExtendedState;
  context_.wide_layout = host_wide_layout();
  context_.interrupt_wanted = 0;
  context_.string_rest = 0;
  context_.dropping_store_page = kNoPage;
  set_extended_state_area();
  if (space_ == nullptr) return;
  jumps_.emplace(context_, space_->stubs().indirect_miss);
  direct_.emplace(options.direct_memory, context_, memory, space_->pages());
  if (use_jump_cache_) {
    lookup_.emplace(
        QuickLookup::Parts{context_, *space_, fetch_, page_bases_, *jumps_, targets_, slots_, *direct_});
    context_.lookup = &*lookup_;
  }
  space_->add_vcpu(context_, gate_, slots_, direct_->window());
}

TranslateVcpu::~TranslateVcpu() {
  if (space_ != nullptr) space_->remove_vcpu(gate_);
}

// The interpreter's constructor looks at all of this.
Cpu& TranslateVcpu::set_up_cpu(uint32_t index, GuestMemory& memory) {
  cpu_.index = index;
  cpu_.cpuid = &cpuid_;
  cpu_.memory = &memory;
  cpu_.observer = this;
  return cpu_;
}

Exit TranslateVcpu::run() {
  prepare_thread_for_translated_code();
  std::optional<Exit> exit;
  if (interpreter_.in_flight()) exit = interpreter_.step();
  while (!exit) {
    exit = event_exit();
    if (!exit) exit = advance();
  }
  gate_.take_kick();
  return std::move(*exit);
}

std::optional<Exit> TranslateVcpu::event_exit() {
  if (gate_.kicked()) return InterruptedExit{};
  if (cpu_.pending_interrupt && cpu_.cpl() == 3 && direct_) user_code_interrupted();
  interpreter_.deliver_pending();
  if (window_requested_ && can_inject()) {
    window_requested_ = false;
    context_.interrupt_wanted = 0;
    return InterruptWindowExit{};
  }
  if (cpu_.state.activity != Activity::kRunning) return HaltExit{};
  return std::nullopt;
}

// Executes at least one instruction, unless a kick came.
std::optional<Exit> TranslateVcpu::advance() {
  if (space_ == nullptr || !translatable(cpu_)) return interpreter_.step();
  uint64_t epoch = current_epoch();
  std::optional<BlockRequest> request = next_request();
  if (!request) return interpreter_.step();
  return run_translated(*request, epoch);
}

std::optional<BlockRequest> TranslateVcpu::next_request() {
  uint64_t rip = cpu_.state.rip;
  std::optional<GuestAddress> page = fetch_.page_of(rip);
  if (!page) return std::nullopt;
  uint64_t offset = rip & ~kPageMask;
  BlockRequest request{{*page + offset, rip, current_mode(*page)}, rip};
  request.indirect = pending_lookup_;
  if ((request.key.mode & kModeUser) != 0) make_relative(request);
  if ((request.key.mode & kModeDirect) != 0)
    request.direct = {nullptr, &cpu_.state.gpr, cpu_.state.segments[kFs].base, &direct_->window()};
  if (kPageSize - offset < kMaxInstructionLength)
    request.second_page = fetch_.page_of(rip + kMaxInstructionLength).value_or(kNoPage);
  return request;
}

// User code is translated for all addresses that it may have.
void TranslateVcpu::make_relative(BlockRequest& request) {
  bool direct = (request.key.mode & kModeDirect) != 0;
  uint32_t number = space_->page_number(request.key.physical & kPageMask);
  if (number == kNoPageNumber ||
      page_bases_.enter(number, request.rip & kPageMask, direct) == PageBases::Entered::kElsewhere)
    return;
  request.page_number = number;
  request.key.rip = 0;
  request.key.mode |= kModeRelative;
}

CodeMode TranslateVcpu::current_mode(GuestAddress page) {
  CodeMode mode = code_mode(cpu_);
  if ((mode & kModeUser) == 0) return mode;
  direct_memory_changed(direct_->entering_user_code(cpu_.state.cr3));
  const CodePage* code = space_->pages().page(page);
  return code != nullptr && direct_->wants(*code) ? mode | kModeDirect : mode;
}

// Where interrupts find user code is where it spends its time.
void TranslateVcpu::user_code_interrupted() {
  bool changed = direct_->user_code_interrupted(cpu_.state.cr3);
  std::optional<GuestAddress> page = direct_->active() ? fetch_.page_of(cpu_.state.rip) : std::nullopt;
  CodePage* code = page ? space_->pages().page(*page) : nullptr;
  direct_memory_changed((code != nullptr && code->hot.exchange(1) == 0) || changed);
}

// What jump caches and slots lead to may be of the other kind now.
void TranslateVcpu::direct_memory_changed(bool changed) {
  if (changed) flush_user_jumps();
}

// The key of a block with kModeDirect that just ran.
std::optional<BlockKey> TranslateVcpu::direct_block(uint64_t rip, CodeMode mode) {
  std::optional<GuestAddress> page = fetch_.page_of(rip);
  if (!page) return std::nullopt;
  bool relative = (mode & kModeRelative) != 0;
  auto of_block = static_cast<CodeMode>(code_mode(cpu_) | kModeDirect | (mode & kModeRelative));
  return BlockKey{*page + (rip & ~kPageMask), relative ? 0 : rip, of_block};
}

// A check of direct memory failed: its block is made anew with what that says.
void TranslateVcpu::handle_region_miss() {
  CodeMode relative = context_.page_number == kNoPageNumber ? 0 : kModeRelative;
  uint64_t rip = quick::site_rip(context_, context_.page_number, context_.miss_linear);
  std::optional<BlockKey> key = direct_block(rip, relative);
  if (!key) return;
  GuestAddress site = key->physical + (context_.link & ~kIndexMiss);
  if ((context_.link & kIndexMiss) != 0) return space_->refine_index(*key, site);
  space_->refine(*key, site, direct_->window().slot_of(uint64_t{context_.miss_upper} << 32));
}

// The epoch of the block addresses to come; those of an older one are forgotten.
uint64_t TranslateVcpu::current_epoch() {
  uint64_t epoch = space_->epoch();
  if (epoch == jumps_epoch_) return epoch;
  jumps_->forget_all();  // LinkSlots were emptied with the cache
  targets_.forget_all();
  page_bases_.end_generation();
  return jumps_epoch_ = epoch;
}

// What led to a dropped block, on this vCPU, is looked up again if there is another one in its place.
void TranslateVcpu::forget_dropped(const FoundBlock& block) {
  DroppedBlock dropped = *std::exchange(dropped_, std::nullopt);
  if (dropped.code.host == block.host) return;
  slots_.forget_code(dropped.code.host, (dropped.mode & kModeUser) != 0);
  if (dropped.code.indirect == 0) return;
  jumps_->forget(dropped.mode, dropped.rip, dropped.code.indirect);
  targets_.forget(
      dropped.page_number == kNoPageNumber
          ? KnownTargets::kernel_key(dropped.mode, dropped.rip)
          : KnownTargets::relative_key(dropped.mode, dropped.page_number, dropped.rip & ~kPageMask));
}

// Makes the block the next to run, and enters the gate. False: something came in between.
bool TranslateVcpu::prepare_entry(const BlockRequest& request, const FoundBlock& block, uint64_t epoch) {
  if (pending_link_ != kNoLink && use_jump_cache_)
    space_->chain(pending_link_, pending_link_epoch_, request, context_, slots_);
  pending_link_ = kNoLink;
  if (dropped_) forget_dropped(block);
  if (pending_lookup_ && use_jump_cache_ && block.indirect != 0)
    jumps_->fill(request.key.mode, request.rip, block.indirect, block.verifiable);
  pending_lookup_ = false;
  context_.target = block.host;
  context_.fpu_level = fpu_level(cpu_.state);
  cpu_.state.rflags &= ~rflags::kRf;  // the next instruction to complete clears it (SDM volume 3, 17.3.1.1)
  uint64_t flags = cpu_.state.rflags;
  context_.resume_flags = (flags & rflags::kArithmetic & 0xff) << 8 | ((flags & rflags::kOf) != 0 ? 1 : 0);
  if (!gate_.enter()) return false;
  if (space_->epoch() == epoch) return true;
  gate_.leave();  // the block is gone: somebody emptied the cache
  return false;
}

std::optional<Exit> TranslateVcpu::run_translated(const BlockRequest& request, uint64_t epoch) {
  std::optional<FoundBlock> block = space_->find(request, gate_);
  if (!block) return interpreter_.step();
  if (!prepare_entry(request, *block, epoch)) return std::nullopt;
  sanitize_extended_state(cpu_.state, extended_state_);
  call_enter_stub();
  merge_flags();
  switch (context_.reason) {
    case LeaveReason::kNativeFault: return left_for_fault();
    case LeaveReason::kInterpret: gate_.leave(); return interpreter_.step();
    default: return std::exchange(left_exit_, std::nullopt);
  }
}

// After a light leave: the same loop as run() and advance(), as far as it goes without extended state.
bool TranslateVcpu::go_on() {
  if (context_.reason == LeaveReason::kStoreToCode && store_to_code()) return true;
  if (context_.reason == LeaveReason::kInterpret) return false;
  merge_flags();
  if (context_.reason == LeaveReason::kDropped) {
    dropped_ = space_->dropped_block(context_, static_cast<uint32_t>(context_.link));
    cpu_.state.rip = dropped_->rip;
  }
  gate_.leave();
  if (context_.reason == LeaveReason::kRegionMiss) handle_region_miss();
  std::optional<Exit> exit;
  bool undone = context_.reason == LeaveReason::kIndirect && undo_jump();
  bool changed = context_.reason == LeaveReason::kChangeTranslation;
  if (undone || context_.reason == LeaveReason::kInterpretGeneral || (changed && !change_translation()))
    exit = interpreter_.step();
  pending_lookup_ = !undone && (changed || context_.reason == LeaveReason::kIndirect ||
                                context_.reason == LeaveReason::kLookup);
  if (context_.reason == LeaveReason::kLink) {
    pending_link_ = static_cast<uint32_t>(context_.link);
    pending_link_epoch_ = jumps_epoch_;
  }
  while (!exit) {
    exit = event_exit();
    if (exit || !translatable(cpu_)) break;
    uint64_t epoch = current_epoch();
    std::optional<BlockRequest> request = next_request();
    if (!request) break;
    std::optional<FoundBlock> block = space_->find(*request, gate_);
    if (!block) break;
    if (prepare_entry(*request, *block, epoch)) return true;
  }
  left_exit_ = std::move(exit);
  context_.reason = LeaveReason::kDone;
  context_.host_flags = cpu_.state.rflags;
  return false;
}

bool TranslateVcpu::handle_leave(Context* context) {
  return static_cast<TranslateVcpu*>(context->owner)->go_on();
}

// The poll page was protected, or a guest instruction faults: then the interpreter runs into the same fault,
// with the guest's handlers to go to.
std::optional<Exit> TranslateVcpu::left_for_fault() {
  std::optional<FaultPoint> point = space_->fault_point(context_, context_.host_rip);
  gate_.leave();
  if (!point)
    return FailureExit{fmt::format("a fault in the translator's own code at {:#x}, address {:#x}",
                                   context_.host_rip - space_->cache().stub_address(),
                                   context_.fault_address)};
  cpu_.state.rip = point->rip;
  if (point->at_block_start) return std::nullopt;
  if (point->record.rebased != 0) settle_string(point->record);
  if (point->record.scratch_spilled) {
    cpu_.state.gpr[point->record.address] = context_.spill[0];
    cpu_.state.gpr[point->record.index] = context_.spill[1];
  }
  if (point->record.rax_spilled) cpu_.state.gpr[kRax] = context_.spill[2];
  std::optional<BlockKey> block = direct_block(point->block_rip, point->mode);
  if (block && direct_->window().refused(context_.fault_address))
    space_->refine(*block, block->physical + (point->rip - point->block_rip), {});
  direct_memory_changed(direct_->review());
  return interpreter_.step();
}

// A string instruction stopped in a window.
void TranslateVcpu::settle_string(const InstructionRecord& record) {
  auto& gpr = cpu_.state.gpr;
  gpr[kRdi] -= gpr[record.address];
  if (record.rebased == InstructionRecord::kBoth) gpr[kRsi] -= gpr[record.index];
  gpr[kRcx] += std::exchange(context_.string_rest, 0);
}

bool TranslateVcpu::handle_window_fault(Context* context, uint64_t address, bool write) {
  return static_cast<TranslateVcpu*>(context->owner)->direct_->fill(address, write);
}

// mov to CR3 or invlpg, in the usual forms. False: the interpreter does it.
bool TranslateVcpu::change_translation() {
  CpuState& state = cpu_.state;
  auto operand = __builtin_bit_cast(QuickOperand, context_.operand);
  if (operand.system == SystemOperation::kInvalidatePage) {
    if (!is_canonical(context_.miss_linear)) return false;
    tlb_flush_page(context_.miss_linear);
  } else {
    uint64_t value = state.gpr[operand.general_register];
    bool usual = operand.control_register == 3 && (state.cr4 & cr4::kPcide) == 0;
    if (!usual || value >> cpu_.physical_address_bits != 0) return false;
    state.cr3 = value;
    tlb_flush_non_global();
  }
  state.rip += operand.length;
  return true;
}

// A store into translated code: true if the blocks are dropped, and it goes on. False: the interpreter does
// it.
bool TranslateVcpu::store_to_code() {
  const AccessSite site = quick::missed_site(context_);
  uint64_t resume = quick::resume_address(context_, site);
  uint64_t size = site.element_size() == 0 ? site.size : cpu_.state.gpr[kRcx] * site.element_size();
  uint64_t host = tlb_.resolve(context_.miss_linear, size, site.write(), resume);
  if (host == 0) {
    quick::undo_access(context_, site);
    context_.reason = site.general() ? LeaveReason::kInterpretGeneral : LeaveReason::kInterpret;
    return false;
  }
  cpu_.state.gpr[site.address()] = host;
  context_.target = resume;
  return true;
}

// A jump to an address that is not canonical faults itself: the interpreter does it again. False: it is
// canonical.
bool TranslateVcpu::undo_jump() {
  if (is_canonical(cpu_.state.rip)) return false;
  const JumpSite& site = jump_site();
  cpu_.state.rip = quick::site_rip(context_, site.page_number, site.guest_rip);
  cpu_.state.gpr[kRsp] += static_cast<uint64_t>(int64_t{site.undo});
  return true;
}

bool TranslateVcpu::can_inject() const {
  return (cpu_.state.rflags & rflags::kIf) != 0 && !cpu_.state.interrupt_shadow && !cpu_.pending_interrupt &&
         cpu_.state.activity != Activity::kWaitForSipi && !interpreter_.in_flight();
}

void TranslateVcpu::inject(uint8_t vector) {
  CHECK(can_inject());
  cpu_.pending_interrupt = vector;
}

void TranslateVcpu::request_interrupt_window() {
  window_requested_ = true;
  context_.interrupt_wanted = 1;
}

Result<void> TranslateVcpu::set_state(const CpuState& state) {
  bool paging = (state.cr0 & cr0::kPg) != 0;
  bool long_active = (state.msr.efer & efer::kLma) != 0;
  if (paging && (state.cr0 & cr0::kPe) == 0) return fail(ErrorCode::kInvalidArgument, "CR0.PG needs CR0.PE");
  if (long_active != (paging && (state.msr.efer & efer::kLme) != 0))
    return fail(ErrorCode::kInvalidArgument, "EFER.LMA must be EFER.LME and CR0.PG");
  if (long_active && (state.cr4 & cr4::kPae) == 0)
    return fail(ErrorCode::kInvalidArgument, "long mode needs CR4.PAE");
  const Segment& code = state.segments[kCs];
  if (long_active && code.long_mode() && (code.default_big() || !is_canonical(state.rip)))
    return fail(ErrorCode::kInvalidArgument, "64-bit code needs CS.D clear and a canonical RIP");
  uint64_t wide = state.xcr0 & kWideState;
  bool wide_alone = wide != 0 && (state.xcr0 & ~extended_state_) == 0 && state.xcr0 != extended_state_;
  if ((state.xcr0 & 1) == 0 || (state.xcr0 & ~extended_state_) != 0 || wide_alone)
    return fail(ErrorCode::kInvalidArgument,
                "XCR0 must be a set of x87, SSE, AVX and AVX-512 with x87 in it");
  interpreter_.abandon();
  cpu_.state = state;
  cpu_.state.rflags |= rflags::kFixed;
  sanitize_extended_state(cpu_.state, extended_state_);
  cpu_.pending_interrupt.reset();
  cpu_.pending_nmi = cpu_.nmi_blocked = false;
  tlb_flush_all();
  return {};
}

// While translated code runs, the arithmetic flags are in the host's.
void TranslateVcpu::merge_flags() {
  CpuState& state = cpu_.state;
  state.rflags = (state.rflags & ~rflags::kArithmetic) | (context_.host_flags & rflags::kArithmetic);
}

void TranslateVcpu::tlb_flush_all() {
  tlb_.flush_all();
  fetch_.flush_all();
  flush_jumps();
  if (direct_) direct_->flushed(cpu_.state.cr3);
}

void TranslateVcpu::tlb_flush_non_global() {
  tlb_.flush_non_global();
  if (direct_) direct_->flushed(cpu_.state.cr3);
  if (fetch_.has_local_supervisor_pages()) {
    flush_jumps();
  } else {
    flush_user_jumps();
  }
  fetch_.flush_non_global();
}

void TranslateVcpu::tlb_flush_page(uint64_t linear) {
  tlb_.flush_page(linear);
  if (direct_) direct_->flush_page(linear);
  if (fetch_.may_hold(linear, false)) {
    fetch_.flush_all();
    flush_jumps();
  } else if (fetch_.may_hold(linear, true)) {
    fetch_.flush_user();
    flush_user_jumps();
  }
}

void TranslateVcpu::flush_jumps() {
  if (!jumps_) return;
  jumps_->flush_all();
  targets_.forget_all();
  slots_.flush_all();
  page_bases_.end_generation();
}

void TranslateVcpu::flush_user_jumps() {
  if (!jumps_) return;
  jumps_->flush_user();
  slots_.flush_user();
  page_bases_.end_generation();
}

void TranslateVcpu::memory_written(GuestAddress address, uint64_t size) {
  if (space_ != nullptr) space_->changed(address, size);
}

}  // namespace cumulet::hypervisor
