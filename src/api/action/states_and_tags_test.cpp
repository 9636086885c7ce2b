// Tests of Start, Stop, Reboot, TerminateInstances and of tagging.
#include <gtest/gtest.h>

#include "api/action/test_cloud.h"

namespace cumulet::api {
namespace {

using Texts = std::vector<std::string>;

class StatesTest : public ::testing::Test {
 protected:
  Reply act(const std::string& action, const std::string& id, Parameters more = {}) {
    more.emplace_back("InstanceId.1", id);
    return cloud_.call(action, more);
  }
  std::string state(const std::string& id) { return act("DescribeInstances", id).at("//instanceState/name"); }
  TestCloud cloud_;
};

TEST_F(StatesTest, TheWholeLife) {
  std::string id = cloud_.launch()[0];
  EXPECT_EQ(state(id), "pending");
  cloud_.report_running(id);
  EXPECT_EQ(state(id), "running");
  Reply stopping = act("StopInstances", id);
  EXPECT_EQ(stopping.at("//instancesSet/item/currentState/name"), "stopping");
  EXPECT_EQ(stopping.at("//currentState/code"), "64");
  EXPECT_EQ(stopping.at("//previousState/name"), "running");
  cloud_.report_exited(id);
  Reply stopped = act("DescribeInstances", id);
  EXPECT_EQ(stopped.at("//instanceState/name"), "stopped");
  EXPECT_EQ(stopped.at("//stateReason/code"), "Client.UserInitiatedShutdown");
  EXPECT_NE(stopped.at("//reason").find("User initiated ("), std::string::npos) << stopped.text;
  EXPECT_EQ(act("StartInstances", id).at("//currentState/name"), "pending");
  cloud_.report_running(id);
  EXPECT_EQ(act("RebootInstances", id).at("/RebootInstancesResponse/return"), "true");
  EXPECT_EQ(act("TerminateInstances", id).at("//currentState/name"), "shutting-down");
  cloud_.report_removed(id);
  EXPECT_EQ(state(id), "terminated");
  EXPECT_EQ(act("TerminateInstances", id).at("//currentState/name"), "terminated");
  EXPECT_EQ(act("StartInstances", id).code(), "IncorrectInstanceState");
  EXPECT_EQ(act("StopInstances", id).code(), "IncorrectInstanceState");
  EXPECT_EQ(act("RebootInstances", id).code(), "IncorrectInstanceState");
}

TEST_F(StatesTest, BadIdsChangeNothing) {
  std::string id = cloud_.launch()[0];
  cloud_.report_running(id);
  for (const char* action : {"StartInstances", "StopInstances", "RebootInstances", "TerminateInstances"}) {
    EXPECT_EQ(cloud_.call(action).code(), "MissingParameter") << action;
    EXPECT_EQ(act(action, id, {{"InstanceId.2", "i-12"}}).code(), "InvalidInstanceID.Malformed") << action;
    EXPECT_EQ(act(action, id, {{"InstanceId.2", "i-00000000000000fff"}}).code(),
              "InvalidInstanceID.NotFound");
    EXPECT_EQ(state(id), "running");
  }
  Parameters many;
  for (int i = 1; i <= 1001; ++i) many.emplace_back("InstanceId." + std::to_string(i), id);
  EXPECT_EQ(cloud_.call("TerminateInstances", many).code(), "InvalidParameterValue");
}

TEST_F(StatesTest, ProtectionAndUnsupported) {
  std::string id = cloud_.launch(1, {{"DisableApiTermination", "true"}, {"DisableApiStop", "true"}})[0];
  cloud_.report_running(id);
  EXPECT_EQ(act("TerminateInstances", id).code(), "OperationNotPermitted");
  EXPECT_EQ(act("StopInstances", id).code(), "OperationNotPermitted");
  EXPECT_EQ(act("StopInstances", id, {{"Hibernate", "true"}}).code(), "UnsupportedOperation");
  EXPECT_EQ(act("StartInstances", id, {{"AdditionalInfo", "x"}}).code(), "UnsupportedOperation");
  EXPECT_EQ(state(id), "running");
}

TEST_F(StatesTest, AttributesCanBeChanged) {
  std::string id = cloud_.launch(1, {{"DisableApiTermination", "true"}})[0];
  auto modify = [&](Parameters parameters) {
    parameters.emplace_back("InstanceId", id);
    return cloud_.call("ModifyInstanceAttribute", parameters).code();
  };
  auto show = [&](const std::string& attribute) {
    return cloud_.call("DescribeInstanceAttribute", {{"InstanceId", id}, {"Attribute", attribute}});
  };
  EXPECT_EQ(show("disableApiTermination").at("//disableApiTermination/value"), "true");
  EXPECT_EQ(modify({{"DisableApiTermination.Value", "false"}}), "");
  EXPECT_EQ(show("disableApiTermination").at("//disableApiTermination/value"), "false");
  EXPECT_EQ(modify({{"Attribute", "disableApiStop"}, {"Value", "true"}}), "");
  EXPECT_EQ(show("disableApiStop").at("//disableApiStop/value"), "true");
  EXPECT_EQ(modify({{"InstanceInitiatedShutdownBehavior.Value", "terminate"}}), "");
  EXPECT_EQ(show("instanceInitiatedShutdownBehavior").at("//value"), "terminate");
  EXPECT_EQ(show("userData").status, 200);
  EXPECT_EQ(modify({{"InstanceType.Value", "t3.small"}}), "IncorrectInstanceState");
  EXPECT_EQ(modify({{"InstanceType.Value", "z9.huge"}}), "InvalidParameterValue");
  EXPECT_EQ(modify({{"InstanceInitiatedShutdownBehavior.Value", "explode"}}), "InvalidParameterValue");
  EXPECT_EQ(modify({{"GroupId.1", "sg-1"}}), "UnsupportedOperation");
  EXPECT_EQ(modify({}), "MissingParameter");
  EXPECT_EQ(modify({{"DisableApiStop.Value", "true"}, {"EbsOptimized.Value", "false"}}),
            "InvalidParameterCombination");
  EXPECT_EQ(show("noSuchAttribute").code(), "InvalidParameterValue");
  EXPECT_EQ(act("TerminateInstances", id).status, 200);
}

TEST_F(StatesTest, AStoppedInstanceCanChangeItsType) {
  std::string id = cloud_.launch()[0];
  cloud_.report_running(id);
  act("StopInstances", id);
  cloud_.report_exited(id);
  Reply reply =
      cloud_.call("ModifyInstanceAttribute", {{"InstanceId", id}, {"InstanceType.Value", "t3.small"}});
  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(act("StartInstances", id).status, 200);
  EXPECT_EQ(act("DescribeInstances", id).at("//instanceType"), "t3.small");
}

TEST_F(StatesTest, ATwiceNamedInstanceCountsOnce) {
  std::string id = cloud_.launch()[0];
  EXPECT_EQ(act("TerminateInstances", id, {{"InstanceId.2", id}}).all("//instanceId").size(), 1u);
}

class TagsTest : public StatesTest {
 protected:
  Reply tags_of(Parameters parameters = {}) { return cloud_.call("DescribeTags", std::move(parameters)); }
};

TEST_F(TagsTest, CreateDescribeDelete) {
  std::string id = cloud_.launch()[0];
  Parameters create = {{"ResourceId.1", id},
                       {"ResourceId.2", TestCloud::kImage},
                       {"Tag.1.Key", "Name"},
                       {"Tag.1.Value", "<a>&"},
                       {"Tag.2.Key", "empty"}};
  EXPECT_EQ(cloud_.call("CreateTags", create).at("//return"), "true");
  EXPECT_EQ(tags_of().all("//key").size(), 4u);
  Reply filtered = tags_of({{"Filter.1.Name", "resource-type"}, {"Filter.1.Value.1", "inst*"}});
  EXPECT_EQ(filtered.all("//key"), (Texts{"Name", "empty"}));
  EXPECT_EQ(filtered.at("//item[key='Name']/value"), "<a>&");
  EXPECT_EQ(tags_of({{"Filter.1.Name", "tag:Name"}, {"Filter.1.Value.1", "<a>*"}}).all("//key").size(), 2u);
  EXPECT_EQ(tags_of({{"Filter.1.Name", "odd"}, {"Filter.1.Value.1", "x"}}).code(), "InvalidParameterValue");
  EXPECT_EQ(act("DescribeInstances", id).at("//tagSet/item[key='Name']/value"), "<a>&");
  cloud_.call("CreateTags", {{"ResourceId.1", id}, {"Tag.1.Key", "Name"}, {"Tag.1.Value", "new"}});
  EXPECT_EQ(act("DescribeInstances", id).at("//tagSet/item[key='Name']/value"), "new");
  // With a value that is not the tag's, nothing goes.
  cloud_.call("DeleteTags", {{"ResourceId.1", id}, {"Tag.1.Key", "Name"}, {"Tag.1.Value", "old"}});
  EXPECT_EQ(act("DescribeInstances", id).all("//tagSet/item").size(), 2u);
  cloud_.call("DeleteTags", {{"ResourceId.1", id}, {"Tag.1.Key", "Name"}});
  EXPECT_EQ(act("DescribeInstances", id).all("//tagSet/item/key"), Texts{"empty"});
  cloud_.call("DeleteTags", {{"ResourceId.1", id}});
  EXPECT_TRUE(act("DescribeInstances", id).all("//tagSet").empty());
}

TEST_F(TagsTest, Refusals) {
  std::string id = cloud_.launch()[0];
  auto code = [&](Parameters parameters) { return cloud_.call("CreateTags", std::move(parameters)).code(); };
  EXPECT_EQ(code({{"Tag.1.Key", "k"}}), "MissingParameter");
  EXPECT_EQ(code({{"ResourceId.1", id}}), "MissingParameter");
  EXPECT_EQ(code({{"ResourceId.1", "vol-1"}, {"Tag.1.Key", "k"}}), "InvalidID");
  EXPECT_EQ(code({{"ResourceId.1", "i-1"}, {"Tag.1.Key", "k"}}), "InvalidInstanceID.Malformed");
  EXPECT_EQ(code({{"ResourceId.1", id}, {"ResourceId.2", "i-00000000000000fff"}, {"Tag.1.Key", "k"}}),
            "InvalidInstanceID.NotFound");
  EXPECT_EQ(code({{"ResourceId.1", "ami-00000000"}, {"Tag.1.Key", "k"}}), "InvalidAMIID.NotFound");
  EXPECT_EQ(code({{"ResourceId.1", id}, {"Tag.1.Key", "aws:k"}}), "InvalidParameterValue");
  Parameters many = {{"ResourceId.1", id}};
  for (int i = 1; i <= 50; ++i) many.emplace_back("Tag." + std::to_string(i) + ".Key", std::to_string(i));
  EXPECT_EQ(code(many), "");
  EXPECT_EQ(code({{"ResourceId.1", id}, {"Tag.1.Key", "one-more"}}), "TagLimitExceeded");
  EXPECT_EQ(tags_of().all("//key").size(), 50u);
}

}  // namespace
}  // namespace cumulet::api
