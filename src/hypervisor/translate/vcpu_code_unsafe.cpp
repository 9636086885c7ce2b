// Where a vCPU's C++ meets addresses of translated code.
#include "hypervisor/translate/native_fault.h"
#include "hypervisor/translate/translate_vcpu.h"

namespace cumulet::hypervisor {

void TranslateVcpu::set_extended_state_area() {
  context_.xsave_area = reinterpret_cast<uint64_t>(cpu_.state.xsave.data());
}

void TranslateVcpu::call_enter_stub() {
  context_.extended_state = kGuestExtendedState | (static_cast<uint32_t>(cpu_.state.xcr0) & kWideState);
  const CodeCache& cache = space_->cache();
  NativeFaultScope scope(context_, cache.stub_address(), cache.size(), space_->stubs().leave_fault,
                         &TranslateVcpu::handle_window_fault);
  reinterpret_cast<void (*)(Context*)>(space_->stubs().enter)(&context_);
}

// The code cache is smaller than what 32 bits tell apart.
const JumpSite& TranslateVcpu::jump_site() const {
  uint64_t base = space_->cache().stub_address();
  return *reinterpret_cast<const JumpSite*>(base + (context_.jump_site - static_cast<uint32_t>(base)));
}

}  // namespace cumulet::hypervisor
