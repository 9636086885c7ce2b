// Tests of request decoding and response encoding through the generated EC2 shapes.
#include "api/shape/decoder.h"

#include <gtest/gtest.h>

#include "api/shape/ec2_shapes.h"
#include "api/shape/operations.h"
#include "api/shape/xml_encoder.h"

namespace cumulet::api {
namespace {

constexpr std::string_view kIgnored[] = {"Action", "Version"};

template <typename Request>
tl::expected<Request, ShapeError> decode_text(std::string_view text) {
  FormParameters parameters;
  if (auto parsed = parse_form(text, parameters); !parsed) return tl::unexpected(parsed.error());
  auto tree = build_form_tree(parameters);
  if (!tree) return tl::unexpected(tree.error());
  Decoder decoder(kIgnored);
  Request request;
  if (!decode(decoder, *tree, request)) return tl::unexpected(*decoder.error());
  return request;
}

template <typename Request>
void expect_error(std::string_view text, ShapeError::Kind kind, std::string_view part) {
  auto request = decode_text<Request>(text);
  ASSERT_FALSE(request.has_value()) << text;
  EXPECT_EQ(request.error().kind, kind) << request.error().message;
  EXPECT_NE(request.error().message.find(part), std::string::npos) << request.error().message;
}

TEST(Decoder, ReadsARunInstances) {
  auto request = decode_text<ec2::RunInstancesRequest>(
      "Action=RunInstances&Version=2016-11-15&ImageId=ami-1&MinCount=1&MaxCount=2&DryRun=true"
      "&Placement.AvailabilityZone=us-east-1a&TagSpecification.1.ResourceType=instance"
      "&TagSpecification.1.Tag.2.Key=second&TagSpecification.1.Tag.10.Key=tenth&TagSpecification.1.Tag.10."
      "Value=v"
      "&SecurityGroupId.1=sg-1&SecurityGroupId.2=sg-2&ClientToken=t");
  ASSERT_TRUE(request.has_value()) << request.error().message;
  EXPECT_EQ(request->image_id, "ami-1");
  EXPECT_EQ(request->max_count, 2);
  EXPECT_EQ(request->dry_run, true);
  EXPECT_EQ(request->placement->availability_zone, "us-east-1a");
  EXPECT_EQ(request->security_group_ids->size(), 2u);
  const auto& tags = *request->tag_specifications->at(0).tags;
  ASSERT_EQ(tags.size(), 2u);
  EXPECT_EQ(tags[0].key, "second");
  EXPECT_FALSE(tags[0].value.has_value());
  EXPECT_EQ(tags[1].value, "v");
  EXPECT_FALSE(request->key_name.has_value());
}

TEST(Decoder, NamesWhatIsWrong) {
  using Kind = ShapeError::Kind;
  using Run = ec2::RunInstancesRequest;
  expect_error<Run>("MinCount=1", Kind::kMissingParameter, "MaxCount");
  expect_error<Run>("MinCount=1&MaxCount=1&Foo=1", Kind::kUnknownParameter, "Foo");
  expect_error<Run>("MinCount=1&MaxCount=1&Placement.Foo=1", Kind::kUnknownParameter, "Placement.Foo");
  expect_error<Run>("MinCount=1&MaxCount=1&Placement.Action=1", Kind::kUnknownParameter, "Placement.Action");
  expect_error<Run>("MinCount=one&MaxCount=1", Kind::kInvalidValue, "'one' for MinCount");
  expect_error<Run>("MinCount=1&MaxCount=99999999999", Kind::kInvalidValue, "MaxCount");
  expect_error<Run>("MinCount=1&MaxCount=1&DryRun=maybe", Kind::kInvalidValue, "DryRun");
  expect_error<Run>("MinCount=1&MaxCount=1&Placement=x", Kind::kInvalidValue, "Placement");
  expect_error<Run>("MinCount=1&MaxCount=1&ImageId.1=x", Kind::kUnknownParameter, "ImageId.1");
  expect_error<Run>("MinCount=1&MaxCount=1&Placement.Tenancy=odd", Kind::kInvalidValue, "Placement.Tenancy");
  using Terminate = ec2::TerminateInstancesRequest;
  expect_error<Terminate>("", Kind::kMissingParameter, "InstanceId");
  expect_error<Terminate>("InstanceId=i-1", Kind::kInvalidValue, "InstanceId");
  for (std::string_view index : {"0", "-1", "01", "x", "1.Foo", "4294967296"}) {
    expect_error<Terminate>("InstanceId." + std::string(index) + "=i-1", Kind::kUnknownParameter,
                            "InstanceId.");
  }
}

TEST(Decoder, LongValuesAreCutAtACharacter) {
  std::string value;
  for (int i = 0; i < 100; ++i) value += "%E2%82%AC";
  expect_error<ec2::RunInstancesRequest>("MinCount=" + value + "&MaxCount=1", ShapeError::Kind::kInvalidValue,
                                         "\xe2\x82\xac' for MinCount");
}

TEST(XmlEncoder, WritesListsScalarsAndEscapes) {
  ec2::Reservation reservation;
  reservation.reservation_id = "r-1";
  reservation.groups.emplace();
  ec2::Instance instance;
  instance.instance_id = "i-1";
  instance.ami_launch_index = 0;
  instance.ebs_optimized = false;
  instance.launch_time = Timestamp{0};
  instance.state.emplace().name = "pending";
  ec2::Tag tag;
  tag.key = "a<b>&\"c\"";
  tag.value = "";
  instance.tags = {tag};
  reservation.instances = {instance};
  pugi::xml_document document;
  encode(document.append_child("R"), reservation);
  std::string text = to_text(document);
  EXPECT_NE(text.find("<reservationId>r-1</reservationId>"), std::string::npos) << text;
  EXPECT_NE(text.find("<groupSet"), std::string::npos) << text;
  EXPECT_NE(text.find("<instancesSet><item>"), std::string::npos) << text;
  EXPECT_NE(text.find("<launchTime>1970-01-01T00:00:00.000Z</launchTime>"), std::string::npos) << text;
  EXPECT_NE(text.find("<key>a&lt;b&gt;&amp;\"c\"</key><value"), std::string::npos) << text;
  EXPECT_EQ(text.find("ramdiskId"), std::string::npos) << text;
}

TEST(Operations, KnowsTheWholeModel) {
  EXPECT_GT(all_operations().size(), 500u);
  ASSERT_NE(find_operation("ec2", "RunInstances"), nullptr);
  EXPECT_TRUE(find_operation("ec2", "RunInstances")->implemented);
  ASSERT_NE(find_operation("ec2", "CreateVpc"), nullptr);
  EXPECT_FALSE(find_operation("ec2", "CreateVpc")->implemented);
  EXPECT_EQ(find_operation("ec2", "GetCallerIdentity"), nullptr);
  EXPECT_NE(find_operation("sts", "GetCallerIdentity"), nullptr);
  EXPECT_EQ(find_operation("ec2", "MakeCoffee"), nullptr);
  EXPECT_EQ(find_service("ec2")->api_version, "2016-11-15");
  EXPECT_EQ(find_service("s3"), nullptr);
}

}  // namespace
}  // namespace cumulet::api
