// Notes are put one behind the other, and aside when there are some.
#include "hypervisor/translate/block_notes.h"

#include <algorithm>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include "hypervisor/translate/stored_block_key.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint32_t kMaxCount = 1 << 20;
constexpr uint64_t kMaxFileSize = 64 << 20;
constexpr size_t kLastSize = 64 << 10, kFirstHashes = 1024;
// A note: rip, physical address, mode, whether indirect, size of the code that follows.
constexpr size_t kRip = 0, kPhysical = 8, kMode = 16, kIndirect = 17, kCodeSize = 18, kNoteSize = 20;

UniqueFd make_file(int folder) {
  std::string name = "notes." + std::to_string(getpid()) + "." + std::to_string(gettid());
  UniqueFd file(openat(folder, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  unlinkat(folder, name.c_str(), 0);
  return file;
}
}  // namespace

void BlockNotes::add(const NotedBlock& block) {
  if (full_ || block.code.size() > UINT16_MAX || !is_new(hash_key(block.key, block.code))) return;
  size_t at = last_.size();
  if (last_.capacity() == 0) last_.reserve(kLastSize + UINT16_MAX);
  last_.resize(at + kNoteSize);
  MutableByteView note = MutableByteView(last_).subspan(at);
  store_le<uint64_t>(note, kRip, block.key.rip);
  store_le<uint64_t>(note, kPhysical, block.page + block.key.page_offset);
  note[kMode] = block.key.mode;
  note[kIndirect] = block.indirect ? 1 : 0;
  store_le<uint16_t>(note, kCodeSize, static_cast<uint16_t>(block.code.size()));
  last_.insert(last_.end(), block.code.begin(), block.code.end());
  full_ = ++count_ == kMaxCount;
  if (last_.size() >= kLastSize) put_aside();
}

bool BlockNotes::is_new(uint64_t hash) {
  if (hashes_.empty()) hashes_.resize(kFirstHashes);
  auto put = [](std::vector<uint32_t>& hashes, uint32_t value) {
    size_t at = value & (hashes.size() - 1);
    while (hashes[at] != 0 && hashes[at] != value) at = (at + 1) & (hashes.size() - 1);
    return std::exchange(hashes[at], value) == 0;
  };
  if ((count_ + 1) * uint64_t{4} > hashes_.size() * 3) {
    std::vector<uint32_t> larger(hashes_.size() * 2);
    for (uint32_t value : hashes_)
      if (value != 0) put(larger, value);
    hashes_ = std::move(larger);
  }
  return put(hashes_, static_cast<uint32_t>(hash >> 32) | 1);
}

void BlockNotes::put_aside() {
  if (!file_.valid()) file_ = make_file(folder_);
  bool written =
      file_.valid() && pwrite(file_.get(), last_.data(), last_.size(), static_cast<off_t>(file_size_)) ==
                           static_cast<ssize_t>(last_.size());
  if (!written) {
    full_ = true;
    return;
  }
  file_size_ += last_.size();
  last_.clear();
  full_ = full_ || file_size_ > kMaxFileSize;
}

Result<std::vector<NotedBlock>> BlockNotes::all() {
  all_.resize(file_size_);
  if (file_size_ != 0 && pread(file_.get(), all_.data(), file_size_, 0) != static_cast<ssize_t>(file_size_))
    return fail(ErrorCode::kIo, "cannot read the notes of translations");
  all_.insert(all_.end(), last_.begin(), last_.end());
  std::vector<NotedBlock> blocks;
  blocks.reserve(count_);
  for (ByteView left = all_; left.size() >= kNoteSize;) {
    auto physical = load_le<uint64_t>(left, kPhysical);
    uint16_t size = load_le<uint16_t>(left, kCodeSize);
    if (size > left.size() - kNoteSize) break;
    blocks.push_back(
        {{load_le<uint64_t>(left, kRip), static_cast<uint16_t>(physical & ~kPageMask), left[kMode]},
         left[kIndirect] != 0,
         physical & kPageMask,
         left.subspan(kNoteSize, size)});
    left = left.subspan(kNoteSize + size);
  }
  return blocks;
}

void BlockNotes::clear() { *this = BlockNotes(folder_); }

}  // namespace cumulet::hypervisor
