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

void move_down(uint64_t to, uint64_t from, uint64_t count, uint8_t size) {
  switch (size) {
    case 1: asm volatile("std; rep movsb; cld" : "+D"(to), "+S"(from), "+c"(count) : : "memory"); break;
    case 2: asm volatile("std; rep movsw; cld" : "+D"(to), "+S"(from), "+c"(count) : : "memory"); break;
    case 4: asm volatile("std; rep movsl; cld" : "+D"(to), "+S"(from), "+c"(count) : : "memory"); break;
    default: asm volatile("std; rep movsq; cld" : "+D"(to), "+S"(from), "+c"(count) : : "memory"); break;
  }
}

void fill_down(uint64_t to, uint64_t value, uint64_t count, uint8_t size) {
  switch (size) {
    case 1: asm volatile("std; rep stosb; cld" : "+D"(to), "+c"(count) : "a"(value) : "memory"); break;
    case 2: asm volatile("std; rep stosw; cld" : "+D"(to), "+c"(count) : "a"(value) : "memory"); break;
    case 4: asm volatile("std; rep stosl; cld" : "+D"(to), "+c"(count) : "a"(value) : "memory"); break;
    default: asm volatile("std; rep stosq; cld" : "+D"(to), "+c"(count) : "a"(value) : "memory"); break;
  }
}

// How many elements from `linear` on downwards lie in its page.
uint64_t elements_down(uint64_t linear, uint8_t size) {
  uint64_t offset = linear & ~kPageMask;
  return offset + size > kPageSize ? 0 : offset / size + 1;
}

// As run_elements(), with DF set: within a page.
uint64_t run_elements_down(Context& context, const AccessSite& site, uint64_t value, uint64_t most,
                           Exception& fault) {
  auto& gpr = context.cpu.state.gpr;
  uint8_t size = site.element_size();
  uint64_t count = std::min(most, elements_down(gpr[kRdi], size));
  if (site.moves()) count = std::min(count, elements_down(gpr[kRsi], size));
  if (count == 0) return 0;
  uint64_t from = site.moves() ? string_source_address(context, gpr[kRsi], size, fault) : 0;
  if (site.moves() && from == 0) return 0;
  uint64_t lowest = gpr[kRdi] - (count - 1) * size;
  if (data_address(context, gpr[kRdi], size, true, fault) == 0) return 0;
  uint64_t to = data_address(context, lowest, count * size, true, fault);  // no code in all of it
  if (to == 0) return 0;
  to += (count - 1) * size;
  if (site.moves()) {
    move_down(to, from, count, size);
    gpr[kRsi] -= count * size;
  } else {
    fill_down(to, value, count, size);
  }
  gpr[kRdi] -= count * size;
  return count;
}

// The next run: how many of `most` elements were done.
uint64_t run_elements(Context& context, const AccessSite& site, uint64_t value, uint64_t most,
                      Exception& fault) {
  if ((context.cpu.state.rflags & rflags::kDf) != 0)
    return run_elements_down(context, site, value, most, fault);
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
