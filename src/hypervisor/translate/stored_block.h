// StoredBlock: a translated block as bytes that can be placed anywhere, for as long as its guest code is the
// same.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "hypervisor/translate/code_relocation.h"
#include "hypervisor/translate/translator.h"

namespace cumulet::hypervisor {

// What a block was made from, and is looked for by.
struct StoredKey {
  uint64_t rip;  // BlockKey::rip
  uint16_t page_offset;
  CodeMode mode;
  friend bool operator==(const StoredKey&, const StoredKey&) = default;
};

// A block placed somewhere: what Translator would have given.
struct PlacedBlock {
  TranslationResult result;
  std::vector<uint8_t> hot, cold;
};

// Reads one block's bytes (docs/formats/translation-cache.md). Any bytes may be read; what does not make
// sense is refused.
class StoredBlock {
 public:
  // The block at the start of `bytes`, which must outlive it.
  static std::optional<StoredBlock> parse(ByteView bytes);

  [[nodiscard]] const StoredKey& key() const { return key_; }
  [[nodiscard]] bool indirect() const { return indirect_; }
  [[nodiscard]] ByteView guest_code() const { return guest_; }
  // Whether the bytes of a page hold its guest code, and all of it.
  [[nodiscard]] bool is_in_page(ByteView page) const;
  // All of its bytes.
  [[nodiscard]] size_t size() const { return size_; }

  // False: its fields do not make sense.
  [[nodiscard]] bool place(const Placement& placement, PlacedBlock& out) const;

 private:
  bool place_description(const Placement& placement, PlacedBlock& out) const;

  StoredKey key_{};
  bool indirect_ = false;
  uint16_t entry_offset_ = 0;
  uint32_t indirect_entry_ = 0;
  size_t size_ = 0;
  ByteView guest_, hot_, cold_, records_, links_, polls_, fields_;
};

// Translates guest code into stored blocks.
class BlockStorer {
 public:
  BlockStorer(const Context& layout, const Stubs& stubs, uint64_t stub_address);

  // Appends the block of this code to `out` and returns how many bytes it is made from: 0, and nothing, if it
  // cannot be placed elsewhere.
  uint16_t store(const StoredKey& key, bool indirect, ByteView bytes, std::vector<uint8_t>& out);

 private:
  struct Sample {
    Placement placement;
    Translator translator;
    const TranslationResult* result = nullptr;
  };
  void translate(Sample& sample, const StoredKey& key, uint64_t rip, bool indirect, ByteView bytes);
  [[nodiscard]] bool same_description() const;
  void append(const StoredKey& key, bool indirect, ByteView guest, std::vector<uint8_t>& out) const;
  void append_description(std::vector<uint8_t>& out) const;
  [[nodiscard]] uint32_t tagged(uint64_t address) const;

  Sample one_, other_;
  std::vector<uint8_t> hot_, cold_;
  std::vector<CodeField> fields_;
};

}  // namespace cumulet::hypervisor
