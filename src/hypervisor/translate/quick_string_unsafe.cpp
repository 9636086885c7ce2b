// rep movs and rep stos over several pages, in runs as long as guest pages are neighbours in RAM too.
#include <algorithm>

#include "hypervisor/translate/block.h"
#include "hypervisor/translate/quick_path.h"

namespace cumulet::hypervisor::quick {

namespace {
// Interrupts wait for so much.
constexpr uint64_t kMostBytes = 256 << 10;

struct Run {
  uint64_t host = 0;
  uint64_t bytes = 0;  // from there on; 0 = the first page cannot be reached this way
};

// `most` bytes from `linear` on, or fewer.
template <typename Address>
Run find_run(uint64_t linear, uint64_t most, Address address) {
  Run run;
  while (run.bytes < most) {
    uint64_t at = linear + run.bytes;
    uint64_t bytes = std::min(most - run.bytes, kPageSize - (at & ~kPageMask));
    uint64_t host = address(at, bytes);
    if (run.bytes == 0) run.host = host;
    if (host == 0 || host != run.host + run.bytes) break;
    run.bytes += bytes;
  }
  return run;
}

// The elements overlap as the guest's do, so they are moved by the instruction itself.
void move_up(uint64_t to, uint64_t from, uint64_t count, uint8_t size) {
  switch (size) {
    case 1: asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory"); break;
    case 2: asm volatile("rep movsw" : "+D"(to), "+S"(from), "+c"(count) : : "memory"); break;
    case 4: asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory"); break;
    default: asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory"); break;
  }
}

void fill_up(uint64_t to, uint64_t value, uint64_t count, uint8_t size) {
  switch (size) {
    case 1: asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(value) : "memory"); break;
    case 2: asm volatile("rep stosw" : "+D"(to), "+c"(count) : "a"(value) : "memory"); break;
    case 4: asm volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(value) : "memory"); break;
    default: asm volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(value) : "memory"); break;
  }
}

// The next run: how many of `most` elements were done.
uint64_t run_elements(Context& context, const AccessSite& site, uint64_t value, uint64_t most,
                      Exception& fault) {
  auto& gpr = context.cpu.state.gpr;
  uint8_t size = site.element_size();
  uint64_t bytes = most * size;
  Run source;
  if (site.moves()) {
    source = find_run(gpr[kRsi], bytes, [&](uint64_t linear, uint64_t length) {
      return string_source_address(context, linear, length, fault);
    });
    bytes = source.bytes - source.bytes % size;
    if (bytes != 0) fault = {};  // of a later element
  }
  // Pages are looked up for stores only where whole elements are sure to be stored: that sets dirty flags.
  Run destination = find_run(gpr[kRdi], bytes, [&](uint64_t linear, uint64_t length) {
    return data_address(context, linear, length, true, fault);
  });
  uint64_t count = destination.bytes / size;
  if (count == 0) return 0;
  if (site.moves()) {
    move_up(destination.host, source.host, count, size);
    gpr[kRsi] += count * size;
  } else {
    fill_up(destination.host, value, count, size);
  }
  gpr[kRdi] += count * size;
  return count;
}
}  // namespace

bool run_string(Context& context, const AccessSite& site, Exception& fault) {
  auto& gpr = context.cpu.state.gpr;
  // rax holds flags under FlagsPlace::kRax, which rep stos never has.
  uint64_t value = gpr[kRax];
  uint64_t left = gpr[kRcx];
  uint64_t budget = std::min(left, kMostBytes / site.element_size());
  bool progress = false;
  while (budget != 0) {
    uint64_t done = run_elements(context, site, value, budget, fault);
    if (done == 0) break;
    progress = true;
    budget -= done;
    left -= done;
  }
  if (progress) context.string_rest = left;
  return progress;
}

}  // namespace cumulet::hypervisor::quick
