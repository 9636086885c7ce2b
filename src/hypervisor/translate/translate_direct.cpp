// Direct memory: the checks of base registers, where in the block they go, and the accesses that rely on
// them.
#include <algorithm>
#include <bit>

#include "base/check.h"
#include "hypervisor/translate/translator.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint8_t kSlotSize = 8;
constexpr uint8_t kNone = MemoryExpression::kNone;
// What a block may add to a checked register and still count on the guard zones.
constexpr int64_t kMostDrift = 1 << 20;  // by one instruction

// If an instruction only adds a small constant to a 64-bit register, that register.
std::optional<uint8_t> small_addition(const DecodedInstruction& instruction) {
  if (instruction.kind != InstructionKind::kCopy || instruction.vex_size != 0 ||
      instruction.modrm_offset == 0 || instruction.modrm_offset != instruction.opcode_offset + 1 ||
      instruction.operand_size != 8)
    return std::nullopt;
  uint8_t opcode = instruction.bytes[instruction.opcode_offset];
  uint8_t modrm = instruction.bytes[instruction.modrm_offset];
  uint8_t digit = modrm >> 3 & 7;
  uint8_t rex = instruction.opcode_offset > 0 ? instruction.bytes[instruction.opcode_offset - 1] : 0;
  auto rm = static_cast<uint8_t>((modrm & 7) | (rex & 1) << 3);
  if (opcode == 0x8d) {
    MemoryExpression address = memory_expression(instruction);
    auto reg = static_cast<uint8_t>(digit | (rex & 4) << 1);
    bool same = address.base == reg && address.index == kNone && !instruction.memory.address32;
    return same && std::abs(int64_t{address.displacement}) <= kMostDrift ? std::optional(reg) : std::nullopt;
  }
  if (modrm >> 6 != 3) return std::nullopt;
  bool adds = digit == 0 || digit == 5;  // add and sub
  if (opcode == 0x83 && adds) return rm;
  if (opcode == 0xff && digit <= 1) return rm;  // inc and dec
  if (opcode != 0x81 || !adds) return std::nullopt;
  auto constant =
      static_cast<int32_t>(load_le<uint32_t>(ByteView(instruction.bytes), instruction.operand_end));
  return std::abs(int64_t{constant}) <= kMostDrift ? std::optional(rm) : std::nullopt;
}

// If an instruction surely writes all 32 bits of the lower half of a register, and nothing else, that
// register: moves, additions and logic of that size.
std::optional<uint8_t> narrow_write(const DecodedInstruction& instruction) {
  bool computes = instruction.kind == InstructionKind::kCopy || instruction.kind == InstructionKind::kMemory;
  if (!computes || instruction.operand_size != 4 || instruction.vex_size != 0) return std::nullopt;
  uint8_t opcode = instruction.bytes[instruction.opcode_offset];
  uint8_t rex = instruction.opcode_offset > 0 ? instruction.bytes[instruction.opcode_offset - 1] : 0;
  if ((rex & 0xf0) != 0x40) rex = 0;
  uint8_t modrm = instruction.modrm_offset != 0 ? instruction.bytes[instruction.modrm_offset] : 0;
  auto reg = static_cast<uint8_t>((modrm >> 3 & 7) | (rex & 4) << 1);
  auto rm = static_cast<uint8_t>((modrm & 7) | (rex & 1) << 3);
  bool to_register = modrm >> 6 == 3;
  switch (opcode) {
    case 0x03:  // add, or, and, sub, xor, mov: register, register or memory
    case 0x0b:
    case 0x23:
    case 0x2b:
    case 0x33:
    case 0x8b:
    case 0x8d: return reg;  // lea
    case 0x01:              // the same: register or memory, register
    case 0x09:
    case 0x21:
    case 0x29:
    case 0x31:
    case 0x89:
    case 0xc7: return to_register ? std::optional(rm) : std::nullopt;
    case 0x81:
    case 0x83: return to_register && (modrm >> 3 & 7) != 7 ? std::optional(rm) : std::nullopt;  // 7: cmp
    case 0x0f: {
      uint8_t second = instruction.bytes[instruction.opcode_offset + 1];
      return second == 0xb6 || second == 0xb7 ? std::optional(reg) : std::nullopt;  // movzx
    }
    default: return std::nullopt;
  }
}

