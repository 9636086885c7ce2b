// Translator: turns the guest code at one address into host code.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <vector>

#include "hypervisor/translate/block.h"
#include "hypervisor/translate/context.h"
#include "hypervisor/translate/direct_hints.h"
#include "hypervisor/translate/direct_window.h"
#include "hypervisor/translate/emitter.h"
#include "hypervisor/translate/host_features.h"
#include "hypervisor/translate/stubs.h"
#include "hypervisor/x86/decode.h"
#include "hypervisor/x86/decode_cache.h"
#include "hypervisor/x86/memory_expression.h"

namespace cumulet::hypervisor {

// What is known when code with kModeDirect is about to run for the first time.
struct DirectEntry {
  const DirectHints* hints;
  const std::array<uint64_t, 16>* registers;
  uint64_t fs_base;
  DirectWindow* window;
};

// What to translate, and where the result will lie.
struct TranslationRequest {
  GuestAddress physical;  // of the first byte
  uint64_t rip;
  CodeMode mode;
  ByteView bytes;                       // guest code from `rip` on; may go on in the next page
  uint64_t hot_address;                 // CodeCache::hot_address()
  uint64_t cold_address;                // CodeCache::cold_address()
  uint32_t first_link;                  // number of the first link that the block creates
  bool indirect = false;                // an indirect jump goes there: it begins with an entry for these
  const DirectEntry* direct = nullptr;  // with kModeDirect
  // Where the host has the guest code, if immediates in its first page are to be loaded from there whenever
  // they are used, because they keep changing; else 0.
  uint64_t code = 0;
  uint32_t page_number = kNoPageNumber;  // with kModeRelative: of the page's base
};

struct TranslationResult {
  uint16_t size = 0;  // bytes of guest code that the block depends on; 0 = the first instruction is cut off
  uint32_t entry_offset = 0;  // of the ordinary entry in the hot code
  uint64_t indirect = 0;      // address of the entry for indirect jumps; 0 = none was requested
  std::vector<InstructionRecord> records = {};
  std::vector<Link> links = {};
  std::vector<Poll> polls = {};  // of loops
  std::vector<CodeHole> holes = {};
};

// A block is a run of instructions up to a jump, or a region: several such runs of one page, with the jumps
// between them inside, so that loops need not leave and enter blocks. Kernel code is made into regions, and
// user code with kModeDirect; other user code is not: much of it runs too little.
//
// Guest registers stay in the host's registers of the same name, arithmetic flags in the host's flags, vector
// and x87 state where it is; so most instructions are copied. An instruction with a memory operand becomes
//
//     spill two scratch registers; [keep the flags, if they are live]
//     address = linear address; index = TLB line
//     address -= line.tag; if (address > 4096 - size) goto cold;     also catches accesses that cross a page
//     address += line.host; [flags back]
//     the instruction, with [address] as its operand
//
// and the scratch registers stay spilled until an instruction names them. The cold path asks the access_miss
// stub, which either supplies the host address or leaves with exact state at this instruction, to be
// interpreted.
//
// With kModeDirect, most accesses need no TLB: the upper half of the base register (or of the sum) is
// compared with a slot of the DirectWindow, once for all accesses through an unchanged register, and the
// instruction's operand becomes [base + delta of the slot + displacement]. A failed check leaves before the
// instruction it stands at; the block is translated again with what was learned.
//
// Flags that the block overwrites before reading are not kept over a check, so an instruction that faults
// between, or an interrupt that arrives where a loop of the block begins, may show the guest's handler other
// values of these flags than hardware would; nothing can depend on them.
//
// Not thread-safe.
class Translator {
 public:
  struct Options {
    bool single_instruction = false;  // blocks of one instruction, which never skip keeping flags
    bool regions_everywhere = false;  // regions of all other code
    bool keep_all_flags = false;      // never skips it in other blocks either
    bool bmi2 = host_has_bmi2();      // without it there is no direct memory
  };
  // `layout` is any Context.
  Translator(const Context& layout, const Stubs& stubs, Options options);

  // The result stays until the next one.
  const TranslationResult& translate(const TranslationRequest& request);
  // An entry for indirect jumps to the block of `request` that does not begin with one: code for
  // cold_address. `entry` is the block's ordinary one.
  ByteView indirect_entry(const TranslationRequest& request, uint64_t entry);
  // What a block that was dropped jumps to.
  void emit_redirect(Emitter& out, uint32_t block) const;
  // The code of the last translate().
  [[nodiscard]] ByteView hot() const { return hot_.bytes(); }
  [[nodiscard]] ByteView cold() const { return cold_.bytes(); }

