// Contents of the DSDT, from platform/layout.h.
#include "hypervisor/firmware/dsdt.h"

#include "hypervisor/firmware/acpi_tables.h"
#include "hypervisor/firmware/aml.h"
#include "hypervisor/platform/hpet.h"
#include "hypervisor/platform/layout.h"

namespace cumulet::hypervisor {

namespace {

aml::Bytes pci_host_bridge() {
  constexpr uint16_t kLastBus = layout::kEcamBusCount - 1;
  return aml::device(
      "PCI0",
      aml::join({
          aml::name("_HID", aml::eisa_id("PNP0A08")),  // PCI Express
          aml::name("_CID", aml::eisa_id("PNP0A03")),
          aml::name("_UID", aml::integer(0)),
          aml::name("_SEG", aml::integer(0)),
          aml::name("_BBN", aml::integer(0)),
          aml::name("_CRS", aml::resource_template({
                                aml::bus_range(0, kLastBus),
                                aml::io_ports(layout::kPciConfigPort, 8),
                                aml::port_range(layout::kPciPortStart, layout::kPciPortEnd - 1),
                                aml::memory_range_32(static_cast<uint32_t>(layout::kPciMemory32Start),
                                                     static_cast<uint32_t>(layout::kPciMemory32End - 1)),
                                aml::memory_range_64(layout::kPciMemory64Start, layout::kPciMemory64End - 1),
                            })),
      }));
}

// What no driver may take: ECAM, which Linux uses only if some device reserves it, and the ACPI ports.
aml::Bytes motherboard() {
  constexpr uint32_t kEcamSize = layout::kEcamBusCount << 20;
  return aml::device(
      "MBRD",
      aml::join({
          aml::name("_HID", aml::eisa_id("PNP0C02")),
          aml::name("_UID", aml::integer(0)),
          aml::name("_CRS",
                    aml::resource_template({
                        aml::fixed_memory(static_cast<uint32_t>(layout::kEcamAddress), kEcamSize, true),
                        aml::io_ports(layout::kAcpiPort, layout::kAcpiPortCount),
                    })),
      }));
}

aml::Bytes hpet_timer() {
  return aml::device(
      "HPET",
      aml::join({
          aml::name("_HID", aml::eisa_id("PNP0103")),
          aml::name("_UID", aml::integer(0)),
          aml::name("_CRS", aml::resource_template({aml::fixed_memory(
                                static_cast<uint32_t>(layout::kHpetAddress), Hpet::kWindowSize, false)})),
      }));
}

aml::Bytes real_time_clock() {
  return aml::device("RTC", aml::join({
                                aml::name("_HID", aml::eisa_id("PNP0B00")),
                                aml::name("_CRS", aml::resource_template({aml::io_ports(layout::kRtcPort, 2),
                                                                          aml::irq(layout::kRtcIrq)})),
                            }));
}

aml::Bytes serial_port() {
  return aml::device(
      "COM1", aml::join({
                  aml::name("_HID", aml::eisa_id("PNP0501")),
                  aml::name("_UID", aml::integer(1)),
                  aml::name("_CRS", aml::resource_template(
                                        {aml::io_ports(layout::kCom1Port, 8), aml::irq(layout::kCom1Irq)})),
              }));
}

}  // namespace

std::vector<uint8_t> build_dsdt() {
  aml::Bytes soft_off = aml::package({aml::integer(layout::kSleepTypeS5), aml::integer(layout::kSleepTypeS5),
                                      aml::integer(0), aml::integer(0)});
  aml::Bytes devices =
      aml::join({pci_host_bridge(), motherboard(), hpet_timer(), real_time_clock(), serial_port()});
  constexpr uint8_t kRevision = 2;  // 64-bit integers
  return acpi_table("DSDT", kRevision,
                    aml::join({aml::name("\\_S5", soft_off), aml::scope("\\_SB", devices)}));
}

}  // namespace cumulet::hypervisor
