// Tests of what the command-line tool keeps in the state folder, and of the arguments it understands.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "command/cumulet/daemon.h"
#include "command/cumulet/daemon_lock.h"
#include "command/cumulet/files.h"
#include "command/cumulet/settings.h"
#include "command/cumulet/state_folder.h"
#include "command/cumulet/zones.h"

namespace cumulet::command {
namespace {

class StateTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/cumulet-state-XXXXXX";
    folder_.path = mkdtemp(pattern);
  }
  void TearDown() override { std::filesystem::remove_all(folder_.path); }
  StateFolder folder_;
};

TEST_F(StateTest, SettingsAreChosenOnceAndPrivate) {
  const Settings first = load_settings(folder_).value();
  EXPECT_EQ(first.region, "us-east-1");
  EXPECT_EQ(first.account_id.size(), 12U);
  EXPECT_EQ(first.access_key_id.size(), 20U);
  EXPECT_EQ(first.secret_access_key.size(), 40U);
  EXPECT_EQ(load_settings(folder_).value(), first);
  struct stat info {};
  ASSERT_EQ(stat(folder_.settings().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(StateTest, SettingsObeyWhatIsWantedUnlessTheStateIsOfAnother) {
  Settings wanted{"eu-west-1", "123456789012", "AKIATEST", "secret"};
  EXPECT_EQ(load_settings(folder_, wanted).value(), wanted);
  EXPECT_EQ(load_settings(folder_, {"", "", "", "other"}).value().secret_access_key, "other");
  EXPECT_EQ(load_settings(folder_, {"us-east-1", "", "", ""}).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(load_settings(folder_, {"", "210987654321", "", ""}).error().code,
            ErrorCode::kFailedPrecondition);
}

TEST_F(StateTest, MalformedSettingsAreRefused) {
  for (const Settings& wanted : {Settings{"nowhere", "", "", ""}, Settings{"us-east-", "", "", ""},
                                 Settings{"", "12345", "", ""}, Settings{"", "12345678901x", "", ""},
                                 Settings{"", "", "with space", ""}, Settings{"", "", "", "with space"}})
    EXPECT_EQ(load_settings(folder_, wanted).error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(replace_file(folder_.settings(), "{\"region\":"));
  EXPECT_EQ(load_settings(folder_).error().code, ErrorCode::kCorrupt);
}

TEST_F(StateTest, OneDaemonAtATime) {
  EXPECT_FALSE(find_daemon(folder_).value());
  {
    const DaemonLock lock = DaemonLock::take(folder_).value();
    EXPECT_EQ(DaemonLock::take(folder_).error().code, ErrorCode::kAlreadyExists);
    EXPECT_EQ(find_daemon(folder_).value(), getpid());
    EXPECT_FALSE(find_endpoint(folder_).value());
    ASSERT_TRUE(publish_endpoint(folder_, {getpid(), "127.0.0.1", 4566}));
    EXPECT_EQ(find_endpoint(folder_).value()->url(), "http://127.0.0.1:4566");
    ASSERT_TRUE(publish_endpoint(folder_, {getpid() + 1, "127.0.0.1", 4566}));
    EXPECT_FALSE(find_endpoint(folder_).value()) << "of an earlier daemon";
  }
  EXPECT_FALSE(find_daemon(folder_).value());
  EXPECT_EQ(need_endpoint(folder_).error().code, ErrorCode::kUnavailable);
}

TEST(StateFolder, IsAbsoluteAndShortEnough) {
  EXPECT_EQ(find_state_folder("/tmp/a/").value().path, "/tmp/a");
  EXPECT_TRUE(find_state_folder("a").value().path.is_absolute() ||
              std::filesystem::current_path().native().size() > 50);
  EXPECT_EQ(find_state_folder("/" + std::string(100, 'x')).error().code, ErrorCode::kInvalidArgument);
}

TEST(Listen, UnderstandsAddresses) {
  DaemonOptions options;
  ASSERT_TRUE(parse_listen("0.0.0.0:80", options));
  EXPECT_EQ(options.address, "0.0.0.0");
  EXPECT_EQ(options.port, 80);
  ASSERT_TRUE(parse_listen("[::1]:0", options));
  EXPECT_EQ(options.address, "::1");
  for (const char* text : {"", "80", "a:b", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "127.0.0.1:80x"})
    EXPECT_EQ(parse_listen(text, options).error().code, ErrorCode::kInvalidArgument) << text;
}

TEST(Zones, HaveIdsInTheMannerOfAws) {
  EXPECT_EQ(zones_of("us-east-1")[0].name, "us-east-1a");
  EXPECT_EQ(zones_of("us-east-1")[0].id, "use1-az1");
  EXPECT_EQ(zones_of("ap-southeast-2")[2].id, "apse2-az3");
  EXPECT_EQ(zones_of("eu-central-1")[1].id, "euc1-az2");
  EXPECT_EQ(zones_of("us-gov-west-1")[0].id, "usgw1-az1");
}

}  // namespace
}  // namespace cumulet::command
