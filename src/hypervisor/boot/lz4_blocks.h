// Lz4Blocks: a payload in LZ4's legacy frame, whose blocks are decompressed on all processors at once.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "hypervisor/boot/boot_bytes.h"
#include "hypervisor/boot/boot_source.h"

namespace cumulet::hypervisor {

// The format (lz4_Frame_format.md, "Legacy frame"): a magic number, then blocks of {u32 compressed size,
// data}, which do not refer to each other. Each has 8 MiB decompressed but the last, so it is known where in
// the output each begins.
class Lz4Blocks {
 public:
  // Receives output, in any order and from several threads at once.
  using Sink = std::function<void(uint64_t offset, ByteView piece)>;

  // Finds the blocks in [offset, offset + size) of `source`, which must live as long as the result. What
  // follows them is ignored (Linux appends the decompressed size). Errors: kInvalidArgument (damaged, or more
  // than `maximum_size` bytes decompressed), those of BootSource::read().
  static Result<Lz4Blocks> find(const BootSource& source, uint64_t offset, uint64_t size,
                                uint64_t maximum_size);

  // The output has at most so many bytes.
  [[nodiscard]] uint64_t maximum_size() const { return blocks_.size() * kBlockSize; }

  // The first `size` bytes of the output, or all of it if that is less. Precondition: size is at most 1 MiB.
  // Errors as of decompress().
  [[nodiscard]] Result<BootBytes> beginning(size_t size) const;

  // Decompresses everything and returns the output's size; pieces beyond that may reach `sink`, when a block
  // before the last one is too short. Errors: kInvalidArgument (damaged), those of BootSource::read().
  [[nodiscard]] Result<uint64_t> decompress(const Sink& sink) const;

 private:
  static constexpr uint64_t kBlockSize = 8 << 20;  // bytes
  struct Block {
    uint64_t offset, size;  // of the compressed data in the source, bytes
  };
  class Crew;

  Lz4Blocks(const BootSource& source, std::vector<Block> blocks)
      : source_(&source), blocks_(std::move(blocks)) {}

  const BootSource* source_;
  std::vector<Block> blocks_;
};

}  // namespace cumulet::hypervisor
