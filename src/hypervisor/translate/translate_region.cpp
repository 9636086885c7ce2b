// Which instructions a block is made of, how they follow each other, and which flags are live between them.
#include <algorithm>
#include <bit>

#include "base/check.h"
#include "hypervisor/translate/translator.h"

namespace cumulet::hypervisor {

namespace {
constexpr size_t kMaxInstructions = 48;
constexpr size_t kMaxRegionInstructions = 128;
constexpr size_t kMaxInstructionLength = 15;
constexpr size_t kPlainBeforeMerging = 16;
// with_memory_base() takes no register from r8 on and not rsp; rax holds flags at times.
constexpr uint16_t kAddressCandidates = 1 << kRcx | 1 << kRdx | 1 << kRbx | 1 << kRbp | 1 << kRsi | 1 << kRdi;
constexpr uint16_t kIndexCandidates = kAddressCandidates | 0xff00;

bool ends_block(const DecodedInstruction& instruction) {
  switch (instruction.kind) {
    case InstructionKind::kJump:
    case InstructionKind::kJumpConditional:
    case InstructionKind::kJumpRegister:
    case InstructionKind::kJumpMemory:
    case InstructionKind::kCall:
    case InstructionKind::kCallRegister:
    case InstructionKind::kCallMemory:
    case InstructionKind::kReturn:
    case InstructionKind::kSetAccess:
    case InstructionKind::kClearAccess:
    case InstructionKind::kSerialize:
    case InstructionKind::kSystem:
    case InstructionKind::kInterpret: return true;
    default: return false;
  }
}

// Whether CPL 3 may execute it, as far as its operands allow.
bool is_unprivileged(SystemOperation operation) {
  switch (operation) {
    case SystemOperation::kSyscall:
    case SystemOperation::kPopFlags:
    case SystemOperation::kCpuid:
    case SystemOperation::kSaveExtended:
    case SystemOperation::kRestoreExtended:
    case SystemOperation::kReadFsBase:
    case SystemOperation::kReadGsBase:
    case SystemOperation::kWriteFsBase:
    case SystemOperation::kWriteGsBase: return true;
    default: return false;
  }
}

// Its code may leave with all registers the guest's, so it is not for regions, which keep two of them
// spilled.
bool leaves_in_its_middle(const DecodedInstruction& instruction) {
  return instruction.kind == InstructionKind::kSetInterrupts;
}

// Instructions that need state which this mode does not have are the interpreter's: it raises #NM or #UD. In
// kernel code check_extended_state() sees to that.
bool allowed(const DecodedInstruction& instruction, CodeMode mode) {
  bool user = (mode & kModeUser) != 0;
  bool has_state = !user || static_cast<uint8_t>(instruction.state) <= static_cast<uint8_t>(fpu_level(mode));
  switch (instruction.kind) {
    case InstructionKind::kClearInterrupts:
    case InstructionKind::kSetInterrupts:
    case InstructionKind::kSetAccess:
    case InstructionKind::kClearAccess:
    case InstructionKind::kSwapGs: return !user;
    case InstructionKind::kSystem: return (!user || is_unprivileged(instruction.system)) && has_state;
    default: return has_state;
  }
}

uint8_t lowest(uint32_t mask) { return static_cast<uint8_t>(std::countr_zero(mask)); }
}  // namespace

bool Translator::leaves_scratch(uint16_t used) {
  auto address = static_cast<uint16_t>(kAddressCandidates & ~used);
  auto index = static_cast<uint16_t>(kIndexCandidates & ~used);
  return address != 0 && (index & (index - 1)) != 0;
}

// Takes instructions from `offset` on until one ends the block; or, with `region`, until one does that is not
// a conditional jump. An instruction that crosses into the next page is a block of its own, so that only that
// block depends on two address translations.
void Translator::decode_run(uint64_t offset, size_t limit, bool region) {
  uint64_t page_left = kPageSize - (request_.rip & ~kPageMask);
  size_t plain = 0;  // instructions before this one that were
  while (run_.size() < limit && offset < page_left && offset < request_.bytes.size()) {
    if (region && begins_[offset]) return;
    ByteView rest = request_.bytes.subspan(offset);
    if (plain >= kPlainBeforeMerging && merge_plain(rest, page_left - offset)) {
      offset = run_.back().offset + run_.back().decoded.length;
      continue;
    }
    DecodedInstruction instruction =
        decoder_.decode(rest.first(std::min(rest.size(), kMaxInstructionLength)), request_.rip + offset);
    bool unknown = instruction.length == 0;
    if (unknown && rest.size() < kMaxInstructionLength && offset + rest.size() >= page_left) return;
    if (unknown && offset != 0 && rest.size() < kMaxInstructionLength) return;  // cut off, perhaps
    if (unknown) instruction.length = 1;  // not an instruction: the interpreter raises #UD
    if (offset + instruction.length > page_left && offset > 0) return;
    if (region && leaves_in_its_middle(instruction) && !run_.empty()) return;
    if (!allowed(instruction, request_.mode)) instruction.kind = InstructionKind::kInterpret;
    run_.push_back({instruction, offset});
    plain = DecodeCache::is_plain(instruction) ? plain + 1 : 0;
    offset += instruction.length;
    bool goes_on = region && instruction.kind == InstructionKind::kJumpConditional;
    if (ends_block(instruction) && !goes_on) return;
  }
}

// Generated code that computes at length is often run once: its plain instructions become one, as their bytes
// are copied all the same. Only behind many of them, for what other code does between two is worth knowing.
bool Translator::merge_plain(ByteView rest, uint64_t page_left) {
  constexpr unsigned kMostBytes = 240;
  const DecodedInstruction* next = request_.code == 0 ? decoder_.plain(rest) : nullptr;
  DecodedInstruction& last = run_.back().decoded;
  if (next == nullptr || next->length > page_left || next->length > rest.size() ||
      last.length + next->length > kMostBytes)
    return false;
  last.opcode_offset = last.modrm_offset = last.rex_offset = last.operand_end = 0;
  last.length = static_cast<uint8_t>(last.length + next->length);
  last.registers |= next->registers;
  last.registers_written |= next->registers_written;
  last.flags_read |= next->flags_read & ~last.flags_killed;
  last.flags_killed |= next->flags_killed;
  return true;
}

// Takes run_ into the block.
void Translator::take_run() {
  for (const RunInstruction& taken : run_) {
    begins_.set(taken.offset);
    for (uint64_t i = 0; i < taken.decoded.length && taken.offset + i < kPageSize; ++i)
      covered_.set(taken.offset + i);
  }
  found_.insert(found_.end(), run_.begin(), run_.end());
}

// The offset that a direct jump within the page goes to, if that is behind the block's start.
std::optional<uint64_t> Translator::jump_offset(const DecodedInstruction& instruction) const {
  bool direct =
      instruction.kind == InstructionKind::kJump || instruction.kind == InstructionKind::kJumpConditional;
  uint64_t offset = instruction.target - request_.rip;
  if (!direct || (instruction.target & kPageMask) != (request_.rip & kPageMask)) return std::nullopt;
  return offset < request_.bytes.size() ? std::optional(offset) : std::nullopt;
}

void Translator::decode() {
  found_.clear();
  run_.clear();
  begins_.reset();
  covered_.reset();
  // Much user code runs too little; where it stays, it has direct memory.
  bool pays = (request_.mode & (kModeUser | kModeDirect)) != kModeUser;
  bool region = !options_.single_instruction && (pays || options_.regions_everywhere);
  decode_run(0, options_.single_instruction ? 1 : kMaxInstructions, region);
  uint16_t used = 1 << kRsp;
  size_t taken_as_region = region ? prefix_for_region(used) : 0;
  region_ = taken_as_region > 0;
  auto first_end = std::find_if(run_.begin(), run_.end(), [](const RunInstruction& candidate) {
    return ends_block(candidate.decoded);
  });
  if (!region_ && first_end != run_.end()) run_.erase(first_end + 1, run_.end());
  if (region_) run_.resize(taken_as_region);
  take_run();
  if (region_) used = grow_region(used);
  std::sort(found_.begin(), found_.end(),
            [](const RunInstruction& a, const RunInstruction& b) { return a.offset < b.offset; });
  instructions_.clear();
  rips_.clear();
  for (const RunInstruction& taken : found_) {
    instructions_.push_back(taken.decoded);
    rips_.push_back(request_.rip + taken.offset);
  }
  connect();
  if (!region_) return;
  // Those that jumps to the address in a register need (acquire_jump_scratch), if they are free.
  constexpr uint16_t kForJumps = 1 << kRcx | 1 << kR11;
  region_address_ = lowest(kAddressCandidates & ~used);
  if ((used & kForJumps) == 0) region_address_ = kRcx;
  region_index_ = lowest(kIndexCandidates & ~used & ~(1U << region_address_));
  if ((used & kForJumps) == 0) region_index_ = kR11;
}

// How many instructions of run_, up to and with a conditional jump or its end, leave two registers unused;
// what they use goes to `used`.
size_t Translator::prefix_for_region(uint16_t& used) const {
  size_t good = 0;
  uint16_t so_far = used;
  for (size_t i = 0; i < run_.size(); ++i) {
    if (leaves_in_its_middle(run_[i].decoded)) break;
    so_far |= run_[i].decoded.registers;
    if (!leaves_scratch(so_far)) break;
    if (i + 1 < run_.size() && run_[i].decoded.kind != InstructionKind::kJumpConditional) continue;
    good = i + 1;
    used = so_far;
  }
  return good;
}

// Adds what the jumps of the block lead to, as long as two registers remain that none of it uses. Returns
// those used.
uint16_t Translator::grow_region(uint16_t used) {
  std::vector<uint64_t> targets;
  auto note_targets = [&](const std::vector<RunInstruction>& instructions) {
    for (const RunInstruction& taken : instructions)
      if (auto offset = jump_offset(taken.decoded)) targets.push_back(*offset);
  };
  note_targets(found_);
  for (size_t next = 0; next < targets.size() && found_.size() < kMaxRegionInstructions; ++next) {
    if (begins_[targets[next]]) continue;
    run_.clear();
    decode_run(targets[next], kMaxRegionInstructions - found_.size(), true);
    uint16_t more = used;
    for (const RunInstruction& taken : run_) more |= taken.decoded.registers;
    if (run_.empty() || leaves_in_its_middle(run_[0].decoded) || !leaves_scratch(more) || overlaps_found())
      continue;
    used = more;
    take_run();
    note_targets(run_);
  }
  return used;
}

// Whether an instruction of run_ shares bytes with one found before: code that jumps into the middle of its
// own instructions.
bool Translator::overlaps_found() const {
  return std::any_of(run_.begin(), run_.end(), [this](const RunInstruction& mine) {
    for (uint64_t i = 0; i < mine.decoded.length; ++i)
      if (covered_[mine.offset + i]) return true;
    return false;
  });
}

// How control goes between the instructions.
void Translator::connect() {
  size_t count = instructions_.size();
  flow_.assign(count, {});
  for (size_t i = 0; i < count; ++i) {
    const DecodedInstruction& instruction = instructions_[i];
    bool conditional = instruction.kind == InstructionKind::kJumpConditional;
    bool contiguous = i + 1 < count && rips_[i] + instruction.length == rips_[i + 1];
    flow_[i].falls = contiguous && (!ends_block(instruction) || (region_ && conditional));
    if (!region_) continue;
    std::optional<uint64_t> offset = jump_offset(instruction);
    if (!offset) continue;
    auto at = std::lower_bound(rips_.begin(), rips_.end(), request_.rip + *offset);
    if (at == rips_.end() || *at != request_.rip + *offset) continue;
    auto target = static_cast<size_t>(at - rips_.begin());
    flow_[i].target = static_cast<int32_t>(target);
    flow_[target].leader = flow_[target].entered = true;
    if (target <= i) flow_[target].looped = true;
  }
  for (size_t i = 1; i < count; ++i)
    if (!flow_[i - 1].falls || (region_ && instructions_[i - 1].kind == InstructionKind::kJumpConditional))
      flow_[i].leader = true;
  if (count > 0) flow_[0].leader = true;
}

// Backwards, until nothing changes: an arithmetic flag is live if some later instruction may read it before
// all paths overwrite it. What follows the block is unknown, so everything is live there; so it is at an
// instruction that is interpreted.
void Translator::find_live_flags() {
  size_t count = instructions_.size();
  std::vector<uint64_t> live(count + 1, 0);
  live[count] = rflags::kArithmetic;
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = count; i-- > 0;) {
      const DecodedInstruction& instruction = instructions_[i];
      uint64_t after = flow_[i].falls ? live[i + 1] : 0;
      if (flow_[i].target >= 0) after |= live[static_cast<size_t>(flow_[i].target)];
      bool conditional = instruction.kind == InstructionKind::kJumpConditional;
      bool stays = (flow_[i].falls && (!conditional || flow_[i].target >= 0)) ||
                   (flow_[i].target >= 0 && instruction.kind == InstructionKind::kJump);
      uint64_t before = !stays ? uint64_t{rflags::kArithmetic}
                               : (after & ~uint64_t{instruction.flags_killed}) | instruction.flags_read;
      if (!stays && !ends_block(instruction))  // goes on in a block of its own
        before = (rflags::kArithmetic & ~uint64_t{instruction.flags_killed}) | instruction.flags_read;
      changed |= before != live[i];
      live[i] = before;
    }
  }
  live_before_.assign(count + 1, 1);
  for (size_t i = 0; i < count; ++i)
    live_before_[i] = live[i] != 0 || options_.single_instruction || options_.keep_all_flags ? 1 : 0;
}

