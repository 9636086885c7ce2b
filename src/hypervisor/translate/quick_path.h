// QuickPath: what a vCPU does in C++ in the middle of translated code, without leaving it.
#pragma once

#include <array>
#include <cstdint>

#include "hypervisor/interpret/page_walk.h"
#include "hypervisor/translate/context.h"
#include "hypervisor/x86/decode.h"

namespace cumulet::hypervisor {

// Translated code comes here for what is frequent and would be long inline: filling the TLB, delivering page
// faults, and the system instructions of a kernel's ways in and out. Everything unusual is declined: then
// nothing of the guest has changed, and the interpreter does the instruction.
//
// General registers are in cpu.state meanwhile; vector and x87 registers stay the guest's, so all of this is
// compiled with general registers only and may call nothing that is not. The gate stays entered, so no lock
// may be taken: whoever stops this vCPU holds it.
//
// A handler returns true when translated code goes on at Context::target, with resume_flags. False: Context::
// reason says why it leaves.
using QuickHandler = bool (*)(Context*);

struct QuickHandlers {
  QuickHandler access_miss;     // miss_linear and miss_site are set
  QuickHandler link, indirect;  // as LeaveReason::kLink and kIndirect
  // state.rip is the instruction's, Context::operand its QuickOperand.
  std::array<QuickHandler, kSystemOperations> system;
};
QuickHandlers quick_handlers();

// What a system instruction's handler needs to know of it, in 32 bits.
struct QuickOperand {
  uint8_t length;  // of the instruction
  uint8_t general_register;
  uint8_t control_register;
  SystemOperation system;
};
static_assert(sizeof(QuickOperand) == sizeof(uint32_t));

namespace quick {

// The host address of a data access that lies within one page, through the TLB, or 0. The first is the
// current code's; `fault` is set if the access raises a page fault. The second is the same for a load by rep
// movs. The third is the processor's own, for tables and stacks of delivery.
uint64_t data_address(Context& context, uint64_t linear, uint64_t size, bool write, Exception& fault);
// The same for a write that need not happen: 0 unless the TLB knows of it, so that no page becomes dirty.
uint64_t known_writable(Context& context, uint64_t linear, uint64_t size);
uint64_t string_source_address(Context& context, uint64_t linear, uint64_t size, Exception& fault);
uint64_t system_address(Context& context, uint64_t linear, uint64_t size, bool write);
uint64_t load(uint64_t host);
void store(uint64_t host, uint64_t value);

// A present, accessed descriptor of the GDT. False: unusual.
bool read_descriptor(Context& context, uint16_t selector, uint64_t& raw);

// The hidden part that a descriptor gives.
void load_segment(Segment& segment, uint16_t selector, uint64_t raw);

// state.rflags = `flags`, with its arithmetic flags to be resumed.
void set_flags(Context& context, uint64_t flags);
// True unless the interpreter has to see that these flags and this privilege level come into force.
bool flags_are_usual(const Context& context, uint64_t flags, uint8_t cpl);
// Puts the arithmetic flags, which are the host's, into state.rflags.
void take_flags(Context& context);
// Goes on at state.rip, in the mode that state says: as an indirect jump does, through the jump cache
// (Translator::emit_indirect_entry). False: it leaves, to fault there.
bool go_to_rip(Context& context);

// Delivers a page fault of the instruction at state.rip. False: unusual, nothing changed.
bool deliver_page_fault(Context& context, const Exception& fault);

// XSAVE and XRSTOR at miss_linear, in their 64-bit forms. QuickHandlers.
bool save_extended(Context* context);
bool restore_extended(Context* context);
// Goes on behind the instruction, which changed no flags; take_flags() came before.
bool finish(Context& context);

AccessSite missed_site(const Context& context);
// Where the access of the missed site goes on.
inline uint64_t resume_address(const Context& context, const AccessSite& site) {
  return context.miss_site + static_cast<uint64_t>(int64_t{site.resume});
}
// The linear address that a site of translated code says from a page's base on.
inline uint64_t site_rip(const Context& context, uint32_t page_number, uint64_t rip) {
  return context.page_bases[page_number].base + rip;
}
// Brings back the guest's registers and flags as they were before the instruction.
void undo_access(Context& context, const AccessSite& site);
// Does elements of a long_run(); Context::string_rest are the others. False: there is no way to do the first
// one here; `fault` is set if it raises a page fault.
bool run_string(Context& context, const AccessSite& site, Exception& fault);
bool access_miss(Context* context);  // QuickHandlers, as the following
bool follow_link(Context* context);
bool follow_indirect_jump(Context* context);

}  // namespace quick
}  // namespace cumulet::hypervisor
