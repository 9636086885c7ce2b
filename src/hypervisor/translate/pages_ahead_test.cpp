// Tests of fetching the code cache's pages ahead: they come by themselves, and no more of them than asked
// for.
#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

#include "hypervisor/translate/code_cache.h"

namespace cumulet::hypervisor {
namespace {

// KiB of the executable mapping that this process has in its page tables.
uint64_t mapped_kib(const CodeCache& cache) {
  std::ifstream maps("/proc/self/smaps");
  bool found = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find('-') != std::string::npos && line.find("translated-code") != std::string::npos)
      found = std::stoull(line, nullptr, 16) == cache.stub_address();
    if (found && line.starts_with("Rss:")) return std::stoull(line.substr(4));
  }
  return 0;
}

// Waits, a minute at most, until the pages that code at `end` will take next are there.
bool comes_to(const CodeCache& cache, uint64_t kib) {
  for (int tries = 0; tries < 60'000 && mapped_kib(cache) < kib; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return mapped_kib(cache) >= kib;
}

TEST(PagesAhead, FetchesWhatCodeWillTakeNext) {
  auto cache = CodeCache::create(16 << 20).value();
  EXPECT_EQ(mapped_kib(*cache), 0u);
  std::vector<uint8_t> code(1000, 0x90);
  cache->place(code, code);
  EXPECT_TRUE(comes_to(*cache, 512));  // two ends, 256 KiB each
  for (int i = 0; i < 1000; ++i) cache->place(code, code);
  EXPECT_TRUE(comes_to(*cache, 2000));
  EXPECT_LE(mapped_kib(*cache), 3072u);
}

TEST(PagesAhead, StopsAtTheEndOfTheCacheAndAfterClearing) {
  auto cache = CodeCache::create(1 << 20).value();
  std::vector<uint8_t> code(1000, 0x90);
  for (int round = 0; round < 3; ++round) {
    while (cache->has_room(code.size(), code.size())) cache->place(code, code);
    cache->clear();
  }
  EXPECT_TRUE(comes_to(*cache, 1024));
}

}  // namespace
}  // namespace cumulet::hypervisor
