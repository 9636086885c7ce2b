// CodeStore: translations that outlive their VM: what earlier ones left is used, what is new is kept for
// later ones.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "hypervisor/translate/block_notes.h"
#include "hypervisor/translate/engine.h"
#include "hypervisor/translate/stored_block.h"
#include "hypervisor/translate/translation_file.h"

namespace cumulet::hypervisor {

// Problem: a boot spends much of its time on translating code that the last boot translated too.
//
// Blocks are looked for by what they are made from: mode, address (none for code that may be anywhere), page
// offset and first bytes; all guest bytes are compared before a block is used. Blocks are kept in groups, of
// those of one page, because who needs one soon needs the others.
//
// New translations are noted with their guest bytes, which may be gone when the VM ends: code that runs once
// is freed. At the end they are translated again, in the form that can be placed anywhere. A store that
// cannot be used is only logged: a VM runs without. Not thread-safe.
class CodeStore {
 public:
  // Null if the folder cannot be used, or the program has no identity: the log says why.
  static std::unique_ptr<CodeStore> open(const std::string& folder, const Context& layout, const Stubs& stubs,
                                         uint64_t stub_address, uint64_t code_cache_size);
  // save().
  ~CodeStore();

  // The stored block with this key whose guest code `bytes` begin with, or null. Valid, like group(), until
  // the next call of a method that is not const.
  const StoredBlock* find(const StoredKey& key, ByteView bytes);
  // All blocks of the group of the last one found.
  [[nodiscard]] const std::vector<StoredBlock>& group() const { return groups_[current_].blocks; }
  // Places a block found; null if it cannot be. Until the next time. `placement` is without the stubs.
  const PlacedBlock* place(const StoredBlock& block, Placement placement);

  // A block is in use that was placed, or translated.
  void count(bool placed) { ++(placed ? counts_.from_cache : counts_.translated); }
  // A block was translated that is worth keeping.
  void note(const NotedBlock& block) { notes_.add(block); }

  // Writes what is new beside what was there, if it is worth it.
  void save();
  [[nodiscard]] const TranslationCounts& counts() const { return counts_; }

 private:
  struct Group {
    uint32_t number = ~uint32_t{0};  // in the file
    std::vector<uint8_t> bytes;
    std::vector<StoredBlock> blocks;
    std::vector<uint32_t> offsets;  // of the blocks
  };
  CodeStore(UniqueFd folder, const EngineIdentity& identity, const Context& layout, const Stubs& stubs,
            uint64_t stub_address);
  const StoredBlock* find_at(const BlockSlot& slot, const StoredKey& key, ByteView bytes);
  bool load_group(uint32_t number);
  static BlockSlot slot_of(const StoredKey& key, ByteView guest_code, uint32_t offset);
  Result<void> write();
  Result<void> write_old(TranslationFileWriter& writer);
  struct NewGroup {
    std::vector<uint8_t> bytes;
    std::vector<BlockSlot> slots;
  };
  static NewGroup make_group(BlockStorer& storer, std::span<const NotedBlock> page);
  Result<void> write_new(TranslationFileWriter& writer);

  const UniqueFd folder_;
  const EngineIdentity identity_;
  const Context& layout_;
  const Stubs stubs_;
  const uint64_t stub_address_;
  std::unique_ptr<TranslationFile> file_;  // null: there is none
  std::array<Group, 8> groups_;            // the last ones loaded
  size_t current_ = 0, next_ = 0;
  std::vector<uint8_t> group_state_;  // of each group in the file
  bool damage_logged_ = false;
  PlacedBlock placed_;
  BlockNotes notes_;
  TranslationCounts counts_;
};

}  // namespace cumulet::hypervisor
