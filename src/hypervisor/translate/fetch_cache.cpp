// Walks page tables for instruction fetches, and remembers.
#include "hypervisor/translate/fetch_cache.h"

#include "hypervisor/interpret/page_walk.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kOffsetMask = 0xfff;
constexpr uint64_t kUserTag = 2;
constexpr uint32_t kMappingShifts[] = {12, 21, 22, 30};  // 4 KiB, 2 MiB, 4 MiB, 1 GiB

bool is_canonical(uint64_t linear) {
  return static_cast<uint64_t>(static_cast<int64_t>(linear << 16) >> 16) == linear;
}
}  // namespace

size_t FetchCache::filter_bit(uint64_t linear, uint32_t shift) {
  uint64_t unit = linear >> shift;
  return ((unit ^ unit >> 18) + shift * 977) % kFilterBits;
}

std::optional<GuestAddress> FetchCache::page_of(uint64_t linear) {
  if (!is_canonical(linear)) return std::nullopt;
  bool user = cpu_.cpl() == 3;
  uint64_t tag = (linear & ~kOffsetMask) | (user ? kUserTag : 0);
  Line& line = lines_[(linear >> 12) % kLines];
  if (line.tag == tag) return line.page;
  auto walked = walk_page(cpu_, linear, AccessType::kExecute);
  const auto* translation = std::get_if<Translation>(&walked);
  if (translation == nullptr) return std::nullopt;
  if (line.global && !translation->global)
    local_[local_count_++] = static_cast<uint16_t>(&line - lines_.data());
  line = {tag, translation->page, line.global && translation->global};
  for (uint32_t shift : kMappingShifts)
    if (translation->mapping_size == uint64_t{1} << shift) fetched_[user].set(filter_bit(linear, shift));
  if (!user && !translation->global) local_supervisor_ = true;
  return line.page;
}

bool FetchCache::may_hold(uint64_t linear, bool user) const {
  for (uint32_t shift : kMappingShifts)
    if (fetched_[user].test(filter_bit(linear, shift))) return true;
  return false;
}

void FetchCache::flush_all() {
  lines_.fill({});
  local_count_ = 0;
  for (auto& fetched : fetched_) fetched.reset();
  local_supervisor_ = false;
}

void FetchCache::flush_user() {
  lines_.fill({});
  local_count_ = 0;
  fetched_[true].reset();
}

void FetchCache::flush_non_global() {
  for (size_t i = 0; i < local_count_; ++i) lines_[local_[i]] = {};
  local_count_ = 0;
  local_supervisor_ = false;
}

}  // namespace cumulet::hypervisor
