// AML: a small emitter of ACPI Machine Language, enough for a static DSDT (ACPI 6.4, chapter 20).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace cumulet::hypervisor::aml {

using Bytes = std::vector<uint8_t>;

// Joins encoded terms.
Bytes join(std::initializer_list<Bytes> terms);

// Data objects (20.2.3). eisa_id encodes a plug-and-play id such as "PNP0A08" (19.6.37).
Bytes integer(uint64_t value);
Bytes text(std::string_view value);
Bytes eisa_id(std::string_view id);
Bytes buffer(ByteView contents);
Bytes package(std::initializer_list<Bytes> elements);

// Named objects (20.2.5). `name`: up to 4 characters, padded with '_', after an optional '\'.
Bytes name(std::string_view name, const Bytes& object);
Bytes scope(std::string_view name, const Bytes& terms);
Bytes device(std::string_view name, const Bytes& terms);

// Resource descriptors (6.4). A template closes with an end tag and becomes a buffer.
Bytes resource_template(std::initializer_list<Bytes> descriptors);
Bytes io_ports(uint16_t first, uint8_t count);
Bytes irq(uint8_t number);  // edge-triggered, active high, not shared
Bytes fixed_memory(uint32_t address, uint32_t size, bool writable);
// Ranges that a bridge produces, [first, last].
Bytes bus_range(uint16_t first, uint16_t last);
Bytes port_range(uint16_t first, uint16_t last);
Bytes memory_range_32(uint32_t first, uint32_t last);
Bytes memory_range_64(uint64_t first, uint64_t last);

}  // namespace cumulet::hypervisor::aml