// The state at every leader of a region that spills: both scratch registers are spilled, index_ holds the
// delta of the region's slot; else neither is spilled. Emits nothing but moves, so that flags stay.
void Translator::settle() {
  if (!region_spills_) return release_scratch();
  CHECK(scratch_spilled_ && address_ == region_address_ && index_ == region_index_);
  if (delta_slot_ == region_slot_ || region_slot_ == kNoSlot) return;
  auto slot = static_cast<size_t>(region_slot_);
  hot_.load_context(index_, context_offset(layout_, &layout_.direct_slots[slot].delta));
  delta_slot_ = region_slot_;
}

void Translator::assume_settled() {
  scratch_spilled_ = region_spills_;
  address_ = region_address_;
  index_ = region_index_;
  delta_slot_ = region_spills_ ? region_slot_ : kNoSlot;
}

void Translator::begin_region() {
  region_spills_ =
      std::any_of(instructions_.begin(), instructions_.end(), [this](const DecodedInstruction& decoded) {
        return direct_subject(decoded).has_value() || decoded.memory.size != 0;
      });
  labels_.assign(instructions_.size(), 0);
  fixups_.clear();
  current_ = 0;
  address_ = region_address_;
  index_ = region_index_;
  if (!region_spills_) return;
  hot_.store_context(context_offset(layout_, &layout_.spill[0]), address_);
  hot_.store_context(context_offset(layout_, &layout_.spill[1]), index_);
  scratch_spilled_ = true;
  delta_slot_ = kNoSlot;
  for (const DirectCheck& check : entry_checks_) emit_direct_check(check);
  settle();
}

