// Fuzz target: the boot loader, given kernels that are made of, or derived from, the input.
#include "fuzz_input.h"

#include "base/check.h"
#include "hypervisor/boot/kernel_images.h"
#include "hypervisor/boot/loader.h"

namespace {

using cumulet::FuzzInput;
using namespace cumulet::hypervisor;

constexpr uint64_t kRamSize = 4 << 20;

GuestMemory& guest_memory() {
  static std::unique_ptr<GuestMemory> memory = GuestMemory::create({{0, kRamSize, 0}}).value();
  return *memory;
}

// A well-formed kernel of the kind that the input's first byte says; the raw input for half of them.
std::vector<uint8_t> choose_kernel(FuzzInput& input) {
  static const std::vector<uint8_t> kCode(64, 0x90);
  switch (input.byte() % 8) {
    case 0: return make_elf64(0x100000, kCode, 0x100000);
    case 1: return make_bzimage(compress_gzip(make_elf64(0x100000, kCode)));
    case 2: return make_bzimage(make_elf64(0x100000, kCode));
    case 3: return make_multiboot(0x100000, kCode);
    case 4: return make_bzimage(compress_lz4(make_elf64(0x100000, kCode)));
    default: break;
  }
  std::vector<uint8_t> raw;
  while (!input.empty()) raw.push_back(input.byte());
  return raw;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  std::vector<uint8_t> kernel = choose_kernel(input);
  // Few changes, or nothing would get past the magic numbers.
  for (int changes = input.byte() % 8; changes > 0 && !kernel.empty(); --changes)
    kernel[input.below(kernel.size())] = input.byte();
  GuestMemory& memory = guest_memory();
  MemorySource source(kernel);
  BootRequest request = {.kernel = &source,
                         .initrd = nullptr,
                         .command_line = "quiet",
                         .memory_map = describe_memory(memory, {}),
                         .rsdp = 0};
  auto state = load_boot_image(memory, request);
  CHECK(state.has_value() || !state.error().message.empty());
  return 0;
}
