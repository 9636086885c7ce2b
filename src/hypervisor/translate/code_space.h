// CodeSpace: all translated code of one VM: finding, making, chaining and dropping blocks.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/translate/block.h"
#include "hypervisor/translate/code_cache.h"
#include "hypervisor/translate/code_pages.h"
#include "hypervisor/translate/engine.h"
#include "hypervisor/translate/gate.h"
#include "hypervisor/translate/link_slots.h"
#include "hypervisor/translate/stubs.h"
#include "hypervisor/translate/translator.h"

namespace cumulet::hypervisor {

// What a vCPU is about to run.
struct BlockRequest {
  BlockKey key;
  GuestAddress second_page =
      kNoPage;            // physical page behind the key's, where known and near enough to matter
  bool indirect = false;  // an indirect jump goes there
  std::optional<DirectEntry> direct = {};  // with kModeDirect; its hints are CodeSpace's to fill in
};

struct FoundBlock {
  uint64_t host;
  uint64_t indirect;
};

// Where a fault in translated code leaves the guest.
struct FaultPoint {
  uint64_t rip;
  uint64_t block_rip;
  bool at_block_start;  // the poll: nothing of the block has run
  InstructionRecord record;
};

// Problem: vCPUs share translated code and run it without locks, while guest code changes under it.
// Invariants:
//  - a page's mask in CodePages covers every valid block made from it, and is set before the bytes are read
//  for good;
//  - no TLB line of any vCPU allows stores to a page whose mask is not 0, so every such store takes a slow
//  path
//    that ends in changed(), or is known not to touch code;
//  - code is only overwritten (clear()) when no vCPU is inside; an invalid block stays until then, with its
//  first
//    bytes sending everybody to a new lookup.
// Thread safety: all methods, from any thread; a vCPU calls them outside translated code (fault_point()
// excepted).
class CodeSpace {
 public:
  static Result<std::unique_ptr<CodeSpace>> create(GuestMemory& memory, const TranslateOptions& options,
                                                   const Context& layout, const StubHandlers& handlers);

  // A vCPU is one that may be inside, from its creation to its end.
  void add_vcpu(Context& context, Gate& gate, LinkSlots& slots, DirectWindow& window);
  void remove_vcpu(const Gate& gate);

  // The block for a request, made if there is none; nothing if the bytes are not in RAM, or cannot be
  // translated as they lie (cut off by the page's end). `gate` is the caller's.
  std::optional<FoundBlock> find(const BlockRequest& request, const Gate& gate);
  // The same, but never makes one.
  std::optional<FoundBlock> find_existing(const BlockRequest& request);
  // Makes the jump with this number go straight to the block of `request`, if that is what it targets: for
  // all vCPUs, or for the one of `slots`. `epoch` is what epoch() was when the jump was taken.
  void chain(uint32_t link, uint64_t epoch, const BlockRequest& request, LinkSlots& slots);
  // Changes whenever clear() invalidated all link numbers. To be read before entering translated code.
  [[nodiscard]] uint64_t epoch() const { return epoch_.load(); }

  // [address, address + size) of guest RAM was written: drops the blocks made from these bytes.
  void changed(GuestAddress address, uint64_t size);

  // An instruction at `site` in the block of this key reached memory in the region of `slot`, or where direct
  // memory does not go: the block is made anew with that.
  void refine(const BlockKey& key, GuestAddress site, std::optional<uint8_t> slot);

  // The guest instruction at a host address in translated code. The caller has not left its gate yet.
  std::optional<FaultPoint> fault_point(uint64_t host_rip);

  [[nodiscard]] CodePages& pages() { return pages_; }
  [[nodiscard]] const Stubs& stubs() const { return stubs_; }
  [[nodiscard]] const CodeCache& cache() const { return *cache_; }

 private:
  struct Vcpu {
    Context* context;
    Gate* gate;
    LinkSlots* slots;
    DirectWindow* window;
  };
  struct KeyHash {
    size_t operator()(const BlockKey& key) const {
      return (key.physical ^ key.rip * 0x9e3779b97f4a7c15 ^ uint64_t{key.mode} << 59) * 0xff51afd7ed558ccd >>
             16;
    }
  };

  CodeSpace(GuestMemory& memory, const TranslateOptions& options, const Context& layout,
            std::unique_ptr<CodeCache> cache, const Stubs& stubs);
  Block* lookup(const BlockRequest& request);
  Block* make(const BlockRequest& request, const Gate& gate);
  std::vector<uint8_t> read_code(const BlockRequest& request) const;
  void claim(GuestAddress address, uint64_t size, const Gate& gate);
  void claim_page(GuestAddress page, uint64_t chunks, const Gate& gate);
  void add_links(const std::vector<Link>& links);
  void register_block(Block& block);
  void drop(Block& block);
  void list_incoming(Block& block, uint32_t link);
  void point_link(uint32_t link, uint64_t target);
  void clear(const Gate& gate);

  GuestMemory& memory_;
  CodePages pages_;
  std::unique_ptr<CodeCache> cache_;
  const Stubs stubs_;

  std::mutex mutex_;  // of everything below, and of writing to the cache and the page masks
  std::vector<Vcpu> vcpus_;
  Translator translator_;
  DirectHints hints_;
  std::unordered_map<BlockKey, Block*, KeyHash> by_key_;
  std::unordered_map<GuestAddress, std::vector<Block*>> by_page_;
  std::vector<Link> links_;
  std::atomic<uint64_t> epoch_ = 0;

  std::mutex blocks_mutex_;   // additionally held to change `blocks_`; enough to read it
  std::deque<Block> blocks_;  // by ascending host address
};

}  // namespace cumulet::hypervisor
