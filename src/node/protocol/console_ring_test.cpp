// Tests of the console ring: order, wrap-around, reopening, damaged files, a reader beside a writer.
#include "node/protocol/console_ring.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

namespace cumulet::node {
namespace {

class ConsoleRingTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/console-ring-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    path_ = folder_ + "/console";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  static void append(ConsoleRing& ring, const std::string& text) {
    std::vector<uint8_t> bytes(text.begin(), text.end());
    ring.append(bytes);
  }
  std::string folder_, path_;
};

TEST_F(ConsoleRingTest, GivesTheLastBytesInOrder) {
  auto ring = ConsoleRing::open(path_, 10).value();
  EXPECT_EQ(read_console(path_, 100)->text, "");
  append(*ring, "hello");
  EXPECT_EQ(read_console(path_, 100)->text, "hello");
  EXPECT_EQ(read_console(path_, 2)->text, "lo");
  append(*ring, " world");
  EXPECT_EQ(read_console(path_, 100)->text, "ello world");
  EXPECT_EQ(read_console(path_, 100)->total, 11u);
  append(*ring, "0123456789abcdefghijklm");
  EXPECT_EQ(read_console(path_, 4)->text, "jklm");
  EXPECT_EQ(read_console(path_, 100)->text, "defghijklm");
}

TEST_F(ConsoleRingTest, GoesOnAfterReopening) {
  append(*ConsoleRing::open(path_, 10).value(), "12345678");
  auto ring = ConsoleRing::open(path_, 99).value();
  EXPECT_EQ(ring->total(), 8u);
  append(*ring, "abcd");
  EXPECT_EQ(read_console(path_, 100)->text, "345678abcd");
}

TEST_F(ConsoleRingTest, RefusesWhatIsNoRing) {
  EXPECT_EQ(read_console(path_, 1).error().code, ErrorCode::kNotFound);
  std::ofstream(path_) << "short";
  EXPECT_EQ(read_console(path_, 1).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(ConsoleRing::open(path_).error().code, ErrorCode::kCorrupt);
  std::ofstream(path_) << std::string(8192, 'x');
  EXPECT_EQ(read_console(path_, 1).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(ConsoleRing::open(path_).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(ConsoleRing::open(folder_ + "/no/such").error().code, ErrorCode::kIo);
  EXPECT_EQ(ConsoleRing::open(path_, 0).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ConsoleRingTest, AReaderNeverSeesTornText) {
  auto ring = ConsoleRing::open(path_, 1000).value();
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    // Byte number n is n mod 251, so that any run of bytes proves where it comes from.
    uint64_t n = 0;
    while (!stop) {
      std::vector<uint8_t> bytes(n % 37 + 1);
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(n++ % 251);
      ring->append(bytes);
    }
  });
  for (int round = 0; round < 2000; ++round) {
    auto output = read_console(path_, 900);
    if (!output.has_value()) {
      ADD_FAILURE() << output.error().to_string();
      break;
    }
    uint64_t n = output->total - output->text.size();
    bool right = true;
    for (char character : output->text) right &= static_cast<uint8_t>(character) == n++ % 251;
    EXPECT_TRUE(right) << "round " << round;
    if (!right) break;
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace cumulet::node
