// guest_runner: runs one guest program on one engine and compares the end with what its source promises.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <sstream>

#include "cpu_features.h"
#include "harness.h"
#include "start_state.h"

#include "hypervisor/kvm/engine.h"
#include "hypervisor/translate/engine.h"

namespace {

using namespace cumulet;
using namespace cumulet::guest_test;
using namespace cumulet::hypervisor;

constexpr int kPassed = 0, kFailed = 1, kUsage = 2, kSkipped = 77;

// What the engine "warm" keeps its translations in from the first run of a program to the second.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "guest-runner-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kNotFound, "cannot read " + path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<std::unique_ptr<Engine>> create_engine(const std::string& name, const std::string& folder,
                                              GuestMemory& memory) {
  if (name == "kvm") return create_kvm_engine(memory);
  TranslateOptions options;
  if (name == "interpreter") {
    options.mode = TranslateMode::kInterpretOnly;
  } else if (name == "single") {
    options.mode = TranslateMode::kSingleInstructionBlocks;
  } else if (name == "translator") {
    options.mode = TranslateMode::kChainedBlocks;
  } else if (name == "direct") {
    options.direct_memory = DirectMemory::kAlways;
  } else if (name == "warm") {
    options.translation_cache = folder;
  } else {
    return fail(ErrorCode::kInvalidArgument, "unknown engine: " + name);
  }
  return create_translate_engine(memory, options);
}

// A KVM on a host CPU without VT-x and AMD-V emulates every instruction, and is less exact than hardware.
bool host_has_virtualization() {
  auto text = read_file("/proc/cpuinfo");
  if (!text) return false;
  std::istringstream stream(*text);
  for (std::string line; std::getline(stream, line);)
    if (line.starts_with("flags"))
      return line.find(" vmx") != std::string::npos || line.find(" svm") != std::string::npos;
  return false;
}

// Why this program is not run on this engine; empty: it is.
std::string skip_reason(const Program& program, const std::string& engine_name, const Engine& engine) {
  if (auto skip = program.skips.find(engine_name); skip != program.skips.end()) return skip->second;
  auto software = program.skips.find("kvm-software");
  if (engine_name == "kvm" && software != program.skips.end() && !host_has_virtualization())
    return software->second;
  for (const std::string& name : program.needs) {
    auto has = has_feature(engine.supported_cpuid(), name);
    if (has && !*has) return fmt::format("this engine does not offer {} on this host", name);
  }
  return {};
}

const char* outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPass: return "pass";
    case Outcome::kFail: return "a failed check in source line";
    case Outcome::kHalt: return "halt";
    case Outcome::kShutdown: return "shutdown";
    case Outcome::kFailure: return "engine failure";
    case Outcome::kHang: return "hang";
  }
  return "?";
}

const char* const kRegisterNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                      "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

bool registers_match(const Program& program, const CpuState& state) {
  bool match = true;
  for (const auto& [name, expected] : program.registers) {
    uint64_t actual = state.rflags;
    const auto* found = std::find(std::begin(kRegisterNames), std::end(kRegisterNames), name);
    if (found != std::end(kRegisterNames)) actual = state.gpr[static_cast<size_t>(found - kRegisterNames)];
    if (actual == expected) continue;
    fmt::print("{} is {:#x}, expected {:#x}\n", name, actual, expected);
    match = false;
  }
  return match;
}

bool memory_matches(const Program& program, const GuestMemory& memory) {
  bool match = true;
  for (const ExpectedMemory& expected : program.memory) {
    std::vector<uint8_t> actual(expected.bytes.size());
    if (memory.read(expected.address, actual) && actual == expected.bytes) continue;
    fmt::print("memory at {:#x} is {:02x}, expected {:02x}\n", expected.address, fmt::join(actual, " "),
               fmt::join(expected.bytes, " "));
    match = false;
  }
  return match;
}