 private:
  // How the linear address of an access is computed.
  struct Address {
    enum class Form : uint8_t { kOperand, kBitString, kExpression } form;
    MemoryExpression expression = {};  // kExpression
    static Address at(uint8_t base, int32_t displacement) {
      return {Form::kExpression, {base, MemoryExpression::kNone, 0, displacement}};
    }
  };
  // What must hold for an access to go through a slot: which value's upper half is compared.
  struct DirectSubject {
    enum class Form : uint8_t {
      kRegister,  // address.base alone
      kSum,       // address
      kConstant,  // `constant`
      kPage,      // the base of the code's page, in relative code; `constant` is the distance from there
      kFs,        // the base of FS alone
      kFsSum,     // the base of FS + address
      kIndex,     // address.base, which must be below 4 Gi
    } form;
    MemoryExpression address = {};
    uint64_t constant = 0;
    [[nodiscard]] uint16_t registers() const;  // a mask of those that the value depends on
    // Whether an access that needs `other` may rely on this one's check.
    [[nodiscard]] bool covers(const DirectSubject& other) const;
  };
  struct DirectCheck {
    DirectSubject subject;
    uint8_t slot;
    size_t site;   // the first instruction that relies on it
    size_t place;  // it is done before this instruction
  };
  struct DirectPlan {
    std::optional<uint8_t> slot = {};  // nothing: through the TLB
    DirectSubject subject = {};        // of the access
    std::array<size_t, 2> facts = {};  // what must have been checked
    uint8_t fact_count = 0;
  };
  struct Fact {
    DirectSubject subject;
    uint8_t slot;
    size_t site;  // an instruction that needs it
  };
  static constexpr size_t kMaxFacts = 256;
  using FactSet = std::bitset<kMaxFacts>;
  struct RunInstruction {
    DecodedInstruction decoded;
    uint64_t offset;  // from the block's start
  };
  // How control reaches and leaves an instruction.
  struct Flow {
    bool leader = false;   // the first one, or of a region: one that is jumped to, or follows a jump
    bool entered = false;  // a jump goes there
    bool looped = false;   // a jump from behind goes there
    bool falls = false;    // the next one in instructions_ may follow it
    int32_t target = -1;   // index of what it jumps to within the region
  };
  struct Fixup {
    uint64_t relative_address;
    size_t leader;
  };
  // translate_region.cpp
  void decode();
  void decode_run(uint64_t offset, size_t limit, bool region);
  [[nodiscard]] std::optional<uint64_t> jump_offset(const DecodedInstruction& instruction) const;
  // Whether `used` leaves two registers that may be the scratch registers.
  static bool leaves_scratch(uint16_t used);
  size_t prefix_for_region(uint16_t& used) const;
  uint16_t grow_region(uint16_t used);
  void take_run();
  [[nodiscard]] bool overlaps_found() const;
  bool merge_plain(ByteView rest, uint64_t page_left);
  void connect();
  void find_live_flags();
  void begin_region();
  void bind_leader();
  void settle();
  void assume_settled();
  void jump_to_leader(size_t leader, std::optional<Condition> condition);
  void reload_scratch(Emitter& out) const;
  uint64_t exit_stub(uint64_t target);
  void translate_region_conditional(const DecodedInstruction& instruction);
  void finish_region();

  // translator.cpp: the frame of a block
  void translate_instruction(const DecodedInstruction& instruction);
  void translate_copy(const DecodedInstruction& instruction);
  bool load_changing_immediate(const DecodedInstruction& instruction);
  [[nodiscard]] bool flags_live() const { return live_before_[current_]; }
  [[nodiscard]] uint64_t current_rip() const { return rips_[current_]; }
  [[nodiscard]] uint64_t next_rip() const { return rips_[current_] + instructions_[current_].length; }
  void record(bool rax_spilled);

