// differential: runs random instruction sequences natively and in a guest, and reports every difference.
#include <CLI/CLI.hpp>
#include <Zydis/Zydis.h>
#include <fmt/format.h>
#include <map>
#include <string>
#include <sys/mman.h>

#include "generator.h"
#include "guest.h"
#include "native.h"

#include "base/log.h"
#include "hypervisor/translate/engine.h"

namespace cumulet::differential {
namespace {

struct Mode {
  hypervisor::TranslateMode translate;
  hypervisor::DirectMemory direct_memory;
  bool regions_everywhere = false;
};

struct Options {
  std::string mode = "chained";
  uint64_t sequences = 20'000;
  uint64_t seed = 1;
  unsigned most_instructions = 6;
  unsigned most_failures = 5;
  unsigned wide_percent = 25;
};

using hypervisor::DirectMemory;
using hypervisor::TranslateMode;
const std::map<std::string, Mode> kModes = {
    {"interpreter", {TranslateMode::kInterpretOnly, DirectMemory::kNever}},
    {"single", {TranslateMode::kSingleInstructionBlocks, DirectMemory::kNever}},
    {"single-direct", {TranslateMode::kSingleInstructionBlocks, DirectMemory::kAlways}},
    {"chained", {TranslateMode::kChainedBlocks, DirectMemory::kNever}},
    {"chained-direct", {TranslateMode::kChainedBlocks, DirectMemory::kAlways}},
    // As kernel code is translated, which random code cannot be.
    {"regions", {TranslateMode::kChainedBlocks, DirectMemory::kNever, true}},
};

// Runs one start both ways. Returns the differences, or nothing.
std::string difference(NativeRunner& native, GuestRunner& guest, const Start& start) {
  Outcome expected = native.run(start);
  auto actual = guest.run(start);
  if (!actual) return "  " + actual.error().message + "\n";
  return compare(expected, *actual, guest.exact_flags_at_faults());
}

// Returns the offsets at which instructions begin, the final breakpoint's last.
std::vector<size_t> boundaries(const Start& start) {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  std::vector<size_t> offsets;
  ZydisDecodedInstruction instruction;
  for (size_t at = 0; at < start.code.size(); at += instruction.length) {
    offsets.push_back(at);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, nullptr, start.code.data() + at,
                                                    start.code.size() - at, &instruction)))
      break;
  }
  return offsets;
}

// Drops instructions, one after the other, as long as a difference remains.
Start shrink(NativeRunner& native, GuestRunner& guest, Start start) {
  bool smaller = true;
  while (smaller) {
    smaller = false;
    std::vector<size_t> offsets = boundaries(start);
    for (size_t i = 0; i + 1 < offsets.size() && !smaller; ++i) {
      Start candidate = start;
      candidate.code.erase(candidate.code.begin() + static_cast<ptrdiff_t>(offsets[i]),
                           candidate.code.begin() + static_cast<ptrdiff_t>(offsets[i + 1]));
      if (difference(native, guest, candidate).empty()) continue;
      start = std::move(candidate);
      smaller = true;
    }
  }
  return start;
}

Result<int> run(const Options& options) {
  auto memory = TRY(GuestRunner::make_memory());
  hypervisor::TranslateOptions translate;
  translate.mode = kModes.at(options.mode).translate;
  translate.direct_memory = kModes.at(options.mode).direct_memory;
  translate.regions_everywhere = kModes.at(options.mode).regions_everywhere;
  auto engine = TRY(hypervisor::create_translate_engine(*memory, translate));
  auto guest = TRY(GuestRunner::create(*memory, *engine));
  guest->set_exact_flags_at_faults(translate.mode != hypervisor::TranslateMode::kChainedBlocks);
  NativeRunner native;
  Generator generator(options.seed, options.wide_percent);
  unsigned failures = 0;
  uint64_t done = 0;
  for (; done < options.sequences && failures < options.most_failures; ++done) {
    Start start = generator.next(options.most_instructions);
    if (difference(native, *guest, start).empty()) continue;
    ++failures;
    Start small = shrink(native, *guest, std::move(start));
    fmt::print("sequence {} of seed {} differs:\n{}{}", done, options.seed, disassemble(small),
               difference(native, *guest, small));
    std::fflush(stdout);
  }
  fmt::print("{} sequences compared ({}), {} differ\n", done, options.mode, failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace cumulet::differential

int main(int argc, char** argv) {
  using namespace cumulet::differential;
  Options options;
  CLI::App app{"Runs random instruction sequences natively and in a guest, and reports every difference."};
  app.add_option("--mode", options.mode, "how the guest runs")
      ->check(CLI::IsMember(kModes))
      ->capture_default_str();
  app.add_option("--sequences", options.sequences, "how many to compare")->capture_default_str();
  app.add_option("--seed", options.seed, "of the random sequences")->capture_default_str();
  app.add_option("--length", options.most_instructions, "instructions in a sequence, at most")
      ->check(CLI::Range(1, 40))
      ->capture_default_str();
  app.add_option("--wide", options.wide_percent, "percent of AVX-512 instructions, where the host has them")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  app.add_option("--failures", options.most_failures, "stop after so many")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  cumulet::set_up_log("differential", "warning");
  auto result = run(options);
  if (!result) {
    fmt::print(stderr, "differential: {}\n", result.error().to_string());
    return 2;
  }
  return *result;
}