// Whether an instruction leaves the base of FS alone, as far as its kind says.
bool keeps_segments(const DecodedInstruction& instruction) {
  switch (instruction.kind) {
    case InstructionKind::kCopy:
    case InstructionKind::kMemory:
    case InstructionKind::kBitString:
    case InstructionKind::kNothing:
    case InstructionKind::kRipAddress:
    case InstructionKind::kPushRegister:
    case InstructionKind::kPushImmediate:
    case InstructionKind::kPushMemory:
    case InstructionKind::kPopRegister:
    case InstructionKind::kLeave:
    case InstructionKind::kJump:
    case InstructionKind::kJumpConditional: return true;
    default: return false;
  }
}

bool may_check_before(const DecodedInstruction& instruction) {
  return keeps_segments(instruction) && instruction.kind != InstructionKind::kLeave &&
         instruction.kind != InstructionKind::kJump && instruction.kind != InstructionKind::kJumpConditional;
}

uint16_t mask_of(uint8_t reg) { return reg == kNone ? uint16_t{0} : static_cast<uint16_t>(1 << reg); }
}  // namespace

uint16_t Translator::DirectSubject::registers() const {
  return mask_of(address.base) | mask_of(address.index);
}

bool Translator::DirectSubject::covers(const DirectSubject& other) const {
  if (form != other.form) return false;
  if (form == Form::kConstant) return constant >> 32 == other.constant >> 32;
  if (form == Form::kFs || form == Form::kPage) return true;
  return address.base == other.address.base && address.index == other.address.index &&
         address.scale_shift == other.address.scale_shift &&
         std::abs(int64_t{address.displacement} - other.address.displacement) <= kMostDrift;
}

// What must be checked before the memory operand of an instruction is reached, or nothing if it has none that
// can be reached directly.
std::optional<Translator::DirectSubject> Translator::direct_subject(
    const DecodedInstruction& instruction) const {
  using Form = DirectSubject::Form;
  switch (instruction.kind) {
    case InstructionKind::kPushRegister:
    case InstructionKind::kPushImmediate:
    case InstructionKind::kPopRegister:
    case InstructionKind::kCall:
    case InstructionKind::kCallRegister:
    case InstructionKind::kReturn: return DirectSubject{Form::kRegister, {kRsp}, 0};
    case InstructionKind::kMemory:
    case InstructionKind::kJumpMemory: break;
    default: return std::nullopt;
  }
  if (instruction.memory.address32 || instruction.memory.segment == MemoryOperand::Base::kGs)
    return std::nullopt;
  bool fs = instruction.memory.segment == MemoryOperand::Base::kFs;
  if (instruction.memory.rip_relative) {
    if (fs) return std::nullopt;
    return DirectSubject{relative() ? Form::kPage : Form::kConstant, {}, from_base(instruction.target)};
  }
  MemoryExpression address = memory_expression(instruction);
  if (fs) {
    if (address.index != kNone) return std::nullopt;
    return DirectSubject{address.base == kNone ? Form::kFs : Form::kFsSum, address, 0};
  }
  if (address.index != kNone) return DirectSubject{Form::kSum, address, 0};
  if (address.base == kNone)
    return DirectSubject{Form::kConstant, {}, static_cast<uint64_t>(int64_t{address.displacement})};
  return DirectSubject{Form::kRegister, {address.base}, 0};
}

// The slot that a subject is expected in. `unchanged`: registers that still have their values of the block's
// start.
std::optional<uint8_t> Translator::guess_slot(const DirectSubject& subject, const DirectHints::Hint& hint,
                                              uint16_t unchanged) {
  const DirectEntry& entry = *request_.direct;
  if (hint.checked) return std::nullopt;
  if (hint.slot) return hint.slot;
  bool known = (subject.registers() & ~unchanged) == 0 || subject.registers() == 1 << kRsp;
  if (!known) return recent_slot_;
  uint64_t linear = subject.address.evaluate(*entry.registers);
  if (subject.form == DirectSubject::Form::kConstant) linear = subject.constant;
  if (subject.form == DirectSubject::Form::kPage) linear = base();
  if (subject.form == DirectSubject::Form::kFs) linear = entry.fs_base;
  if (subject.form == DirectSubject::Form::kFsSum) linear += entry.fs_base;
  std::optional<uint8_t> slot = entry.window->slot_of(linear);
  if (slot && subject.form == DirectSubject::Form::kRegister && subject.address.base != kRsp)
    recent_slot_ = *slot;
  return slot;
}

