// The build id is in a note of the program as it is loaded.
#include <algorithm>
#include <bit>
#include <elf.h>
#include <link.h>
#include <vector>

#include "base/bytes.h"
#include "hypervisor/translate/content_hash.h"
#include "hypervisor/translate/context.h"
#include "hypervisor/translate/engine_identity.h"
#include "hypervisor/x86/emulated_cpuid.h"

namespace cumulet::hypervisor {

namespace {
constexpr size_t align_note(size_t size) { return (size + 3) & ~size_t{3}; }

// The build id among the notes of one segment (System V ABI, Note Section).
ByteView find_build_id(ByteView notes) {
  while (notes.size() >= sizeof(Elf64_Nhdr)) {
    auto name_size = load_le<uint32_t>(notes, 0), size = load_le<uint32_t>(notes, 4);
    auto type = load_le<uint32_t>(notes, 8);
    size_t begin = sizeof(Elf64_Nhdr) + align_note(name_size);
    if (begin > notes.size() || size > notes.size() - begin) return {};
    ByteView name = notes.subspan(sizeof(Elf64_Nhdr), name_size);
    if (type == NT_GNU_BUILD_ID && name.size() == 4 && std::equal(name.begin(), name.end(), "GNU"))
      return notes.subspan(begin, size);
    notes = notes.subspan(std::min(begin + align_note(size), notes.size()));
  }
  return {};
}

// Looks at the first object only: the program.
int visit_program(dl_phdr_info* info, size_t, void* result) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    if (header.p_type != PT_NOTE) continue;
    const auto* notes = reinterpret_cast<const uint8_t*>(info->dlpi_addr + header.p_vaddr);
    ByteView found = find_build_id({notes, header.p_memsz});
    if (!found.empty()) *static_cast<ByteView*>(result) = found;
  }
  return 1;
}

uint64_t hash_processor() {
  std::vector<uint32_t> words;
  auto add = [&words](uint32_t leaf, uint32_t subleaf, bool with_ebx) {
    CpuidResult result = host_cpuid(leaf, subleaf);
    words.insert(words.end(), {result.eax, with_ebx ? result.ebx : 0, result.ecx, result.edx});
  };
  add(0, 0, true);
  add(1, 0, false);  // ebx tells which processor of the host this is
  add(7, 0, true);
  add(7, 1, true);
  add(0xd, 0, false);
  add(0xd, 1, false);
  add(0x8000'0001, 0, true);
  std::vector<uint8_t> bytes(words.size() * 4);
  for (size_t i = 0; i < words.size(); ++i) store_le<uint32_t>(bytes, i * 4, words[i]);
  return content_hash(bytes);
}

// The stubs' addresses from the first one on: they may be encoded in other sizes elsewhere.
uint64_t hash_layout(const Stubs& stubs, uint64_t stub_address) {
  auto addresses = std::bit_cast<std::array<uint64_t, sizeof(Stubs) / sizeof(uint64_t)>>(stubs);
  std::vector<uint8_t> bytes;
  auto add = [&bytes](uint64_t value) {
    bytes.resize(bytes.size() + 8);
    store_le<uint64_t>(bytes, bytes.size() - 8, value);
  };
  for (uint64_t address : addresses) add(address - stub_address);
  add(sizeof(Context));
  add(sizeof(AccessSite));
  add(sizeof(JumpSite));
  return content_hash(bytes);
}
}  // namespace

std::string_view EngineIdentity::difference(const EngineIdentity& other) const {
  if (build != other.build) return "another build of the program";
  if (processor != other.processor) return "a processor with other features";
  if (layout != other.layout) return "another layout of the engine";
  if (code_cache_size != other.code_cache_size) return "a code cache of another size";
  return {};
}

std::optional<EngineIdentity> engine_identity(const Stubs& stubs, uint64_t stub_address,
                                              uint64_t code_cache_size) {
  ByteView build;
  dl_iterate_phdr(visit_program, &build);
  EngineIdentity identity;
  if (build.empty()) return std::nullopt;
  std::copy_n(build.begin(), std::min(build.size(), identity.build.size()), identity.build.begin());
  identity.processor = hash_processor();
  identity.layout = hash_layout(stubs, stub_address);
  identity.code_cache_size = code_cache_size;
  return identity;
}

}  // namespace cumulet::hypervisor
