// Anonymous mappings for BootBytes.
#include "hypervisor/boot/boot_bytes.h"

#include <sys/mman.h>

#include "base/check.h"

namespace cumulet::hypervisor {

void* allocate_boot_memory(size_t size) {
  void* memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(memory != MAP_FAILED);
  return memory;
}

void free_boot_memory(void* memory, size_t size) { munmap(memory, size); }

}  // namespace cumulet::hypervisor
