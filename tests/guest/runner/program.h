// Program: what the header comment of a guest program promises, read from its source.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hypervisor/memory/guest_memory.h"

namespace cumulet::guest_test {

enum class StartMode : uint8_t { kLong, kProtected, kReal };
enum class Outcome : uint8_t { kPass, kFail, kHalt, kShutdown, kFailure, kHang };

struct ExpectedMemory {
  hypervisor::GuestAddress address;
  std::vector<uint8_t> bytes;
};

// The header is the leading block of `//` lines. Lines of the form `// key: value` are directives:
//   start: long | protected | real          (long)
//   needs: avx2 xsave ...                   features, as /proc/cpuinfo names them; skipped where the engine
//   lacks one vcpus: N                                (1) result: pass | shutdown | halt          (pass: the
//   program wrote port 0xf3) expect: rax=0x1 rbx=2                   general registers, rflags, at the end
//   memory: 0x200000 = 01 02 03             guest memory at the end
//   serial: text                            what was written to port 0x3f8
//   skip: kvm reason                        this engine is not asked, and why
//   skip: kvm-software reason               the same, only for a KVM on a host without VT-x and AMD-V
struct Program {
  std::string summary;  // the first line
  StartMode start = StartMode::kLong;
  std::vector<std::string> needs;
  uint32_t vcpus = 1;
  Outcome result = Outcome::kPass;
  std::map<std::string, uint64_t> registers;
  std::vector<ExpectedMemory> memory;
  std::optional<std::string> serial;
  std::map<std::string, std::string> skips;  // engine → reason
};

// Parses the text of a program's source. Errors: kInvalidArgument with the line in its message.
Result<Program> parse_program(const std::string& source);

}  // namespace cumulet::guest_test
