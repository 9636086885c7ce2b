// Processor: one virtual processor with its thread: runs the engine's vCPU and answers its exits.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "hypervisor/machine/board.h"
#include "hypervisor/machine/kvm_clock.h"
#include "hypervisor/machine/machine_config.h"
#include "hypervisor/machine/msr_file.h"
#include "hypervisor/vcpu/vcpu.h"

namespace cumulet::hypervisor {

// What a processor shares with the rest of its machine. All outlive it.
struct ProcessorContext {
  Board& board;
  std::mutex& device_lock;
  KvmClock& kvm_clock;
  uint64_t tsc_khz;
  std::function<void(MachineEnd)> end_machine;  // from any thread, with or without the device lock
};

// The thread's states, and what moves it:
//
//    start()        INIT, SIPI           hlt
//   ────────► waiting ───────► running ◄─────► halted        stop() ends each of them
//             (AP only)          │  ▲  interrupt, NMI
//                                └──┘ exits
//
// Wake-ups cannot be lost: whoever changes something sets attention_ and then looks at place_; the thread
// sets place_ and then looks at attention_ (both sequentially consistent). A kick costs a signal or a page
// protection, so it is sent only to a thread that is inside the guest.
class Processor {
 public:
  Processor(uint32_t index, ProcessorContext context) : index_(index), context_(std::move(context)) {}
  ~Processor() { stop(); }
  Processor(const Processor&) = delete;
  Processor& operator=(const Processor&) = delete;

  // Gives it the vCPU, and the APIC that was made with apic_events(). Called once, before start().
  void connect(std::unique_ptr<Vcpu> vcpu, LocalApic& apic);
  [[nodiscard]] LocalApicEvents apic_events();

  // Begins to run: at `state`, or waiting for a startup IPI when that is empty.
  void start(std::optional<CpuState> state);
  // Ends the thread. request_stop() does not wait and may be called from any thread; stop() waits.
  // Idempotent.
  void request_stop();
  void stop();

 private:
  enum class Place : uint8_t { kOutside, kInGuest, kAsleep };

  void run();
  bool take_init_and_startup();
  bool apply_state(const CpuState& state);
  bool finish_instruction();
  void deliver_interrupts();
  void run_guest_once();
  void handle(const Exit& exit);
  void handle_msr(const MsrExit& exit);
  void handle_hypercall();
  void sleep();
  void wake();
  void end(EndReason reason, std::string message = {}) {
    context_.end_machine({reason, 0, std::move(message)});
  }

  uint32_t index_;
  ProcessorContext context_;
  std::unique_ptr<Vcpu> vcpu_;
  LocalApic* apic_ = nullptr;
  std::optional<MsrFile> msrs_;
  std::thread thread_;

  // The thread's own.
  bool halted_ = false;
  bool in_flight_ = false;  // the last exit left an instruction to be finished
  uint64_t cr8_ = 0;        // as the vCPU has it

  // Set by others under the device lock, and read under it.
  bool waiting_for_startup_ = false;
  bool init_pending_ = false;
  std::optional<uint8_t> startup_pending_;

  std::atomic<bool> nmi_pending_ = false;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> attention_ = false;
  std::atomic<Place> place_ = Place::kOutside;
  std::mutex sleep_lock_;
  std::condition_variable woken_;
};

}  // namespace cumulet::hypervisor
