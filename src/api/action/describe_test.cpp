// Tests of the Describe actions: filters, paging, ids, and what they say of each resource.
#include <gtest/gtest.h>
#include <set>

#include "api/action/filters.h"
#include "api/action/test_cloud.h"
#include "api/shape/base64.h"

namespace cumulet::api {
namespace {

using Texts = std::vector<std::string>;

TEST(Wildcards, MatchAsDocumented) {
  EXPECT_TRUE(matches_wildcards("", ""));
  EXPECT_TRUE(matches_wildcards("*", ""));
  EXPECT_TRUE(matches_wildcards("a*c", "abbbc"));
  EXPECT_TRUE(matches_wildcards("*b*b*", "abab"));
  EXPECT_TRUE(matches_wildcards("a?c", "abc"));
  EXPECT_TRUE(matches_wildcards("a?c",
                                "a\xe2\x82\xac"
                                "c"));
  EXPECT_TRUE(matches_wildcards("a\\*c", "a*c"));
  EXPECT_TRUE(matches_wildcards("*x\\?", "ax?x?"));
  EXPECT_TRUE(matches_wildcards("a\\", "a\\"));
  EXPECT_FALSE(matches_wildcards("a\\*c", "abc"));
  EXPECT_FALSE(matches_wildcards("a?c", "ac"));
  EXPECT_FALSE(matches_wildcards("A", "a"));
  EXPECT_FALSE(matches_wildcards("", "a"));
  EXPECT_FALSE(matches_wildcards("a*b", "a"));
  std::string hostile;
  for (int i = 0; i < 200; ++i) hostile += "a*";
  EXPECT_FALSE(matches_wildcards(hostile + "b", std::string(2000, 'a')));
}

Parameters filter(const std::string& name, Texts values, int index = 1) {
  std::string prefix = "Filter." + std::to_string(index);
  Parameters parameters = {{prefix + ".Name", name}};
  for (size_t i = 0; i < values.size(); ++i) {
    parameters.emplace_back(prefix + ".Value." + std::to_string(i + 1), values[i]);
  }
  return parameters;
}

class DescribeTest : public ::testing::Test {
 protected:
  Texts ids(Parameters parameters) {
    return cloud_.call("DescribeInstances", std::move(parameters)).all("//instanceId");
  }
  std::string code(const std::string& action, Parameters parameters) {
    return cloud_.call(action, std::move(parameters)).code();
  }
  TestCloud cloud_;
};

TEST_F(DescribeTest, InstancesByIdAndAllOrNothing) {
  std::string a = cloud_.launch()[0];
  std::string b = cloud_.launch()[0];
  EXPECT_EQ(ids({}).size(), 2u);
  EXPECT_EQ(ids({{"InstanceId.1", b}}), Texts{b});
  EXPECT_EQ(ids({{"InstanceId.1", b}, {"InstanceId.2", b}}), Texts{b});
  EXPECT_EQ(code("DescribeInstances", {{"InstanceId.1", "i-xyz"}}), "InvalidInstanceID.Malformed");
  Reply unknown =
      cloud_.call("DescribeInstances", {{"InstanceId.1", a}, {"InstanceId.2", "i-00000000000000fff"}});
  EXPECT_EQ(unknown.code(), "InvalidInstanceID.NotFound");
  EXPECT_EQ(unknown.message(), "The instance ID 'i-00000000000000fff' does not exist");
  EXPECT_EQ(code("DescribeInstances", {{"InstanceId.1", a}, {"MaxResults", "5"}}),
            "InvalidParameterCombination");
}

TEST_F(DescribeTest, InstanceFilters) {
  std::string a = cloud_.launch(1, {{"TagSpecification.1.ResourceType", "instance"},
                                    {"TagSpecification.1.Tag.1.Key", "Name"},
                                    {"TagSpecification.1.Tag.1.Value", "web-1"}})[0];
  std::string b = cloud_.launch(1, {{"Placement.AvailabilityZone", "us-east-1b"}})[0];
  cloud_.report_running(b);
  EXPECT_EQ(ids(filter("instance-state-name", {"running"})), Texts{b});
  EXPECT_EQ(ids(filter("instance-state-name", {"pending", "running"})).size(), 2u);
  EXPECT_EQ(ids(filter("instance-state-code", {"16"})), Texts{b});
  EXPECT_EQ(ids(filter("tag:Name", {"web-*"})), Texts{a});
  EXPECT_EQ(ids(filter("tag:Name", {"db-*"})), Texts{});
  EXPECT_EQ(ids(filter("tag-key", {"N?me"})), Texts{a});
  EXPECT_EQ(ids(filter("availability-zone", {"*b"})), Texts{b});
  EXPECT_EQ(ids(filter("subnet-id", {"*"})), Texts{});
  Parameters both = filter("tag-key", {"Name"});
  Parameters second = filter("instance-state-name", {"running"}, 2);
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_EQ(ids(both), Texts{});
  EXPECT_EQ(code("DescribeInstances", filter("no-such-filter", {"x"})), "InvalidParameterValue");
  EXPECT_EQ(code("DescribeInstances", filter("image-id", {})), "InvalidParameterValue");
  EXPECT_EQ(code("DescribeInstances", {{"Filter.1.Value.1", "x"}}), "MissingParameter");
  EXPECT_EQ(code("DescribeInstances", filter("image-id", Texts(201, "x"))), "FilterLimitExceeded");
}

TEST_F(DescribeTest, PagesByInstancesAcrossReservations) {
  std::set<std::string> launched;
  for (int i = 0; i < 4; ++i) {
    for (const std::string& id :
         cloud_.launch(3, {{"InstanceType", "t3.nano"}, {"ClientToken", std::to_string(i)}})) {
      launched.insert(id);
    }
    cloud_.clock.advance_ns(1'000'000'000);
  }
  std::set<std::string> seen;
  Parameters parameters = {{"MaxResults", "5"}};
  size_t pages = 0;
  for (; pages < 10; ++pages) {
    Reply reply = cloud_.call("DescribeInstances", parameters);
    ASSERT_EQ(reply.status, 200) << reply.text;
    Texts page = reply.all("//instanceId");
    EXPECT_LE(page.size(), 5u);
    for (const std::string& id : page) EXPECT_TRUE(seen.insert(id).second) << id;
    if (reply.at("//nextToken").empty()) break;
    parameters = {{"MaxResults", "5"}, {"NextToken", reply.at("//nextToken")}};
  }
  EXPECT_EQ(seen, launched);
  EXPECT_EQ(pages + 1, (launched.size() + 4) / 5);
}

TEST_F(DescribeTest, TokensAndLimitsAreChecked) {
  for (int i = 0; i < 6; ++i)
    cloud_.launch(1, {{"InstanceType", "t3.nano"}, {"ClientToken", std::to_string(i)}});
  std::string token = cloud_.call("DescribeInstances", {{"MaxResults", "5"}}).at("//nextToken");
  ASSERT_FALSE(token.empty());
  EXPECT_EQ(ids({{"NextToken", token}}).size(), 1u);
  std::string forged = token;
  forged[forged.size() / 2] = forged[forged.size() / 2] == 'A' ? 'B' : 'A';
  EXPECT_EQ(code("DescribeInstances", {{"NextToken", forged}}), "InvalidNextToken");
  EXPECT_EQ(code("DescribeInstances", {{"NextToken", "garbage"}}), "InvalidNextToken");
  EXPECT_EQ(code("DescribeTags", {{"NextToken", token}}), "InvalidNextToken");
  for (const char* bad : {"4", "0", "-1", "1001", "x"}) {
    EXPECT_EQ(code("DescribeInstances", {{"MaxResults", bad}}), "InvalidParameterValue") << bad;
  }
  EXPECT_EQ(code("DescribeInstances", {{"MaxResults", "1000"}}), "");
  EXPECT_EQ(code("DescribeInstanceTypes", {{"MaxResults", "101"}}), "InvalidParameterValue");
}

TEST_F(DescribeTest, InstanceStatus) {
  std::string a = cloud_.launch()[0];
  std::string b = cloud_.launch()[0];
  cloud_.report_running(b);
  Reply running = cloud_.call("DescribeInstanceStatus");
  EXPECT_EQ(running.all("//instanceId"), Texts{b});
  EXPECT_EQ(running.at("//instanceStatus/status"), "ok");
  EXPECT_EQ(running.at("//systemStatus/details/item/status"), "passed");
  Reply all = cloud_.call("DescribeInstanceStatus", {{"IncludeAllInstances", "true"}, {"InstanceId.1", a}});
  EXPECT_EQ(all.at("//instanceState/name"), "pending");
  EXPECT_EQ(all.at("//instanceStatus/status"), "not-applicable");
  EXPECT_EQ(code("DescribeInstanceStatus", filter("tag:Name", {"x"})), "InvalidParameterValue");
}

TEST_F(DescribeTest, Images) {
  Reply all = cloud_.call("DescribeImages");
  EXPECT_EQ(all.all("//imageId"), Texts{TestCloud::kImage});
  EXPECT_EQ(all.at("//imageState"), "available");
  auto found = [&](Parameters parameters) {
    return cloud_.call("DescribeImages", std::move(parameters)).all("//imageId").size();
  };
  EXPECT_EQ(found({{"Owner.1", "self"}}), 1u);
  EXPECT_EQ(found({{"Owner.1", "amazon"}}), 0u);
  EXPECT_EQ(found({{"Owner.1", "111111111111"}}), 0u);
  EXPECT_EQ(found({{"ExecutableBy.1", "all"}}), 1u);
  EXPECT_EQ(found({{"ExecutableBy.1", "self"}}), 0u);
  EXPECT_EQ(found(filter("name", {"debian-*"})), 1u);
  EXPECT_EQ(found({{"ImageId.1", TestCloud::kImage}}), 1u);
  EXPECT_EQ(code("DescribeImages", {{"Owner.1", "nobody"}}), "InvalidParameterValue");
  EXPECT_EQ(code("DescribeImages", {{"ImageId.1", "ami-x"}}), "InvalidAMIID.Malformed");
  EXPECT_EQ(code("DescribeImages", {{"ImageId.1", "ami-00000000"}}), "InvalidAMIID.NotFound");
}

TEST_F(DescribeTest, InstanceTypes) {
  Reply micro = cloud_.call("DescribeInstanceTypes", {{"InstanceType.1", "t3.micro"}});
  EXPECT_EQ(micro.at("//vCpuInfo/defaultVCpus"), "2");
  EXPECT_EQ(micro.at("//memoryInfo/sizeInMiB"), "1024");
  EXPECT_EQ(micro.at("//burstablePerformanceSupported"), "true");
  EXPECT_EQ(code("DescribeInstanceTypes", {{"InstanceType.1", "z1.none"}}), "InvalidInstanceType");
  Texts family =
      cloud_.call("DescribeInstanceTypes", filter("instance-type", {"t3.*"})).all("//instanceType");
  EXPECT_GE(family.size(), 5u);
  size_t total = cloud_.call("DescribeInstanceTypes").all("//instanceType").size();
  size_t seen = 0;
  Parameters parameters = {{"MaxResults", "5"}};
  for (int page = 0; page < 50; ++page) {
    Reply reply = cloud_.call("DescribeInstanceTypes", parameters);
    seen += reply.all("//instanceType").size();
    if (reply.at("//nextToken").empty()) break;
    parameters = {{"MaxResults", "5"}, {"NextToken", reply.at("//nextToken")}};
  }
  EXPECT_EQ(seen, total);
}

TEST_F(DescribeTest, RegionsAndZones) {
  EXPECT_EQ(cloud_.call("DescribeRegions").all("//regionName"), Texts{"us-east-1"});
  EXPECT_EQ(code("DescribeRegions", {{"RegionName.1", "mars-1"}}), "InvalidParameterValue");
  EXPECT_EQ(cloud_.call("DescribeAvailabilityZones").all("//zoneName"), (Texts{"us-east-1a", "us-east-1b"}));
  EXPECT_EQ(cloud_.call("DescribeAvailabilityZones", {{"ZoneName.1", "us-east-1b"}}).all("//zoneName"),
            Texts{"us-east-1b"});
  EXPECT_EQ(code("DescribeAvailabilityZones", {{"ZoneName.1", "us-east-1q"}}), "InvalidParameterValue");
  EXPECT_EQ(cloud_.call("DescribeAvailabilityZones", filter("zone-name", {"*a"})).all("//zoneState"),
            Texts{"available"});
}

TEST_F(DescribeTest, ConsoleOutput) {
  std::string id = cloud_.launch()[0];
  Reply none = cloud_.call("GetConsoleOutput", {{"InstanceId", id}});
  EXPECT_EQ(none.status, 200);
  EXPECT_EQ(none.at("//output"), "");
  std::string bytes = "boot\r\n\x1b[0m\xff";
  cloud_.consoles[id] = bytes;
  Reply some = cloud_.call("GetConsoleOutput", {{"InstanceId", id}, {"Latest", "true"}});
  EXPECT_EQ(base64_decode(some.at("//output")), bytes);
  EXPECT_EQ(some.at("//timestamp"), "1970-01-01T00:00:01.000Z");
  cloud_.consoles[id] = std::string(70'000, 'x') + "end";
  std::string tail = *base64_decode(cloud_.call("GetConsoleOutput", {{"InstanceId", id}}).at("//output"));
  EXPECT_EQ(tail.size(), 65536u);
  EXPECT_TRUE(tail.ends_with("end"));
  EXPECT_EQ(code("GetConsoleOutput", {{"InstanceId", "i-0"}}), "InvalidInstanceID.Malformed");
  EXPECT_EQ(code("GetConsoleOutput", {}), "MissingParameter");
}

}  // namespace
}  // namespace cumulet::api