// What a failed run leaves to look at: registers, and the trap record that programs/long.inc keeps.
void print_state(const CpuState& state, const GuestMemory& memory) {
  fmt::print("rip {:#x} rflags {:#x} cr0 {:#x} cr2 {:#x} cr3 {:#x} cr4 {:#x}\n", state.rip, state.rflags,
             state.cr0, state.cr2, state.cr3, state.cr4);
  for (size_t i = 0; i < state.gpr.size(); ++i)
    fmt::print("{} {:#x}{}", kRegisterNames[i], state.gpr[i], i % 4 == 3 ? "\n" : "  ");
  const char* const names[] = {"vector", "error", "rip", "cs", "rflags", "rsp", "ss", "cr2", "handler rsp"};
  fmt::print("last trap:");
  for (size_t i = 0; i < std::size(names); ++i) {
    uint64_t value = 0;
    if (memory.read_value(kTrapRecord + 8 * i, value)) fmt::print(" {} {:#x}", names[i], value);
  }
  fmt::print("\n");
}

bool matches(const Program& program, const Report& report, const GuestMemory& memory,
             const Platform& platform) {
  if (report.outcome != program.result) {
    fmt::print("ended with {} {}, expected {}\n", outcome_name(report.outcome), report.detail,
               outcome_name(program.result));
    print_state(report.state, memory);
    return false;
  }
  bool match = registers_match(program, report.state);
  match &= memory_matches(program, memory);
  if (program.serial && *program.serial != platform.serial()) {
    fmt::print("serial output is \"{}\", expected \"{}\"\n", platform.serial(), *program.serial);
    match = false;
  }
  return match;
}

// A run with another one's translations must have used them.
bool used_cache(const Engine& engine) {
  TranslationCounts counts = translation_counts(engine);
  fmt::print("{} blocks translated, {} from the cache\n", counts.translated, counts.from_cache);
  return counts.from_cache != 0 || counts.translated == 0;
}

Result<int> run_once(const std::string& engine_name, const Program& program, const std::string& code,
                     const std::string& folder, bool second) {
  auto memory = TRY(GuestMemory::create({{0, kRamSize, 0}}));
  auto engine = create_engine(engine_name, folder, *memory);
  if (!engine && engine_name == "kvm" &&
      (engine.error().code == ErrorCode::kUnsupported ||
       engine.error().code == ErrorCode::kPermissionDenied)) {
    fmt::print("skipped: {}\n", engine.error().to_string());
    return kSkipped;
  }
  if (!engine) return fail(engine.error());
  if (std::string reason = skip_reason(program, engine_name, **engine); !reason.empty()) {
    fmt::print("skipped: {}\n", reason);
    return kSkipped;
  }
  Harness harness(program, *memory, **engine);
  std::vector<uint8_t> bytes(code.begin(), code.end());
  Report report = TRY(harness.run(bytes));
  if (!matches(program, report, *memory, harness.platform())) return kFailed;
  if (second && !used_cache(**engine)) return kFailed;
  return kPassed;
}

Result<int> run(const std::string& engine_name, const std::string& source_path,
                const std::string& binary_path) {
  std::string source = TRY(read_file(source_path));
  Program program = TRY(parse_program(source));
  for (const std::string& name : program.needs) TRY(has_feature({}, name));
  std::string code = TRY(read_file(binary_path));
  int status = kPassed;
  if (engine_name != "warm") {
    status = TRY(run_once(engine_name, program, code, {}, false));
  } else {
    TemporaryFolder folder;
    status = TRY(run_once(engine_name, program, code, folder.path(), false));
    if (status == kPassed) status = TRY(run_once(engine_name, program, code, folder.path(), true));
  }
  if (status == kPassed) fmt::print("passed: {}\n", program.summary);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr,
               "usage: guest_runner interpreter|single|translator|direct|warm|kvm SOURCE.S PROGRAM.bin\n");
    return kUsage;
  }
  auto result = run(argv[1], argv[2], argv[3]);
  if (result) return *result;
  fmt::print(stderr, "guest_runner: {}\n", result.error().to_string());
  return kUsage;
}
