// Encodings of AML objects and resource descriptors.
#include "hypervisor/firmware/aml.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace cumulet::hypervisor::aml {

namespace {

constexpr uint8_t kZeroOp = 0x00, kOneOp = 0x01, kNameOp = 0x08, kBytePrefix = 0x0a, kWordPrefix = 0x0b,
                  kDwordPrefix = 0x0c, kStringPrefix = 0x0d, kQwordPrefix = 0x0e, kScopeOp = 0x10,
                  kBufferOp = 0x11, kPackageOp = 0x12, kExtendedPrefix = 0x5b, kDeviceOp = 0x82;

void append(Bytes& bytes, const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

template <class Integer>
void append_integer(Bytes& bytes, Integer value) {
  size_t at = bytes.size();
  bytes.resize(at + sizeof(value));
  store_le<Integer>(bytes, at, value);
}

// PkgLength (20.2.4) counts itself, in 1 to 4 bytes.
Bytes package_length(size_t content_size) {
  if (content_size + 1 < 64) return {static_cast<uint8_t>(content_size + 1)};
  for (size_t extra = 1; extra <= 3; ++extra) {
    size_t total = content_size + 1 + extra;
    if (total >= size_t{1} << (4 + 8 * extra)) continue;
    Bytes bytes = {static_cast<uint8_t>(extra << 6 | (total & 0xf))};
    for (size_t i = 0; i < extra; ++i) bytes.push_back(static_cast<uint8_t>(total >> (4 + 8 * i)));
    return bytes;
  }
  CHECK(false);
}

Bytes with_length(std::initializer_list<uint8_t> opcode, const Bytes& content) {
  Bytes bytes = opcode;
  append(bytes, package_length(content.size()));
  append(bytes, content);
  return bytes;
}

Bytes name_string(std::string_view name) {
  Bytes bytes;
  if (name.starts_with('\\')) {
    bytes.push_back('\\');
    name.remove_prefix(1);
  }
  CHECK(!name.empty() && name.size() <= 4);
  bytes.insert(bytes.end(), name.begin(), name.end());
  bytes.insert(bytes.end(), 4 - name.size(), '_');
  return bytes;
}

// Address space descriptors (6.4.3.5): word 0x88, doubleword 0x87, quadword 0x8a.
template <class Integer>
Bytes address_space(uint8_t tag, uint8_t type, uint8_t type_flags, Integer first, Integer last) {
  constexpr uint8_t kProducer = 0, kMinimumFixed = 1 << 2, kMaximumFixed = 1 << 3;
  Bytes bytes = {tag};
  append_integer<uint16_t>(bytes, 3 + 5 * sizeof(Integer));
  bytes.insert(bytes.end(), {type, kProducer | kMinimumFixed | kMaximumFixed, type_flags});
  append_integer<Integer>(bytes, 0);  // granularity
  append_integer<Integer>(bytes, first);
  append_integer<Integer>(bytes, last);
  append_integer<Integer>(bytes, 0);  // translation offset
  append_integer<Integer>(bytes, static_cast<Integer>(last - first + 1));
  return bytes;
}

constexpr uint8_t kTypeMemory = 0, kTypeIo = 1, kTypeBus = 2;
constexpr uint8_t kMemoryReadWrite = 1, kIoEntireRange = 3;
constexpr uint8_t kWordTag = 0x88, kDwordTag = 0x87, kQwordTag = 0x8a;

}  // namespace

Bytes join(std::initializer_list<Bytes> terms) {
  Bytes bytes;
  for (const Bytes& term : terms) append(bytes, term);
  return bytes;
}

Bytes integer(uint64_t value) {
  if (value == 0) return {kZeroOp};
  if (value == 1) return {kOneOp};
  Bytes bytes;
  if (value <= std::numeric_limits<uint8_t>::max()) {
    bytes = {kBytePrefix, static_cast<uint8_t>(value)};
  } else if (value <= std::numeric_limits<uint16_t>::max()) {
    bytes = {kWordPrefix};
    append_integer(bytes, static_cast<uint16_t>(value));
  } else if (value <= std::numeric_limits<uint32_t>::max()) {
    bytes = {kDwordPrefix};
    append_integer(bytes, static_cast<uint32_t>(value));
  } else {
    bytes = {kQwordPrefix};
    append_integer(bytes, value);
  }
  return bytes;
}

Bytes text(std::string_view value) {
  Bytes bytes = {kStringPrefix};
  bytes.insert(bytes.end(), value.begin(), value.end());
  bytes.push_back(0);
  return bytes;
}

Bytes eisa_id(std::string_view id) {
  CHECK(id.size() == 7);
  // Three letters of 5 bits and four hexadecimal digits, stored big-endian.
  uint32_t value = 0;
  for (char letter : id.substr(0, 3)) value = value << 5 | static_cast<uint32_t>(letter - 'A' + 1);
  for (char digit : id.substr(3))
    value = value << 4 | static_cast<uint32_t>(digit <= '9' ? digit - '0' : digit - 'A' + 10);
  Bytes bytes = {kDwordPrefix};
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<uint8_t>(value >> shift));
  return bytes;
}

