// Assembly of a machine, its start and its end.
#include "hypervisor/machine/machine.h"

#include <algorithm>
#include <x86intrin.h>

#include "hypervisor/boot/boot_source.h"
#include "hypervisor/boot/loader.h"
#include "hypervisor/firmware/tables.h"
#include "hypervisor/machine/processor_cpuid.h"
#include "hypervisor/platform/layout.h"
#include "hypervisor/x86/wide_vectors.h"

namespace cumulet::hypervisor {

namespace {

// The guest's TSC is the host's own, with no offset: the same on all processors by construction.
uint64_t read_guest_tsc() { return __rdtsc(); }

Result<std::unique_ptr<GuestMemory>> create_memory(uint64_t memory_mib) {
  if (memory_mib < kMinimumMachineMemoryMib || memory_mib > kMaximumMachineMemoryMib)
    return fail(ErrorCode::kInvalidArgument, "a machine has from " +
                                                 std::to_string(kMinimumMachineMemoryMib) + " MiB to " +
                                                 std::to_string(kMaximumMachineMemoryMib) + " MiB of memory");
  uint64_t size = memory_mib << 20;
  uint64_t low = std::min(size, layout::kLowRamEnd);
  std::vector<MemoryRegion> regions = {{0, low, 0}};
  if (size > low) regions.push_back({layout::kHighRamStart, size - low, 0});
  return GuestMemory::create(std::move(regions));
}

}  // namespace

Result<std::unique_ptr<Machine>> Machine::create(const MachineConfig& config,
                                                 const EngineFactory& make_engine, ConsoleSink console,
                                                 const Clock& clock) {
  std::unique_ptr<Machine> machine(new Machine(std::move(console), clock));
  machine->memory_ = TRY(create_memory(config.memory_mib));
  // First, because it takes long: what an engine measures since the process began is measured by then.
  TRY_VOID(machine->boot(config));
  TRY_VOID(machine->build(config, make_engine));
  return machine;
}

Machine::Machine(ConsoleSink console, const Clock& clock)
    : clock_(clock), console_(std::move(console)), timers_(clock, device_lock_) {}

Machine::~Machine() {
  processors_.clear();
  timers_.stop();
}

Result<void> Machine::build(const MachineConfig& config, const EngineFactory& make_engine) {
  if (config.vcpus < 1 || config.vcpus > kMaximumProcessors)
    return fail(ErrorCode::kInvalidArgument,
                "a machine has from 1 to " + std::to_string(kMaximumProcessors) + " processors");
  engine_ = TRY(make_engine(*memory_));
  kvm_clock_.emplace(*memory_, clock_, engine_->tsc_khz(), read_guest_tsc());
  board_.emplace(timers_, board_events(console_, config.debug_exit));
  TRY_VOID(board_->claim());
  ProcessorContext context = {*board_, device_lock_, *kvm_clock_, engine_->tsc_khz(),
                              [this](MachineEnd how) { end(std::move(how)); }};
  for (uint32_t index = 0; index < config.vcpus; ++index) {
    CpuidTable cpuid = processor_cpuid(engine_->supported_cpuid(), index, config.vcpus);
    if (!config.avx512) hide_wide_vectors(cpuid);
    std::unique_ptr<Vcpu> vcpu = TRY(engine_->create_vcpu(index, cpuid));
    auto processor = std::make_unique<Processor>(index, context);
    LocalApic& apic = board_->add_processor(engine_->tsc_khz(), read_guest_tsc, processor->apic_events());
    processor->connect(std::move(vcpu), apic);
    processors_.push_back(std::move(processor));
  }
  return {};
}

Result<void> Machine::boot(const MachineConfig& config) {
  FirmwareConfig firmware = {
      .processors = config.vcpus,
      .memory_bytes = memory_->size(),
      .instance_id = config.instance_id,
      .product_uuid = config.product_uuid,
  };
  GuestAddress rsdp = TRY(write_firmware_tables(*memory_, firmware));
  FileSource kernel = TRY(FileSource::open(config.kernel, "kernel"));
  std::optional<FileSource> initrd;
  if (!config.initrd.empty()) initrd = TRY(FileSource::open(config.initrd, "initrd"));
  MemoryMap reserved = {{layout::kEcamAddress, uint64_t{layout::kEcamBusCount} << 20, MemoryType::kReserved}};
  BootRequest request = {
      .kernel = &kernel,
      .initrd = initrd ? &*initrd : nullptr,
      .command_line = config.command_line,
      .memory_map = describe_memory(*memory_, reserved),
      .rsdp = rsdp,
  };
  start_state_ = TRY(load_boot_image(*memory_, request));
  return {};
}

BoardEvents Machine::board_events(ConsoleSink console, bool debug_exit) {
  BoardEvents events;
  events.platform.on_poweroff = [this] { end({EndReason::kPoweroff, 0, {}}); };
  events.platform.on_reset = [this] { end({EndReason::kReset, 0, {}}); };
  if (debug_exit)
    events.platform.on_debug_exit = [this](uint32_t code) { end({EndReason::kDebugExit, code, {}}); };
  events.on_console_output = std::move(console);
  return events;
}

MachineEnd Machine::run() {
  timers_.start();
  for (size_t i = 0; i < processors_.size(); ++i) {
    processors_[i]->start(i == 0 ? std::optional(start_state_) : std::nullopt);
  }
  MachineEnd how;
  {
    std::unique_lock lock(end_lock_);
    ended_.wait(lock, [this] { return end_.has_value(); });
    how = *end_;
  }
  for (auto& processor : processors_) processor->request_stop();
  for (auto& processor : processors_) processor->stop();
  timers_.stop();
  return how;
}

void Machine::end(MachineEnd end) {
  {
    std::lock_guard lock(end_lock_);
    if (end_) return;
    end_ = std::move(end);
  }
  ended_.notify_all();
  for (auto& processor : processors_) processor->request_stop();
}

void Machine::press_power_button() {
  std::lock_guard lock(device_lock_);
  board_->press_power_button();
}

void Machine::send_input(ByteView bytes) {
  std::lock_guard lock(device_lock_);
  board_->send_input(bytes);
}

}  // namespace cumulet::hypervisor