  // translate_address.cpp: linear addresses, which relative code has from its page's base on
  [[nodiscard]] bool relative() const { return (request_.mode & kModeRelative) != 0; }
  [[nodiscard]] uint64_t base() const { return relative() ? request_.rip & kPageMask : 0; }
  [[nodiscard]] uint64_t from_base(uint64_t linear) const { return linear - base(); }
  [[nodiscard]] int32_t base_field() const;
  [[nodiscard]] const LeaveStubs& leave_stubs() const;
  void load_linear(Emitter& out, uint8_t reg, uint64_t linear);
  void store_rip(Emitter& out, uint64_t linear);
  void translate_rip_address(const DecodedInstruction& instruction);

  // translate_access.cpp: guest memory
  void acquire_scratch(uint16_t in_use, bool keep_rax);
  void take_scratch(uint16_t in_use, bool keep_rax);
  void release_scratch();
  [[nodiscard]] uint32_t time_to_use(uint8_t reg) const;
  FlagsPlace save_flags(uint16_t in_use);
  void restore_flags(FlagsPlace place);
  void reload_rax(FlagsPlace place);
  void give_back(Emitter& out, FlagsPlace place) const;
  void compute_address(Emitter& out, const Address& address);
  [[nodiscard]] std::optional<uint8_t> plain_base(const Address& address) const;
  void load_line_index(uint8_t reg);
  void check_access(const Address& address, uint8_t size, bool write, FlagsPlace flags, bool several = false,
                    uint8_t more_kinds = 0);
  void emit_access_miss(uint8_t size, bool write, bool general, FlagsPlace flags, uint8_t element_size,
                        bool several, uint8_t more_kinds = 0);
  void translate_memory(const DecodedInstruction& instruction);
  void translate_bit_string(const DecodedInstruction& instruction);

  // translate_access_run.cpp
  struct AccessRun {
    size_t end = 0;                 // index behind its last access
    uint32_t members = 0;           // accesses
    MemoryExpression address = {};  // of its first byte
    uint8_t size = 0;               // bytes from there on that are accessed, with gaps
    uint16_t registers = 0;         // that its instructions name
    bool write = false;
    bool read_only_part = false;  // some accesses do not write
  };
  [[nodiscard]] bool may_be_in_access_run(const DecodedInstruction& instruction) const;
  [[nodiscard]] AccessRun find_access_run() const;
  bool translate_access_run();

  // translate_string.cpp
  void translate_repeat(const DecodedInstruction& instruction);
  void locate_run(uint8_t pointer, bool write, uint8_t element_size, FlagsPlace flags);
  void give_up_repeat(FlagsPlace flags);
  void emit_repeat(bool moves, uint8_t element_size);
  // translate_string_direct.cpp
  [[nodiscard]] bool repeats_directly() const;
  uint8_t likely_slot(uint8_t pointer);
  void find_delta(uint8_t delta, uint8_t pointer, FlagsPlace flags);
  void translate_repeat_direct(const DecodedInstruction& instruction);
  // translate_direct.cpp
  [[nodiscard]] std::optional<DirectSubject> direct_subject(const DecodedInstruction& instruction) const;
  std::optional<uint8_t> guess_slot(const DirectSubject& subject, const DirectHints::Hint& hint,
                                    uint16_t unchanged);
  void plan_access(size_t index, uint16_t unchanged);
  size_t fact_of(const DirectSubject& subject, uint8_t slot, size_t index);
  void plan_direct();
  void find_facts();
  void note_registers_changed();
  void find_available();
  [[nodiscard]] bool in_loop(size_t index) const;
  [[nodiscard]] bool is_covered(const FactSet& valid, size_t fact) const;
  void pass_facts(size_t index, FactSet& valid) const;
  void index_facts();
  [[nodiscard]] size_t place_of_check(const DirectSubject& subject, size_t index) const;
  [[nodiscard]] bool direct() const { return plans_[current_].slot.has_value(); }
  void emit_direct_checks();
  void emit_direct_check(const DirectCheck& check);
  void leave_for_region(FlagsPlace flags, size_t site, uint64_t kind);
  void load_direct_sum(const DirectSubject& subject);
  MemoryExpression direct_operand(uint16_t in_use, int32_t stack_offset);
  void translate_memory_direct(const DecodedInstruction& instruction);
  void translate_push_direct(const DecodedInstruction& instruction);
  void translate_pop_direct(const DecodedInstruction& instruction);
  void push_return_address_direct();
  void translate_indirect_direct(bool call, bool apart);

  // translate_stack.cpp
  void translate_push(const DecodedInstruction& instruction);
  void translate_push_memory(const DecodedInstruction& instruction);
  void translate_pop(const DecodedInstruction& instruction);
  void translate_leave();
  void translate_push_flags();
  void push_return_address();

