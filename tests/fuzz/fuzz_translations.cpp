// Fuzz target: files of kept translations, made of or derived from the input, with checksums that vouch for
// them.
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "fuzz_input.h"

#include "base/check.h"
#include "hypervisor/translate/content_hash.h"
#include "hypervisor/translate/stored_block.h"
#include "hypervisor/translate/translation_file.h"
#include "hypervisor/translate/translation_file_layout.h"

namespace {

using cumulet::ByteView;
using cumulet::FuzzInput;
using namespace cumulet::hypervisor;
using namespace cumulet::hypervisor::translation_file;

// A folder that goes when the process ends.
struct Folder {
  Folder() : path(std::filesystem::temp_directory_path() / "fuzz-translations-XXXXXX") {
    CHECK(mkdtemp(path.data()) != nullptr);
    descriptor = std::move(*open_translation_folder(path));
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
  cumulet::UniqueFd descriptor;
};

Folder& folder() {
  static Folder one;
  return one;
}

// A block that is right, to be damaged.
const std::vector<uint8_t>& good_block() {
  static const std::vector<uint8_t> kMade = [] {
    auto mapping = ContextMapping::create();
    CHECK(mapping.has_value());
    BlockStorer storer((*mapping)->get(), Stubs{}, 0);
    // push rbp; mov rbp, rsp; test rdi, rdi; je +0x20
    const std::vector<uint8_t> code = {0x55, 0x48, 0x89, 0xe5, 0x48, 0x85, 0xff, 0x74, 0x20, 0x90};
    std::vector<uint8_t> bytes;
    CHECK(storer.store({0xffffffff81000123, 0x123, 8}, true, code, bytes) != 0);
    return bytes;
  }();
  return kMade;
}

void place_blocks(ByteView bytes) {
  PlacedBlock placed;
  while (auto block = StoredBlock::parse(bytes)) {
    if (block->place({0x7000'0000'0000, 0x7000'0100'0000, 0x7000'0200'0000, 5, 6}, placed)) {
      CHECK(placed.hot.size() <= kMaxHotSize && placed.cold.size() <= kMaxColdSize);
      CHECK(placed.result.links.size() <= kMaxLinks);
    }
    bytes = bytes.subspan(block->size());
  }
}

std::vector<uint8_t> rest_of(FuzzInput& input) {
  std::vector<uint8_t> bytes;
  while (!input.empty()) bytes.push_back(input.byte());
  return bytes;
}

// The input as a whole file; header and tables get the checksums that they should have.
std::vector<uint8_t> make_file(FuzzInput& input, const EngineIdentity& identity) {
  std::vector<uint8_t> bytes(kHeaderSize);
  uint64_t tables = kHeaderSize + input.number(2);
  uint32_t slots = 1U << input.byte() % 8;
  std::copy(kMagic.begin(), kMagic.end(), bytes.begin());
  cumulet::store_le<uint32_t>(bytes, kVersionAt, kVersion);
  cumulet::store_le<uint32_t>(bytes, kGroupCount, input.byte() % 8);
  std::copy(identity.build.begin(), identity.build.end(), bytes.begin() + kBuild);
  cumulet::store_le<uint64_t>(bytes, kTables, tables);
  cumulet::store_le<uint64_t>(bytes, kSlotCount, slots);
  uint64_t size =
      tables + cumulet::load_le<uint32_t>(bytes, kGroupCount) * kGroupEntrySize + slots * kSlotEntrySize;
  std::vector<uint8_t> rest = rest_of(input);
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  bytes.resize(size);
  cumulet::store_le<uint64_t>(bytes, kTablesChecksum, content_hash(ByteView(bytes).subspan(tables)));
  cumulet::store_le<uint64_t>(bytes, kHeaderChecksum, content_hash(ByteView(bytes).first(kHeaderChecksum)));
  return bytes;
}

void read_file(FuzzInput& input) {
  EngineIdentity identity;
  identity.build[0] = 1;
  std::vector<uint8_t> bytes = make_file(input, identity);
  std::string path = folder().path + "/" + kName;
  FILE* file = std::fopen(path.c_str(), "wb");
  CHECK(file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
  std::fclose(file);
  auto opened = TranslationFile::open(folder().descriptor.get(), identity);
  CHECK(opened.has_value());
  std::vector<uint8_t> group;
  for (uint32_t number = 0; number < (*opened)->groups(); ++number)
    if ((*opened)->read(number, group)) place_blocks(group);
  for (uint64_t key = 0; key < 8; ++key)
    for (uint32_t nth = 0; auto found = (*opened)->find(key, nth); ++nth)
      CHECK(found->group < (*opened)->groups());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  switch (input.byte() % 4) {
    case 0: place_blocks(rest_of(input)); break;
    case 1: read_file(input); break;
    default: {
      std::vector<uint8_t> bytes = good_block();
      for (int changes = 1 + input.byte() % 8; changes > 0; --changes)
        bytes[input.below(bytes.size())] = input.byte();
      place_blocks(bytes);
    }
  }
  return 0;
}
