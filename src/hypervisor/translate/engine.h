// create_translate_engine: the "emulated" way to run guests, by translation and interpretation in this
// process.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/vcpu/vcpu.h"

namespace cumulet::hypervisor {

// How much is translated; all modes show the guest the same machine. The first two exist for tests.
enum class TranslateMode : uint8_t {
  kInterpretOnly,            // every instruction by the interpreter
  kSingleInstructionBlocks,  // one guest instruction a block, every block entered through the dispatcher
  kChainedBlocks,
};

// Whether user code reaches memory through the host's own page tables instead of a checked TLB.
enum class DirectMemory : uint8_t {
  kNever,
  kAutomatic,  // where it pays; never on a host without BMI2
  kAlways,     // for tests
};

struct TranslateOptions {
  TranslateMode mode = TranslateMode::kChainedBlocks;
  uint64_t code_cache_size = uint64_t{128} << 20;  // bytes; a full cache is emptied and filled again
  DirectMemory direct_memory = DirectMemory::kAutomatic;
  // A folder in which translations outlive the VM (CodeStore); empty: they do not. With kChainedBlocks only.
  std::string translation_cache = {};
  // Regions (Translator) of all code, not only where they pay; for tests, without a translation cache.
  bool regions_everywhere = false;
  // Arithmetic flags are exact even where nothing reads them before they are set again but a fault could show
  // them.
  bool keep_all_flags = false;
};

// How many blocks were translated, and how many taken from the translation cache instead.
struct TranslationCounts {
  uint64_t translated = 0, from_cache = 0;
};

// Of an engine with a translation cache; zeros for any other. Thread-safe.
TranslationCounts translation_counts(const Engine& engine);

// Creates the engine for one VM with this RAM. The memory must outlive the engine, and the engine its vCPUs.
// Errors: kUnsupported (the host lacks FSGSBASE, XSAVE or AVX), kInvalidArgument (the cache's size), kIo,
// kResourceExhausted.
//
// A thread that calls Vcpu::run() gets an alternate signal stack and blocks asynchronous signals from then
// on: translated code runs on the guest's stack pointer.
Result<std::unique_ptr<Engine>> create_translate_engine(GuestMemory& memory, TranslateOptions options = {});

}  // namespace cumulet::hypervisor
