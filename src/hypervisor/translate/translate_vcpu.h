// TranslateVcpu: one emulated virtual processor: the loop between translated code, interpreter and machine.
#pragma once

#include <memory>
#include <optional>

#include "hypervisor/interpret/interpreter.h"
#include "hypervisor/translate/code_space.h"
#include "hypervisor/translate/direct_mode.h"
#include "hypervisor/translate/fetch_cache.h"
#include "hypervisor/translate/gate.h"
#include "hypervisor/translate/jump_cache.h"
#include "hypervisor/translate/page_bases.h"
#include "hypervisor/translate/page_seams.h"
#include "hypervisor/translate/quick_lookup.h"
#include "hypervisor/translate/software_tlb.h"
#include "hypervisor/vcpu/vcpu.h"

namespace cumulet::hypervisor {

//                     translatable(cpu)?
//   run() -> events? ------------------> CodeSpace::find -> translated code --+
//               ^    \                                                        | leaves: a jump without a
//               known |     +- no -> Interpreter::step <- the instruction cannot <--+ translation, or a poll
//               +-----------------------/                                     |
//               +-------------------------------------------------------------+
//
// An instruction that translated code leaves to the interpreter is executed before anything else is looked
// at, so that an interrupt shadow of the instruction before it holds.
class TranslateVcpu final : public Vcpu, private CpuObserver {
 public:
  // `space` may be null: then every instruction is interpreted. `cpuid` is copied. All else must outlive the
  // vCPU.
  TranslateVcpu(uint32_t index, const CpuidTable& cpuid, GuestMemory& memory, CodeSpace* space,
                const TranslateOptions& options, std::unique_ptr<ContextMapping> mapping);
  ~TranslateVcpu() override;

  [[nodiscard]] Exit run() override;
  void kick() override { gate_.kick(); }
  [[nodiscard]] bool can_inject() const override;
  void inject(uint8_t vector) override;
  void inject_nmi() override { cpu_.pending_nmi = true; }
  void request_interrupt_window() override;
  [[nodiscard]] uint64_t get_cr8() const override { return cpu_.state.cr8; }
  void set_cr8(uint64_t value) override { cpu_.state.cr8 = value & 0xf; }
  [[nodiscard]] CpuState get_state() const override { return cpu_.state; }
  [[nodiscard]] Result<void> set_state(const CpuState& state) override;

  // The stubs' ways into C++ (StubHandlers).
  static bool handle_leave(Context* context);
  // A fault in translated code at an address of this process: true if it is mapped now.
  static bool handle_window_fault(Context* context, uint64_t address, bool write);

 private:
  void tlb_flush_all() override;
  void tlb_flush_non_global() override;
  void tlb_flush_page(uint64_t linear) override;
  void memory_written(GuestAddress address, uint64_t size) override;

  Cpu& set_up_cpu(uint32_t index, GuestMemory& memory);
  std::optional<Exit> event_exit();
  std::optional<Exit> advance();
  std::optional<Exit> run_translated(const BlockRequest& request, uint64_t epoch);
  std::optional<Exit> left_for_fault();
  void settle_string(const InstructionRecord& record);
  std::optional<BlockRequest> next_request();
  void make_relative(BlockRequest& request);
  [[nodiscard]] CodeMode current_mode(GuestAddress page);
  void user_code_interrupted();
  [[nodiscard]] std::optional<BlockKey> direct_block(uint64_t rip, CodeMode mode);
  void handle_region_miss();
  void direct_memory_changed(bool changed);
  bool undo_jump();
  bool store_to_code();
  bool change_translation();
  bool go_on();
  void forget_dropped(const FoundBlock& block);
  bool prepare_entry(const BlockRequest& request, const FoundBlock& block, uint64_t epoch);
  uint64_t current_epoch();

  void merge_flags();
  void flush_jumps();
  void flush_user_jumps();

  // vcpu_code_unsafe.cpp
  void call_enter_stub();
  void set_extended_state_area();
  [[nodiscard]] const JumpSite& jump_site() const;

  std::unique_ptr<ContextMapping> mapping_;
  Context& context_;
  Cpu& cpu_;
  const CpuidTable cpuid_;
  const uint64_t extended_state_;  // bits of XCR0 that the guest may set
  CodeSpace* const space_;
  const bool use_jump_cache_;
  Gate gate_;
  SoftwareTlb tlb_;
  std::optional<DirectMode> direct_;  // with a CodeSpace only
  FetchCache fetch_;
  std::optional<JumpCache> jumps_;  // with a CodeSpace only
  KnownTargets targets_;
  LinkSlots slots_;
  PageBases page_bases_;
  PageSeams seams_;
  std::optional<QuickLookup> lookup_;  // with a jump cache only
  Interpreter interpreter_;
  bool window_requested_ = false;
  std::optional<Exit> left_exit_;  // with LeaveReason::kDone
  uint64_t jumps_epoch_ = 0;
  // The direct jump by which translated code was left, to be chained to where it goes.
  uint32_t pending_link_ = kNoLink;
  uint64_t pending_link_epoch_ = 0;
  bool pending_lookup_ = false;          // an indirect jump left
  std::optional<DroppedBlock> dropped_;  // what translated code was left at
};

}  // namespace cumulet::hypervisor