// Decides for every instruction whether it reaches memory directly, and places the checks: what has been
// checked on all paths need not be checked again, what a loop does not change is checked before it, and a
// check that would destroy live flags goes further up, to where none are live and its registers have the same
// values.
void Translator::plan_direct() {
  size_t count = instructions_.size();
  plans_.assign(count, {});
  checks_.clear();
  entry_checks_.clear();
  next_check_ = 0;
  region_slot_ = kNoSlot;
  if ((request_.mode & kModeDirect) == 0) return;
  CHECK(count <= kMaxFacts);
  find_facts();
  index_facts();
  note_registers_changed();
  find_available();
  FactSet valid;
  for (size_t i = 0; i < count; ++i) {
    if (flow_[i].leader) valid = available_[i];
    for (uint8_t k = 0; k < plans_[i].fact_count; ++k) {
      const Fact& fact = facts_[plans_[i].facts[k]];
      if (!is_covered(valid, plans_[i].facts[k]))
        checks_.push_back({fact.subject, fact.slot, i, place_of_check(fact.subject, i)});
    }
    pass_facts(i, valid);
  }
  std::stable_sort(checks_.begin(), checks_.end(),
                   [](const DirectCheck& a, const DirectCheck& b) { return a.place < b.place; });
}

// The slot of each access, and the facts that its checks would establish. The slot of most is the region's.
void Translator::find_facts() {
  facts_.clear();
  uint16_t unchanged = 0xffff;
  std::array<uint32_t, kDirectSlots> uses{};
  for (size_t i = 0; i < instructions_.size(); ++i) {
    plan_access(i, unchanged);
    unchanged &= static_cast<uint16_t>(~instructions_[i].registers_written);
    std::optional<uint8_t> slot = plans_[i].slot;
    if (slot && ++uses[*slot] > (region_slot_ == kNoSlot ? 0 : uses[static_cast<size_t>(region_slot_)]))
      region_slot_ = *slot;
  }
}

// base + index: the base may be in the region, and the index a small number, which the guard has room for.
// Most are so; otherwise the sum is what must be in the region.
void Translator::plan_access(size_t index, uint16_t unchanged) {
  using Form = DirectSubject::Form;
  auto subject = direct_subject(instructions_[index]);
  if (!subject) return;
  DirectPlan& plan = plans_[index];
  plan.subject = *subject;
  DirectHints::Hint hint = request_.direct->hints->at(request_.physical + (rips_[index] - request_.rip));
  if (subject->form != Form::kSum || hint.sum) {
    plan.slot = guess_slot(*subject, hint, unchanged);
    if (plan.slot) plan.facts[plan.fact_count++] = fact_of(*subject, *plan.slot, index);
    return;
  }
  const MemoryExpression& sum = subject->address;
  DirectSubject base{Form::kRegister, {sum.base}, 0};
  if (sum.base == kNone) base = {Form::kConstant, {}, static_cast<uint64_t>(int64_t{sum.displacement})};
  plan.slot = guess_slot(base, hint, unchanged);
  if (!plan.slot) return;
  plan.facts[plan.fact_count++] = fact_of(base, *plan.slot, index);
  plan.facts[plan.fact_count++] = fact_of({Form::kIndex, {sum.index}, 0}, 0, index);
}

// The number of a fact, which is made if there is none like it.
size_t Translator::fact_of(const DirectSubject& subject, uint8_t slot, size_t index) {
  auto same = [&](const Fact& fact) {
    return fact.slot == slot && fact.subject.covers(subject) && subject.covers(fact.subject);
  };
  auto known = std::find_if(facts_.begin(), facts_.end(), same);
  if (known == facts_.end()) known = facts_.insert(facts_.end(), {subject, slot, index});
  return static_cast<size_t>(known - facts_.begin());
}

