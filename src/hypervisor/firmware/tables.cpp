// Placement of the tables, and the pointers between them.
#include "hypervisor/firmware/tables.h"

#include <vector>

#include "hypervisor/firmware/acpi_tables.h"
#include "hypervisor/firmware/dsdt.h"
#include "hypervisor/firmware/smbios.h"

namespace cumulet::hypervisor {

namespace {

constexpr GuestAddress kRsdpAddress = 0xe0000, kAcpiStart = 0xe0100, kAcpiEnd = 0xf0000;
constexpr GuestAddress kSmbiosEntry = 0xf0000, kSmbiosTable = 0xf0040, kSmbiosEnd = 0x100000;
constexpr uint64_t kAlignment = 64;  // FACS wants 64; for the others it does no harm

// Hands out addresses in [kAcpiStart, kAcpiEnd) and writes tables there.
class Placer {
 public:
  explicit Placer(GuestMemory& memory) : memory_(memory) {}

  Result<GuestAddress> place(ByteView table) {
    GuestAddress address = next_;
    if (table.size() > kAcpiEnd - address)
      return fail(ErrorCode::kInvalidArgument, "the ACPI tables do not fit below 1 MiB");
    if (!memory_.write(address, table))
      return fail(ErrorCode::kInvalidArgument, "the guest has no memory for the firmware's tables");
    next_ += (table.size() + kAlignment - 1) / kAlignment * kAlignment;
    return address;
  }

 private:
  GuestMemory& memory_;
  GuestAddress next_ = kAcpiStart;
};

}  // namespace

Result<GuestAddress> write_firmware_tables(GuestMemory& memory, const FirmwareConfig& config) {
  Placer placer(memory);
  GuestAddress facs = TRY(placer.place(build_facs()));
  GuestAddress dsdt = TRY(placer.place(build_dsdt()));
  std::vector<GuestAddress> tables;
  tables.push_back(TRY(placer.place(build_fadt(facs, dsdt))));
  tables.push_back(TRY(placer.place(build_madt(config.processors))));
  tables.push_back(TRY(placer.place(build_mcfg())));
  tables.push_back(TRY(placer.place(build_hpet())));
  GuestAddress rsdt = TRY(placer.place(build_rsdt(tables)));
  GuestAddress xsdt = TRY(placer.place(build_xsdt(tables)));
  std::vector<uint8_t> smbios = TRY(build_smbios(config));
  if (smbios.size() > kSmbiosEnd - kSmbiosTable)
    return fail(ErrorCode::kInvalidArgument, "the SMBIOS tables do not fit below 1 MiB");
  if (!memory.write(kRsdpAddress, build_rsdp(rsdt, xsdt)) || !memory.write(kSmbiosTable, smbios) ||
      !memory.write(kSmbiosEntry, build_smbios_entry(kSmbiosTable, static_cast<uint32_t>(smbios.size()))))
    return fail(ErrorCode::kInvalidArgument, "the guest has no memory for the firmware's tables");
  return kRsdpAddress;
}

}  // namespace cumulet::hypervisor
