// Finding LZ4 blocks, and the threads that decompress them.
#include "hypervisor/boot/lz4_blocks.h"

#include <algorithm>
#include <atomic>
#include <lz4.h>
#include <mutex>
#include <optional>
#include <thread>

namespace cumulet::hypervisor {

namespace {

// More threads would wait for each other: guest RAM is written under one lock of the host's.
constexpr size_t kMaximumThreads = 4;

tl::unexpected<Error> damaged() {
  return fail(ErrorCode::kInvalidArgument, "the kernel's lz4 data is damaged or cut short");
}

char* characters(MutableByteView bytes) { return static_cast<char*>(static_cast<void*>(bytes.data())); }

}  // namespace

Result<Lz4Blocks> Lz4Blocks::find(const BootSource& source, uint64_t offset, uint64_t size,
                                  uint64_t maximum_size) {
  constexpr uint64_t kMagicSize = 4, kHeaderSize = 4;
  // No valid block is larger: whatever it holds takes no more bytes than it decompresses to, and a few.
  constexpr uint64_t kMostCompressed = LZ4_COMPRESSBOUND(kBlockSize);
  uint64_t end = offset + size;
  std::vector<Block> blocks;
  for (uint64_t at = offset + std::min(size, kMagicSize); end - at >= kHeaderSize;) {
    uint8_t header[kHeaderSize];
    TRY_VOID(source.read(at, header));
    at += kHeaderSize;
    auto block_size = load_le<uint32_t>(header);
    if (block_size == 0 || block_size > end - at) break;
    if ((blocks.size() + 1) * kBlockSize > maximum_size)
      return fail(ErrorCode::kInvalidArgument, "the kernel's decompressed size is beyond what is sane");
    if (block_size > kMostCompressed) return damaged();
    blocks.push_back({at, block_size});
    at += block_size;
  }
  if (blocks.empty()) return damaged();
  return Lz4Blocks(source, std::move(blocks));
}

Result<BootBytes> Lz4Blocks::beginning(size_t size) const {
  CHECK(size <= 1 << 20);
  BootBytes output(size);
  // The start of the block is enough, but for data whose repetitions take long lists of lengths.
  for (uint64_t enough : {uint64_t{LZ4_COMPRESSBOUND(size)}, blocks_[0].size}) {
    BootBytes input(std::min(blocks_[0].size, enough));
    TRY_VOID(source_->read(blocks_[0].offset, input));
    int got =
        LZ4_decompress_safe_partial(characters(input), characters(output), static_cast<int>(input.size()),
                                    static_cast<int>(size), static_cast<int>(size));
    if (got < 0 || (static_cast<size_t>(got) < size && input.size() < blocks_[0].size)) continue;
    output.resize(static_cast<size_t>(got));
    return output;
  }
  return damaged();
}

// One run of decompress(): threads that take the next block until there is none, or one has failed.
class Lz4Blocks::Crew {
 public:
  Crew(const Lz4Blocks& blocks, const Sink& sink)
      : source_(*blocks.source_), blocks_(blocks.blocks_), sink_(sink), sizes_(blocks_.size()) {
    for (const Block& block : blocks_) largest_ = std::max(largest_, block.size);
  }

  void work() {
    BootBuffer input(largest_), output(kBlockSize);
    while (!failed_) {
      size_t index = next_++;
      if (index >= blocks_.size()) return;
      if (Result<void> done = decompress(index, input.first(blocks_[index].size), output.first(kBlockSize));
          !done) {
        std::lock_guard lock(error_lock_);
        if (!failed_) error_ = std::move(done).error();
        failed_ = true;
      }
    }
  }

  // After all threads have ended. A block that is shorter than 8 MiB is the last one, whatever follows.
  [[nodiscard]] Result<uint64_t> total() {
    if (error_) return fail(std::move(*error_));
    uint64_t total = 0;
    for (uint64_t size : sizes_) {
      total += size;
      if (size < kBlockSize) break;
    }
    if (total == 0) return damaged();
    return total;
  }

 private:
  Result<void> decompress(size_t index, MutableByteView input, MutableByteView output) {
    const Block& block = blocks_[index];
    TRY_VOID(source_.read(block.offset, input));
    int got = LZ4_decompress_safe(characters(input), characters(output), static_cast<int>(input.size()),
                                  static_cast<int>(output.size()));
    if (got < 0) return damaged();
    sizes_[index] = static_cast<uint64_t>(got);
    sink_(index * kBlockSize, output.first(sizes_[index]));
    return {};
  }

  const BootSource& source_;
  const std::vector<Block>& blocks_;
  const Sink& sink_;
  uint64_t largest_ = 0;         // compressed, bytes
  std::vector<uint64_t> sizes_;  // decompressed; each thread writes those of its blocks
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex error_lock_;
  std::optional<Error> error_;
};

Result<uint64_t> Lz4Blocks::decompress(const Sink& sink) const {
  Crew crew(*this, sink);
  size_t count = std::min<size_t>({blocks_.size(), std::thread::hardware_concurrency(), kMaximumThreads});
  std::vector<std::thread> others;
  for (size_t i = 1; i < count; ++i) others.emplace_back([&crew] { crew.work(); });
  crew.work();
  for (std::thread& other : others) other.join();
  return crew.total();
}

}  // namespace cumulet::hypervisor
