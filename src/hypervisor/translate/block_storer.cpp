// Blocks are made storable: translated for two placements, whose differences say what depends on them.
#include <algorithm>
#include <array>
#include <bit>

#include "hypervisor/translate/stored_block.h"
#include "hypervisor/translate/stored_block_layout.h"

namespace cumulet::hypervisor {

namespace {
using namespace stored_block;

// Two placements whose members, and sums and differences of members (code_relocation.cpp), are all apart by
// different steps. Each step changes the lowest byte, so that a field that differs begins where the bytes
// differ; those of addresses change the upper half, so that a whole address differs from half of one.
constexpr Placement kOne{0x7100'0000'1000, 0x7100'0100'0000, 0x7100'0300'0000, 1000, 0x1000};
constexpr Placement kOther{kOne.stubs + 0x5'0900'1011, kOne.hot + 0x1'0013'5740, kOne.cold + 0x3'0246'8a80,
                           kOne.first_link + 0x35, kOne.page_number + 0x213};
// Where code that may be anywhere is.
constexpr uint64_t kOnePage = 0x5500'0000'0000, kOtherPage = 0x7f12'3456'7000;

Stubs moved(const Stubs& stubs, uint64_t step) {
  auto addresses = std::bit_cast<std::array<uint64_t, sizeof(Stubs) / sizeof(uint64_t)>>(stubs);
  for (uint64_t& address : addresses) address += step;
  return std::bit_cast<Stubs>(addresses);
}

template <typename T>
void put(std::vector<uint8_t>& out, T value) {
  out.resize(out.size() + sizeof(T));
  store_le<T>(out, out.size() - sizeof(T), value);
}

void put(std::vector<uint8_t>& out, const std::vector<uint8_t>& bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}
}  // namespace

BlockStorer::BlockStorer(const Context& layout, const Stubs& stubs, uint64_t stub_address)
    : one_{kOne, {layout, moved(stubs, kOne.stubs - stub_address), {}}},
      other_{kOther, {layout, moved(stubs, kOther.stubs - stub_address), {}}} {}

void BlockStorer::translate(Sample& sample, const StoredKey& key, uint64_t rip, bool indirect,
                            ByteView bytes) {
  TranslationRequest request{};
  request.physical = key.page_offset;
  request.rip = rip;
  request.mode = key.mode;
  request.bytes = bytes;
  request.hot_address = sample.placement.hot;
  request.cold_address = sample.placement.cold;
  request.first_link = static_cast<uint32_t>(sample.placement.first_link);
  request.indirect = indirect;
  if ((key.mode & kModeRelative) != 0)
    request.page_number = static_cast<uint32_t>(sample.placement.page_number);
  sample.result = &sample.translator.translate(request);
}

uint16_t BlockStorer::store(const StoredKey& key, bool indirect, ByteView bytes, std::vector<uint8_t>& out) {
  bool relative = (key.mode & kModeRelative) != 0;
  translate(one_, key, relative ? kOnePage + key.page_offset : key.rip, indirect, bytes);
  translate(other_, key, relative ? kOtherPage + key.page_offset : key.rip, indirect, bytes);
  if (one_.result->size == 0 || !same_description()) return 0;
  hot_.assign(one_.translator.hot().begin(), one_.translator.hot().end());
  cold_.assign(one_.translator.cold().begin(), one_.translator.cold().end());
  fields_.clear();
  bool understood = find_code_fields(hot_, kOne, other_.translator.hot(), kOther, false, fields_) &&
                    find_code_fields(cold_, kOne, other_.translator.cold(), kOther, true, fields_);
  constexpr size_t kMost = UINT16_MAX;
  if (!understood || hot_.size() > kMost || cold_.size() > kMost || fields_.size() > kMost) return 0;
  append(key, indirect, bytes.first(one_.result->size), out);
  return one_.result->size;
}

// Whether what is said of both samples is the same, but for where they lie.
bool BlockStorer::same_description() const {
  const TranslationResult &one = *one_.result, &other = *other_.result;
  auto same_link = [](const Link& a, const Link& b) { return a.target == b.target && a.mode == b.mode; };
  auto same_record = [](const InstructionRecord& a, const InstructionRecord& b) {
    return pack(a) == pack(b);
  };
  return one.size == other.size && one.entry_offset == other.entry_offset && one.holes.empty() &&
         other.holes.empty() && one.polls.size() == other.polls.size() &&
         std::ranges::equal(one.links, other.links, same_link) &&
         std::ranges::equal(one.records, other.records, same_record);
}

uint32_t BlockStorer::tagged(uint64_t address) const {
  if (address == 0) return kNoAddress;
  // An address may be that of the end.
  if (address - kOne.hot <= hot_.size()) return static_cast<uint32_t>(address - kOne.hot);
  return kInCold | static_cast<uint32_t>(address - kOne.cold);
}

void BlockStorer::append(const StoredKey& key, bool indirect, ByteView guest,
                         std::vector<uint8_t>& out) const {
  const TranslationResult& result = *one_.result;
  size_t start = out.size();
  out.resize(start + kHeaderSize);
  MutableByteView header = MutableByteView(out).subspan(start);
  auto count = [&](size_t at, size_t value) { store_le<uint16_t>(header, at, static_cast<uint16_t>(value)); };
  store_le<uint64_t>(header, kRip, key.rip);
  count(kPageOffset, key.page_offset);
  header[kMode] = key.mode;
  header[kFlags] = indirect ? 1 : 0;
  count(kEntryOffset, result.entry_offset);
  count(kGuestSize, guest.size());
  count(kHotSize, hot_.size());
  count(kColdSize, cold_.size());
  count(kRecordCount, result.records.size());
  count(kLinkCount, result.links.size());
  count(kPollCount, result.polls.size());
  count(kFieldCount, fields_.size());
  store_le<uint32_t>(header, kIndirectEntry, tagged(result.indirect));
  out.insert(out.end(), guest.begin(), guest.end());
  put(out, hot_);
  put(out, cold_);
  append_description(out);
}

void BlockStorer::append_description(std::vector<uint8_t>& out) const {
  const TranslationResult& result = *one_.result;
  for (const InstructionRecord& record : result.records) put<uint64_t>(out, pack(record));
  for (const Link& link : result.links) {
    put<uint64_t>(out, link.target);
    put<uint32_t>(out, tagged(link.relative_address));
    put<uint32_t>(out, tagged(link.leave_stub));
    put<uint32_t>(out, tagged(link.slot_stub));
    put<uint32_t>(out, link.mode);
  }
  for (const Poll& poll : result.polls) {
    put<uint32_t>(out, tagged(poll.host));
    put<uint32_t>(out, tagged(poll.redirect));
  }
  for (const CodeField& field : fields_) put<uint32_t>(out, pack(field));
}

}  // namespace cumulet::hypervisor
