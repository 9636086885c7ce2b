// GuestMemory: one guest's RAM, a sparse memfd mapped once into this process.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace cumulet::hypervisor {

// A guest-physical address, in bytes.
using GuestAddress = uint64_t;

// One contiguous piece of guest RAM: [address, address + size) is at file offset `offset` of the memfd.
struct MemoryRegion {
  GuestAddress address;
  uint64_t size;    // bytes, a multiple of 4096
  uint64_t offset;  // bytes into the memfd, a multiple of 4096
};

// Problem: device models, engines and boot code must reach guest RAM without ever reaching anything else.
// Invariants: regions are sorted by address, do not overlap, and lie within the mapping for the object's
// life. Thread safety: all methods may be called from any thread; bytes that guest and host touch at once are
// subject to x86's memory model, as on hardware. The guest can change any byte at any time: copy before you
// check.
class GuestMemory {
 public:
  // Creates RAM of the given regions, zeroed and not yet backed by pages. Region offsets are assigned in
  // order. Errors: kInvalidArgument (empty, unaligned or overlapping regions), kResourceExhausted, kIo.
  static Result<std::unique_ptr<GuestMemory>> create(std::vector<MemoryRegion> regions);
  ~GuestMemory();
  GuestMemory(const GuestMemory&) = delete;
  GuestMemory& operator=(const GuestMemory&) = delete;

  // Copies from or to RAM. False, with nothing copied, unless the whole range lies in one region.
  [[nodiscard]] bool read(GuestAddress address, MutableByteView out) const;
  [[nodiscard]] bool write(GuestAddress address, ByteView bytes);
  // The same as write(), for much data that nobody has touched the RAM of yet: pages of zeros take no memory.
  [[nodiscard]] bool load(GuestAddress address, ByteView bytes);
  // Fills a range with zeros; false unless it lies in one region. Whole pages take no memory afterwards.
  [[nodiscard]] bool zero(GuestAddress address, uint64_t size);
  // True if the whole range lies in one region.
  [[nodiscard]] bool contains(GuestAddress address, uint64_t size) const {
    return unsafe_host_pointer(address, size) != nullptr;
  }

  template <std::unsigned_integral T>
  [[nodiscard]] bool read_value(GuestAddress address, T& value) const {
    uint8_t bytes[sizeof(T)];
    if (!read(address, bytes)) return false;
    value = load_le<T>(bytes);
    return true;
  }
  template <std::unsigned_integral T>
  [[nodiscard]] bool write_value(GuestAddress address, T value) {
    uint8_t bytes[sizeof(T)];
    store_le<T>(bytes, 0, value);
    return write(address, bytes);
  }

  // The host address of [address, address + size), or null unless it lies in one region. Only *_unsafe.cpp
  // files (and translated code) may follow it; it stays valid for the object's life.
  [[nodiscard]] uint8_t* unsafe_host_pointer(GuestAddress address, uint64_t size) const;

  [[nodiscard]] std::span<const MemoryRegion> regions() const { return regions_; }
  [[nodiscard]] uint64_t size() const { return size_; }  // bytes, sum of all regions
  [[nodiscard]] int fd() const { return fd_.get(); }     // the memfd; owned by this object

 private:
  void write_through_file(uint8_t* to, ByteView bytes);
  void clear(uint8_t* from, uint64_t size);
  GuestMemory(UniqueFd fd, std::vector<MemoryRegion> regions, uint8_t* base, uint64_t size);

  UniqueFd fd_;
  std::vector<MemoryRegion> regions_;
  uint8_t* base_;
  uint64_t size_;
};

}  // namespace cumulet::hypervisor
