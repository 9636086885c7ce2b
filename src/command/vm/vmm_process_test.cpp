// Tests of a VMM process: control requests, console ring, exit record and lock, as the node agent uses them.
#include "command/vm/vmm_process.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "hypervisor/boot/kernel_images.h"
#include "node/protocol/console_ring.h"
#include "node/protocol/unix_address.h"
#include "node/protocol/vmm_config.h"
#include "node/protocol/vmm_control.h"
#include "node/protocol/vmm_exit.h"

namespace cumulet::command {
namespace {

constexpr int kTimeoutMs = 30'000;

class VmmProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/vmm-process-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    config_.instance_id = "i-0123456789abcdef0";
    config_.kernel = folder_ + "/kernel";
    config_.memory_mib = 4;
    config_.engine = node::EngineChoice::kEmulated;
    config_.console_file = folder_ + "/console";
    config_.control_socket = folder_ + "/control";
    config_.exit_file = folder_ + "/exit";
    config_.lock_file = folder_ + "/lock";
    config_.debug_exit = true;
  }
  void TearDown() override {
    for (pid_t child : children_) {
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }

  void write_file(const std::string& path, ByteView bytes) {
    std::ofstream(path, std::ios::binary)
        .write(static_cast<const char*>(static_cast<const void*>(bytes.data())),
               static_cast<long>(bytes.size()));
  }
  // Starts a VMM for a guest that runs `code` in 32-bit mode.
  pid_t start(std::initializer_list<uint8_t> code) {
    write_file(config_.kernel, hypervisor::make_multiboot(0x100000, std::vector<uint8_t>(code)));
    return start_process();
  }
  pid_t start_process() {
    std::string path = folder_ + "/config";
    std::ofstream(path) << node::encode_vmm_config(config_);
    pid_t child = fork();
    if (child == 0) _exit(run_vmm_process(path));
    children_.push_back(child);
    return child;
  }
  int wait_for_end(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    std::erase(children_, child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  static bool eventually(const std::function<bool()>& condition) {
    for (int tries = 0; tries < kTimeoutMs && !condition(); ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return condition();
  }
  Result<node::VmmStatus> call(node::VmmRequest request) {
    return node::call_vmm(config_.control_socket, request, kTimeoutMs);
  }
  bool reaches(const std::string& state, uint64_t resets = 0) {
    return eventually([&] {
      auto status = call(node::VmmRequest::kStatus);
      return status && status->state == state && status->resets == resets;
    });
  }
  node::VmmExit exit_record() { return node::read_vmm_exit(config_.exit_file).value(); }

  std::string folder_;
  node::VmmConfig config_;
  std::vector<pid_t> children_;
};

// Prints "A" and loops for ever.
constexpr std::initializer_list<uint8_t> kPrintAndLoop = {0x66, 0xba, 0xf8, 0x03, 0xb0,
                                                          'A',  0xee, 0xeb, 0xfe};

TEST_F(VmmProcessTest, AnswersResetsAndIsKilled) {
  pid_t child = start(kPrintAndLoop);
  ASSERT_TRUE(reaches("running"));
  auto status = call(node::VmmRequest::kStatus).value();
  EXPECT_EQ(status.instance_id, config_.instance_id);
  EXPECT_EQ(status.engine, "emulated");
  EXPECT_EQ(status.process_id, static_cast<uint64_t>(child));
  EXPECT_TRUE(eventually([&] { return node::read_console(config_.console_file, 10)->text == "A"; }));
  EXPECT_TRUE(call(node::VmmRequest::kPressPowerButton).has_value());
  EXPECT_TRUE(call(node::VmmRequest::kReset).has_value());
  EXPECT_TRUE(reaches("running", 1));
  EXPECT_TRUE(eventually([&] { return node::read_console(config_.console_file, 10)->text == "AA"; }));
  EXPECT_TRUE(call(node::VmmRequest::kKill).has_value());
  EXPECT_EQ(wait_for_end(child), kVmmEnded);
  EXPECT_EQ(exit_record().reason, node::VmmExitReason::kKilled);
  EXPECT_FALSE(std::filesystem::exists(config_.control_socket));
}

TEST_F(VmmProcessTest, EndsBySignal) {
  pid_t child = start(kPrintAndLoop);
  ASSERT_TRUE(reaches("running"));
  kill(child, SIGTERM);
  EXPECT_EQ(wait_for_end(child), kVmmEnded);
  EXPECT_EQ(exit_record().reason, node::VmmExitReason::kKilled);
}

TEST_F(VmmProcessTest, RecordsTheGuestsEnd) {
  EXPECT_EQ(wait_for_end(start({0x66, 0xba, 0xf4, 0x00, 0xb0, 0x07, 0xee, 0xf4})), kVmmEnded);
  EXPECT_EQ(exit_record(), (node::VmmExit{node::VmmExitReason::kDebugExit, 7, ""}));
  // mov dx, 0x604; mov ax, S5 | SLP_EN; out dx, ax
  EXPECT_EQ(wait_for_end(start({0x66, 0xba, 0x04, 0x06, 0x66, 0xb8, 0x00, 0x34, 0x66, 0xef, 0xf4})),
            kVmmEnded);
  EXPECT_EQ(exit_record().reason, node::VmmExitReason::kPoweroff);
  // The IDT of the start is empty: ud2 is a triple fault.
  EXPECT_EQ(wait_for_end(start({0x0f, 0x0b})), kVmmEnded);
  EXPECT_EQ(exit_record().reason, node::VmmExitReason::kTripleFault);
}

TEST_F(VmmProcessTest, RunsAnInstanceOnlyOnce) {
  pid_t first = start(kPrintAndLoop);
  ASSERT_TRUE(reaches("running"));
  EXPECT_EQ(wait_for_end(start_process()), kVmmAlreadyRunning);
  EXPECT_TRUE(call(node::VmmRequest::kStatus).has_value());
  EXPECT_FALSE(std::filesystem::exists(config_.exit_file));
  kill(first, SIGKILL);
  EXPECT_EQ(wait_for_end(first), -SIGKILL);
  pid_t second = start_process();  // the dead one left its socket, and the kernel let go of its lock
  EXPECT_TRUE(reaches("running"));
  EXPECT_TRUE(call(node::VmmRequest::kKill).has_value());
  EXPECT_EQ(wait_for_end(second), kVmmEnded);
}

TEST_F(VmmProcessTest, SaysWhyItCannotStart) {
  config_.kernel = folder_ + "/no-such-kernel";
  EXPECT_EQ(wait_for_end(start_process()), kVmmFailed);
  EXPECT_EQ(exit_record().reason, node::VmmExitReason::kFailure);
  EXPECT_NE(exit_record().message.find("no kernel at"), std::string::npos) << exit_record().message;
  write_file(folder_ + "/config", {});
  pid_t child = fork();
  if (child == 0) _exit(run_vmm_process(folder_ + "/config"));
  EXPECT_EQ(wait_for_end(child), kVmmBadConfig);
}

TEST_F(VmmProcessTest, OutlivesBadClients) {
  pid_t child = start(kPrintAndLoop);
  ASSERT_TRUE(reaches("running"));
  auto address = node::UnixAddress::create(config_.control_socket).value();
  std::vector<UniqueFd> idle;
  for (int i = 0; i < 40; ++i) {  // more than it serves at once
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (connect(fd.get(), address.get(), node::UnixAddress::size()) == 0) idle.push_back(std::move(fd));
  }
  std::string noise(100'000, 'x');
  for (UniqueFd& fd : idle) (void)send(fd.get(), noise.data(), noise.size(), MSG_NOSIGNAL);
  idle.clear();
  EXPECT_TRUE(reaches("running"));
  EXPECT_TRUE(call(node::VmmRequest::kKill).has_value());
  EXPECT_EQ(wait_for_end(child), kVmmEnded);
}

}  // namespace
}  // namespace cumulet::command
