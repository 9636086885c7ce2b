// Tests of RunInstances: what it answers, what it refuses, and that a refusal leaves nothing behind.
#include <gtest/gtest.h>

#include "api/action/test_cloud.h"
#include "api/shape/base64.h"

namespace cumulet::api {
namespace {

class RunInstancesTest : public ::testing::Test {
 protected:
  Reply run(Parameters more, const std::string& image = TestCloud::kImage) {
    Parameters parameters = {{"ImageId", image}, {"MinCount", "1"}, {"MaxCount", "1"}};
    for (auto& [name, value] : more) {
      std::erase_if(parameters, [&name = name](const auto& parameter) { return parameter.first == name; });
      parameters.emplace_back(name, value);
    }
    std::erase_if(parameters, [](const auto& parameter) { return parameter.second == "-"; });
    return cloud_.call("RunInstances", parameters);
  }

  void expect_refused(Parameters more, const std::string& code, const std::string& part = "") {
    Reply reply = run(std::move(more));
    EXPECT_EQ(reply.code(), code) << reply.text;
    EXPECT_NE(reply.message().find(part), std::string::npos) << reply.message();
    EXPECT_TRUE(cloud_.call("DescribeInstances").all("//instanceId").empty());
  }

  TestCloud cloud_;
};

TEST_F(RunInstancesTest, AnswersPendingInstances) {
  Reply reply = run({{"MinCount", "2"},
                     {"MaxCount", "2"},
                     {"InstanceType", "t3.nano"},
                     {"Placement.AvailabilityZone", "us-east-1b"},
                     {"TagSpecification.1.ResourceType", "instance"},
                     {"TagSpecification.1.Tag.1.Key", "Name"},
                     {"TagSpecification.1.Tag.1.Value", "web"},
                     {"ClientToken", "token-1"}});
  ASSERT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(reply.at("/RunInstancesResponse/reservationId").size(), 19u);
  EXPECT_EQ(reply.at("/RunInstancesResponse/ownerId"), TestCloud::kAccount);
  EXPECT_EQ(reply.all("//instancesSet/item/instanceState/name"),
            (std::vector<std::string>{"pending", "pending"}));
  EXPECT_EQ(reply.all("//amiLaunchIndex"), (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(reply.at("//instanceId").size(), 19u);
  EXPECT_EQ(reply.at("//placement/availabilityZone"), "us-east-1b");
  EXPECT_EQ(reply.at("//tagSet/item[key='Name']/value"), "web");
  EXPECT_EQ(reply.at("//clientToken"), "token-1");
  EXPECT_EQ(reply.at("//instanceType"), "t3.nano");
  EXPECT_EQ(reply.all("//groupSet").size(), 3u);
}

TEST_F(RunInstancesTest, TakesFewerThanMaxCountWhenRoomIsShort) {
  EXPECT_EQ(run({{"MaxCount", "100"}, {"InstanceType", "t3.medium"}}).all("//instanceId").size(), 4u);
}

TEST_F(RunInstancesTest, RefusesBadCountsImagesTypesAndZones) {
  expect_refused({{"MinCount", "0"}}, "InvalidParameterValue", "minCount");
  expect_refused({{"MinCount", "3"}, {"MaxCount", "2"}}, "InvalidParameterValue", "maxCount");
  expect_refused({{"MinCount", "-"}}, "MissingParameter", "MinCount");
  expect_refused({{"MinCount", "1001"}, {"MaxCount", "1001"}}, "InstanceLimitExceeded");
  expect_refused({{"ImageId", "-"}}, "MissingParameter", "ImageId");
  expect_refused({{"ImageId", "ami-xyz"}}, "InvalidAMIID.Malformed", "ami-xyz");
  expect_refused({{"ImageId", "ami-00000000000000000"}}, "InvalidAMIID.NotFound", "ami-00000000000000000");
  expect_refused({{"InstanceType", "z9.huge"}}, "InvalidParameterValue", "z9.huge");
  expect_refused({{"Placement.AvailabilityZone", "us-east-1z"}}, "InvalidParameterValue", "us-east-1z");
  expect_refused({{"InstanceInitiatedShutdownBehavior", "explode"}}, "InvalidParameterValue");
  expect_refused({{"Frobnicate", "1"}}, "UnknownParameter", "Frobnicate");
}

TEST_F(RunInstancesTest, NoCapacityLeavesNothing) {
  expect_refused({{"InstanceType", "t3.2xlarge"}, {"MinCount", "3"}, {"MaxCount", "3"}},
                 "InsufficientInstanceCapacity");
}

TEST_F(RunInstancesTest, RefusesWhatItCannotHonour) {
  expect_refused({{"KeyName", "mine"}}, "InvalidKeyPair.NotFound", "mine");
  expect_refused({{"SecurityGroupId.1", "sg-1"}}, "InvalidGroup.NotFound", "sg-1");
  expect_refused({{"SecurityGroup.1", "web"}}, "InvalidGroup.NotFound", "web");
  expect_refused({{"SubnetId", "subnet-1"}}, "InvalidSubnetID.NotFound", "subnet-1");
  expect_refused({{"UserData", base64_encode("#!/bin/sh")}}, "UnsupportedOperation", "UserData");
  expect_refused({{"UserData", "not base64"}}, "InvalidUserData.Malformed");
  expect_refused({{"UserData", base64_encode(std::string(16385, 'x'))}}, "InvalidParameterValue", "16384");
  expect_refused({{"BlockDeviceMapping.1.DeviceName", "/dev/sda1"}}, "UnsupportedOperation",
                 "BlockDeviceMapping");
  expect_refused({{"NetworkInterface.1.DeviceIndex", "0"}}, "UnsupportedOperation", "NetworkInterface");
  expect_refused({{"PrivateIpAddress", "10.0.0.1"}}, "UnsupportedOperation");
  expect_refused({{"Placement.Tenancy", "dedicated"}}, "UnsupportedOperation");
  expect_refused({{"Placement.GroupName", "g"}}, "UnsupportedOperation");
  expect_refused({{"Placement.HostId", "h-1"}}, "UnsupportedOperation");
  expect_refused({{"Monitoring.Enabled", "true"}}, "UnsupportedOperation");
  expect_refused({{"EbsOptimized", "true"}}, "UnsupportedOperation");
  expect_refused({{"KernelId", "aki-1"}}, "UnsupportedOperation");
  expect_refused({{"RamdiskId", "ari-1"}}, "UnsupportedOperation");
  expect_refused({{"IamInstanceProfile.Name", "p"}}, "UnsupportedOperation");
  expect_refused({{"CpuOptions.CoreCount", "1"}}, "UnsupportedOperation");
  expect_refused({{"CreditSpecification.CpuCredits", "standard"}}, "UnsupportedOperation");
  expect_refused({{"HibernationOptions.Configured", "true"}}, "UnsupportedOperation");
  expect_refused({{"EnclaveOptions.Enabled", "true"}}, "UnsupportedOperation");
  expect_refused({{"InstanceMarketOptions.MarketType", "spot"}}, "UnsupportedOperation");
  expect_refused({{"LaunchTemplate.LaunchTemplateName", "t"}}, "UnsupportedOperation");
  expect_refused({{"LicenseSpecification.1.LicenseConfigurationArn", "a"}}, "UnsupportedOperation");
}

TEST_F(RunInstancesTest, AcceptsWhatHappensAnyway) {
  Reply reply = run({{"Monitoring.Enabled", "false"},
                     {"EbsOptimized", "false"},
                     {"UserData", ""},
                     {"Placement.Tenancy", "default"},
                     {"MetadataOptions.HttpTokens", "required"},
                     {"CreditSpecification.CpuCredits", "unlimited"},
                     {"HibernationOptions.Configured", "false"},
                     {"InstanceInitiatedShutdownBehavior", "terminate"},
                     {"TagSpecification.1.ResourceType", "volume"},
                     {"TagSpecification.1.Tag.1.Key", "k"}});
  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_TRUE(reply.all("//tagSet").empty());
}

TEST_F(RunInstancesTest, TagRules) {
  Parameters tags = {{"TagSpecification.1.ResourceType", "instance"}};
  auto with = [&](const std::string& key, const std::string& value) {
    Parameters parameters = tags;
    parameters.emplace_back("TagSpecification.1.Tag.1.Key", key);
    parameters.emplace_back("TagSpecification.1.Tag.1.Value", value);
    return parameters;
  };
  expect_refused(with("aws:x", ""), "InvalidParameterValue", "aws:");
  expect_refused(with("AWS:x", ""), "InvalidParameterValue", "aws:");
  expect_refused(with(std::string(129, 'k'), ""), "InvalidParameterValue", "128");
  expect_refused(with("k", std::string(257, 'v')), "InvalidParameterValue", "256");
  expect_refused(with("", "v"), "MissingParameter", "Tag.Key");
  expect_refused({{"TagSpecification.1.ResourceType", "vpc"}}, "InvalidParameterValue", "vpc");
  expect_refused({{"TagSpecification.1.ResourceType", "teapot"}}, "InvalidParameterValue", "teapot");
  Parameters twice = with("k", "1");
  twice.emplace_back("TagSpecification.1.Tag.2.Key", "k");
  expect_refused(twice, "InvalidParameterValue", "Duplicate");
  Parameters many = tags;
  for (int i = 1; i <= 51; ++i)
    many.emplace_back("TagSpecification.1.Tag." + std::to_string(i) + ".Key", std::to_string(i));
  expect_refused(many, "TagLimitExceeded");
  std::string euros;
  for (int i = 0; i < 128; ++i) euros += "\xe2\x82\xac";  // limits are in characters
  EXPECT_EQ(run(with(euros, "")).status, 200);
}

TEST_F(RunInstancesTest, ClientTokensMakeItIdempotent) {
  Parameters parameters = {{"ClientToken", "once"}, {"InstanceType", "t3.nano"}};
  Reply first = run(parameters);
  Reply second = run(parameters);
  EXPECT_EQ(second.status, 200) << second.text;
  EXPECT_EQ(first.at("//instanceId"), second.at("//instanceId"));
  EXPECT_EQ(first.at("//reservationId"), second.at("//reservationId"));
  EXPECT_EQ(cloud_.call("DescribeInstances").all("//instanceId").size(), 1u);
  Reply changed = run({{"ClientToken", "once"}, {"InstanceType", "t3.micro"}});
  EXPECT_EQ(changed.code(), "IdempotentParameterMismatch");
  EXPECT_EQ(run({{"ClientToken", "other"}}).status, 200);
  EXPECT_EQ(run({{"ClientToken", std::string(65, 'x')}}).code(), "InvalidParameterValue");
  EXPECT_EQ(run({{"ClientToken", "\xe2\x82\xac"}}).code(), "InvalidParameterValue");
  EXPECT_EQ(run({{"ClientToken", std::string(64, 'x')}}).status, 200);
}

}  // namespace
}  // namespace cumulet::api
