// CodeSpace: all translated code of one VM: finding, making, chaining and dropping blocks.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/translate/block.h"
#include "hypervisor/translate/block_table.h"
#include "hypervisor/translate/code_cache.h"
#include "hypervisor/translate/code_pages.h"
#include "hypervisor/translate/code_store.h"
#include "hypervisor/translate/engine.h"
#include "hypervisor/translate/gate.h"
#include "hypervisor/translate/link_slots.h"
#include "hypervisor/translate/link_table.h"
#include "hypervisor/translate/ram_ahead.h"
#include "hypervisor/translate/stubs.h"
#include "hypervisor/translate/translator.h"

namespace cumulet::hypervisor {

// What a vCPU is about to run.
struct BlockRequest {
  BlockKey key;
  uint64_t rip = 0;
  uint32_t page_number = kNoPageNumber;  // with kModeRelative
  GuestAddress second_page =
      kNoPage;            // physical page behind the key's, where known and near enough to matter
  bool indirect = false;  // an indirect jump goes there
  std::optional<DirectEntry> direct = {};  // with kModeDirect; its hints are CodeSpace's to fill in
};

struct FoundBlock {
  uint64_t host;
  uint64_t indirect;  // 0 = none: the request was not for one
  bool verifiable;    // JumpCache::fill()
};

// A dropped block that was begun: what led there may be out of date.
struct DroppedBlock {
  uint64_t rip;
  CodeMode mode;
  uint32_t page_number;  // with kModeRelative, else kNoPageNumber
  FoundBlock code;
};

// Where a fault in translated code leaves the guest.
struct FaultPoint {
  uint64_t rip;
  uint64_t block_rip;
  CodeMode mode;
  bool at_block_start;  // the poll: nothing of the block has run
  InstructionRecord record;
};

// Problem: vCPUs share translated code and run it without locks, while guest code changes under it.
// Invariants:
//  - a page's chunks in CodePages cover every valid block made from it, and are set before the bytes are read
//    for good;
//  - no TLB line of any vCPU allows unchecked stores to a page with a chunk that holds code. A line may allow
//    stores that look at the chunks first (kTlbCodeStore); whoever adds chunks stops the other vCPUs that
//    have one, so that none is between its look and its store. All other stores end in changed();
//  - code is only overwritten when no other vCPU is inside; a dropped block stays until then, with its first
//    bytes sending everybody to a new lookup.
// Thread safety: all methods, from any thread; a vCPU calls them outside translated code (fault_point() and
// drop_for_store() excepted).
class CodeSpace {
 public:
  static Result<std::unique_ptr<CodeSpace>> create(GuestMemory& memory, const TranslateOptions& options,
                                                   const Context& layout, const StubHandlers& handlers);

  // A vCPU is one that may be inside, from its creation to its end.
  void add_vcpu(Context& context, Gate& gate, LinkSlots& slots, DirectWindow& window);
  void remove_vcpu(const Gate& gate);

  // The number of a page of RAM for kModeRelative, or kNoPageNumber if there are no more. It holds as long as
  // epoch() stays.
  [[nodiscard]] uint32_t page_number(GuestAddress page);

  // The block for a request, made if there is none; nothing if the bytes are not in RAM, or cannot be
  // translated as they lie (cut off by the page's end). `gate` is the caller's.
  std::optional<FoundBlock> find(const BlockRequest& request, const Gate& gate);
  // Makes the jump with this number, the last that the vCPU of `context` and `slots` left by, go straight to
  // the block of `request`, if that is what it targets: for all vCPUs, or for this one. `epoch` is what
  // epoch() was when the jump was taken.
  void chain(uint32_t link, uint64_t epoch, const BlockRequest& request, const Context& context,
             LinkSlots& slots);
  // For a vCPU that is inside, with general registers only (QuickPath): the block with this key, if it is
  // valid and lies in one page; else null. And a link.
  [[nodiscard]] const Block* ready_block(const BlockKey& key) const;
  [[nodiscard]] const StoredLink& link(uint32_t number) const { return links_.at(number); }
  // [address, address + size), which does not cross a page, is about to be written by the translated code at
  // `host_rip`, whose TLB line has kTlbCodeStore: drops the blocks made from these bytes. False if it cannot
  // be done now, or if the code that would run on is one of these blocks. `context` is the vCPU's.
  [[nodiscard]] bool drop_for_store(Context& context, GuestAddress address, uint64_t size, uint64_t host_rip);
  // Changes whenever clear() invalidated all link numbers. To be read before entering translated code.
  [[nodiscard]] uint64_t epoch() const { return epoch_.load(); }

  // [address, address + size) of guest RAM was written: drops the blocks made from these bytes.
  void changed(GuestAddress address, uint64_t size);

  // An instruction at `site` in the block of this key reached memory in the region of `slot`, or where direct
  // memory does not go: the block is made anew with that.
  void refine(const BlockKey& key, GuestAddress site, std::optional<uint8_t> slot);
  // The index of the instruction was no small number.
  void refine_index(const BlockKey& key, GuestAddress site);

  // The block whose redirect the vCPU of `context` took (LeaveReason::kDropped). It has not left its gate
  // yet.
  [[nodiscard]] DroppedBlock dropped_block(const Context& context, uint32_t number);

  // The guest instruction at a host address in translated code, for the vCPU of `context`, which has not left
  // its gate yet.
  [[nodiscard]] std::optional<FaultPoint> fault_point(const Context& context, uint64_t host_rip);

