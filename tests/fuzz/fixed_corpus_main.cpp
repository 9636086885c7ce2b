// main() of a fuzz target without libFuzzer: a fixed pseudo-random corpus, or the files named as arguments.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "fuzz_input.h"

namespace {

constexpr uint32_t kInputs = 2000;
constexpr size_t kMaximumSize = 4096;  // bytes

// Random bytes, with runs of small values and repetitions: uniform noise rarely says the same thing twice.
std::vector<uint8_t> make_input(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> input(random() % kMaximumSize);
  uint32_t style = random() % 3;
  for (size_t i = 0; i < input.size(); ++i) {
    uint32_t value = random();
    bool repeat = style == 1 && i >= 16 && value % 4 != 0;
    input[i] = repeat ? input[i - 16] : static_cast<uint8_t>(value >> 8);
    if (style == 2 && value % 2 != 0) input[i] &= 0x0f;
  }
  return input;
}

int run_file(const char* name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", name);
    return 1;
  }
  std::vector<uint8_t> input((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return LLVMFuzzerTestOneInput(input.data(), input.size());
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (int status = run_file(argv[i]); status != 0) return status;
  }
  if (argc > 1) return 0;
  for (uint32_t seed = 0; seed < kInputs; ++seed) {
    std::vector<uint8_t> input = make_input(seed);
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  return 0;
}
