// TranslateEngine: one VM's vCPUs and the translated code that they share.
#include "hypervisor/translate/engine.h"

#include <cpuid.h>

#include "hypervisor/translate/code_space.h"
#include "hypervisor/translate/host_features.h"
#include "hypervisor/translate/translate_vcpu.h"
#include "hypervisor/translate/tsc_frequency.h"
#include "hypervisor/x86/emulated_cpuid.h"

namespace cumulet::hypervisor {

namespace {
class TranslateEngine final : public Engine {
 public:
  TranslateEngine(GuestMemory& memory, const TranslateOptions& options)
      : memory_(memory), options_(options), cpuid_(emulated_cpuid()), tsc_khz_(host_tsc_khz()) {}

  [[nodiscard]] std::string_view name() const override { return "emulated"; }
  [[nodiscard]] const CpuidTable& supported_cpuid() const override { return cpuid_; }
  [[nodiscard]] uint64_t tsc_khz() const override { return tsc_khz_; }

  [[nodiscard]] Result<std::unique_ptr<Vcpu>> create_vcpu(uint32_t index, const CpuidTable& cpuid) override {
    auto mapping = TRY(ContextMapping::create());
    bool translate = options_.mode != TranslateMode::kInterpretOnly;
    if (translate && space_ == nullptr)
      space_ = TRY(CodeSpace::create(memory_, options_, mapping->get(),
                                     {&TranslateVcpu::handle_leave, quick_handlers()}));
    if (space_ != nullptr) TRY_VOID(mapping->fill_jump_tables(space_->stubs().indirect_miss));
    return std::make_unique<TranslateVcpu>(index, cpuid, memory_, space_.get(), options_, std::move(mapping));
  }

  void memory_changed(GuestAddress address, uint64_t size) override {
    if (space_ != nullptr) space_->changed(address, size);
  }

  [[nodiscard]] TranslationCounts counts() const {
    return space_ != nullptr ? space_->translation_counts() : TranslationCounts{};
  }

 private:
  GuestMemory& memory_;
  const TranslateOptions options_;
  const CpuidTable cpuid_;
  const uint64_t tsc_khz_;
  std::unique_ptr<CodeSpace> space_;  // made with the first vCPU
};

// Translated code needs the GS base from user mode (FSGSBASE), and XSAVE with AVX for the state that it
// leaves in the host's registers.
bool host_is_able() {
  constexpr uint32_t kOsxsaveAndAvx = 1U << 27 | 1U << 28;
  constexpr uint32_t kFsgsbase = 1;
  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kOsxsaveAndAvx) != kOsxsaveAndAvx) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & kFsgsbase) != 0 && kernel_allows_fsgsbase();
}
}  // namespace

TranslationCounts translation_counts(const Engine& engine) {
  const auto* translating = dynamic_cast<const TranslateEngine*>(&engine);
  return translating != nullptr ? translating->counts() : TranslationCounts{};
}

Result<std::unique_ptr<Engine>> create_translate_engine(GuestMemory& memory, TranslateOptions options) {
  if (options.mode != TranslateMode::kInterpretOnly && !host_is_able())
    return fail(ErrorCode::kUnsupported,
                "the emulated engine needs a processor and kernel with FSGSBASE, XSAVE and AVX");
  // Its checks use rorx.
  if (!host_has_bmi2()) options.direct_memory = DirectMemory::kNever;
  return std::make_unique<TranslateEngine>(memory, options);
}

}  // namespace cumulet::hypervisor
