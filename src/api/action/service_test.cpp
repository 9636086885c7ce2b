// Tests of the endpoint as a whole: routing, versions, error documents, refusals, DryRun everywhere.
#include "api/action/service.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "api/action/invoke.h"
#include "api/action/test_cloud.h"
#include "api/shape/operations.h"

namespace cumulet::api {
namespace {

TEST(Service, AnswersCallerIdentityInTheQueryProtocol) {
  TestCloud cloud;
  Reply reply = cloud.call("GetCallerIdentity", {}, "sts");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.at("/GetCallerIdentityResponse/GetCallerIdentityResult/Account"), TestCloud::kAccount);
  EXPECT_EQ(reply.at("//Arn"), "arn:aws:iam::123456789012:root");
  EXPECT_EQ(reply.at("//ResponseMetadata/RequestId").size(), 36u);
}

TEST(Service, NamesOperationsAsAwsDoes) {
  TestCloud cloud;
  EXPECT_EQ(cloud.call("CreateVpc").code(), "UnsupportedOperation");
  EXPECT_EQ(cloud.call("MakeCoffee").code(), "InvalidAction");
  EXPECT_EQ(cloud.call("GetCallerIdentity").code(), "InvalidAction");
  EXPECT_EQ(cloud.call("").code(), "MissingAction");
  EXPECT_EQ(cloud.send(cloud.signed_request("")).code(), "MissingAction");
  EXPECT_EQ(cloud.send(cloud.signed_request("Action=DescribeRegions&Version=2006-01-01")).code(),
            "NoSuchVersion");
  EXPECT_EQ(cloud.send(cloud.signed_request("Action=DescribeRegions")).status, 200);
  EXPECT_EQ(cloud.call("DescribeRegions", {{"Foo", "1"}}).code(), "UnknownParameter");
  EXPECT_EQ(cloud.call("DescribeRegions", {{"DryRun", "perhaps"}}).code(), "InvalidParameterValue");
  EXPECT_EQ(cloud.send(cloud.signed_request("Action=DescribeRegions&x=%zz")).code(), "MalformedQueryString");
  EXPECT_EQ(cloud.send(cloud.signed_request("Action=DescribeRegions&Action=x")).code(),
            "MalformedQueryString");
}

TEST(Service, ErrorDocumentsFollowTheProtocol) {
  TestCloud cloud;
  Reply ec2 = cloud.call("MakeCoffee");
  EXPECT_EQ(ec2.status, 400);
  EXPECT_EQ(ec2.at("/Response/Errors/Error/Code"), "InvalidAction");
  EXPECT_EQ(ec2.at("/Response/RequestID").size(), 36u);
  Reply sts = cloud.call("MakeCoffee", {}, "sts");
  EXPECT_EQ(sts.at("/ErrorResponse/Error/Code"), "InvalidAction");
  EXPECT_EQ(sts.at("/ErrorResponse/Error/Type"), "Sender");
  EXPECT_FALSE(sts.at("/ErrorResponse/RequestId").empty());
}

TEST(Service, RefusesBadSignatures) {
  TestCloud cloud;
  http::Request request = cloud.signed_request("Action=DescribeRegions");
  request.body += "&DryRun=true";
  Reply tampered = cloud.send(request);
  EXPECT_EQ(tampered.code(), "AuthFailure");
  EXPECT_EQ(tampered.status, 401);
  request = cloud.signed_request("Action=GetCallerIdentity", "sts");
  request.body += "&x=1";
  EXPECT_EQ(cloud.send(request).code(), "SignatureDoesNotMatch");
  EXPECT_EQ(cloud.send(request).status, 403);
  request = cloud.signed_request("Action=DescribeRegions");
  cloud.clock.advance_ns(16ull * 60 * 1'000'000'000);
  EXPECT_EQ(cloud.send(request).code(), "RequestExpired");
  request.headers.pop_back();
  EXPECT_EQ(cloud.send(request).code(), "MissingAuthenticationToken");
  EXPECT_EQ(cloud.call("DescribeRegions", {}, "s3").code(), "AuthFailure");
}

TEST(Service, OnlyServesTheRootPath) {
  TestCloud cloud;
  http::Request request = cloud.signed_request("Action=DescribeRegions");
  request.target = "/elsewhere";
  EXPECT_EQ(cloud.send(request).code(), "AuthFailure");  // the path is part of what was signed
  request.target = "/?a=%";
  EXPECT_EQ(cloud.send(request).code(), "MalformedQueryString");
}

TEST(Service, TransportRefusalsAreErrorDocuments) {
  TestCloud cloud;
  RootCredential credentials("1", "k", "s");
  Service service(Cloud{cloud.kv, cloud.ids, {}, cloud.clock, {}, "us-east-1"}, credentials);
  for (int status : {400, 408, 413, 431, 500, 503}) {
    http::Response response = service.refuse(status, "reason");
    EXPECT_EQ(response.status, status);
    EXPECT_NE(response.body.find("<Message>reason</Message>"), std::string::npos);
  }
}

TEST(Service, EveryActionOfTheListIsCallable) {
  size_t implemented = 0;
  for (const OperationInfo& operation : all_operations()) {
    if (!operation.implemented) continue;
    ++implemented;
    auto actions = implemented_actions();
    EXPECT_TRUE(std::any_of(actions.begin(), actions.end(), [&](const Action& action) {
      return action.service == operation.service && action.name == operation.name;
    })) << operation.name;
  }
  EXPECT_EQ(implemented, implemented_actions().size());
}

// DryRun must stop every action that knows it before it does anything.
TEST(Service, DryRunOfEveryActionChangesNothing) {
  TestCloud cloud;
  std::string id = cloud.launch().at(0);
  cloud.report_running(id);
  const std::map<std::string, Parameters> needed = {
      {"RunInstances", {{"ImageId", TestCloud::kImage}, {"MinCount", "1"}, {"MaxCount", "1"}}},
      {"StartInstances", {{"InstanceId.1", id}}},
      {"StopInstances", {{"InstanceId.1", id}}},
      {"RebootInstances", {{"InstanceId.1", id}}},
      {"TerminateInstances", {{"InstanceId.1", id}}},
      {"GetConsoleOutput", {{"InstanceId", id}}},
      {"CreateTags", {{"ResourceId.1", id}, {"Tag.1.Key", "k"}}},
      {"DeleteTags", {{"ResourceId.1", id}, {"Tag.1.Key", "k"}}},
      {"ModifyInstanceAttribute", {{"InstanceId", id}, {"DisableApiStop.Value", "true"}}},
      {"DescribeInstanceAttribute", {{"InstanceId", id}, {"Attribute", "disableApiStop"}}},
  };
  uint64_t before = cloud.kv.range("")->revision;
  for (const Action& action : implemented_actions()) {
    if (action.service != "ec2") continue;
    Parameters parameters;
    if (auto found = needed.find(std::string(action.name)); found != needed.end()) parameters = found->second;
    parameters.emplace_back("DryRun", "true");
    Reply reply = cloud.call(std::string(action.name), parameters);
    EXPECT_EQ(reply.code(), "DryRunOperation") << action.name << ": " << reply.text;
    EXPECT_EQ(reply.status, 412);
  }
  EXPECT_EQ(cloud.kv.range("")->revision, before);
}

}  // namespace
}  // namespace cumulet::api
