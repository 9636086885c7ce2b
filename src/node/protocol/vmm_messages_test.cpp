// Tests of the VMM's configuration, control messages and exit records: round trips and refused input.
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

#include "node/protocol/vmm_config.h"
#include "node/protocol/vmm_control.h"
#include "node/protocol/vmm_exit.h"

namespace cumulet::node {
namespace {

VmmConfig sample_config() {
  VmmConfig config;
  config.instance_id = "i-0123456789abcdef0";
  config.kernel = "/images/vmlinuz";
  config.command_line = "console=ttyS0 \"quoted\"";
  config.console_file = "/c";
  config.control_socket = "/s";
  config.exit_file = "/e";
  config.engine = EngineChoice::kKvm;
  config.vcpus = 4;
  config.debug_exit = true;
  return config;
}

TEST(VmmConfig, SurvivesARoundTrip) {
  VmmConfig config = sample_config();
  EXPECT_EQ(parse_vmm_config(encode_vmm_config(config)).value(), config);
}

TEST(VmmConfig, NamesTheBadField) {
  auto message = [](std::string_view json) { return parse_vmm_config(json).error().message; };
  EXPECT_NE(message("{").find("not JSON"), std::string::npos);
  EXPECT_NE(message("[]").find("not a JSON object"), std::string::npos);
  EXPECT_NE(message("{}").find("instance_id"), std::string::npos);
  std::string good = encode_vmm_config(sample_config());
  auto with = [&](std::string from, std::string to) {
    std::string json = good;
    json.replace(json.find(from), from.size(), to);
    return message(json);
  };
  EXPECT_NE(with("\"vcpus\":4", "\"vcpus\":0").find("vcpus"), std::string::npos);
  EXPECT_NE(with("\"vcpus\":4", "\"vcpus\":-4").find("vcpus"), std::string::npos);
  EXPECT_NE(with("\"kvm\"", "\"xen\"").find("xen"), std::string::npos);
  EXPECT_NE(with("\"debug_exit\"", "\"debug-exit\"").find("debug-exit"), std::string::npos);
}

TEST(VmmControl, SurvivesARoundTrip) {
  for (VmmRequest request :
       {VmmRequest::kStatus, VmmRequest::kPressPowerButton, VmmRequest::kReset, VmmRequest::kKill})
    EXPECT_EQ(decode_request(encode_request(request)).value(), request);
  EXPECT_FALSE(decode_request("{\"request\":\"fly\"}").has_value());
  EXPECT_FALSE(decode_request("").has_value());
  VmmAnswer answer{false, "no \"such\" thing", {"i-1", "running", "kvm", 12, 3, 456}};
  EXPECT_EQ(decode_answer(encode_answer(answer)).value(), answer);
  EXPECT_FALSE(decode_answer("{}").has_value());
}

TEST(VmmControl, SaysWhenNobodyListens) {
  EXPECT_EQ(call_vmm("/nonexistent/socket", VmmRequest::kStatus, 100).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(call_vmm(std::string(300, 'x'), VmmRequest::kStatus, 100).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(VmmExit, IsWrittenAndReadBack) {
  char folder[] = "/tmp/vmm-exit-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  std::string path = std::string(folder) + "/exit";
  EXPECT_EQ(read_vmm_exit(path).error().code, ErrorCode::kNotFound);
  VmmExit exit{VmmExitReason::kDebugExit, 42, "the guest asked"};
  ASSERT_TRUE(write_vmm_exit(path, exit).has_value());
  EXPECT_EQ(read_vmm_exit(path).value(), exit);
  ASSERT_TRUE(write_vmm_exit(path, {VmmExitReason::kPoweroff, 0, ""}).has_value());
  EXPECT_EQ(read_vmm_exit(path)->reason, VmmExitReason::kPoweroff);
  EXPECT_FALSE(decode_vmm_exit("{\"reason\":\"boredom\"}").has_value());
  EXPECT_EQ(write_vmm_exit(path + "/x/y", exit).error().code, ErrorCode::kIo);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace cumulet::node