// Begins the code of the current instruction, to which jumps of this region may go.
void Translator::bind_leader() {
  if (current_ > 0 && flow_[current_ - 1].falls) settle();
  assume_settled();
  checked_state_ = ExtendedState::kNone;
  if (flow_[current_].looped) hot_.align(8);
  labels_[current_] = hot_.here();
  if (!flow_[current_].looped) return;
  // Every loop has a poll, which becomes a way out when the block is dropped.
  record(false);
  result_.polls.push_back({hot_.here(), cold_.here()});
  hot_.store_context32(context_offset(layout_, &layout_.poll_page), kRax);
  reload_scratch(cold_);
  store_rip(cold_, current_rip());
  cold_.jump(leave_stubs().lookup);
}

// Emits a jump to a leader.
void Translator::jump_to_leader(size_t leader, std::optional<Condition> condition) {
  uint64_t target = labels_[leader] != 0 ? labels_[leader] : hot_.here();
  if (condition) {
    hot_.jump_if(*condition, target);
  } else {
    hot_.jump(target);
  }
  if (labels_[leader] == 0) fixups_.push_back({hot_.here() - 4, leader});
}

// The guest's values back into the scratch registers, on a way out of the block.
void Translator::reload_scratch(Emitter& out) const {
  if (!scratch_spilled_) return;
  out.load_context(address_, context_offset(layout_, &layout_.spill[0]));
  out.load_context(index_, context_offset(layout_, &layout_.spill[1]));
}

