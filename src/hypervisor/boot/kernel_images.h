// Kernel files built in memory, for tests of the boot protocols and as seeds of their fuzzing.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace cumulet::hypervisor {

// A 64-bit ELF executable with one segment of `contents` at `physical`, entered at its start; and, if not
// zero, an ELF note that names `pvh_entry`.
std::vector<uint8_t> make_elf64(uint64_t physical, ByteView contents, uint32_t pvh_entry = 0);

// A bzImage with `payload` (compressed or not) and setup header version 2.15.
std::vector<uint8_t> make_bzimage(ByteView payload);

// A multiboot kernel without ELF: its header says that the whole file goes to `load_address`; it is entered
// behind the header, where `code` is.
std::vector<uint8_t> make_multiboot(uint32_t load_address, ByteView code);

// One gzip stream.
std::vector<uint8_t> compress_gzip(ByteView bytes);

// One LZ4 legacy frame, as Linux's build makes it.
std::vector<uint8_t> compress_lz4(ByteView bytes);

}  // namespace cumulet::hypervisor
