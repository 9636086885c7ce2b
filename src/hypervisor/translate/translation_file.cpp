// Translation files are found, refused and read.
#include "hypervisor/translate/translation_file.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "hypervisor/translate/content_hash.h"
#include "hypervisor/translate/translation_file_layout.h"

namespace cumulet::hypervisor {

namespace {
using namespace translation_file;

constexpr mode_t kOthersMayWrite = S_IWGRP | S_IWOTH;

bool is_ours_alone(const struct stat& status) {
  return status.st_uid == geteuid() && (status.st_mode & kOthersMayWrite) == 0;
}

tl::unexpected<Error> damaged() { return fail(ErrorCode::kCorrupt, "the file is damaged"); }

EngineIdentity identity_in(ByteView header) {
  EngineIdentity identity;
  std::copy_n(header.begin() + kBuild, kBuildSize, identity.build.begin());
  identity.processor = load_le<uint64_t>(header, kProcessor);
  identity.layout = load_le<uint64_t>(header, kLayout);
  identity.code_cache_size = load_le<uint64_t>(header, kCodeCacheSize);
  return identity;
}
}  // namespace

Result<UniqueFd> open_translation_folder(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(errno_error("make the folder " + path, errno));
  UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status {};
  if (!folder.valid() || fstat(folder.get(), &status) != 0)
    return fail(errno_error("open the folder " + path, errno));
  if (!is_ours_alone(status))
    return fail(ErrorCode::kPermissionDenied, "others may write to the folder " + path);
  return folder;
}

Result<std::unique_ptr<TranslationFile>> TranslationFile::open(int folder, const EngineIdentity& identity) {
  UniqueFd file(openat(folder, kName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid() && errno == ENOENT) return fail(ErrorCode::kNotFound, "there are no translations yet");
  if (!file.valid()) return fail(errno_error("open the file", errno));
  std::unique_ptr<TranslationFile> opened(new TranslationFile(std::move(file)));
  TRY_VOID(opened->load(identity));
  return opened;
}

Result<void> TranslationFile::load(const EngineIdentity& identity) {
  struct stat status {};
  if (fstat(file_.get(), &status) != 0) return fail(errno_error("look at the file", errno));
  if (!S_ISREG(status.st_mode) || !is_ours_alone(status))
    return fail(ErrorCode::kPermissionDenied, "others may write to the file");
  std::array<uint8_t, kHeaderSize> header;
  auto size = static_cast<uint64_t>(status.st_size);
  if (size < kHeaderSize || !read_at(0, header) || !std::equal(kMagic.begin(), kMagic.end(), header.begin()))
    return damaged();
  if (load_le<uint32_t>(header, kVersionAt) != kVersion)
    return fail(ErrorCode::kFailedPrecondition, "it has another format");
  if (load_le<uint64_t>(header, kHeaderChecksum) != content_hash(ByteView(header).first(kHeaderChecksum)))
    return damaged();
  if (std::string_view difference = identity.difference(identity_in(header)); !difference.empty())
    return fail(ErrorCode::kFailedPrecondition, "it is of " + std::string(difference));

  group_count_ = load_le<uint32_t>(header, kGroupCount);
  auto slot_count = load_le<uint64_t>(header, kSlotCount);
  data_end_ = load_le<uint64_t>(header, kTables);
  if (group_count_ > kMaxGroups || slot_count > kMaxSlots) return damaged();
  slot_count_ = static_cast<uint32_t>(slot_count);
  size_t group_bytes = group_count_ * kGroupEntrySize, slot_bytes = slot_count_ * kSlotEntrySize;
  if (data_end_ > size || size - data_end_ != group_bytes + slot_bytes) return damaged();
  tables_ = std::make_unique_for_overwrite<uint8_t[]>(group_bytes + slot_bytes);
  MutableByteView tables(tables_.get(), group_bytes + slot_bytes);
  if (!read_at(data_end_, tables) || content_hash(tables) != load_le<uint64_t>(header, kTablesChecksum))
    return damaged();
  group_table_ = tables.first(group_bytes);
  slots_ = tables.subspan(group_bytes);
  return {};
}

bool TranslationFile::read_at(uint64_t offset, MutableByteView out) const {
  size_t done = 0;
  while (done < out.size()) {
    ssize_t got = pread(file_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<size_t>(got);
  }
  return true;
}

std::optional<BlockSlot> TranslationFile::find(uint64_t key, uint32_t nth) const {
  uint32_t at = slot_count_ == 0 ? 0 : first_slot(key, slot_count_);
  for (uint32_t probe = 0; probe < std::min(slot_count_, kMaxProbes); ++probe) {
    ByteView entry = slots_.subspan(at * kSlotEntrySize, kSlotEntrySize);
    auto group = load_le<uint32_t>(entry, kSlotGroup);
    if (group == kNoGroup) return std::nullopt;
    at = at + 1 == slot_count_ ? 0 : at + 1;
    if (load_le<uint32_t>(entry, kSlotKey) != key >> 32 || group >= group_count_) continue;
    auto place = load_le<uint32_t>(entry, kSlotPlace);
    if (nth-- == 0)
      return BlockSlot{key, load_le<uint32_t>(entry, kSlotContent), place & kMaxSlotSize, group,
                       place >> kSlotSizeBits};
  }
  return std::nullopt;
}

uint32_t TranslationFile::age(uint32_t group) const {
  return load_le<uint32_t>(group_table_, group * kGroupEntrySize + kGroupAge);
}

uint32_t TranslationFile::group_size(uint32_t group) const {
  return load_le<uint32_t>(group_table_, group * kGroupEntrySize + kGroupSize);
}

bool TranslationFile::read(uint32_t group, std::vector<uint8_t>& out) const {
  CHECK(group < group_count_);
  ByteView entry = group_table_.subspan(group * kGroupEntrySize, kGroupEntrySize);
  auto offset = load_le<uint64_t>(entry, kGroupOffset);
  uint32_t size = group_size(group);
  if (size > kMaxGroupSize || offset < kHeaderSize || offset > data_end_ || size > data_end_ - offset)
    return false;
  out.resize(size);
  return read_at(offset, out) && content_hash(out) == load_le<uint64_t>(entry, kGroupChecksum);
}

}  // namespace cumulet::hypervisor
