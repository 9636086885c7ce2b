// A translation file is written under another name, and renamed when it is whole.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "hypervisor/translate/content_hash.h"
#include "hypervisor/translate/translation_file.h"
#include "hypervisor/translate/translation_file_layout.h"

namespace cumulet::hypervisor {

namespace {
using namespace translation_file;

constexpr size_t kBufferSize = 1 << 20;

std::string temporary_name() {
  static std::atomic<uint32_t> number = 0;
  return std::string(kName) + "." + std::to_string(getpid()) + "." + std::to_string(number++);
}
}  // namespace

Result<std::unique_ptr<TranslationFileWriter>> TranslationFileWriter::create(int folder) {
  std::string name = temporary_name();
  unlinkat(folder, name.c_str(), 0);  // of a process of that number that was killed
  UniqueFd file(openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return fail(errno_error("make the file " + name, errno));
  return std::unique_ptr<TranslationFileWriter>(
      new TranslationFileWriter(folder, std::move(name), std::move(file)));
}

// The header's place is kept; it comes last.
TranslationFileWriter::TranslationFileWriter(int folder, std::string name, UniqueFd file)
    : folder_(folder),
      name_(std::move(name)),
      file_(std::move(file)),
      size_(kHeaderSize),
      buffer_(kHeaderSize) {}

TranslationFileWriter::~TranslationFileWriter() {
  if (!name_.empty()) unlinkat(folder_, name_.c_str(), 0);
}

Result<void> TranslationFileWriter::flush() {
  for (ByteView left = buffer_; !left.empty();) {
    ssize_t written = ::write(file_.get(), left.data(), left.size());
    if (written < 0 && errno != EINTR) return fail(errno_error("write translations", errno));
    if (written > 0) left = left.subspan(static_cast<size_t>(written));
  }
  buffer_.clear();
  return {};
}

Result<void> TranslationFileWriter::write(ByteView bytes) {
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  size_ += bytes.size();
  return buffer_.size() < kBufferSize ? Result<void>() : flush();
}

Result<void> TranslationFileWriter::add_group(ByteView bytes, std::vector<BlockSlot> blocks, uint32_t age) {
  CHECK(bytes.size() <= kMaxGroupSize);
  if (groups_.size() == kMaxGroups || slots_.size() + blocks.size() > kMaxSlots / 2) return {};
  for (BlockSlot& block : blocks) {
    CHECK(block.size <= kMaxSlotSize && block.offset < kMaxGroupSize);
    block.group = static_cast<uint32_t>(groups_.size());
    slots_.push_back(block);
  }
  groups_.push_back({size_, content_hash(bytes), static_cast<uint32_t>(bytes.size()), age});
  return write(bytes);
}

std::vector<uint8_t> TranslationFileWriter::tables(uint32_t& slot_count) const {
  slot_count = static_cast<uint32_t>(slots_.size() * 3 / 2 + 1);
  size_t group_bytes = groups_.size() * kGroupEntrySize;
  std::vector<uint8_t> tables(group_bytes + slot_count * kSlotEntrySize);
  for (size_t i = 0; i < groups_.size(); ++i) {
    MutableByteView entry = MutableByteView(tables).subspan(i * kGroupEntrySize);
    store_le<uint64_t>(entry, kGroupOffset, groups_[i].offset);
    store_le<uint64_t>(entry, kGroupChecksum, groups_[i].checksum);
    store_le<uint32_t>(entry, kGroupSize, groups_[i].size);
    store_le<uint32_t>(entry, kGroupAge, groups_[i].age);
  }
  MutableByteView slots = MutableByteView(tables).subspan(group_bytes);
  for (uint32_t i = 0; i < slot_count; ++i)
    store_le<uint32_t>(slots, i * kSlotEntrySize + kSlotGroup, kNoGroup);
  for (const BlockSlot& block : slots_) {
    uint32_t at = first_slot(block.key, slot_count);
    while (load_le<uint32_t>(slots, at * kSlotEntrySize + kSlotGroup) != kNoGroup)
      at = at + 1 == slot_count ? 0 : at + 1;
    MutableByteView entry = slots.subspan(at * kSlotEntrySize);
    store_le<uint32_t>(entry, kSlotKey, static_cast<uint32_t>(block.key >> 32));
    store_le<uint32_t>(entry, kSlotContent, block.content);
    store_le<uint32_t>(entry, kSlotGroup, block.group);
    store_le<uint32_t>(entry, kSlotPlace, block.offset << kSlotSizeBits | block.size);
  }
  return tables;
}

Result<void> TranslationFileWriter::finish(const EngineIdentity& identity) {
  uint32_t slot_count = 0;
  uint64_t tables_at = size_;
  std::vector<uint8_t> made = tables(slot_count);
  TRY_VOID(write(made));
  TRY_VOID(flush());
  std::vector<uint8_t> header(kHeaderSize);
  std::copy(kMagic.begin(), kMagic.end(), header.begin());
  store_le<uint32_t>(header, kVersionAt, kVersion);
  store_le<uint32_t>(header, kGroupCount, static_cast<uint32_t>(groups_.size()));
  std::copy(identity.build.begin(), identity.build.end(), header.begin() + kBuild);
  store_le<uint64_t>(header, kProcessor, identity.processor);
  store_le<uint64_t>(header, kLayout, identity.layout);
  store_le<uint64_t>(header, kCodeCacheSize, identity.code_cache_size);
  store_le<uint64_t>(header, kTables, tables_at);
  store_le<uint64_t>(header, kSlotCount, slot_count);
  store_le<uint64_t>(header, kTablesChecksum, content_hash(made));
  store_le<uint64_t>(header, kHeaderChecksum, content_hash(ByteView(header).first(kHeaderChecksum)));
  bool written = pwrite(file_.get(), header.data(), header.size(), 0) == static_cast<ssize_t>(header.size());
  if (!written || fsync(file_.get()) != 0) return fail(errno_error("write translations", errno));
  if (renameat(folder_, name_.c_str(), folder_, kName) != 0)
    return fail(errno_error("put translations in their place", errno));
  name_.clear();
  if (fsync(folder_) != 0) return fail(errno_error("write the folder of translations", errno));
  return {};
}

}  // namespace cumulet::hypervisor