Bytes buffer(ByteView contents) {
  Bytes content = integer(contents.size());
  content.insert(content.end(), contents.begin(), contents.end());
  return with_length({kBufferOp}, content);
}

Bytes package(std::initializer_list<Bytes> elements) {
  Bytes content = {static_cast<uint8_t>(elements.size())};
  for (const Bytes& element : elements) append(content, element);
  return with_length({kPackageOp}, content);
}

Bytes name(std::string_view object_name, const Bytes& object) {
  return join({{kNameOp}, name_string(object_name), object});
}

Bytes scope(std::string_view scope_name, const Bytes& terms) {
  return with_length({kScopeOp}, join({name_string(scope_name), terms}));
}

Bytes device(std::string_view device_name, const Bytes& terms) {
  return with_length({kExtendedPrefix, kDeviceOp}, join({name_string(device_name), terms}));
}

Bytes resource_template(std::initializer_list<Bytes> descriptors) {
  Bytes bytes = join(descriptors);
  bytes.insert(bytes.end(), {0x79, 0});  // end tag; a checksum of zero means "not computed" (6.4.2.9)
  return buffer(bytes);
}

Bytes io_ports(uint16_t first, uint8_t count) {
  Bytes bytes = {0x47, 1};  // 6.4.2.5, decodes 16 bits
  append_integer<uint16_t>(bytes, first);
  append_integer<uint16_t>(bytes, first);
  bytes.insert(bytes.end(), {1, count});
  return bytes;
}

Bytes irq(uint8_t number) {
  Bytes bytes = {0x22};  // 6.4.2.1 without flags: edge, high, exclusive
  append_integer<uint16_t>(bytes, static_cast<uint16_t>(1 << number));
  return bytes;
}

Bytes fixed_memory(uint32_t address, uint32_t size, bool writable) {
  Bytes bytes = {0x86, 9, 0, static_cast<uint8_t>(writable)};  // 6.4.3.4
  append_integer(bytes, address);
  append_integer(bytes, size);
  return bytes;
}

Bytes bus_range(uint16_t first, uint16_t last) {
  return address_space<uint16_t>(kWordTag, kTypeBus, 0, first, last);
}
Bytes port_range(uint16_t first, uint16_t last) {
  return address_space<uint16_t>(kWordTag, kTypeIo, kIoEntireRange, first, last);
}
Bytes memory_range_32(uint32_t first, uint32_t last) {
  return address_space<uint32_t>(kDwordTag, kTypeMemory, kMemoryReadWrite, first, last);
}
Bytes memory_range_64(uint64_t first, uint64_t last) {
  return address_space<uint64_t>(kQwordTag, kTypeMemory, kMemoryReadWrite, first, last);
}

}  // namespace cumulet::hypervisor::aml