  // translate_stack_run.cpp
  struct StackRun {
    size_t end = 0;  // index behind its last instruction
    uint8_t slots = 0;
    uint16_t registers = 0;  // that its instructions name
    bool write = false;
    bool returns = false;  // it ends with ret
  };
  [[nodiscard]] StackRun find_stack_run() const;
  bool translate_stack_run();
  void translate_in_stack_run(const DecodedInstruction& instruction, int32_t offset);

  // translate_flow.cpp: jumps
  void translate_jump(uint64_t target, CodeMode mode);
  void translate_conditional_jump(const DecodedInstruction& instruction);
  void translate_call(const DecodedInstruction& instruction);
  uint64_t add_link(uint64_t target, CodeMode mode, uint64_t relative_address);
  uint64_t far_jump_stub(uint64_t target);
  [[nodiscard]] int32_t slot_of_next_link() const;
  [[nodiscard]] bool chainable_target(uint64_t target) const;

  // translate_indirect.cpp: indirect jumps and the entries that they go to
  void emit_entries();
  void emit_indirect_entry(Emitter& out);
  void subtract_rip_from_rcx(Emitter& out);
  void acquire_jump_scratch();
  void jump_to_rcx(CodeMode mode, int32_t undo);
  void jump_indirectly(const DecodedInstruction& instruction, bool call);
  void translate_indirect(const DecodedInstruction& instruction, bool call);
  void load_jump_target(const DecodedInstruction& instruction, bool call);
  void translate_return(const DecodedInstruction& instruction);

  // translate_system.cpp: the frequent system instructions; all others leave
  bool translate_system(const DecodedInstruction& instruction);
  void change_flags_byte(int32_t field, uint8_t mask, bool set);
  bool translate_set_interrupts();
  void translate_read_tsc(bool with_aux);
  void translate_swap_gs();
  void call_quick_handler(const DecodedInstruction& instruction);
  void leave_to_interpreter(Emitter& out);
  void check_extended_state(const DecodedInstruction& instruction);

  const Context& layout_;
  const Stubs stubs_;
  const Options options_;
  DecodeCache decoder_;
  Emitter hot_, cold_;
  Emitter aside_;  // of code whose size is to be known before it is placed

  // The block being translated.
  TranslationRequest request_{};
  TranslationResult result_;
  std::vector<DecodedInstruction> instructions_;
  std::vector<uint64_t> rips_;
  std::vector<uint8_t> live_before_;  // one more than instructions
  size_t current_ = 0;
  bool ended_ = false;                                  // the last instruction emitted does not fall through
  ExtendedState checked_state_ = ExtendedState::kNone;  // in kernel code, since the last leader
  // The scratch registers; guest values of both are in Context::spill while `scratch_spilled_`.
  bool scratch_spilled_ = false;
  uint8_t address_ = 0, index_ = 0;
  // A region: a block with jumps inside.
  bool region_ = false;
  bool region_spills_ = false;
  uint8_t region_address_ = 0,
          region_index_ = 0;                 // its scratch registers, which none of its instructions uses
  std::vector<RunInstruction> run_, found_;  // while it is collected
  std::bitset<kPageSize> begins_, covered_;  // offsets of found_: first bytes, all bytes
  std::vector<Flow> flow_;
  std::vector<uint64_t> labels_;  // host addresses of leaders; 0: not there yet
  std::vector<Fixup> fixups_;
  // With kModeDirect.
  std::vector<DirectPlan> plans_;
  std::vector<Fact> facts_;
  std::vector<FactSet> available_;  // at leaders
  std::array<FactSet, 16> of_register_;
  FactSet sums_, of_segments_, indexes_;
  uint16_t changed_ = 0;                   // registers that some instruction of the block changes
  std::vector<DirectCheck> checks_;        // by place
  std::vector<DirectCheck> entry_checks_;  // done once, when a region begins
  int region_slot_ = kNoSlot;              // whose delta index_ holds at leaders
  size_t next_check_ = 0;
  int delta_slot_ = kNoSlot;  // index_ holds the delta of this slot
  uint8_t recent_slot_ = 0;   // the last one that was not the stack's: the best guess
  static constexpr int kNoSlot = -1;
};

}  // namespace cumulet::hypervisor
