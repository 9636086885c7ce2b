// Wiring of the board, as platform/layout.h lays it out.
#include "hypervisor/machine/board.h"

#include <algorithm>
#include <array>

#include "hypervisor/platform/layout.h"

namespace cumulet::hypervisor {

namespace {

constexpr size_t kMaximumQueuedInput = 64 * 1024;

constexpr PciWindows kPciWindows = {
    .memory_32_start = layout::kPciMemory32Start,
    .memory_32_end = layout::kPciMemory32End,
    .memory_64_start = layout::kPciMemory64Start,
    .memory_64_end = layout::kPciMemory64End,
    .io_start = layout::kPciPortStart,
    .io_end = layout::kPciPortEnd,
};

}  // namespace

Board::Board(TimerService& timers, BoardEvents events)
    : timers_(timers),
      interrupts_(layout::kIoApicId),
      platform_(timers,
                PlatformLines{[this](uint8_t irq) -> InterruptLine& { return interrupts_.isa_line(irq); },
                              [this](uint32_t gsi) -> InterruptLine& { return interrupts_.gsi_line(gsi); }},
                std::move(events.platform)),
      uart_(interrupts_.isa_line(layout::kCom1Irq),
            Uart::Peer{std::move(events.on_console_output), [this] { feed_uart(); }}),
      pci_(ports_, memory_, kPciWindows),
      pci_ports_(pci_, platform_.reset_control()),
      ecam_(pci_) {}

Result<void> Board::claim() {
  TRY_VOID(platform_.claim(ports_, memory_));
  TRY_VOID(
      interrupts_.pic().claim(ports_, layout::kPicMasterPort, layout::kPicSlavePort, layout::kPicElcrPort));
  TRY_VOID(ports_.insert(layout::kCom1Port, uart::kPortCount, uart_));
  TRY_VOID(ports_.insert(layout::kPciConfigPort, PciConfigPorts::kPortCount, pci_ports_));
  TRY_VOID(memory_.insert(layout::kEcamAddress, layout::kEcamBusCount * EcamWindow::kBytesPerBus, ecam_));
  TRY_VOID(memory_.insert(layout::kIoApicAddress, IoApic::kWindowSize, interrupts_.io_apic()));
  return pci_.assign_resources();
}

LocalApic& Board::add_processor(uint64_t tsc_khz, std::function<uint64_t()> read_tsc,
                                LocalApicEvents events) {
  bool bootstrap = processors_ == 0;
  LocalApicConfig config = {
      .id = processors_, .bootstrap = bootstrap, .tsc_khz = tsc_khz, .read_tsc = std::move(read_tsc)};
  LocalApic& apic = interrupts_.add_local_apic(std::move(config), std::move(events), timers_);
  if (bootstrap) apic.enter_virtual_wire_mode();
  ++processors_;
  return apic;
}

void Board::port_access(const PortIoExit& exit) {
  for (size_t done = 0; done + exit.size <= exit.data.size(); done += exit.size) {
    MutableByteView item = exit.data.subspan(done, exit.size);
    if (exit.direction == Direction::kRead) {
      ports_.read(exit.port, item);
    } else {
      ports_.write(exit.port, item);
    }
  }
}

void Board::memory_access(LocalApic& own_apic, const MmioExit& exit) {
  // Each processor sees its own local APIC at the same address, before anything else that may be there.
  constexpr uint64_t kApicPageSize = 4096;
  if (std::optional<uint64_t> page = own_apic.register_page(); page && exit.address - *page < kApicPageSize) {
    if (exit.direction == Direction::kRead) {
      own_apic.read(exit.address - *page, exit.data);
    } else {
      own_apic.write(exit.address - *page, exit.data);
    }
  } else if (exit.direction == Direction::kRead) {
    memory_.read(exit.address, exit.data);
  } else {
    memory_.write(exit.address, exit.data);
  }
}

void Board::send_input(ByteView bytes) {
  size_t room = kMaximumQueuedInput - input_.size();
  ByteView taken = bytes.first(std::min(room, bytes.size()));
  input_.insert(input_.end(), taken.begin(), taken.end());
  feed_uart();
}

void Board::feed_uart() {
  while (!input_.empty()) {
    std::array<uint8_t, uart::kFifoSize> chunk{};
    size_t size = std::min(chunk.size(), input_.size());
    std::copy_n(input_.begin(), size, chunk.begin());
    size_t taken = uart_.receive(ByteView(chunk).first(size));
    input_.erase(input_.begin(), input_.begin() + static_cast<ptrdiff_t>(taken));
    if (taken < size) return;
  }
}

}  // namespace cumulet::hypervisor