void Translator::note_registers_changed() {
  changed_ = 0;
  for (const DecodedInstruction& instruction : instructions_) {
    changed_ |= instruction.registers_written;
    if (instruction.kind != InstructionKind::kCopy && instruction.kind != InstructionKind::kMemory &&
        (instruction.registers & (1 << kRsp)) != 0)
      changed_ |= 1 << kRsp;
  }
}

// What is known to hold at each leader: the facts of all ways to it. Facts that no loop can change are
// established when a region begins. A register that a loop moves a little each time ends up far away, so
// those facts do not pass its end.
void Translator::find_available() {
  size_t count = instructions_.size();
  FactSet at_entry;
  for (size_t i = 0; region_ && i < count; ++i) {
    for (uint8_t k = 0; k < plans_[i].fact_count && in_loop(i); ++k) {
      const Fact& fact = facts_[plans_[i].facts[k]];
      if (at_entry[plans_[i].facts[k]] || (fact.subject.registers() & changed_) != 0) continue;
      at_entry.set(plans_[i].facts[k]);
      entry_checks_.push_back({fact.subject, fact.slot, i, 0});
    }
  }
  FactSet moving;
  for (size_t fact = 0; fact < facts_.size(); ++fact)
    if ((facts_[fact].subject.registers() & changed_) != 0) moving.set(fact);
  available_.assign(count, FactSet{}.set());
  available_[0] = at_entry;
  for (bool again = true; again;) {
    again = false;
    FactSet valid;
    auto meet = [&](size_t leader, const FactSet& facts) {
      FactSet met = available_[leader] & facts;
      again |= met != available_[leader];
      available_[leader] = met;
    };
    for (size_t i = 0; i < count; ++i) {
      if (flow_[i].leader) valid = available_[i];
      pass_facts(i, valid);
      auto target = static_cast<size_t>(flow_[i].target);
      if (flow_[i].target >= 0) meet(target, target <= i ? valid & ~moving : valid);
      if (flow_[i].falls && flow_[i + 1].leader) meet(i + 1, valid);
    }
  }
}

bool Translator::in_loop(size_t index) const {
  for (size_t i = index; i < flow_.size(); ++i)
    if (flow_[i].target >= 0 && static_cast<size_t>(flow_[i].target) <= index) return true;
  return false;
}

bool Translator::is_covered(const FactSet& valid, size_t fact) const {
  for (size_t i = 0; i < facts_.size(); ++i)
    if (valid[i] && facts_[i].slot == facts_[fact].slot && facts_[i].subject.covers(facts_[fact].subject))
      return true;
  return false;
}

// Which facts each event ends or establishes, so that passing an instruction takes a few operations on sets.
void Translator::index_facts() {
  of_register_.fill({});
  sums_.reset();
  of_segments_.reset();
  indexes_.reset();
  for (size_t fact = 0; fact < facts_.size(); ++fact) {
    const DirectSubject& subject = facts_[fact].subject;
    for (uint16_t left = subject.registers(); left != 0; left &= left - 1)
      of_register_[static_cast<size_t>(std::countr_zero(left))].set(fact);
    using Form = DirectSubject::Form;
    if (subject.form != Form::kRegister) sums_.set(fact);
    if (subject.form == Form::kFs || subject.form == Form::kFsSum) of_segments_.set(fact);
    if (subject.form == Form::kIndex) indexes_.set(fact);
  }
}

// What holds after an instruction, given what held before. A register that moves a little stays in its window
// or the guard, but an expression has a new value. Writing 32 bits of a register clears the others (SDM
// volume 1, 3.4.1.1), so that it is a small number.
void Translator::pass_facts(size_t index, FactSet& valid) const {
  const DecodedInstruction& instruction = instructions_[index];
  for (uint8_t k = 0; k < plans_[index].fact_count; ++k) valid.set(plans_[index].facts[k]);
  if (of_segments_.any() && !keeps_segments(instruction)) valid &= ~of_segments_;
  if (instruction.registers_written == 0) return;
  bool moved = small_addition(instruction).has_value();
  for (uint16_t left = instruction.registers_written; left != 0; left &= left - 1) {
    const FactSet& touched = of_register_[static_cast<size_t>(std::countr_zero(left))];
    valid &= moved ? ~(touched & sums_) : ~touched;
  }
  if (indexes_.none()) return;
  if (auto written = narrow_write(instruction)) valid |= of_register_[*written] & indexes_;
}

