// Stored blocks are read and placed.
#include "hypervisor/translate/stored_block.h"

#include <algorithm>
#include <array>

#include "hypervisor/translate/stored_block_layout.h"

namespace cumulet::hypervisor {

namespace {
using namespace stored_block;

// Takes the first `size` bytes of `left`; nothing if there are fewer.
bool take(ByteView& left, size_t size, ByteView& out) {
  if (size > left.size()) return false;
  out = left.first(size);
  left = left.subspan(size);
  return true;
}
}  // namespace

std::optional<StoredBlock> StoredBlock::parse(ByteView bytes) {
  StoredBlock block;
  ByteView left = bytes, header;
  if (!take(left, kHeaderSize, header)) return std::nullopt;
  block.key_ = {load_le<uint64_t>(header, kRip), load_le<uint16_t>(header, kPageOffset), header[kMode]};
  block.indirect_ = header[kFlags] != 0;
  block.entry_offset_ = load_le<uint16_t>(header, kEntryOffset);
  block.indirect_entry_ = load_le<uint32_t>(header, kIndirectEntry);
  auto array = [&](size_t count_at, size_t element, ByteView& out) {
    return take(left, size_t{load_le<uint16_t>(header, count_at)} * element, out);
  };
  bool whole = array(kGuestSize, 1, block.guest_) && array(kHotSize, 1, block.hot_) &&
               array(kColdSize, 1, block.cold_) && array(kRecordCount, kRecordSize, block.records_) &&
               array(kLinkCount, kLinkSize, block.links_) && array(kPollCount, kPollSize, block.polls_) &&
               array(kFieldCount, kFieldSize, block.fields_);
  bool sensible = whole && block.hot_.size() <= kMaxHotSize && block.cold_.size() <= kMaxColdSize &&
                  block.links_.size() <= kMaxLinks * kLinkSize && !block.guest_.empty() &&
                  block.entry_offset_ % kPollBytes == 0 && block.entry_offset_ <= UINT8_MAX &&
                  block.hot_.size() >= block.entry_offset_ + size_t{kPollBytes} &&
                  block.key_.page_offset < kPageSize;
  if (!sensible) return std::nullopt;
  block.size_ = bytes.size() - left.size();
  return block;
}

bool StoredBlock::is_in_page(ByteView page) const {
  return key_.page_offset + guest_.size() <= page.size() &&
         std::equal(guest_.begin(), guest_.end(), page.begin() + key_.page_offset);
}

bool StoredBlock::place(const Placement& placement, PlacedBlock& out) const {
  out.hot.assign(hot_.begin(), hot_.end());
  out.cold.assign(cold_.begin(), cold_.end());
  const CodeFieldFiller filler(placement);
  const std::array<MutableByteView, 2> code = {out.hot, out.cold};
  for (size_t at = 0; at < fields_.size(); at += kFieldSize) {
    CodeField field = unpack_field(load_le<uint32_t>(fields_, at));
    if (!filler.fill(code[field.in_cold ? 1 : 0], field)) return false;
  }
  return place_description(placement, out);
}

bool StoredBlock::place_description(const Placement& placement, PlacedBlock& out) const {
  bool right = true;
  // The address that is meant; `size` bytes from there on must be code, at a multiple of `alignment`.
  auto address = [&](uint32_t tagged, size_t size, uint32_t alignment) {
    bool in_cold = (tagged & kInCold) != 0;
    uint32_t offset = tagged & ~kInCold;
    size_t room = in_cold ? cold_.size() : hot_.size();
    right &= offset <= room && size <= room - offset && offset % alignment == 0;
    return (in_cold ? placement.cold : placement.hot) + offset;
  };
  auto address_or_none = [&](uint32_t tagged, size_t size, uint32_t alignment) {
    return tagged == kNoAddress ? 0 : address(tagged, size, alignment);
  };
  TranslationResult& result = out.result;
  result.size = static_cast<uint16_t>(guest_.size());
  result.entry_offset = entry_offset_;
  result.indirect = address_or_none(indirect_entry_, 1, 1);
  result.records.clear();
  for (size_t at = 0; at < records_.size(); at += kRecordSize)
    result.records.push_back(unpack_record(load_le<uint64_t>(records_, at)));
  result.links.clear();
  for (size_t at = 0; at < links_.size(); at += kLinkSize) {
    auto part = [&](size_t offset) { return load_le<uint32_t>(links_, at + offset); };
    Link link;
    link.relative_address = address_or_none(part(kLinkRelative), 4, 4);
    link.leave_stub = address(part(kLinkLeave), 1, 1);
    link.slot_stub = address(part(kLinkSlot), 1, 1);
    link.mode = static_cast<CodeMode>(part(kLinkMode));
    right &= link.relative_address == 0 || link.leave_stub == link.slot_stub + kSlotStubSize;
    link.target = load_le<uint64_t>(links_, at + kLinkTarget);
    result.links.push_back(link);
  }
  result.polls.clear();
  for (size_t at = 0; at < polls_.size(); at += kPollSize)
    result.polls.push_back({address(load_le<uint32_t>(polls_, at), kPollBytes, kPollBytes),
                            address(load_le<uint32_t>(polls_, at + 4), 1, 1)});
  result.holes.clear();
  return right;
}

}  // namespace cumulet::hypervisor
