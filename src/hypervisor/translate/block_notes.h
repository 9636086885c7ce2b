// BlockNotes: the guest code of blocks that were translated, until the VM ends.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "hypervisor/translate/stored_block.h"

namespace cumulet::hypervisor {

struct NotedBlock {
  StoredKey key;
  bool indirect;
  GuestAddress page;  // where in guest RAM it was
  ByteView code;
};

// There are many notes, and nobody reads them before the end: all but the last ones are in a file without a
// name. Each block is noted once. Not thread-safe.
class BlockNotes {
 public:
  // `folder` is for the file; it must stay open.
  explicit BlockNotes(int folder) : folder_(folder) {}

  // There is a bound to how much is noted; what is beyond is not.
  void add(const NotedBlock& block);
  [[nodiscard]] uint32_t count() const { return count_; }
  // All of them. Their code stays until the next call of a method that is not const. Errors: kIo.
  Result<std::vector<NotedBlock>> all();
  void clear();

 private:
  bool is_new(uint64_t hash);
  void put_aside();

  int folder_;
  UniqueFd file_;
  uint64_t file_size_ = 0;
  bool full_ = false;  // or the file cannot be written
  uint32_t count_ = 0;
  std::vector<uint8_t> last_, all_;
  std::vector<uint32_t> hashes_;  // an open hash table of halves of hashes; 0 = free
};

}  // namespace cumulet::hypervisor
