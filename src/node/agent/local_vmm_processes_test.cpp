// Tests of VMM processes with a shell script in the VMM's place: real locks, real processes, real kills.
#include "node/agent/local_vmm_processes.h"

#include <chrono>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "node/agent/vmm_lock.h"

namespace cumulet::node {
namespace {

using control::HostId;
using control::InstanceId;

class LocalVmmProcessesTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/cumulet-vmm-XXXXXX";
    state_ = mkdtemp(pattern);
  }
  void TearDown() override {
    (void)processes("sleep 60").kill(id_);
    EXPECT_TRUE(becomes([&] { return !look().has_value() || look()->presence != VmmPresence::kAlive; }));
    std::filesystem::remove_all(state_);
  }

  // A VMM that does what the script says.
  LocalVmmProcesses& processes(const std::string& script) {
    const std::string program = state_ / "vmm";
    std::ofstream(program) << "#!/bin/sh\n" << script << "\n";
    chmod(program.c_str(), 0700);
    agents_.push_back(std::make_unique<LocalVmmProcesses>(state_, host_, program));
    return *agents_.back();
  }
  Result<VmmSight> look() { return LocalVmmProcesses(state_, host_, "").look(id_); }

  static bool becomes(const std::function<bool()>& condition) {
    for (int i = 0; i < 6000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  bool ends(LocalVmmProcesses& vmms) {
    return becomes([&] { return vmms.look(id_).value().presence == VmmPresence::kEnded; });
  }
  bool is_known() {
    const auto identity = VmmLock::read(folder().lock());
    return identity && *identity;
  }
  InstanceFolder folder() { return {state_, host_, id_}; }

  std::filesystem::path state_;
  const HostId host_{"zone-1"};
  const InstanceId id_{"i-0123456789abcdef0"};
  std::vector<std::unique_ptr<LocalVmmProcesses>> agents_;
};

TEST_F(LocalVmmProcessesTest, NothingIsAbsent) {
  LocalVmmProcesses& vmms = processes("exit 0");
  EXPECT_EQ(vmms.look(id_).value().presence, VmmPresence::kAbsent);
  EXPECT_TRUE(vmms.list().value().empty());
  EXPECT_TRUE(vmms.remove(id_));
  EXPECT_FALSE(vmms.is_guest_running(id_));
}

TEST_F(LocalVmmProcessesTest, RunsAsASessionOfItsOwnWithoutOurFiles) {
  LocalVmmProcesses& vmms =
      processes("ls -l /proc/$$/fd > " + (state_ / "fds").string() + "; cut -d' ' -f6 /proc/$$/stat > " +
                (state_ / "sid").string() + "; echo $$ >> " + (state_ / "sid").string());
  ASSERT_TRUE(vmms.start(id_, 1, {}));
  ASSERT_TRUE(ends(vmms));
  std::ifstream file(state_ / "sid");
  int session = 0;
  int process = -1;
  file >> session >> process;
  EXPECT_EQ(session, process);
  std::ifstream fds(state_ / "fds");
  const std::string text((std::istreambuf_iterator<char>(fds)), {});
  EXPECT_EQ(text.find("socket:"), std::string::npos) << text;
  EXPECT_EQ(text.find("store"), std::string::npos) << text;
}

TEST_F(LocalVmmProcessesTest, ALivingVmmIsSeenByEveryAgentAndNeverDoubled) {
  LocalVmmProcesses& vmms = processes("exec sleep 60");
  ASSERT_TRUE(vmms.start(id_, 7, {}));
  ASSERT_TRUE(becomes([&] { return is_known(); }));
  LocalVmmProcesses& later = processes("exec sleep 60");  // an agent after a restart
  const VmmSight sight = later.look(id_).value();
  EXPECT_EQ(sight.presence, VmmPresence::kAlive);
  EXPECT_EQ(sight.launch, 7U);
  EXPECT_EQ(later.start(id_, 8, {}).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(later.list().value(), std::vector{id_});
}

TEST_F(LocalVmmProcessesTest, AKilledOneLeavesNoRecord) {
  LocalVmmProcesses& vmms = processes("exec sleep 60");
  ASSERT_TRUE(vmms.start(id_, 1, {}));
  ASSERT_TRUE(becomes([&] { return is_known(); }));
  LocalVmmProcesses& later = processes("exit 0");
  ASSERT_TRUE(later.kill(id_));
  ASSERT_TRUE(ends(vmms));
  const VmmSight sight = vmms.look(id_).value();
  EXPECT_EQ(sight.launch, 1U);
  EXPECT_FALSE(sight.exit);
  EXPECT_TRUE(later.kill(id_)) << "nothing is alive: nothing to do";
}

TEST_F(LocalVmmProcessesTest, TheExitRecordIsTheReasonAndOfThisLaunchOnly) {
  LocalVmmProcesses& vmms = processes("exit 0");
  ASSERT_TRUE(vmms.start(id_, 1, {}));
  ASSERT_TRUE(ends(vmms));
  ASSERT_TRUE(write_vmm_exit(folder().exit_record(1), {VmmExitReason::kPoweroff, 0, {}}));
  ASSERT_TRUE(vmms.look(id_).value().exit);
  EXPECT_EQ(vmms.look(id_).value().exit->reason, VmmExitReason::kPoweroff);
  ASSERT_TRUE(vmms.start(id_, 2, {}));
  ASSERT_TRUE(ends(vmms));
  EXPECT_EQ(vmms.look(id_).value().launch, 2U);
  EXPECT_FALSE(vmms.look(id_).value().exit);
  EXPECT_FALSE(std::filesystem::exists(folder().exit_record(1)));
}

TEST_F(LocalVmmProcessesTest, AProgramThatCannotRunEndsAndSaysSoInTheLog) {
  LocalVmmProcesses vmms(state_, host_, state_ / "missing");
  ASSERT_TRUE(vmms.start(id_, 1, {}));
  ASSERT_TRUE(ends(vmms));
  std::ifstream file(folder().log());
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_NE(text.find("cannot execute"), std::string::npos);
}

TEST_F(LocalVmmProcessesTest, TheVmmIsToldWhereItsFilesAre) {
  LocalVmmProcesses& vmms = processes("cp \"$2\" " + (state_ / "seen").string());
  VmmConfig config;
  config.kernel = "/kernel";
  ASSERT_TRUE(vmms.start(id_, 3, config));
  ASSERT_TRUE(ends(vmms));
  std::ifstream file(state_ / "seen");
  const VmmConfig seen = parse_vmm_config(std::string((std::istreambuf_iterator<char>(file)), {})).value();
  EXPECT_EQ(seen.kernel, "/kernel");
  EXPECT_EQ(seen.instance_id, id_.str());
  EXPECT_EQ(seen.console_file, folder().console());
  EXPECT_EQ(seen.exit_file, folder().exit_record(3));
  EXPECT_LT(seen.control_socket.size(), 108U);
}

TEST_F(LocalVmmProcessesTest, RemovingKeepsTheConsoleUntilAllIsRemoved) {
  LocalVmmProcesses& vmms = processes("exit 0");
  ASSERT_TRUE(vmms.start(id_, 1, {}));
  ASSERT_TRUE(ends(vmms));
  std::ofstream(folder().console()) << "text";
  ASSERT_TRUE(vmms.remove(id_));
  EXPECT_TRUE(std::filesystem::exists(folder().console()));
  EXPECT_FALSE(std::filesystem::exists(folder().lock()));
  EXPECT_EQ(vmms.look(id_).value().presence, VmmPresence::kAbsent);
  ASSERT_TRUE(vmms.remove_all(id_));
  EXPECT_FALSE(std::filesystem::exists(folder().folder));
  EXPECT_TRUE(vmms.list().value().empty());
}

TEST(VmmLock, NonsenseInTheFileIsNobody) {
  const std::string path = testing::TempDir() + "cumulet-lock-" + std::to_string(getpid());
  for (const char* text : {"", "1", "1 2", "x 2\n", "1 \n", "1 0\n", "1 -5\n", "1 2 3\n", "1  2\n"}) {
    std::ofstream(path) << text;
    EXPECT_FALSE(VmmLock::read(path).value()) << text;
  }
  std::ofstream(path) << "12 345\n";
  EXPECT_EQ(VmmLock::read(path).value()->launch, 12U);
  EXPECT_EQ(VmmLock::read(path).value()->process_id, 345);
  std::filesystem::remove(path);
  EXPECT_EQ(VmmLock::take(path, false).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace cumulet::node
