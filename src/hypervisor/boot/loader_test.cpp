// Tests of the boot protocols: what kernels find in memory and registers, and hostile files.
#include "hypervisor/boot/loader.h"

#include <functional>
#include <gtest/gtest.h>

#include "hypervisor/boot/boot_data.h"
#include "hypervisor/boot/file.h"
#include "hypervisor/boot/kernel_images.h"

namespace cumulet::hypervisor {
namespace {

using Bytes = std::vector<uint8_t>;
constexpr uint64_t kRamSize = 16 << 20;

std::unique_ptr<GuestMemory> make_memory() { return GuestMemory::create({{0, kRamSize, 0}}).value(); }

template <class Integer>
Integer read(const GuestMemory& memory, GuestAddress address) {
  Integer value = 0;
  EXPECT_TRUE(memory.read_value<Integer>(address, value));
  return value;
}

std::string read_text(const GuestMemory& memory, GuestAddress address) {
  std::string text;
  for (uint8_t byte; (byte = read<uint8_t>(memory, address)) != 0; ++address) text += static_cast<char>(byte);
  return text;
}

BootRequest request_for(const GuestMemory& memory, const BootSource& kernel,
                        const BootSource* initrd = nullptr) {
  return {.kernel = &kernel,
          .initrd = initrd,
          .command_line = "console=ttyS0 quiet",
          .memory_map = describe_memory(memory, {{0xe0000000, 0x1000, MemoryType::kReserved}}),
          .rsdp = 0xe0000};
}

TEST(MemoryMap, LeavesTheHoleBelowOneMib) {
  auto memory = make_memory();
  MemoryMap expected = {{0, 0x9fc00, MemoryType::kUsable},
                        {0x9fc00, 0x60400, MemoryType::kReserved},
                        {0x100000, kRamSize - 0x100000, MemoryType::kUsable},
                        {0xe0000000, 0x1000, MemoryType::kReserved}};
  EXPECT_EQ(describe_memory(*memory, {{0xe0000000, 0x1000, MemoryType::kReserved}}), expected);
}

TEST(LinuxBoot, FillsTheZeroPage) {
  auto memory = make_memory();
  Bytes code = {0xf4, 0x90};
  Bytes elf = make_elf64(0x200000, code);
  Bytes kernel = make_bzimage(compress_gzip(elf));
  Bytes initrd(5000, 0x42);
  MemorySource kernel_source(kernel), initrd_source(initrd);
  ASSERT_EQ(detect_boot_protocol(kernel).value(), BootProtocol::kLinux);
  CpuState state = load_boot_image(*memory, request_for(*memory, kernel_source, &initrd_source)).value();
  EXPECT_EQ(state.rip, 0x200000u);
  EXPECT_EQ(state.msr.efer, efer::kLme | efer::kLma);
  EXPECT_TRUE(state.segments[kCs].long_mode());
  GuestAddress params = state.gpr[kRsi];
  EXPECT_EQ(read<uint32_t>(*memory, params + 0x202), 0x53726448u);
  EXPECT_EQ(read<uint64_t>(*memory, params + 0x070), 0xe0000u);
  EXPECT_EQ(read<uint8_t>(*memory, params + 0x1e8), 4);
  EXPECT_EQ(read_text(*memory, read<uint32_t>(*memory, params + 0x228)), "console=ttyS0 quiet");
  auto initrd_address = read<uint32_t>(*memory, params + 0x218);
  EXPECT_EQ(read<uint32_t>(*memory, params + 0x21c), initrd.size());
  EXPECT_EQ(initrd_address % 4096, 0u);
  EXPECT_EQ(read<uint8_t>(*memory, initrd_address + 4999), 0x42);
  EXPECT_EQ(read<uint8_t>(*memory, 0x200000), 0xf4);
  // The page tables map the entry to itself.
  auto pointers = read<uint64_t>(*memory, state.cr3) & ~uint64_t{0xfff};
  auto directory = read<uint64_t>(*memory, pointers) & ~uint64_t{0xfff};
  EXPECT_EQ(read<uint64_t>(*memory, directory + 8) & ~uint64_t{0xfff}, 0x200000u);
}

TEST(PvhBoot, PassesStartInformation) {
  auto memory = make_memory();
  Bytes code = {0xf4};
  Bytes kernel = make_elf64(0x100000, code, 0x100123);
  Bytes initrd = {1, 2, 3};
  MemorySource kernel_source(kernel), initrd_source(initrd);
  CpuState state = load_boot_image(*memory, request_for(*memory, kernel_source, &initrd_source)).value();
  EXPECT_EQ(state.rip, 0x100123u);
  EXPECT_EQ(state.cr0 & (cr0::kPe | cr0::kPg), cr0::kPe);
  GuestAddress info = state.gpr[kRbx];
  EXPECT_EQ(read<uint32_t>(*memory, info), 0x336ec578u);
  EXPECT_EQ(read<uint64_t>(*memory, info + 32), 0xe0000u);
  EXPECT_EQ(read<uint32_t>(*memory, info + 48), 4u);
  EXPECT_EQ(read_text(*memory, read<uint64_t>(*memory, info + 24)), "console=ttyS0 quiet");
  auto modules = read<uint64_t>(*memory, info + 16);
  EXPECT_EQ(read<uint64_t>(*memory, modules + 8), 3u);
  EXPECT_EQ(read<uint8_t>(*memory, read<uint64_t>(*memory, modules) + 2), 3);
}

TEST(MultibootBoot, PassesTheInformationStructure) {
  auto memory = make_memory();
  Bytes code = {0xf4};
  Bytes kernel = make_multiboot(0x100000, code);
  Bytes module = {9, 8, 7};
  MemorySource kernel_source(kernel), module_source(module);
  CpuState state = load_boot_image(*memory, request_for(*memory, kernel_source, &module_source)).value();
  EXPECT_EQ(state.gpr[kRax], 0x2badb002u);
  EXPECT_EQ(state.rip, 0x100020u);
  EXPECT_EQ(read<uint8_t>(*memory, 0x100020), 0xf4);
  GuestAddress info = state.gpr[kRbx];
  EXPECT_EQ(read<uint32_t>(*memory, info) & 0x4d, 0x4du);
  EXPECT_EQ(read<uint32_t>(*memory, info + 8), (kRamSize >> 10) - 1024);
  EXPECT_EQ(read<uint32_t>(*memory, info + 20), 1u);
  auto entry = read<uint32_t>(*memory, info + 24);
  EXPECT_EQ(read<uint32_t>(*memory, entry + 4) - read<uint32_t>(*memory, entry), 3u);
  EXPECT_EQ(read<uint32_t>(*memory, info + 44), 4u * 24);
}

TEST(BootLoader, NamesWhatIsNoKernel) {
  auto message = [](std::initializer_list<uint8_t> bytes) {
    return detect_boot_protocol(Bytes(bytes)).error().message;
  };
  EXPECT_NE(message({}).find("an empty file"), std::string::npos);
  EXPECT_NE(message({0x1f, 0x8b, 8}).find("gzip"), std::string::npos);
  EXPECT_NE(message({'0', '7', '0', '7', '0', '1'}).find("cpio"), std::string::npos);
  EXPECT_NE(message({'#', '!'}).find("script"), std::string::npos);
  EXPECT_NE(message({0xde, 0xad}).find("0xde"), std::string::npos);
  Bytes elf = make_elf64(0x100000, Bytes{0xf4});
  EXPECT_NE(detect_boot_protocol(elf).error().message.find("ELF"), std::string::npos);
}

TEST(BootLoader, SaysWhatDoesNotFit) {
  auto memory = make_memory();
  Bytes code = {0xf4};
  auto message = [&](const Bytes& kernel, const std::function<void(BootRequest&)>& change = {}) {
    MemorySource source(kernel);
    BootRequest request = request_for(*memory, source);
    if (change) change(request);
    auto result = load_boot_image(*memory, request);
    return result ? std::string("it fits") : result.error().message;
  };
  EXPECT_NE(message(make_elf64(kRamSize, code, 1)).find("17 MiB"), std::string::npos)
      << message(make_elf64(kRamSize, code, 1));
  EXPECT_NE(message(make_elf64(0x1000, code, 1)).find("below"), std::string::npos);
  EXPECT_NE(message(make_elf64(~uint64_t{0} - 10, code, 1)).find("larger than"), std::string::npos);
  Bytes kernel = make_bzimage(compress_gzip(make_elf64(0x200000, code)));
  EXPECT_NE(message(kernel, [](BootRequest& r) { r.command_line.assign(3000, 'x'); }).find("2047"),
            std::string::npos);
  Bytes huge(kRamSize);
  MemorySource huge_source(huge);
  EXPECT_NE(message(kernel, [&](BootRequest& r) { r.initrd = &huge_source; }).find("initrd"),
            std::string::npos);
  EXPECT_NE(message(make_multiboot(0x8000, code)).find("below 1 MiB"), std::string::npos);
  EXPECT_NE(message(make_bzimage(Bytes{1, 2, 3, 4})).find("unknown way"), std::string::npos);
}

TEST(BootLoader, SurvivesTruncatedAndDamagedFiles) {
  Bytes code(64, 0x90);
  uint32_t random = 99;
  auto next = [&random] { return random = random * 1664525 + 1013904223; };
  auto memory = make_memory();
  auto load = [&](ByteView kernel) {
    MemorySource source(kernel);
    (void)load_boot_image(*memory, request_for(*memory, source));
  };
  for (const Bytes& good :
       {make_elf64(0x100000, code, 0x100000), make_bzimage(compress_gzip(make_elf64(0x200000, code))),
        make_bzimage(compress_lz4(make_elf64(0x200000, code))), make_multiboot(0x100000, code)}) {
    for (size_t size = 0; size < good.size(); ++size) load(ByteView(good).first(size));
    for (int round = 0; round < 1000; ++round) {
      Bytes bad = good;
      for (int flips = 0; flips < 3; ++flips)
        bad[(next() >> 4) % bad.size()] = static_cast<uint8_t>(next() >> 24);
      load(bad);
    }
  }
}

TEST(BootFile, SaysWhyAFileCannotBeRead) {
  EXPECT_EQ(read_boot_file("/nonexistent/kernel", "kernel").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(read_boot_file("/dev/null", "kernel").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(read_boot_file("/tmp", "kernel").error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace cumulet::hypervisor
