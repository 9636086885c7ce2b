// GuestRunner: runs a sequence in user mode of a guest, on any engine.
#pragma once

#include <memory>

#include "outcome.h"

#include "base/result.h"
#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/vcpu/vcpu.h"

namespace cumulet::differential {

// The guest is just enough of a system: page tables for the areas of layout.h (whose physical pages do not
// adjoin), and an IDT whose handlers halt, each at an address of its own, so that the vector and the pushed
// frame can be read.
class GuestRunner {
 public:
  // `memory` must be make_memory()'s, and the engine built on it; both outlive this.
  static Result<std::unique_ptr<GuestRunner>> create(hypervisor::GuestMemory& memory,
                                                     hypervisor::Engine& engine);
  static Result<std::unique_ptr<hypervisor::GuestMemory>> make_memory();

  // Errors: kUnavailable with the engine's words if the guest ends in any way but one of its exceptions.
  Result<Outcome> run(const Start& start);

  // Whether the engine promises arithmetic flags at faults that the program would have overwritten unread.
  void set_exact_flags_at_faults(bool exact) { exact_flags_at_faults_ = exact; }
  [[nodiscard]] bool exact_flags_at_faults() const { return exact_flags_at_faults_; }

 private:
  GuestRunner(hypervisor::GuestMemory& memory, hypervisor::Engine& engine,
              std::unique_ptr<hypervisor::Vcpu> vcpu);
  void build_system();
  void map(uint64_t linear, uint64_t physical, uint64_t flags);
  void place(uint64_t linear_area, const Area& bytes);
  void fetch(uint64_t linear_area, Area& bytes) const;
  Result<Outcome> read_outcome();

  hypervisor::GuestMemory& memory_;
  hypervisor::Engine& engine_;
  std::unique_ptr<hypervisor::Vcpu> vcpu_;
  uint64_t next_table_ = 0;
  bool exact_flags_at_faults_ = true;
};

}  // namespace cumulet::differential
