// TranslationFile: the file that translations are kept in from one VM to the next.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "hypervisor/translate/engine_identity.h"

namespace cumulet::hypervisor {

// Where a block lies in the file, and how it is found.
struct BlockSlot {
  uint64_t key = 0;      // a hash of what it is looked for by
  uint32_t content = 0;  // half a hash of its guest code
  uint32_t size = 0;     // of that code; below 4096
  uint32_t group = 0;
  uint32_t offset = 0;  // in the group
};

// Opens the folder for these files, making it if it is missing. Errors: kPermissionDenied (it is not this
// user's alone to write), kIo.
Result<UniqueFd> open_translation_folder(const std::string& path);

// Blocks in groups, of a page of guest code each, behind a table to find blocks by. Format:
// docs/formats/translation-cache.md.
//
// Problem: what is in the file becomes host code. So a file is refused unless this user alone may write it,
// it was made by this very engine, and its checksums are right: those of header and table when it is opened,
// that of a group when it is read, which only happens when it is wanted. Reads copy: what is in the file may
// change meanwhile. Not thread-safe.
class TranslationFile {
 public:
  // Errors: kNotFound (there is none), kFailedPrecondition (of another engine: which), kCorrupt,
  // kPermissionDenied, kIo.
  static Result<std::unique_ptr<TranslationFile>> open(int folder, const EngineIdentity& identity);

  // The block number `nth`, from 0, among those that may have this key; nothing if there are no more.
  [[nodiscard]] std::optional<BlockSlot> find(uint64_t key, uint32_t nth) const;
  [[nodiscard]] uint32_t groups() const { return group_count_; }
  // How many files were written, one from the other, since the group was last used.
  [[nodiscard]] uint32_t age(uint32_t group) const;
  [[nodiscard]] uint32_t group_size(uint32_t group) const;
  // Reads a group. False: it is damaged.
  [[nodiscard]] bool read(uint32_t group, std::vector<uint8_t>& out) const;

 private:
  explicit TranslationFile(UniqueFd file) : file_(std::move(file)) {}
  Result<void> load(const EngineIdentity& identity);
  [[nodiscard]] bool read_at(uint64_t offset, MutableByteView out) const;

  UniqueFd file_;
  uint64_t data_end_ = 0;
  uint32_t group_count_ = 0, slot_count_ = 0;
  std::unique_ptr<uint8_t[]> tables_;
  ByteView group_table_, slots_;
};

// Writes a new file and, when it is whole, puts it in the place of the one that was there. Not thread-safe.
class TranslationFileWriter {
 public:
  // Errors: kIo.
  static Result<std::unique_ptr<TranslationFileWriter>> create(int folder);
  ~TranslationFileWriter();

  // Blocks' group and offset are filled in; offsets count from the group's first byte. Errors: kIo.
  Result<void> add_group(ByteView bytes, std::vector<BlockSlot> blocks, uint32_t age);
  [[nodiscard]] uint64_t size() const { return size_; }
  // Errors: kIo. Nothing else may be called after it.
  Result<void> finish(const EngineIdentity& identity);

 private:
  struct Group {
    uint64_t offset, checksum;
    uint32_t size, age;
  };
  TranslationFileWriter(int folder, std::string name, UniqueFd file);
  Result<void> write(ByteView bytes);
  Result<void> flush();
  [[nodiscard]] std::vector<uint8_t> tables(uint32_t& slot_count) const;

  const int folder_;
  std::string name_;  // empty when it is in place
  UniqueFd file_;
  uint64_t size_ = 0;
  std::vector<uint8_t> buffer_;
  std::vector<Group> groups_;
  std::vector<BlockSlot> slots_;
};

}  // namespace cumulet::hypervisor
