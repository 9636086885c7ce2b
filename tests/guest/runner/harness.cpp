// Running a guest program: exits, requests, second vCPU, watchdog.
#include "harness.h"

#include <chrono>

#include "start_state.h"

#include "base/check.h"

namespace cumulet::guest_test {

using namespace hypervisor;

namespace {
constexpr auto kLimit = std::chrono::seconds(100);

// The machine's own CPUID rows, and a copy of the table where the guest can compare: count, then rows of
// leaf, subleaf, eax, ebx, ecx, edx.
CpuidTable machine_cpuid(const CpuidTable& supported, GuestMemory& memory) {
  CpuidTable table = supported;
  table.set({0x40000000, 0, false, {0x40000001, 0x756d7543, 0x5474656c, 0x00747365}});
  table.set({0x40000001, 0, false, {0x01000008, 0, 0, 0}});
  if (CpuidResult* features = table.find(1)) features->ecx |= 1u << 31;
  GuestAddress row = kCpuidCopy + 8;
  uint32_t count = 0;
  for (const CpuidEntry& entry : table.entries()) {
    if (row + 24 > kCpuidCopy + 0x1000) break;
    for (uint32_t value : {entry.leaf, entry.subleaf, entry.result.eax, entry.result.ebx, entry.result.ecx,
                           entry.result.edx}) {
      CHECK(memory.write_value(row, value));
      row += 4;
    }
    ++count;
  }
  CHECK(memory.write_value<uint64_t>(kCpuidCopy, count));
  return table;
}
}  // namespace

Harness::Harness(const Program& program, GuestMemory& memory, Engine& engine)
    : program_(program), memory_(memory), engine_(engine) {}

Result<void> Harness::create_vcpus() {
  CpuidTable cpuid = machine_cpuid(engine_.supported_cpuid(), memory_);
  for (uint32_t i = 0; i < program_.vcpus; ++i) cpus_.push_back({TRY(engine_.create_vcpu(i, cpuid))});
  return {};
}

Result<Report> Harness::run(ByteView code) {
  write_tables(memory_);
  GuestAddress entry = load_address(program_.start);
  if (!memory_.write(entry, code))
    return fail(ErrorCode::kInvalidArgument, "the program does not fit into RAM");
  TRY_VOID(create_vcpus());
  TRY_VOID(cpus_[0].vcpu->set_state(start_state(program_.start, entry, kStackTop)));
  engine_.memory_changed(0, kRamSize);

  std::thread watchdog([this] { watch(); });
  std::thread first([this] { drive(cpus_[0], true); });
  first.join();
  stop_ = true;
  for (Cpu& cpu : cpus_) cpu.vcpu->kick();
  if (second_.joinable()) second_.join();
  for (Cpu& cpu : cpus_)
    for (std::thread& kicker : cpu.kickers) kicker.join();
  finish(Outcome::kFailure, "the first vCPU ended without a result");
  watchdog.join();
  return *report_;
}

void Harness::watch() {
  std::unique_lock lock(mutex_);
  if (ended_.wait_for(lock, kLimit, [this] { return report_.has_value(); })) return;
  report_ = Report{Outcome::kHang, "no result after 100 s"};
  stop_ = true;
  lock.unlock();
  for (Cpu& cpu : cpus_) cpu.vcpu->kick();
}

void Harness::finish(Outcome outcome, std::string detail) {
  std::lock_guard lock(mutex_);
  if (!report_) report_ = Report{outcome, std::move(detail)};
  stop_ = true;
  ended_.notify_all();
}

void Harness::drive(Cpu& cpu, bool first) {
  bool go_on = true;
  while (go_on && !stop_) {
    if (cpu.pending) {
      if (cpu.vcpu->can_inject()) {
        cpu.vcpu->inject(*cpu.pending);
        cpu.pending.reset();
      } else {
        cpu.vcpu->request_interrupt_window();
      }
    }
    Exit exit = cpu.vcpu->run();
    go_on = handle(cpu, first, exit);
  }
  if (!first) {
    if (stop_) cpus_[0].vcpu->kick();
    return;
  }
  CpuState state = cpu.vcpu->get_state();
  std::lock_guard lock(mutex_);
  if (report_) report_->state = state;
}

bool Harness::handle(Cpu& cpu, bool first, const Exit& exit) {
  if (const auto* port = std::get_if<PortIoExit>(&exit)) return handle_request(cpu, platform_.port(*port));
  if (const auto* mmio = std::get_if<MmioExit>(&exit)) {
    platform_.mmio(*mmio);
  } else if (const auto* msr = std::get_if<MsrExit>(&exit)) {
    platform_.msr(*msr);
  } else if (std::holds_alternative<HaltExit>(exit)) {
    return handle_halt(cpu, first);
  } else if (std::holds_alternative<InterruptedExit>(exit)) {
    return handle_interrupted(cpu);
  } else if (std::holds_alternative<TaskPriorityExit>(exit)) {
    platform_.count_task_priority();
  } else if (std::holds_alternative<HypercallExit>(exit)) {
    CpuState state = cpu.vcpu->get_state();
    state.gpr[kRax] += 0x1000;  // a result that the program can recognize
    CHECK(cpu.vcpu->set_state(state));
  } else if (std::holds_alternative<ShutdownExit>(exit)) {
    finish(Outcome::kShutdown, "");
    return false;
  } else if (const auto* failure = std::get_if<FailureExit>(&exit)) {
    finish(Outcome::kFailure, failure->reason);
    return false;
  }
  return true;
}

bool Harness::handle_request(Cpu& cpu, const Request& request) {
  switch (request.kind) {
    case Request::Kind::kNone: return true;
    case Request::Kind::kPass: finish(Outcome::kPass, ""); return false;
    case Request::Kind::kFail: finish(Outcome::kFail, std::to_string(request.value)); return false;
    case Request::Kind::kInterrupt: cpu.pending = static_cast<uint8_t>(request.value); return true;
    case Request::Kind::kInterruptWhenHalted:
      cpu.when_halted = static_cast<uint8_t>(request.value);
      return true;
    case Request::Kind::kNmi: cpu.vcpu->inject_nmi(); return true;
    case Request::Kind::kStartVcpu:
      start_second(start_state(program_.start, request.value, kSecondStackTop));
      return true;
    case Request::Kind::kSipi: start_second(startup_state(static_cast<uint8_t>(request.value))); return true;
    case Request::Kind::kKick:
      cpu.kick_asked = true;
      cpu.kickers.emplace_back([&cpu, delay_ms = request.value] {
        std::this_thread::sleep_for(std::chrono::milliseconds(std::min<uint32_t>(delay_ms, 1000)));
        cpu.vcpu->kick();
      });
      return true;
  }
  return true;
}

void Harness::start_second(const CpuState& state) {
  if (cpus_.size() < 2 || second_.joinable()) {
    finish(Outcome::kFailure, "the program has no second vCPU to start");
    return;
  }
  second_ = std::thread([this, state] {
    if (auto set = cpus_[1].vcpu->set_state(state); !set) {
      finish(Outcome::kFailure, "vCPU 1: " + set.error().to_string());
      return;
    }
    drive(cpus_[1], false);
  });
}

bool Harness::handle_halt(Cpu& cpu, bool first) {
  if (cpu.when_halted) {
    cpu.pending = *cpu.when_halted;
    cpu.when_halted.reset();
    return true;
  }
  if (cpu.pending && cpu.vcpu->can_inject()) return true;
  if (first) finish(Outcome::kHalt, "");
  return false;
}

// The program loops on a two-byte `jmp $` and asked to be kicked out of it: put it behind the jump.
bool Harness::handle_interrupted(Cpu& cpu) {
  if (!cpu.kick_asked || stop_) return true;
  cpu.kick_asked = false;
  CpuState state = cpu.vcpu->get_state();
  state.rip += 2;
  if (auto set = cpu.vcpu->set_state(state); !set) finish(Outcome::kFailure, set.error().to_string());
  return true;
}

}  // namespace cumulet::guest_test
