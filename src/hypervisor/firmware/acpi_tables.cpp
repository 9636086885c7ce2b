// Field by field, the static ACPI tables.
#include "hypervisor/firmware/acpi_tables.h"

#include <algorithm>

#include "base/check.h"
#include "hypervisor/platform/hpet_registers.h"
#include "hypervisor/platform/layout.h"

namespace cumulet::hypervisor {

namespace {

using Bytes = std::vector<uint8_t>;

constexpr std::string_view kOemId = "CUMULT", kOemTableId = "CUMULET ", kCreatorId = "CMLT";
constexpr size_t kHeaderSize = 36;

void put_text(MutableByteView bytes, size_t offset, std::string_view text) {
  CHECK(offset + text.size() <= bytes.size());
  std::copy(text.begin(), text.end(), bytes.begin() + static_cast<ptrdiff_t>(offset));
}

// FADT: offsets of table 5.9 without the header.
namespace fadt {
constexpr size_t kSize = 276 - kHeaderSize;
constexpr size_t kFirmwareControl = 36 - kHeaderSize, kDsdt = 40 - kHeaderSize, kProfile = 45 - kHeaderSize,
                 kSciInterrupt = 46 - kHeaderSize, kPm1aEvent = 56 - kHeaderSize,
                 kPm1aControl = 64 - kHeaderSize, kPmTimer = 76 - kHeaderSize,
                 kPm1EventLength = 88 - kHeaderSize, kPm1ControlLength = 89 - kHeaderSize,
                 kPmTimerLength = 91 - kHeaderSize, kC2Latency = 96 - kHeaderSize,
                 kC3Latency = 98 - kHeaderSize, kCentury = 108 - kHeaderSize, kBootFlags = 109 - kHeaderSize,
                 kFlags = 112 - kHeaderSize, kResetRegister = 116 - kHeaderSize,
                 kResetValue = 128 - kHeaderSize, kMinorVersion = 131 - kHeaderSize,
                 kXDsdt = 140 - kHeaderSize, kXPm1aEvent = 148 - kHeaderSize,
                 kXPm1aControl = 172 - kHeaderSize, kXPmTimer = 208 - kHeaderSize;
constexpr uint8_t kEnterpriseServer = 4;
// C2 and C3 are absent when their latencies are above 100 and 1000.
constexpr uint16_t kNoC2 = 0xfff, kNoC3 = 0xfff;
// Table 5.10: legacy devices are there (COM1, PIT); an 8042 keyboard (bit 1) is not; no VGA to probe.
constexpr uint16_t kLegacyDevices = 1 << 0, kNoVga = 1 << 2;
// Table 5.9, flags: wbinvd works, C1 works, the power button is fixed hardware (bit 4 clear), no sleep
// button, no RTC wake-up in fixed hardware, a 32-bit PM timer, a reset register.
constexpr uint32_t kWbinvd = 1 << 0, kC1 = 1 << 2, kNoSleepButton = 1 << 5, kNoFixedRtc = 1 << 6,
                   kTimer32 = 1 << 8, kHasReset = 1 << 10;
}  // namespace fadt

constexpr uint8_t kSpaceMemory = 0, kSpaceIo = 1;

// Generic Address Structure (5.2.3.2). access_size: 1 byte, 2 word, 3 doubleword.
void put_address(MutableByteView bytes, size_t offset, uint8_t space, uint8_t bits, uint8_t access_size,
                 uint64_t address) {
  bytes[offset] = space;
  bytes[offset + 1] = bits;
  bytes[offset + 3] = access_size;
  store_le<uint64_t>(bytes, offset + 4, address);
}

template <class Integer>
void append(Bytes& bytes, Integer value) {
  size_t at = bytes.size();
  bytes.resize(at + sizeof(value));
  store_le<Integer>(bytes, at, value);
}

template <class Integer>
Bytes pointer_table(std::string_view signature, std::span<const GuestAddress> tables) {
  Bytes body;
  for (GuestAddress table : tables) append<Integer>(body, static_cast<Integer>(table));
  return acpi_table(signature, 1, body);
}

}  // namespace

uint8_t checksum(ByteView bytes) {
  uint8_t sum = 0;
  for (uint8_t byte : bytes) sum = static_cast<uint8_t>(sum + byte);
  return static_cast<uint8_t>(-sum);
}

Bytes acpi_table(std::string_view signature, uint8_t revision, ByteView body) {
  Bytes table(kHeaderSize + body.size());
  put_text(table, 0, signature);
  store_le<uint32_t>(table, 4, static_cast<uint32_t>(table.size()));
  table[8] = revision;
  put_text(table, 10, kOemId);
  put_text(table, 16, kOemTableId);
  store_le<uint32_t>(table, 24, 1);
  put_text(table, 28, kCreatorId);
  store_le<uint32_t>(table, 32, 1);
  std::copy(body.begin(), body.end(), table.begin() + kHeaderSize);
  table[9] = checksum(table);
  return table;
}

Bytes build_rsdp(GuestAddress rsdt, GuestAddress xsdt) {
  constexpr size_t kFirstPart = 20, kSize = 36;
  Bytes rsdp(kSize);
  put_text(rsdp, 0, "RSD PTR ");
  put_text(rsdp, 9, kOemId);
  rsdp[15] = 2;  // revision
  store_le<uint32_t>(rsdp, 16, static_cast<uint32_t>(rsdt));
  store_le<uint32_t>(rsdp, 20, kSize);
  store_le<uint64_t>(rsdp, 24, xsdt);
  rsdp[8] = checksum(ByteView(rsdp).first(kFirstPart));
  rsdp[32] = checksum(rsdp);
  return rsdp;
}

Bytes build_rsdt(std::span<const GuestAddress> tables) { return pointer_table<uint32_t>("RSDT", tables); }
Bytes build_xsdt(std::span<const GuestAddress> tables) { return pointer_table<uint64_t>("XSDT", tables); }

Bytes build_facs() {
  constexpr size_t kSize = 64;
  Bytes facs(kSize);
  put_text(facs, 0, "FACS");
  store_le<uint32_t>(facs, 4, kSize);
  facs[32] = 2;  // version
  return facs;
}

Bytes build_fadt(GuestAddress facs, GuestAddress dsdt) {
  Bytes body(fadt::kSize);
  store_le<uint32_t>(body, fadt::kFirmwareControl, static_cast<uint32_t>(facs));
  store_le<uint32_t>(body, fadt::kDsdt, static_cast<uint32_t>(dsdt));
  body[fadt::kProfile] = fadt::kEnterpriseServer;
  store_le<uint16_t>(body, fadt::kSciInterrupt, layout::kSciIrq);
  store_le<uint32_t>(body, fadt::kPm1aEvent, layout::kAcpiPm1EventPort);
  store_le<uint32_t>(body, fadt::kPm1aControl, layout::kAcpiPm1ControlPort);
  store_le<uint32_t>(body, fadt::kPmTimer, layout::kAcpiPmTimerPort);
  body[fadt::kPm1EventLength] = 4;
  body[fadt::kPm1ControlLength] = 2;
  body[fadt::kPmTimerLength] = 4;
  store_le<uint16_t>(body, fadt::kC2Latency, fadt::kNoC2);
  store_le<uint16_t>(body, fadt::kC3Latency, fadt::kNoC3);
  body[fadt::kCentury] = layout::kRtcCenturyRegister;
  store_le<uint16_t>(body, fadt::kBootFlags, fadt::kLegacyDevices | fadt::kNoVga);
  store_le<uint32_t>(body, fadt::kFlags,
                     fadt::kWbinvd | fadt::kC1 | fadt::kNoSleepButton | fadt::kNoFixedRtc | fadt::kTimer32 |
                         fadt::kHasReset);
  put_address(body, fadt::kResetRegister, kSpaceIo, 8, 1, layout::kResetPort);
  body[fadt::kResetValue] = layout::kResetValue;
  body[fadt::kMinorVersion] = 4;
  // X_FIRMWARE_CTRL stays zero: 5.2.9 wants only one of the two FACS fields filled.
  store_le<uint64_t>(body, fadt::kXDsdt, dsdt);
  put_address(body, fadt::kXPm1aEvent, kSpaceIo, 32, 2, layout::kAcpiPm1EventPort);
  put_address(body, fadt::kXPm1aControl, kSpaceIo, 16, 2, layout::kAcpiPm1ControlPort);
  put_address(body, fadt::kXPmTimer, kSpaceIo, 32, 3, layout::kAcpiPmTimerPort);
  constexpr uint8_t kRevision = 6;
  return acpi_table("FACP", kRevision, body);
}

Bytes build_madt(uint32_t processors) {
  constexpr uint32_t kPcatCompatible = 1, kEnabled = 1;
  constexpr uint8_t kLocalApic = 0, kIoApic = 1, kOverride = 2, kLocalNmi = 4;
  constexpr uint16_t kLevelActiveHigh = 0xd, kConforming = 0;
  CHECK(processors >= 1 && processors < 255);  // above, entries of type 9 (x2APIC) would be needed
  Bytes body;
  append<uint32_t>(body, static_cast<uint32_t>(layout::kLocalApicAddress));
  append<uint32_t>(body, kPcatCompatible);
  for (uint32_t id = 0; id < processors; ++id) {
    body.insert(body.end(), {kLocalApic, 8, static_cast<uint8_t>(id), static_cast<uint8_t>(id)});
    append<uint32_t>(body, kEnabled);
  }
  body.insert(body.end(), {kIoApic, 12, layout::kIoApicId, 0});
  append<uint32_t>(body, static_cast<uint32_t>(layout::kIoApicAddress));
  append<uint32_t>(body, 0);  // its first GSI
  auto add_override = [&](uint8_t irq, uint32_t gsi, uint16_t flags) {
    body.insert(body.end(), {kOverride, 10, 0, irq});
    append<uint32_t>(body, gsi);
    append<uint16_t>(body, flags);
  };
  add_override(layout::kPitIrq, layout::kPitGsi, kConforming);
  add_override(layout::kSciIrq, layout::kSciIrq, kLevelActiveHigh);
  constexpr uint8_t kAllProcessors = 0xff, kLint1 = 1;
  body.insert(body.end(), {kLocalNmi, 6, kAllProcessors, 0, 0, kLint1});
  constexpr uint8_t kRevision = 5;
  return acpi_table("APIC", kRevision, body);
}

Bytes build_mcfg() {
  Bytes body(8);  // reserved
  append<uint64_t>(body, layout::kEcamAddress);
  append<uint16_t>(body, 0);  // segment
  body.push_back(0);
  body.push_back(static_cast<uint8_t>(layout::kEcamBusCount - 1));
  append<uint32_t>(body, 0);
  return acpi_table("MCFG", 1, body);
}

Bytes build_hpet() {
  constexpr size_t kBodySize = 20;
  Bytes body(kBodySize);
  store_le<uint32_t>(body, 0, static_cast<uint32_t>(hpet::kCapabilitiesValue));
  put_address(body, 4, kSpaceMemory, 64, 0, layout::kHpetAddress);
  constexpr uint16_t kMinimumTick = 128;  // for periodic mode without lost interrupts
  store_le<uint16_t>(body, 17, kMinimumTick);
  return acpi_table("HPET", 1, body);
}

}  // namespace cumulet::hypervisor