// Going up is allowed over what only computes, and leaves the value (or a register's window) as it is.
size_t Translator::place_of_check(const DirectSubject& subject, size_t index) const {
  for (size_t place = index;; --place) {
    if (live_before_[place] == 0) return place;
    if (flow_[place].leader) return index;
    const DecodedInstruction& before = instructions_[place - 1];
    bool single_register = subject.form == DirectSubject::Form::kRegister;
    if (!may_check_before(before) ||
        (!single_register && (before.registers & subject.registers() & (1 << kRsp)) != 0))
      return index;
    bool moved = single_register && small_addition(before).has_value();
    if ((before.registers_written & subject.registers()) != 0 && !moved) return index;
  }
}

// The checks planned for before the current instruction.
void Translator::emit_direct_checks() {
  while (next_check_ < checks_.size() && checks_[next_check_].place == current_)
    emit_direct_check(checks_[next_check_++]);
}

void Translator::emit_direct_check(const DirectCheck& check) {
  const DirectSlot& slot = layout_.direct_slots[check.slot];
  const DirectSubject& subject = check.subject;
  int32_t upper = context_offset(layout_, &slot.upper);
  take_scratch(subject.registers(), flags_live());
  FlagsPlace flags = save_flags(subject.registers());
  switch (subject.form) {
    case DirectSubject::Form::kIndex:
    case DirectSubject::Form::kRegister: hot_.rotate_right(address_, subject.address.base, 32); break;
    case DirectSubject::Form::kConstant: break;
    case DirectSubject::Form::kPage:
      hot_.load_context(address_, base_field());
      hot_.rotate_right(address_, address_, 32);
      break;
    case DirectSubject::Form::kFs:
    case DirectSubject::Form::kFsSum:
    case DirectSubject::Form::kSum:
      load_direct_sum(subject);
      hot_.rotate_right(address_, address_, 32);
      break;
  }
  if (subject.form == DirectSubject::Form::kConstant) {
    hot_.compare_context_word(upper, static_cast<uint32_t>(subject.constant >> 32));
  } else if (subject.form == DirectSubject::Form::kIndex) {
    hot_.test32(address_);
  } else {
    hot_.compare_context32(address_, upper);
  }
  hot_.jump_if(Condition::kNotEqual, cold_.here());
  if (subject.form == DirectSubject::Form::kConstant) cold_.move_immediate(address_, subject.constant >> 32);
  cold_.store_context32(context_offset(layout_, &layout_.miss_upper), address_);
  leave_for_region(flags, check.site, subject.form == DirectSubject::Form::kIndex ? kIndexMiss : 0);
  restore_flags(flags);
  reload_rax(flags);
}

// Cold code that leaves before the current instruction, because a check for instruction `site` failed.
void Translator::leave_for_region(FlagsPlace flags, size_t site, uint64_t kind) {
  give_back(cold_, flags);
  store_rip(cold_, current_rip());
  if (!relative())
    cold_.store_context_immediate32(context_offset(layout_, &layout_.page_number), kNoPageNumber);
  cold_.store_context_immediate64(context_offset(layout_, &layout_.miss_linear), from_base(request_.rip));
  cold_.store_context_immediate64(context_offset(layout_, &layout_.link),
                                  (rips_[site] - request_.rip) | kind);
  cold_.jump(stubs_.region_miss);
}

// address_ = the linear address of a kFs, kFsSum or kSum subject.
void Translator::load_direct_sum(const DirectSubject& subject) {
  if (subject.form == DirectSubject::Form::kSum) return hot_.lea(address_, subject.address);
  hot_.load_context(address_, context_offset(layout_, &layout_.cpu.state.segments[kFs].base));
  MemoryExpression sum = subject.address;
  if (sum.base != kNone) {
    hot_.lea(address_, {sum.base, address_, 0, sum.displacement});
  } else if (subject.form == DirectSubject::Form::kFsSum) {
    hot_.lea(address_, {address_, kNone, 0, sum.displacement});
  }
}

