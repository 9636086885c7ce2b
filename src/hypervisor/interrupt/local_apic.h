// LocalApic: one processor's interrupt controller, xAPIC and x2APIC (Intel SDM volume 3, chapter 10).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "hypervisor/device/device.h"
#include "hypervisor/device/timer.h"
#include "hypervisor/interrupt/apic_bus.h"
#include "hypervisor/interrupt/apic_timer.h"
#include "hypervisor/interrupt/local_apic_registers.h"
#include "hypervisor/interrupt/message.h"
#include "hypervisor/interrupt/vector_set.h"

namespace cumulet::hypervisor {

struct LocalApicConfig {
  uint32_t id = 0;
  bool bootstrap = false;                   // this is the bootstrap processor
  uint64_t tsc_khz = 0;                     // of the guest's TSC; 0: no TSC-deadline mode
  std::function<uint64_t()> read_tsc = {};  // the guest's TSC of this processor; needed when tsc_khz is not 0
};

// What a local APIC asks of its processor. All are called under the machine's device lock, from any thread.
struct LocalApicEvents {
  std::function<void()> on_pending;  // pending() became true, or another vector: kick the vCPU
  std::function<void()> on_nmi;
  std::function<void()> on_init;                   // INIT: the APIC has reset itself already
  std::function<void(uint8_t vector)> on_startup;  // startup IPI: begin at vector << 12 if waiting for it
};

// Problem: interrupts come from devices, timers and other processors; a vCPU takes the highest one when it
// can.
//
// Use, by the vCPU's thread: before each run(), `pending()` (cheap, no lock). If true and the vCPU
// can_inject(), take the device lock, acknowledge(), and inject what it returns. Mirror CR8: set_cr8() when
// the guest changed it, and cr8() before run(), since the guest may write the TPR register as well.
//
// Thread safety: pending() and cr8() from any thread at any time; all else under the machine's device lock.
class LocalApic final : public IoHandler, public Device {
 public:
  LocalApic(LocalApicConfig config, LocalApicEvents events, ApicBus& bus, TimerService& timers);
  ~LocalApic() override;
  LocalApic(const LocalApic&) = delete;
  LocalApic& operator=(const LocalApic&) = delete;

  [[nodiscard]] std::string_view name() const override { return "local-apic"; }
  // Power-on state. The processor's INIT keeps the mode of IA32_APIC_BASE and resets the rest: that is
  // init_reset().
  void reset() override;
  void init_reset();
  // Sets up what firmware leaves for an operating system on the bootstrap processor: enabled, LINT0 takes the
  // 8259A's interrupts, LINT1 is NMI ("virtual wire mode", MultiProcessor Specification 3.6.2.2).
  void enter_virtual_wire_mode();

  // True when acknowledge() would return a vector.
  [[nodiscard]] bool pending() const { return deliverable_.load(std::memory_order_acquire) != kNothing; }
  // The vector that acknowledge() would return, unless it is the 8259A's to choose (then, and if none,
  // empty).
  [[nodiscard]] std::optional<uint8_t> highest_pending() const;
  // Takes the highest pending interrupt into service and returns its vector; empty when there is none (any
  // more).
  [[nodiscard]] std::optional<uint8_t> acknowledge();

  // The task priority as CR8 shows it (0 to 15).
  [[nodiscard]] uint64_t cr8() const { return task_priority_.load(std::memory_order_acquire) >> 4; }
  void set_cr8(uint64_t value);

  // Where the register page is, when the APIC is in xAPIC mode; empty when disabled or in x2APIC mode. The
  // machine gives an access within these 4096 bytes to this object, offset from the page's start.
  [[nodiscard]] std::optional<uint64_t> register_page() const;
  void read(uint64_t offset, MutableByteView out) override;
  void write(uint64_t offset, ByteView bytes) override;

  // True for the MSRs that read_msr() and write_msr() answer: IA32_APIC_BASE, IA32_TSC_DEADLINE and 0x800 to
  // 0x8ff.
  [[nodiscard]] static bool owns_msr(uint32_t index);
  // Read or write one of these MSRs. Empty or false: the guest gets #GP(0). Precondition: owns_msr(index).
  [[nodiscard]] std::optional<uint64_t> read_msr(uint32_t index);
  [[nodiscard]] bool write_msr(uint32_t index, uint64_t value);

  // The other side: what bus and pins do to this APIC.
  [[nodiscard]] uint32_t id() const { return config_.id; }
  [[nodiscard]] bool matches(const InterruptMessage& message) const;
  [[nodiscard]] uint8_t processor_priority() const;  // PPR
  [[nodiscard]] bool accepts_fixed() const;          // globally and software enabled
  void accept(const InterruptMessage& message);
  // The wire from the 8259A pair to LINT0. `acknowledge` runs its INTA cycle and returns the vector.
  void connect_external(std::function<uint8_t()> acknowledge) {
    acknowledge_external_ = std::move(acknowledge);
  }
  void set_external(bool high);
  // The NMI pin (LINT1): one edge.
  void pulse_nmi_pin();

 private:
  static constexpr uint16_t kNothing = 0, kExternalVector = 0x100;  // values of deliverable_ beside 16 to 255

  [[nodiscard]] bool x2apic() const { return (base_ & apic::kBaseExtended) != 0; }
  [[nodiscard]] bool globally_enabled() const { return (base_ & apic::kBaseEnable) != 0; }
  [[nodiscard]] bool software_enabled() const { return (spurious_ & apic::kSpuriousEnable) != 0; }
  [[nodiscard]] bool external_deliverable() const;
  [[nodiscard]] uint32_t logical_id() const;
  // Registers common to both modes. Empty or false: there is no such register.
  [[nodiscard]] std::optional<uint32_t> read_register(uint32_t index) const;
  [[nodiscard]] bool write_register(uint32_t index, uint32_t value);
  void write_lvt(apic::Lvt entry, uint32_t value);
  void write_spurious(uint32_t value);
  void write_command(uint32_t low, uint32_t destination);
  [[nodiscard]] bool write_base(uint64_t value);
  [[nodiscard]] bool write_x2apic(uint32_t index, uint64_t value);
  void end_of_interrupt();
  void accept_fixed(uint8_t vector, bool level_triggered);
  void deliver_local(apic::Lvt entry);
  void raise_error(uint32_t bits);
  void set_task_priority(uint8_t value);
  void update();

  LocalApicConfig config_;
  LocalApicEvents events_;
  ApicBus& bus_;
  ApicTimer timer_;
  std::function<uint8_t()> acknowledge_external_;

  uint64_t base_ = 0;                         // IA32_APIC_BASE
  VectorSet requested_, in_service_, level_;  // IRR, ISR, TMR
  std::array<uint32_t, apic::kLvtCount> lvt_{};
  uint32_t spurious_ = 0, logical_destination_ = 0, destination_format_ = 0;
  uint32_t command_low_ = 0, command_high_ = 0;
  uint32_t error_status_ = 0, errors_seen_ = 0;  // as last latched by a write to ESR; and since then
  bool external_level_ = false;                  // the 8259A's output
  bool external_latched_ = false;                // an ExtINT message came
  std::atomic<uint8_t> task_priority_ = 0;
  std::atomic<uint16_t> deliverable_ = kNothing;
};

}  // namespace cumulet::hypervisor