  [[nodiscard]] CodePages& pages() { return pages_; }
  [[nodiscard]] RamAhead& ram_ahead() { return ram_ahead_; }
  [[nodiscard]] const Stubs& stubs() const { return stubs_; }
  [[nodiscard]] const CodeCache& cache() const { return *cache_; }
  // Zeros without a store.
  [[nodiscard]] TranslationCounts translation_counts();

 private:
  struct Vcpu {
    Context* context;
    Gate* gate;
    LinkSlots* slots;
    DirectWindow* window;
  };
  CodeSpace(GuestMemory& memory, const TranslateOptions& options, const Context& layout,
            std::unique_ptr<CodeCache> cache, const StubHandlers& handlers);
  // Guest code as it was at one moment.
  struct Bytes {
    std::array<uint8_t, kPageSize> bytes;
    uint64_t size = 0;
    [[nodiscard]] ByteView view() const { return ByteView(bytes).first(size); }
  };
  // Where a block's code goes.
  struct Place {
    uint64_t hot, cold;
    uint32_t first_link;
    bool indirect;          // TranslationRequest::indirect
    bool changing = false;  // its immediates are
    bool again = false;     // where the block was
  };

  [[nodiscard]] uint64_t code() const { return cache_->stub_address(); }
  [[nodiscard]] uint32_t offset(uint64_t host) const { return static_cast<uint32_t>(host - code()); }
  [[nodiscard]] uint32_t lookup_number(const BlockRequest& request) const;
  [[nodiscard]] Block* lookup(const BlockRequest& request) const;
  [[nodiscard]] bool has_room(uint64_t hot, uint64_t cold) const;
  bool add_indirect_entry(Block& block, const BlockRequest& request);
  [[nodiscard]] uint64_t rip_of(const Block& block, const Context& context);
  [[nodiscard]] bool number_holds(const BlockRequest& request);
  Block* make(const BlockRequest& request, const Gate& gate);
  Block* make_again(uint32_t number, const BlockRequest& request, const Gate& gate);
  [[nodiscard]] bool has_room_for_block() const;
  Block* make_new(Block* old, const BlockRequest& request, const Gate& gate);
  Block& add_block(Block* old, const BlockRequest& request, const Place& place);
  [[nodiscard]] bool translate(const BlockRequest& request, const Place& place, const Gate& gate);
  void make_code(const BlockRequest& request, const Place& place);
  [[nodiscard]] bool immediates_change(const Block& block) const;
  void fill_block(Block& block, const BlockRequest& request, const Place& place);
  [[nodiscard]] uint64_t code_address(const BlockRequest& request) const;
  bool read_code(const BlockRequest& request, Bytes& out) const;
  [[nodiscard]] bool code_is(const BlockRequest& request, ByteView bytes) const;
  [[nodiscard]] GuestAddress second_page(const BlockRequest& request) const;

  // code_reuse.cpp
  [[nodiscard]] const PlacedBlock* stored_block(const BlockRequest& request, const Place& place);
  void note_made(const BlockRequest& request, const Place& place);
  bool take_stored(const PlacedBlock* stored);
  [[nodiscard]] std::vector<const StoredBlock*> missing_blocks(const BlockRequest& request,
                                                               const std::vector<StoredBlock>& group);
  void chain_in_page(uint32_t first);
  void place_neighbours(const BlockRequest& request, const Gate& gate);

  // code_claim.cpp
  void claim(GuestAddress address, uint64_t size, const Gate& gate);
  void claim_page(GuestAddress page, uint64_t chunks, const Gate& gate);
  void wait_for_dropping_stores(GuestAddress page, const Gate& gate);
  void take_stores(Vcpu& vcpu, GuestAddress page, uint32_t storers, bool self);
  [[nodiscard]] bool hold_others(const Gate& gate);
  void release_others(const Gate& gate);

  // code_drop.cpp
  void register_block(uint32_t number);
  [[nodiscard]] bool depends_on(uint32_t number, GuestAddress address, uint64_t size) const;
  void drop_overlapping(GuestAddress address, uint64_t size);
  void drop(uint32_t number);
  void drop_if_there(const BlockKey& key);
  void remove_from_page(GuestAddress page, uint32_t block);
  void add_links(const std::vector<Link>& links);
  void replace_links(const Block& block, const std::vector<Link>& links);
  [[nodiscard]] bool same_stubs(const Block& block, const std::vector<Link>& links) const;
  void move_incoming(Block& from, Block& to, uint32_t number);
  void point_link(const StoredLink& link, uint32_t target);
  [[nodiscard]] uint32_t redirect_of(uint32_t number);
  void clear(const Gate& gate);
  [[nodiscard]] uint32_t number_at(uint64_t host_rip) const;

  GuestMemory& memory_;
  RamAhead ram_ahead_;
  CodePages pages_;
  std::unique_ptr<CodeCache> cache_;
  const Stubs stubs_;
  BlockArena blocks_;  // by ascending host address
  BlockTable table_;
  std::atomic<uint64_t> epoch_ = 0;

  std::mutex mutex_;  // of everything below, and of all writing to the cache, the blocks and the page masks
  std::vector<Vcpu> vcpus_;
  std::vector<CodePage*> numbered_;  // by number, from 1 on
  uint32_t next_storer_ = 1;
  bool others_held_ = false;
  Translator translator_;
  DirectHints hints_;
  const TranslationResult* result_ = nullptr;  // of the last translate(); so are these
  ByteView hot_, cold_;
  bool from_store_ = false;
  std::unique_ptr<CodeStore> store_;  // null: none
  std::unique_ptr<Bytes> bytes_ = std::make_unique<Bytes>();
  LinkTable links_;
  Emitter redirect_;
};

}  // namespace cumulet::hypervisor