// The host address of the current instruction's operand, as an expression of guest and scratch registers.
// `in_use` are the registers that must keep their guest values. `stack_offset` is for accesses through rsp.
MemoryExpression Translator::direct_operand(uint16_t in_use, int32_t stack_offset) {
  const DecodedInstruction& instruction = instructions_[current_];
  const DirectSubject& subject = plans_[current_].subject;
  take_scratch(in_use | subject.registers(), false);
  uint8_t slot = *plans_[current_].slot;
  if (delta_slot_ != slot) {
    hot_.load_context(index_, context_offset(layout_, &layout_.direct_slots[slot].delta));
    delta_slot_ = slot;
  }
  MemoryExpression operand{kRsp, index_, 0, stack_offset};
  switch (subject.form) {
    case DirectSubject::Form::kIndex: CHECK(false);
    case DirectSubject::Form::kRegister:
      if (instruction.memory.size == 0) return operand;
      return {subject.address.base, index_, 0, memory_expression(instruction).displacement};
    case DirectSubject::Form::kConstant:
      if (subject.constant < (uint64_t{1} << 31))
        return {index_, kNone, 0, static_cast<int32_t>(subject.constant)};
      hot_.move_immediate(address_, subject.constant);
      return {address_, index_, 0, 0};
    case DirectSubject::Form::kPage: {
      // A distance that 32 bits do not hold is rare; the operand's own displacement has no room for it then.
      bool near = static_cast<uint64_t>(static_cast<int32_t>(subject.constant)) == subject.constant;
      if (near) hot_.load_context(address_, base_field());
      if (!near) load_linear(hot_, address_, base() + subject.constant);
      return {address_, index_, 0, near ? static_cast<int32_t>(subject.constant) : 0};
    }
    case DirectSubject::Form::kFs:
      load_direct_sum(subject);
      return {address_, index_, 0, subject.address.displacement};
    case DirectSubject::Form::kFsSum:
    case DirectSubject::Form::kSum: load_direct_sum(subject); return {address_, index_, 0, 0};
  }
  return operand;
}

void Translator::translate_memory_direct(const DecodedInstruction& instruction) {
  MemoryExpression operand = direct_operand(instruction.registers, 0);
  std::optional<EncodedBytes> encoded = with_memory_expression(instruction, operand);
  if (!encoded) {
    hot_.lea(address_, operand);
    encoded = with_memory_base(instruction, address_);
  }
  record(false);
  hot_.raw(encoded->view());
}

void Translator::translate_push_direct(const DecodedInstruction& instruction) {
  MemoryExpression slot = direct_operand(instruction.registers, -kSlotSize);
  record(false);
  if (instruction.kind == InstructionKind::kPushImmediate) {
    hot_.store_immediate(slot, static_cast<int32_t>(instruction.immediate));
  } else {
    hot_.store(slot, instruction.operand_register);
  }
  hot_.lea(kRsp, kRsp, -kSlotSize);
}

void Translator::translate_pop_direct(const DecodedInstruction& instruction) {
  MemoryExpression slot = direct_operand(instruction.registers, 0);
  record(false);
  hot_.load(instruction.operand_register, slot);
  if (instruction.operand_register != kRsp) hot_.lea(kRsp, kRsp, kSlotSize);
}

// A jump through memory; `apart`: with the scratch registers of jumps, which it does not name.
void Translator::translate_indirect_direct(bool call, bool apart) {
  const DecodedInstruction& instruction = instructions_[current_];
  MemoryExpression operand = direct_operand(instruction.registers, 0);
  record(false);
  hot_.load(address_, operand);
  if (!call && apart) return jump_to_rcx(request_.mode, 0);
  hot_.store_context(context_offset(layout_, &layout_.temporary), address_);
  jump_indirectly(instruction, call);
}

// As push_return_address().
void Translator::push_return_address_direct() {
  MemoryExpression slot = direct_operand(1 << kRsp, -kSlotSize);
  uint64_t address = next_rip();
  if (!relative() && static_cast<uint64_t>(static_cast<int32_t>(address)) == address) {
    record(false);
    hot_.store_immediate(slot, static_cast<int32_t>(address));
  } else {
    load_linear(hot_, address_, address);
    record(false);
    hot_.store(slot, address_);
  }
  hot_.lea(kRsp, kRsp, -kSlotSize);
}

}  // namespace cumulet::hypervisor
