// Checkpoint and roll-back of an instruction's registers.
#include "hypervisor/interpret/execution.h"

#include "hypervisor/interpret/native.h"

namespace cumulet::hypervisor {

Execution::Execution(Cpu& processor)
    : cpu(processor), state(processor.state), native(std::make_unique<NativeRunner>()) {}

Execution::~Execution() = default;

bool Execution::stop_for(Exit why) {
  exit = std::move(why);
  exit_when_done = false;
  return false;
}

bool Execution::finish_with(Exit why) {
  exit = std::move(why);
  exit_when_done = true;
  return true;
}

void Execution::checkpoint() {
  saved_gpr_ = state.gpr;
  saved_rip_ = state.rip;
  saved_rflags_ = state.rflags;
}

void Execution::roll_back() {
  state.gpr = saved_gpr_;
  state.rip = saved_rip_;
  state.rflags = saved_rflags_;
}

}  // namespace cumulet::hypervisor
