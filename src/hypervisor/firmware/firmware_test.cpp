// Tests of the firmware's tables: checksums and pointers, AML as ACPICA reads it, SMBIOS as dmidecode reads
// it.
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

#include "hypervisor/firmware/acpi_tables.h"
#include "hypervisor/firmware/aml.h"
#include "hypervisor/firmware/dsdt.h"
#include "hypervisor/firmware/smbios.h"
#include "hypervisor/firmware/tables.h"

namespace cumulet::hypervisor {
namespace {

using Bytes = std::vector<uint8_t>;

const FirmwareConfig kConfig = {.processors = 4,
                                .memory_bytes = uint64_t{512} << 20,
                                .instance_id = "i-0123456789abcdef0",
                                .product_uuid = "ec2f0a1b-2c3d-4e5f-8091-a2b3c4d5e6f7"};

Bytes read_table(const GuestMemory& memory, GuestAddress address) {
  uint32_t size = 0;
  EXPECT_TRUE(memory.read_value<uint32_t>(address + 4, size));
  Bytes table(size);
  EXPECT_TRUE(memory.read(address, table));
  EXPECT_EQ(checksum(table), 0) << std::string(table.begin(), table.begin() + 4);
  return table;
}

TEST(Acpi, EveryTableIsReachedFromTheRootPointer) {
  auto memory = GuestMemory::create({{0, 2 << 20, 0}}).value();
  GuestAddress root = write_firmware_tables(*memory, kConfig).value();
  Bytes rsdp(36);
  ASSERT_TRUE(memory->read(root, rsdp));
  EXPECT_EQ(std::string(rsdp.begin(), rsdp.begin() + 8), "RSD PTR ");
  EXPECT_EQ(checksum(rsdp), 0);
  EXPECT_EQ(checksum(ByteView(rsdp).first(20)), 0);
  Bytes xsdt = read_table(*memory, load_le<uint64_t>(rsdp, 24));
  Bytes rsdt = read_table(*memory, load_le<uint32_t>(rsdp, 16));
  std::string found;
  for (size_t at = 36; at < xsdt.size(); at += 8) {
    Bytes table = read_table(*memory, load_le<uint64_t>(xsdt, at));
    EXPECT_EQ(load_le<uint32_t>(rsdt, 36 + (at - 36) / 2), load_le<uint64_t>(xsdt, at));
    found += std::string(table.begin(), table.begin() + 4) + " ";
    if (found.ends_with("FACP ")) {
      EXPECT_EQ(table.size(), 276u);
      Bytes dsdt = read_table(*memory, load_le<uint64_t>(table, 140));
      EXPECT_EQ(std::string(dsdt.begin(), dsdt.begin() + 4), "DSDT");
      EXPECT_EQ(load_le<uint32_t>(table, 36) % 64, 0u);
    }
  }
  EXPECT_EQ(found, "FACP APIC MCFG HPET ");
}

TEST(Acpi, RefusesAMachineWithoutRamForIt) {
  auto memory = GuestMemory::create({{0, 0x1000, 0}}).value();
  EXPECT_FALSE(write_firmware_tables(*memory, kConfig).has_value());
}

// Runs a tool over a file that holds `bytes` and returns what it printed, or nothing when it is not
// installed.
std::string run_tool(const std::string& tool, const std::string& arguments, const Bytes& bytes,
                     const std::string& result_file = {}) {
  if (!std::filesystem::exists("/usr/bin/" + tool) && !std::filesystem::exists("/usr/sbin/" + tool))
    return {};
  char folder[] = "/tmp/firmware-XXXXXX";
  EXPECT_NE(mkdtemp(folder), nullptr);
  std::string path = std::string(folder) + "/table.aml";
  std::ofstream(path, std::ios::binary)
      .write(static_cast<const char*>(static_cast<const void*>(bytes.data())),
             static_cast<long>(bytes.size()));
  std::string command =
      "cd " + std::string(folder) + " && PATH=$PATH:/usr/sbin " + tool + " " + arguments + " 2>&1";
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> buffer{};
  while (size_t got = fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), got);
  pclose(pipe);
  if (!result_file.empty()) {
    std::ostringstream text;
    text << std::ifstream(std::string(folder) + "/" + result_file).rdbuf();
    output += text.str();
  }
  std::filesystem::remove_all(folder);
  return output;
}

TEST(Acpi, AcpicaDisassemblesTheTables) {
  std::string dsdt = run_tool("iasl", "-d table.aml", build_dsdt(), "table.dsl");
  if (dsdt.empty()) GTEST_SKIP() << "iasl (Debian's acpica-tools) is not installed";
  for (const char* expected : {"Name (\\_S5, Package (0x04)", "Device (PCI0)", "EisaId (\"PNP0A08\")",
                               "Device (COM1)", "QWordMemory", "DWordMemory", "WordBusNumber", "IRQNoFlags"})
    EXPECT_NE(dsdt.find(expected), std::string::npos) << expected << " is not in\n" << dsdt;
  EXPECT_EQ(dsdt.find("Error"), std::string::npos) << dsdt;
  std::array<GuestAddress, 1> none{};
  for (const Bytes& table :
       {build_fadt(0x1000, 0x2000), build_madt(4), build_mcfg(), build_hpet(), build_xsdt(none)}) {
    std::string text = run_tool("iasl", "-d table.aml", table, "table.dsl");
    EXPECT_EQ(text.find("rror"), std::string::npos) << text;
    EXPECT_EQ(text.find("Invalid"), std::string::npos) << text;
  }
}

TEST(Aml, EncodesLengthsOfEverySize) {
  for (size_t size : {0, 10, 62, 63, 64, 4000, 5000, 70'000}) {
    Bytes contents(size, 0x55);
    Bytes encoded = aml::buffer(contents);
    size_t extra = encoded[1] >> 6;
    size_t length = extra == 0 ? encoded[1] & 0x3fu : encoded[1] & 0xfu;
    for (size_t i = 0; i < extra; ++i) length |= size_t{encoded[2 + i]} << (4 + 8 * i);
    EXPECT_EQ(length, encoded.size() - 1) << size;
  }
}

TEST(Smbios, HasTheInstancesIdentity) {
  Bytes table = build_smbios(kConfig).value();
  std::string text(table.begin(), table.end());
  EXPECT_NE(text.find("Amazon EC2"), std::string::npos);
  EXPECT_NE(text.find("i-0123456789abcdef0"), std::string::npos);
  Bytes entry = build_smbios_entry(0xf0040, static_cast<uint32_t>(table.size()));
  EXPECT_EQ(checksum(entry), 0);
  // dmidecode reads a dump whose entry point says that the table is 32 bytes into the file.
  Bytes dump = build_smbios_entry(32, static_cast<uint32_t>(table.size()));
  dump.resize(32);
  dump.insert(dump.end(), table.begin(), table.end());
  std::string decoded = run_tool("dmidecode", "--from-dump table.aml", dump);
  if (decoded.empty()) GTEST_SKIP() << "dmidecode is not installed";
  for (const char* expected :
       {"UUID: ec2f0a1b-2c3d-4e5f-8091-a2b3c4d5e6f7", "Serial Number: ec2f0a1b-2c3d-4e5f-8091-a2b3c4d5e6f7",
        "Asset Tag: i-0123456789abcdef0", "Vendor: Amazon EC2", "Size: 512 MB", "Core Count: 4",
        "End Of Table"})
    EXPECT_NE(decoded.find(expected), std::string::npos) << expected << " is not in\n" << decoded;
  for (const char* bad : {"TRUNCATED", "Wrong", "OUT OF SPEC", "<BAD INDEX>", "broken"})
    EXPECT_EQ(decoded.find(bad), std::string::npos) << bad << " is in\n" << decoded;
}

TEST(Smbios, RefusesBadIdentities) {
  auto code = [](const std::string& uuid, const std::string& id) {
    return build_smbios({.processors = 1, .memory_bytes = 1 << 20, .instance_id = id, .product_uuid = uuid})
        .error()
        .code;
  };
  EXPECT_EQ(code("ec2", ""), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("ec2f0a1b-2c3d-4e5f-8091-a2b3c4d5e6fg", ""), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("ec2f0a1b02c3d-4e5f-8091-a2b3c4d5e6f7", ""), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("", std::string(65, 'i')), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("", std::string("i\0d", 3)), ErrorCode::kInvalidArgument);
  auto uuid = parse_uuid("01234567-89ab-cdef-0011-223344556677").value();
  EXPECT_EQ(uuid[0], 0x67);
  EXPECT_EQ(uuid[4], 0xab);
  EXPECT_EQ(uuid[8], 0x00);
  EXPECT_EQ(uuid[15], 0x77);
}

}  // namespace
}  // namespace cumulet::hypervisor
