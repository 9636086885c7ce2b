// SMBIOS structures, field by field (DMTF DSP0134, version 3.0).
#include "hypervisor/firmware/smbios.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "base/check.h"
#include "hypervisor/firmware/acpi_tables.h"

namespace cumulet::hypervisor {

namespace {

constexpr std::string_view kVendor = "Amazon EC2";  // what stock images look for in DMI
constexpr size_t kMaximumIdLength = 64;

enum Handle : uint16_t {
  kFirmwareHandle,
  kSystemHandle,
  kBoardHandle,
  kChassisHandle,
  kProcessorHandle,
  kMemoryArrayHandle,
  kMemoryDeviceHandle,
  kMappedAddressHandle,
  kBootHandle,
  kEndHandle,
};

// One structure: formatted part, then its strings.
class Structure {
 public:
  Structure(uint8_t type, uint16_t handle) {
    put<uint8_t>(type);
    put<uint8_t>(0);  // length, filled in by finish()
    put<uint16_t>(handle);
  }
  template <class Integer>
  Structure& put(Integer value) {
    size_t at = bytes_.size();
    bytes_.resize(at + sizeof(Integer));
    store_le<Integer>(bytes_, at, value);
    return *this;
  }
  Structure& put_bytes(ByteView bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  // Refers to a string; an empty one is "not specified".
  Structure& put_string(std::string_view text) {
    if (text.empty()) return put<uint8_t>(0);
    strings_.insert(strings_.end(), text.begin(), text.end());
    strings_.push_back(0);
    return put<uint8_t>(++string_count_);
  }
  void finish(std::vector<uint8_t>& table) {
    CHECK(bytes_.size() <= 0xff);
    bytes_[1] = static_cast<uint8_t>(bytes_.size());
    if (strings_.empty()) strings_.push_back(0);  // 6.1.3: two zeros end the structure in any case
    strings_.push_back(0);
    table.insert(table.end(), bytes_.begin(), bytes_.end());
    table.insert(table.end(), strings_.begin(), strings_.end());
  }

 private:
  std::vector<uint8_t> bytes_, strings_;
  uint8_t string_count_ = 0;
};

void add_firmware(std::vector<uint8_t>& table) {
  constexpr uint64_t kCharacteristicsNotSupported = 1 << 3;
  constexpr uint8_t kAcpi = 1 << 0, kVirtualMachine = 1 << 4;
  Structure(0, kFirmwareHandle)
      .put_string(kVendor)
      .put_string("1.0")
      .put<uint16_t>(0xf000)
      .put_string("10/16/2017")
      .put<uint8_t>(0)
      .put<uint64_t>(kCharacteristicsNotSupported)
      .put<uint8_t>(kAcpi)
      .put<uint8_t>(kVirtualMachine)
      .put<uint8_t>(1)
      .put<uint8_t>(0)
      .put<uint8_t>(0xff)
      .put<uint8_t>(0xff)
      .finish(table);
}

void add_system(std::vector<uint8_t>& table, const FirmwareConfig& config,
                const std::array<uint8_t, 16>& uuid) {
  constexpr uint8_t kPowerSwitch = 6;
  // cloud-init takes a machine for an EC2 instance when the serial number equals the UUID and both begin with
  // "ec2".
  Structure(1, kSystemHandle)
      .put_string(kVendor)
      .put_string("Cumulet")
      .put_string("")
      .put_string(config.product_uuid)
      .put_bytes(uuid)
      .put<uint8_t>(kPowerSwitch)
      .put_string("")
      .put_string("")
      .finish(table);
}

void add_board_and_chassis(std::vector<uint8_t>& table, const FirmwareConfig& config) {
  constexpr uint8_t kHostingBoard = 1 << 0, kMotherboard = 0x0a, kOther = 1, kUnknown = 2, kSafe = 3;
  Structure(2, kBoardHandle)
      .put_string(kVendor)
      .put_string("")
      .put_string("")
      .put_string("")
      .put_string(config.instance_id)
      .put<uint8_t>(kHostingBoard)
      .put_string("")
      .put<uint16_t>(kChassisHandle)
      .put<uint8_t>(kMotherboard)
      .put<uint8_t>(0)
      .finish(table);
  Structure(3, kChassisHandle)
      .put_string(kVendor)
      .put<uint8_t>(kOther)
      .put_string("")
      .put_string("")
      .put_string(kVendor)
      .put<uint8_t>(kSafe)
      .put<uint8_t>(kSafe)
      .put<uint8_t>(kSafe)
      .put<uint8_t>(kUnknown)
      .put<uint32_t>(0)
      .put<uint8_t>(0)
      .put<uint8_t>(0)
      .put<uint8_t>(0)
      .put<uint8_t>(0)
      .put_string("")
      .finish(table);
}

void add_processor(std::vector<uint8_t>& table, const FirmwareConfig& config) {
  constexpr uint8_t kCentralProcessor = 3, kUnknown = 2, kOther = 1, kEnabledSocket = 0x41;
  constexpr uint16_t kNoCache = 0xffff, k64BitMultiCore = 1 << 2 | 1 << 3;
  auto cores = static_cast<uint8_t>(std::min(config.processors, 255u));
  Structure(4, kProcessorHandle)
      .put_string("CPU 0")
      .put<uint8_t>(kCentralProcessor)
      .put<uint8_t>(kUnknown)
      .put_string(kVendor)
      .put<uint64_t>(0)
      .put_string("")
      .put<uint8_t>(0)
      .put<uint16_t>(0)
      .put<uint16_t>(0)
      .put<uint16_t>(0)
      .put<uint8_t>(kEnabledSocket)
      .put<uint8_t>(kOther)
      .put<uint16_t>(kNoCache)
      .put<uint16_t>(kNoCache)
      .put<uint16_t>(kNoCache)
      .put_string("")
      .put_string("")
      .put_string("")
      .put<uint8_t>(cores)
      .put<uint8_t>(cores)
      .put<uint8_t>(cores)
      .put<uint16_t>(k64BitMultiCore)
      .put<uint16_t>(kUnknown)
      .put<uint16_t>(cores)
      .put<uint16_t>(cores)
      .put<uint16_t>(cores)
      .finish(table);
}

void add_memory(std::vector<uint8_t>& table, const FirmwareConfig& config) {
  constexpr uint8_t kOther = 1, kSystemMemory = 3, kNoCorrection = 3, kDimm = 9, kRam = 7;
  constexpr uint16_t kNoErrorInformation = 0xfffe, kUnknownWidth = 0xffff, kUseExtended = 0x7fff;
  constexpr uint32_t kUseExtendedCapacity = 0x80000000;
  uint64_t mib = config.memory_bytes >> 20;
  Structure(16, kMemoryArrayHandle)
      .put<uint8_t>(kOther)
      .put<uint8_t>(kSystemMemory)
      .put<uint8_t>(kNoCorrection)
      .put<uint32_t>(kUseExtendedCapacity)
      .put<uint16_t>(kNoErrorInformation)
      .put<uint16_t>(1)
      .put<uint64_t>(config.memory_bytes)
      .finish(table);
  Structure(17, kMemoryDeviceHandle)
      .put<uint16_t>(kMemoryArrayHandle)
      .put<uint16_t>(kNoErrorInformation)
      .put<uint16_t>(kUnknownWidth)
      .put<uint16_t>(kUnknownWidth)
      .put<uint16_t>(mib < kUseExtended ? static_cast<uint16_t>(mib) : kUseExtended)
      .put<uint8_t>(kDimm)
      .put<uint8_t>(0)
      .put_string("DIMM 0")
      .put_string("")
      .put<uint8_t>(kRam)
      .put<uint16_t>(1 << 1)
      .put<uint16_t>(0)
      .put_string(kVendor)
      .put_string("")
      .put_string("")
      .put_string("")
      .put<uint8_t>(0)
      .put<uint32_t>(mib < kUseExtended ? 0 : static_cast<uint32_t>(mib))
      .put<uint16_t>(0)
      .put<uint16_t>(0)
      .put<uint16_t>(0)
      .put<uint16_t>(0)
      .finish(table);
  Structure(19, kMappedAddressHandle)
      .put<uint32_t>(UINT32_MAX)
      .put<uint32_t>(UINT32_MAX)
      .put<uint16_t>(kMemoryArrayHandle)
      .put<uint8_t>(1)
      .put<uint64_t>(0)
      .put<uint64_t>(config.memory_bytes - 1)
      .finish(table);
}

void add_boot_and_end(std::vector<uint8_t>& table) {
  Structure boot(32, kBootHandle);
  for (int reserved = 0; reserved < 6; ++reserved) boot.put<uint8_t>(0);
  boot.put<uint8_t>(0).finish(table);  // no errors detected
  Structure(127, kEndHandle).finish(table);
}

}  // namespace

Result<std::array<uint8_t, 16>> parse_uuid(std::string_view text) {
  std::array<uint8_t, 16> bytes{};
  size_t digits = 0;
  constexpr size_t kLength = 36;
  bool well_formed = text.size() == kLength;
  for (size_t i = 0; well_formed && i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      well_formed = text[i] == '-';
      continue;
    }
    auto character = static_cast<unsigned char>(text[i]);
    well_formed = std::isxdigit(character) != 0;
    int value = std::isdigit(character) != 0 ? character - '0' : std::tolower(character) - 'a' + 10;
    bytes[digits / 2] = static_cast<uint8_t>(bytes[digits / 2] << 4 | (value & 0xf));
    ++digits;
  }
  if (!well_formed)
    return fail(ErrorCode::kInvalidArgument, "'" + std::string(text) + "' is not a UUID (8-4-4-4-12 digits)");
  std::reverse(bytes.begin(), bytes.begin() + 4);
  std::reverse(bytes.begin() + 4, bytes.begin() + 6);
  std::reverse(bytes.begin() + 6, bytes.begin() + 8);
  return bytes;
}

Result<std::vector<uint8_t>> build_smbios(const FirmwareConfig& config) {
  std::array<uint8_t, 16> uuid{};
  if (!config.product_uuid.empty()) uuid = TRY(parse_uuid(config.product_uuid));
  if (config.instance_id.size() > kMaximumIdLength || config.instance_id.find('\0') != std::string::npos)
    return fail(ErrorCode::kInvalidArgument, "the instance id is too long or has a zero byte in it");
  std::vector<uint8_t> table;
  add_firmware(table);
  add_system(table, config, uuid);
  add_board_and_chassis(table, config);
  add_processor(table, config);
  add_memory(table, config);
  add_boot_and_end(table);
  return table;
}

std::vector<uint8_t> build_smbios_entry(GuestAddress table, uint32_t size) {
  constexpr std::string_view kAnchor = "_SM3_";
  constexpr uint8_t kSize = 0x18;
  std::vector<uint8_t> entry(kSize);
  std::copy(kAnchor.begin(), kAnchor.end(), entry.begin());
  entry[6] = kSize;
  entry[7] = 3;   // major version
  entry[10] = 1;  // entry point revision
  store_le<uint32_t>(entry, 12, size);
  store_le<uint64_t>(entry, 16, table);
  entry[5] = checksum(entry);
  return entry;
}

}  // namespace cumulet::hypervisor