// Cold code that a conditional jump out of a region goes to.
uint64_t Translator::exit_stub(uint64_t target) {
  uint64_t stub = cold_.here();
  reload_scratch(cold_);
  if (!chainable_target(target)) {
    cold_.jump_context(slot_of_next_link());
    add_link(target, request_.mode, 0);
    return stub;
  }
  cold_.align(4, 1);
  cold_.jump(cold_.here());
  uint64_t relative = cold_.here() - 4;
  cold_.set_target(relative, add_link(target, request_.mode, relative));
  return stub;
}

// The displacement of a conditional jump in a region may go to a leader or out.
void Translator::translate_region_conditional(const DecodedInstruction& instruction) {
  constexpr uint8_t kLoopne = 0xe0, kJrcxz = 0xe3, kTwoByte = 0x0f;
  settle();
  uint8_t opcode = instruction.bytes[instruction.opcode_offset];
  std::optional<Condition> condition;
  if (opcode >= kLoopne && opcode <= kJrcxz) {
    // These have a short displacement only: over a short jump to a long one.
    const uint8_t code[] = {opcode, 2, 0xeb, 5};
    hot_.raw(code);
  } else {
    if (opcode == kTwoByte) opcode = instruction.bytes[instruction.opcode_offset + 1];
    condition = static_cast<Condition>(opcode & 0xf);
  }
  int32_t target = flow_[current_].target;
  if (target >= 0) return jump_to_leader(static_cast<size_t>(target), condition);
  uint64_t stub = exit_stub(instruction.target);
  if (condition) {
    hot_.jump_if(*condition, stub);
  } else {
    hot_.jump(stub);
  }
}

void Translator::finish_region() {
  for (const Fixup& fixup : fixups_) hot_.set_target(fixup.relative_address, labels_[fixup.leader]);
}

}  // namespace cumulet::hypervisor
