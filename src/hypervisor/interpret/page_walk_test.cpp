// Tests of the page walk: every combination of rights, accessed and dirty bits, reserved bits, other paging
// modes.
#include "hypervisor/interpret/page_walk.h"

#include <gtest/gtest.h>

#include "hypervisor/interpret/test_guest.h"

namespace cumulet::hypervisor {
namespace {

constexpr uint64_t kLinear = TestGuest::kSmallPages + 0x3123;
constexpr uint64_t kEntry = TestGuest::kSmallPageTable + 3 * 8;
constexpr uint64_t kNx = uint64_t{1} << 63;

// What the SDM (volume 3, 4.6.1) says, written down a second time and differently.
bool allowed(AccessType type, bool user_mode, bool user, bool write, bool nx, bool wp, bool smep, bool smap,
             bool ac) {
  if (user_mode && !user) return false;
  if (type == AccessType::kExecute) return !nx && (user_mode || !user || !smep);
  if (!user_mode && user && smap && !ac) return false;
  if (type == AccessType::kRead) return true;
  return write || (!user_mode && !wp);
}

TEST(PageWalk, EveryCombinationOfRights) {
  TestGuest guest;
  for (unsigned bits = 0; bits < 1u << 8; ++bits) {
    for (AccessType type : {AccessType::kRead, AccessType::kWrite, AccessType::kExecute}) {
      auto bit = [bits](int position) { return (bits >> position & 1) != 0; };
      bool user_mode = bit(0), user = bit(1), write = bit(2), nx = bit(3), wp = bit(4), smep = bit(5),
           smap = bit(6), ac = bit(7);
      if (user_mode) {
        guest.enter_user_mode();
      } else {
        guest.enter_long_mode();
      }
      CpuState& s = guest.state();
      s.cr0 = wp ? s.cr0 | cr0::kWp : s.cr0 & ~cr0::kWp;
      s.cr4 |= (smep ? cr4::kSmep : 0) | (smap ? cr4::kSmap : 0);
      if (ac) s.rflags |= rflags::kAc;
      guest.put64(kEntry, 0x300000 | 1 | (write ? 2 : 0) | (user ? 4 : 0) | (nx ? kNx : 0));
      auto result = walk_page(guest.cpu, kLinear, type);
      bool expected = allowed(type, user_mode, user, write, nx, wp, smep, smap, ac);
      ASSERT_EQ(std::holds_alternative<Translation>(result), expected)
          << bits << " " << static_cast<int>(type);
      uint64_t entry = guest.get64(kEntry);
      if (expected) {
        EXPECT_EQ(std::get<Translation>(result).page, 0x300000u);
        EXPECT_NE(entry & 0x20, 0u);
        EXPECT_EQ((entry & 0x40) != 0, type == AccessType::kWrite);
      } else {
        const Exception& fault = std::get<Exception>(result);
        uint32_t code = 1 | (type == AccessType::kWrite ? 2 : 0) | (user_mode ? 4 : 0) |
                        (type == AccessType::kExecute ? 16 : 0);
        EXPECT_EQ(fault.error_code, code);
        EXPECT_EQ(fault.address, kLinear);
        EXPECT_EQ(entry & 0x60, 0u);
      }
    }
  }
}

TEST(PageWalk, ReservedBitsAndMissingLevels) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.put64(kEntry, 0x300003 | uint64_t{1} << 51);
  EXPECT_EQ(std::get<Exception>(walk_page(guest.cpu, kLinear, AccessType::kRead)).error_code, 9u);
  guest.put64(kEntry, 0x300003 | kNx);
  guest.state().msr.efer &= ~efer::kNx;  // now a reserved bit
  EXPECT_EQ(std::get<Exception>(walk_page(guest.cpu, kLinear, AccessType::kWrite)).error_code, 11u);
  EXPECT_EQ(std::get<Exception>(walk_page(guest.cpu, uint64_t{1} << 40, AccessType::kWrite)).error_code, 2u);
  guest.put64(TestGuest::kPageTables + 0x2000, 0x2083);  // 2 MiB page with low bits set
  EXPECT_EQ(std::get<Exception>(walk_page(guest.cpu, 0, AccessType::kRead)).error_code, 9u);
  guest.put64(TestGuest::kPageTables + 8, 0x7000000003);  // a table outside RAM reads as all ones
  EXPECT_EQ(std::get<Exception>(walk_page(guest.cpu, uint64_t{1} << 39, AccessType::kRead)).error_code, 9u);
}

TEST(PageWalk, ImplicitSupervisorIgnoresLevelAndAc) {
  TestGuest guest;
  guest.enter_user_mode();
  guest.put64(kEntry, 0x300003);
  EXPECT_TRUE(std::holds_alternative<Exception>(walk_page(guest.cpu, kLinear, AccessType::kRead)));
  EXPECT_TRUE(std::holds_alternative<Translation>(
      walk_page(guest.cpu, kLinear, AccessType::kRead, AccessPrivilege::kImplicitSupervisor)));
  guest.put64(kEntry, 0x300007);
  guest.state().cr4 |= cr4::kSmap;
  guest.state().rflags |= rflags::kAc;
  EXPECT_TRUE(std::holds_alternative<Exception>(
      walk_page(guest.cpu, kLinear, AccessType::kRead, AccessPrivilege::kImplicitSupervisor)));
}

TEST(PageWalk, LargePagesAndGlobal) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.put64(TestGuest::kPageTables + 0x1008, uint64_t{1} << 30 | 0x183);  // 1 GiB, global
  auto translation = std::get<Translation>(walk_page(guest.cpu, 0x40000000 + 0x12345678, AccessType::kRead));
  EXPECT_EQ(translation.page, 0x40000000u + 0x12345000);
  EXPECT_EQ(translation.mapping_size, 1u << 30);
  EXPECT_TRUE(translation.global);
  EXPECT_FALSE(translation.writable);  // not dirty yet
  translation = std::get<Translation>(walk_page(guest.cpu, 0x40000000, AccessType::kWrite));
  EXPECT_TRUE(translation.writable);
}

TEST(PageWalk, TwoLevelPagingWithPse) {
  TestGuest guest;
  guest.enter_protected_mode();
  CpuState& s = guest.state();
  s.cr0 |= cr0::kPg;
  s.cr4 = cr4::kPse;
  s.cr3 = 0x300000;
  guest.put64(0x300000, 0x301003 | uint64_t{0x400083} << 32);
  guest.put64(0x301000 + 5 * 4, 0x00123001);
  auto translation = std::get<Translation>(walk_page(guest.cpu, 0x5678, AccessType::kRead));
  EXPECT_EQ(translation.page, 0x123000u);
  translation = std::get<Translation>(walk_page(guest.cpu, 0x456789, AccessType::kRead));
  EXPECT_EQ(translation.page, 0x456000u);
  EXPECT_EQ(translation.mapping_size, 1u << 22);
}

TEST(PageWalk, PagingOffIsTheIdentity) {
  TestGuest guest;
  guest.enter_real_mode();
  EXPECT_EQ(std::get<Translation>(walk_page(guest.cpu, 0xfffff123, AccessType::kWrite)).page, 0xfffff000u);
}

}  // namespace
}  // namespace cumulet::hypervisor
