// The pages behind a Context.
#include <cerrno>
#include <new>
#include <sys/mman.h>

#include "base/check.h"
#include "hypervisor/translate/context.h"

namespace cumulet::hypervisor {

Result<std::unique_ptr<ContextMapping>> ContextMapping::create() {
  void* pages = mmap(nullptr, sizeof(Context), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) {
    Error error = errno_error("map a vCPU's context", errno);
    error.code = ErrorCode::kResourceExhausted;
    return fail(std::move(error));
  }
  return std::unique_ptr<ContextMapping>(new ContextMapping(new (pages) Context));
}

ContextMapping::~ContextMapping() {
  context_->~Context();
  munmap(context_, sizeof(Context));
}

void ContextMapping::protect_poll_page(bool protect) {
  int rights = protect ? PROT_READ : PROT_READ | PROT_WRITE;
  CHECK(mprotect(context_->poll_page.data(), context_->poll_page.size(), rights) == 0);
}

}  // namespace cumulet::hypervisor
