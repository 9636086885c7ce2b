// Executable slots for single instructions, and the signal handler that turns their faults into results.
#include <cpuid.h>
#include <cstring>
#include <mutex>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "hypervisor/interpret/native.h"

extern "C" void cumulet_native_entry(cumulet::hypervisor::NativeFrame* frame);

namespace cumulet::hypervisor {

namespace {
constexpr size_t kSlotSize = 32;
constexpr size_t kSlotCount = 2048;
constexpr size_t kProbes = 8;
constexpr uint8_t kRet = 0xc3;

// x87 and vector state as the C++ ABI wants it: initial, all exceptions masked.
struct alignas(64) HostVectorState {
  std::array<uint8_t, kXsaveAreaSize> bytes{};
  HostVectorState() {
    store_le<uint16_t>(bytes, 0, 0x37f);
    store_le<uint32_t>(bytes, 24, 0x1f80);
  }
};
const HostVectorState kHostVectorState;

// The executable range of the runner that this thread is inside of; the signal handler looks here.
thread_local const uint8_t* active_begin = nullptr;
thread_local const uint8_t* active_end = nullptr;

constexpr int kSignals[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS};
struct sigaction previous_action[std::size(kSignals)];

void forward(int signal_number, siginfo_t* info, void* context) {
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    if (kSignals[i] != signal_number) continue;
    const struct sigaction& previous = previous_action[i];
    if ((previous.sa_flags & SA_SIGINFO) != 0 && previous.sa_sigaction != nullptr)
      return previous.sa_sigaction(signal_number, info, context);
    if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
      return previous.sa_handler(signal_number);
  }
  signal(signal_number, SIG_DFL);  // the instruction faults again, and the process ends as it would have
}

void handle_fault(int signal_number, siginfo_t* info, void* context) {
  auto* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const auto* rip = reinterpret_cast<const uint8_t*>(registers[REG_RIP]);
  if (rip < active_begin || rip >= active_end) return forward(signal_number, info, context);
  // The slot was called: return address, code pointer, frame pointer are on the stack.
  const auto* stack = reinterpret_cast<const uint64_t*>(registers[REG_RSP]);
  auto* frame = reinterpret_cast<NativeFrame*>(stack[2]);
  frame->fault = static_cast<uint64_t>(registers[REG_TRAPNO]) + 1;
  frame->fault_address = reinterpret_cast<uint64_t>(info->si_addr);
  registers[REG_RIP] = static_cast<greg_t>(stack[0]);
  registers[REG_RSP] += 8;
}

void install_handlers() {
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    struct sigaction action = {};
    action.sa_sigaction = handle_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    CHECK(sigaction(kSignals[i], &action, &previous_action[i]) == 0);
  }
}

// Code that was changed through another mapping may be executed only after a serializing instruction (SDM
// volume 3, 9.1.3).
void serialize() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  __get_cpuid(0, &a, &b, &c, &d);
}

uint64_t hash(ByteView code) {
  uint64_t value = 0xcbf29ce484222325;
  for (uint8_t byte : code) value = (value ^ byte) * 0x100000001b3;
  return value ^ value >> 32;
}
}  // namespace

struct NativeRunner::Slots {
  uint8_t* writable = nullptr;
  uint8_t* executable = nullptr;
  std::array<uint8_t, kSlotCount> length{};  // 0: empty

  Slots() {
    constexpr size_t kSize = kSlotSize * kSlotCount;
    UniqueFd fd(memfd_create("native-slots", MFD_CLOEXEC));
    CHECK(fd.valid() && ftruncate(fd.get(), kSize) == 0);
    void* write_view = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    void* execute_view = mmap(nullptr, kSize, PROT_READ | PROT_EXEC, MAP_SHARED, fd.get(), 0);
    CHECK(write_view != MAP_FAILED && execute_view != MAP_FAILED);
    writable = static_cast<uint8_t*>(write_view);
    executable = static_cast<uint8_t*>(execute_view);
  }
  ~Slots() {
    munmap(writable, kSlotSize * kSlotCount);
    munmap(executable, kSlotSize * kSlotCount);
  }
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  [[nodiscard]] bool holds(size_t slot, ByteView code) const {
    return length[slot] == code.size() &&
           std::memcmp(writable + slot * kSlotSize, code.data(), code.size()) == 0;
  }
  void fill(size_t slot, ByteView code) {
    uint8_t* to = writable + slot * kSlotSize;
    std::memcpy(to, code.data(), code.size());
    to[code.size()] = kRet;
    length[slot] = static_cast<uint8_t>(code.size());
  }
};

