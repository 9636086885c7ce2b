// Guest memory on the quick path: through the inline TLB's lines, in place.
#include "hypervisor/translate/block.h"
#include "hypervisor/translate/quick_path.h"
#include "hypervisor/translate/software_tlb.h"

namespace cumulet::hypervisor::quick {

namespace {
constexpr uint32_t kSystemTable = 0;  // CPL 0 without EFLAGS.AC: the rights of the processor itself

// The line's answer, or 0.
uint64_t look_up(const TlbEntry& entry, uint64_t linear, uint64_t size, bool write) {
  uint64_t tag = write ? entry.write_tag.load(std::memory_order_relaxed) : entry.read_tag;
  uint64_t offset = linear - tag;
  return offset <= kPageSize - size ? entry.host + offset : 0;
}
}  // namespace

uint64_t data_address(Context& context, uint64_t linear, uint64_t size, bool write, Exception& fault) {
  const TlbEntry& line = context.tlb[tlb_of(code_mode(context.cpu))][tlb_index(linear)];
  uint64_t host = look_up(line, linear, size, write);
  return host != 0 ? host : context.filler->resolve(linear, size, write, 0, &fault);
}

uint64_t known_writable(Context& context, uint64_t linear, uint64_t size) {
  return look_up(context.tlb[tlb_of(code_mode(context.cpu))][tlb_index(linear)], linear, size, true);
}

uint64_t string_source_address(Context& context, uint64_t linear, uint64_t size, Exception& fault) {
  uint32_t table = kStringSourceTable + tlb_of(code_mode(context.cpu));
  uint64_t host = look_up(context.tlb[table][string_source_index(linear)], linear, size, false);
  return host != 0 ? host : context.filler->resolve_string_source(linear, size, &fault);
}

uint64_t system_address(Context& context, uint64_t linear, uint64_t size, bool write) {
  uint64_t host = look_up(context.tlb[kSystemTable][tlb_index(linear)], linear, size, write);
  return host != 0 ? host : context.filler->resolve_system(linear, size, write);
}

uint64_t load(uint64_t host) { return __atomic_load_n(reinterpret_cast<uint64_t*>(host), __ATOMIC_RELAXED); }

void store(uint64_t host, uint64_t value) {
  __atomic_store_n(reinterpret_cast<uint64_t*>(host), value, __ATOMIC_RELAXED);
}

AccessSite missed_site(const Context& context) {
  struct __attribute__((packed)) Unaligned {
    AccessSite site;
  };
  return reinterpret_cast<const Unaligned*>(context.miss_site)->site;
}

bool read_descriptor(Context& context, uint16_t selector, uint64_t& raw) {
  constexpr uint16_t kLocal = 4;
  constexpr uint64_t kSize = 8, kAccessed = uint64_t{1} << 40, kCodeOrData = uint64_t{1} << 44,
                     kPresent = uint64_t{1} << 47, kNeeded = kAccessed | kCodeOrData | kPresent;
  const DescriptorTable& table = context.cpu.state.gdtr;
  uint64_t offset = selector & 0xfff8;
  if ((selector & kLocal) != 0 || offset == 0 || offset + kSize - 1 > table.limit) return false;
  uint64_t host = system_address(context, table.base + offset, kSize, false);
  if (host == 0) return false;
  raw = load(host);
  return (raw & kNeeded) == kNeeded;
}

}  // namespace cumulet::hypervisor::quick
