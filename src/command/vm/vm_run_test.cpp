// Tests of `vm run`: exit statuses, and a console on a real (pseudo) terminal with the escape key.
#include "command/vm/vm_run.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "hypervisor/boot/kernel_images.h"

namespace cumulet::command {
namespace {

constexpr int kTimeoutMs = 30'000;

class VmRunTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/vm-run-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    options_.machine.kernel = folder_ + "/kernel";
    options_.machine.memory_mib = 4;
    options_.machine.debug_exit = true;
    options_.engine = "emulated";
  }
  void TearDown() override {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }
  void use_program(std::initializer_list<uint8_t> code) {
    std::vector<uint8_t> kernel = hypervisor::make_multiboot(0x100000, std::vector<uint8_t>(code));
    std::ofstream(options_.machine.kernel, std::ios::binary)
        .write(static_cast<const char*>(static_cast<const void*>(kernel.data())),
               static_cast<long>(kernel.size()));
  }
  // Runs a program with nothing at standard input.
  int status_of(std::initializer_list<uint8_t> code) {
    use_program(code);
    child_ = fork();
    if (child_ == 0) {
      int null = open("/dev/null", O_RDWR);
      dup2(null, STDIN_FILENO);
      _exit(vm_run(options_));
    }
    return wait_for_end();
  }
  int wait_for_end() {
    int status = 0;
    waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  // Reads from the terminal until `text` has come, or half a minute without a byte has passed.
  bool appears(int terminal, const std::string& text) {
    while (seen_.find(text) == std::string::npos) {
      pollfd waiting = {terminal, POLLIN, 0};
      char buffer[256];
      if (poll(&waiting, 1, kTimeoutMs) <= 0) return false;
      ssize_t got = read(terminal, buffer, sizeof(buffer));
      if (got <= 0) return false;
      seen_.append(buffer, static_cast<size_t>(got));
    }
    return true;
  }

  std::string folder_;
  VmRunOptions options_;
  pid_t child_ = -1;
  std::string seen_;
};

TEST_F(VmRunTest, TurnsTheEndIntoAnExitStatus) {
  EXPECT_EQ(status_of({0x66, 0xba, 0x04, 0x06, 0x66, 0xb8, 0x00, 0x34, 0x66, 0xef, 0xf4}), 0);  // S5
  EXPECT_EQ(status_of({0x66, 0xba, 0xf4, 0x00, 0xb0, 0x07, 0xee, 0xf4}), 15);  // 7 to port 0xf4
  EXPECT_EQ(status_of({0x0f, 0x0b}), 4);                                       // triple fault
  options_.machine.initrd = folder_ + "/no-such-initrd";
  EXPECT_EQ(status_of({0xf4}), 2);
}

TEST_F(VmRunTest, ConnectsATerminalAndQuitsByEscape) {
  // Prints '>', then echoes what comes: poll the line status at 0x3fd, read 0x3f8, write it back.
  use_program({0x66, 0xba, 0xf8, 0x03, 0xb0, '>',  0xee,              //
               0x66, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xf7,  //
               0x66, 0xba, 0xf8, 0x03, 0xec, 0xee, 0xeb, 0xef});
  int terminal_fd = -1;
  child_ = forkpty(&terminal_fd, nullptr, nullptr, nullptr);
  if (child_ == 0) _exit(vm_run(options_));
  ASSERT_GT(child_, 0);
  UniqueFd terminal(terminal_fd);
  ASSERT_TRUE(appears(terminal.get(), ">"));
  // Raw: control characters reach the guest, and nothing is echoed but by it.
  std::string typed = "a\x03\x01\x01z";
  ASSERT_EQ(write(terminal.get(), typed.data(), typed.size()), static_cast<ssize_t>(typed.size()));
  EXPECT_TRUE(appears(terminal.get(), ">a\x03\x01z")) << seen_;
  ASSERT_EQ(write(terminal.get(), "\x01x", 2), 2);
  EXPECT_EQ(wait_for_end(), 0);
}

}  // namespace
}  // namespace cumulet::command