NativeRunner::NativeRunner() : slots_(std::make_unique<Slots>()) {
  static std::once_flag once;
  std::call_once(once, install_handlers);
}

NativeRunner::~NativeRunner() = default;

const void* NativeRunner::slot_of(ByteView code) {
  CHECK(!code.empty() && code.size() < kSlotSize);
  size_t first = hash(code);
  for (size_t probe = 0; probe < kProbes; ++probe) {
    size_t slot = (first + probe) % kSlotCount;
    if (slots_->length[slot] == 0) slots_->fill(slot, code);
    if (slots_->holds(slot, code)) return slots_->executable + slot * kSlotSize;
  }
  slots_->length.fill(0);
  serialize();
  slots_->fill(first % kSlotCount, code);
  return slots_->executable + first % kSlotCount * kSlotSize;
}

void NativeRunner::run(ByteView code, NativeFrame& frame) {
  frame.code = slot_of(code);
  frame.host_xsave = kHostVectorState.bytes.data();
  frame.fault = 0;
  active_begin = slots_->executable;
  active_end = slots_->executable + kSlotSize * kSlotCount;
  cumulet_native_entry(&frame);
  active_begin = active_end = nullptr;
}

uint64_t address_value(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

uint32_t host_mxcsr_mask() {
  static const uint32_t kMask = [] {
    alignas(16) std::array<uint8_t, 512> area{};
    asm volatile("fxsave64 %0" : "=m"(area));
    uint32_t value = load_le<uint32_t>(area, 28);
    return value != 0 ? value : 0xffbfu;
  }();
  return kMask;
}

void normalize_xsave(CpuState& state) {
  constexpr uint64_t kX87 = 1, kSse = 2, kAvx = 4, kAll = kX87 | kSse | kAvx;
  constexpr size_t kHeader = 512, kYmmHigh = 576;
  MutableByteView area(state.xsave);
  uint64_t present = load_le<uint64_t>(area, kHeader);
  if ((present & kAll) == kAll) return;
  if ((present & kX87) == 0) {
    std::memset(area.data(), 0, 24);  // FCW to FDP; MXCSR and its mask stay
    std::memset(area.data() + 32, 0, 128);
    store_le<uint16_t>(area, 0, 0x37f);
  }
  if ((present & kSse) == 0) std::memset(area.data() + 160, 0, 256);
  if ((present & kAvx) == 0) std::memset(area.data() + kYmmHigh, 0, 256);
  store_le<uint64_t>(area, kHeader, present | kAll);
}

void settle_x87(CpuState& state) {
  constexpr size_t kControl = 0, kStatus = 2;
  constexpr uint16_t kControlBits = 0x1f3f, kControlOnes = 0x40, kExceptions = 0x3f, kSummaryAndBusy = 0x8080;
  MutableByteView area(state.xsave);
  auto control = static_cast<uint16_t>((load_le<uint16_t>(area, kControl) & kControlBits) | kControlOnes);
  auto status = static_cast<uint16_t>(load_le<uint16_t>(area, kStatus) & ~kSummaryAndBusy);
  if ((status & ~control & kExceptions) != 0) status |= kSummaryAndBusy;
  store_le<uint16_t>(area, kControl, control);
  store_le<uint16_t>(area, kStatus, status);
}

bool x87_error_waits(const CpuState& state) {
  constexpr size_t kStatus = 2;
  constexpr uint8_t kErrorSummary = 0x80;
  return (state.xsave[kStatus] & kErrorSummary) != 0;
}

}  // namespace cumulet::hypervisor
