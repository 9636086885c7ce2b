// The list of features that guest programs may ask for.
#include "cpu_features.h"

#include <string>

namespace cumulet::guest_test {

namespace {
enum class Output : uint8_t { kEax, kEbx, kEcx, kEdx };

struct Feature {
  std::string_view name;
  uint32_t leaf, subleaf;
  Output output;
  uint32_t bit;
};
constexpr Feature kFeatures[] = {
    {"sse3", 1, 0, Output::kEcx, 0},
    {"pclmulqdq", 1, 0, Output::kEcx, 1},
    {"ssse3", 1, 0, Output::kEcx, 9},
    {"fma", 1, 0, Output::kEcx, 12},
    {"cx16", 1, 0, Output::kEcx, 13},
    {"pcid", 1, 0, Output::kEcx, 17},
    {"sse4_1", 1, 0, Output::kEcx, 19},
    {"sse4_2", 1, 0, Output::kEcx, 20},
    {"movbe", 1, 0, Output::kEcx, 22},
    {"popcnt", 1, 0, Output::kEcx, 23},
    {"aes", 1, 0, Output::kEcx, 25},
    {"xsave", 1, 0, Output::kEcx, 26},
    {"avx", 1, 0, Output::kEcx, 28},
    {"f16c", 1, 0, Output::kEcx, 29},
    {"rdrand", 1, 0, Output::kEcx, 30},
    {"de", 1, 0, Output::kEdx, 2},
    {"sep", 1, 0, Output::kEdx, 11},
    {"pge", 1, 0, Output::kEdx, 13},
    {"fsgsbase", 7, 0, Output::kEbx, 0},
    {"bmi1", 7, 0, Output::kEbx, 3},
    {"avx2", 7, 0, Output::kEbx, 5},
    {"smep", 7, 0, Output::kEbx, 7},
    {"bmi2", 7, 0, Output::kEbx, 8},
    {"invpcid", 7, 0, Output::kEbx, 10},
    {"avx512f", 7, 0, Output::kEbx, 16},
    {"adx", 7, 0, Output::kEbx, 19},
    {"smap", 7, 0, Output::kEbx, 20},
    {"umip", 7, 0, Output::kEcx, 2},
    {"avx512vbmi2", 7, 0, Output::kEcx, 6},
    {"xsaveopt", 0xd, 1, Output::kEax, 0},
    {"rdtscp", 0x80000001, 0, Output::kEdx, 27},
    {"pdpe1gb", 0x80000001, 0, Output::kEdx, 26},
};
}  // namespace

Result<bool> has_feature(const hypervisor::CpuidTable& table, std::string_view name) {
  for (const Feature& feature : kFeatures) {
    if (feature.name != name) continue;
    hypervisor::CpuidResult result = table.query(feature.leaf, feature.subleaf);
    const uint32_t outputs[] = {result.eax, result.ebx, result.ecx, result.edx};
    return (outputs[static_cast<size_t>(feature.output)] >> feature.bit & 1) != 0;
  }
  return fail(ErrorCode::kInvalidArgument, "unknown feature: " + std::string(name));
}

}  // namespace cumulet::guest_test
