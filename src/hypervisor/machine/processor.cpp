// The run loop: events in, guest instructions, exits out.
#include "hypervisor/machine/processor.h"

#include <algorithm>
#include <pthread.h>

namespace cumulet::hypervisor {

namespace {

template <class... Handlers>
struct Overload : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overload(Handlers...) -> Overload<Handlers...>;

// A repeated I/O instruction that INIT interrupts is given this many more exits to reach an instruction
// boundary.
constexpr int kMaximumFinishingExits = 100'000;
constexpr uint64_t kHypercallUnknown = static_cast<uint64_t>(-1000);  // -KVM_ENOSYS

}  // namespace

void Processor::connect(std::unique_ptr<Vcpu> vcpu, LocalApic& apic) {
  vcpu_ = std::move(vcpu);
  apic_ = &apic;
  msrs_.emplace(static_cast<uint32_t>(context_.tsc_khz));
}

LocalApicEvents Processor::apic_events() {
  LocalApicEvents events;
  events.on_pending = [this] { wake(); };
  events.on_nmi = [this] {
    nmi_pending_ = true;
    wake();
  };
  events.on_init = [this] {
    // The bootstrap processor would start in firmware, which a guest booted directly does not have: a reset.
    if (index_ == 0) return end(EndReason::kReset);
    init_pending_ = true;
    startup_pending_.reset();
    wake();
  };
  events.on_startup = [this](uint8_t vector) {
    if (!init_pending_ && !waiting_for_startup_) return;  // SDM volume 3, 8.4.4.1: only the first one counts
    if (!startup_pending_) startup_pending_ = vector;
    wake();
  };
  return events;
}

void Processor::start(std::optional<CpuState> state) {
  waiting_for_startup_ = !state.has_value();
  thread_ = std::thread([this, state = std::move(state)] {
    std::string name = "vcpu" + std::to_string(index_);
    pthread_setname_np(pthread_self(), name.c_str());
    if (state && !apply_state(*state)) return;
    run();
  });
}

void Processor::request_stop() {
  stopping_ = true;
  wake();
}

void Processor::stop() {
  request_stop();
  if (thread_.joinable()) thread_.join();
}

void Processor::run() {
  while (!stopping_) {
    attention_ = false;
    if (!take_init_and_startup()) {
      sleep();
      continue;
    }
    deliver_interrupts();
    if (halted_) {
      sleep();
    } else {
      run_guest_once();
    }
  }
}

// Returns false while the processor waits for a startup IPI.
bool Processor::take_init_and_startup() {
  bool init;
  {
    std::lock_guard lock(context_.device_lock);
    init = std::exchange(init_pending_, false);
    if (init) waiting_for_startup_ = true;
    if (!waiting_for_startup_) return true;
  }
  if (init && !finish_instruction()) return false;
  std::optional<uint8_t> vector;
  {
    std::lock_guard lock(context_.device_lock);
    vector = std::exchange(startup_pending_, std::nullopt);
    if (vector) waiting_for_startup_ = false;
  }
  return vector && apply_state(startup_state(*vector));
}

bool Processor::apply_state(const CpuState& state) {
  halted_ = false;
  cr8_ = state.cr8;
  if (Result<void> set = vcpu_->set_state(state); !set) {
    end(EndReason::kFailure,
        "processor " + std::to_string(index_) + " cannot start: " + set.error().to_string());
    return false;
  }
  return true;
}

// The vCPU contract forbids set_state() while an I/O instruction is in flight.
bool Processor::finish_instruction() {
  for (int exits = 0; in_flight_ && !stopping_; ++exits) {
    if (exits == kMaximumFinishingExits) {
      end(EndReason::kFailure, "processor " + std::to_string(index_) + " cannot finish an I/O instruction");
      return false;
    }
    vcpu_->kick();
    handle(vcpu_->run());
  }
  return !stopping_;
}

void Processor::deliver_interrupts() {
  if (nmi_pending_.exchange(false)) {
    vcpu_->inject_nmi();
    halted_ = false;
  }
  if (!apic_->pending()) return;
  if (!vcpu_->can_inject()) {
    if (!halted_) vcpu_->request_interrupt_window();
    return;
  }
  std::optional<uint8_t> vector;
  {
    std::lock_guard lock(context_.device_lock);
    vector = apic_->acknowledge();
  }
  if (!vector) return;
  vcpu_->inject(*vector);
  halted_ = false;
  if (apic_->pending()) vcpu_->request_interrupt_window();
}

void Processor::run_guest_once() {
  if (uint64_t priority = apic_->cr8(); priority != cr8_) {
    vcpu_->set_cr8(priority);
    cr8_ = priority;
  }
  place_ = Place::kInGuest;
  if (attention_) {
    place_ = Place::kOutside;
    return;
  }
  Exit exit = vcpu_->run();
  place_ = Place::kOutside;
  if (uint64_t priority = vcpu_->get_cr8(); priority != cr8_) {
    cr8_ = priority;
    std::lock_guard lock(context_.device_lock);
    apic_->set_cr8(priority);
  }
  handle(exit);
}

void Processor::handle(const Exit& exit) {
  in_flight_ = std::holds_alternative<PortIoExit>(exit) || std::holds_alternative<MmioExit>(exit) ||
               std::holds_alternative<MsrExit>(exit);
  std::visit(Overload{
                 [&](const PortIoExit& port) {
                   std::lock_guard lock(context_.device_lock);
                   context_.board.port_access(port);
                 },
                 [&](const MmioExit& mmio) {
                   std::lock_guard lock(context_.device_lock);
                   context_.board.memory_access(*apic_, mmio);
                 },
                 [&](const MsrExit& msr) { handle_msr(msr); },
                 [&](const HaltExit&) { halted_ = true; },
                 [&](const InterruptWindowExit&) {},
                 [&](const TaskPriorityExit&) {},
                 [&](const InterruptedExit&) {},
                 [&](const HypercallExit&) { handle_hypercall(); },
                 [&](const ShutdownExit&) {
                   end(EndReason::kTripleFault, "triple fault on processor " + std::to_string(index_));
                 },
                 [&](const FailureExit& failure) { end(EndReason::kFailure, failure.reason); },
             },
             exit);
}

void Processor::handle_msr(const MsrExit& exit) {
  bool read = exit.direction == Direction::kRead;
  std::optional<uint64_t> value = 0;
  bool accepted = true;
  if (LocalApic::owns_msr(exit.index)) {
    std::lock_guard lock(context_.device_lock);
    if (read) {
      value = apic_->read_msr(exit.index);
    } else {
      accepted = apic_->write_msr(exit.index, *exit.value);
    }
  } else if (exit.index == KvmClock::kMsrSystemTime) {
    accepted = read || context_.kvm_clock.write_system_time(*exit.value);
  } else if (exit.index == KvmClock::kMsrWallClock) {
    accepted = read || context_.kvm_clock.write_wall_clock(*exit.value);
  } else if (read) {
    value = msrs_->read(exit.index);
  } else {
    accepted = msrs_->write(exit.index, *exit.value);
  }
  *exit.fault = !accepted || !value;
  if (read && value) *exit.value = *value;
}

// No hypercall is offered by CPUID, so every one is unknown.
void Processor::handle_hypercall() {
  CpuState state = vcpu_->get_state();
  state.gpr[kRax] = kHypercallUnknown;
  (void)apply_state(state);
}

void Processor::sleep() {
  std::unique_lock lock(sleep_lock_);
  place_ = Place::kAsleep;
  woken_.wait(lock, [this] { return attention_.load(); });
  place_ = Place::kOutside;
}

void Processor::wake() {
  attention_ = true;
  switch (place_.load()) {
    case Place::kOutside: break;  // it looks at attention_ before it enters the guest or sleeps
    case Place::kInGuest: vcpu_->kick(); break;
    case Place::kAsleep: {
      std::lock_guard lock(sleep_lock_);
      woken_.notify_one();
      break;
    }
  }
}

}  // namespace cumulet::hypervisor
