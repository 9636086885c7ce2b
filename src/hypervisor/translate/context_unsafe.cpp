// The pages behind a Context.
#include <cerrno>
#include <new>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "base/check.h"
#include "base/unique_fd.h"
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

// A file of a few pages is mapped again and again: reading an entry takes no memory, writing it takes a page.
Result<void> ContextMapping::fill_jump_tables(uint64_t code) {
  constexpr size_t kPieceSize = 64 << 10;
  static_assert(sizeof(Context::jumps) % kPieceSize == 0);
  UniqueFd fd(memfd_create("jump-tables", MFD_CLOEXEC));
  if (!fd.valid()) return fail(errno_error("create a memfd for jump tables", errno));
  std::vector<uint64_t> piece(kPieceSize / sizeof(code), code);
  if (write(fd.get(), piece.data(), kPieceSize) != static_cast<ssize_t>(kPieceSize))
    return fail(errno_error("fill the memfd of jump tables", errno));
  auto* tables = reinterpret_cast<uint8_t*>(&context_->jumps);
  for (size_t offset = 0; offset < sizeof(Context::jumps); offset += kPieceSize) {
    void* mapped =
        mmap(tables + offset, kPieceSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd.get(), 0);
    if (mapped == MAP_FAILED) {
      Error error = errno_error("map the jump tables", errno);
      error.code = ErrorCode::kResourceExhausted;
      return fail(std::move(error));
    }
  }
  return {};
}

void ContextMapping::protect_poll_page(bool protect) {
  int rights = protect ? PROT_READ : PROT_READ | PROT_WRITE;
  CHECK(mprotect(context_->poll_page.data(), context_->poll_page.size(), rights) == 0);
}

}  // namespace cumulet::hypervisor
