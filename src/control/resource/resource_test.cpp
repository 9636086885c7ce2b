// Tests of resources and their records in the store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "control/resource/image_store.h"
#include "control/resource/instance_record.h"
#include "control/resource/instance_store.h"
#include "control/resource/instance_type.h"
#include "control/resource/keys.h"
#include "control/resource/tag_store.h"
#include "store/kv/memory_kv.h"

namespace cumulet::control {
namespace {

using testing::SizeIs;

Instance sample() {
  Instance instance;
  instance.id = InstanceId("i-0123456789abcdef0");
  instance.reservation_id = ReservationId("r-0123456789abcdef0");
  instance.owner_id = "123456789012";
  instance.image_id = ImageId("ami-0123456789abcdef0");
  instance.instance_type = "t3.micro";
  instance.zone = "us-east-1a";
  instance.host = HostId("us-east-1a-1");
  instance.tags = {{"Name", "a \"quoted\" näme"}};
  return instance;
}

Image image(const char* id, const char* name) {
  Image result;
  result.id = ImageId(id);
  result.owner_id = "123456789012";
  result.name = name;
  result.kernel_file = "images/x/vmlinuz";
  return result;
}

TEST(Ids, RandomOnesAreWellFormedAndDiffer) {
  RandomIdSource source;
  std::set<InstanceId> ids;
  for (int i = 0; i < 100; ++i) {
    const auto id = make_id<InstanceTag>(source);
    EXPECT_TRUE(is_well_formed(id)) << id.str();
    EXPECT_EQ(id.str().size(), 19U);
    ids.insert(id);
  }
  EXPECT_THAT(ids, SizeIs(100));
}

TEST(Ids, MalformedOnesAreRecognized) {
  EXPECT_TRUE(is_resource_id("i-01234567", "i-"));
  for (const char* text : {"", "i-", "i-0123456", "i-0123456789abcdef", "i-0123456789abcdef01",
                           "i-0123456789ABCDEF0", "x-01234567", "i-0123456g", "ami-01234567"})
    EXPECT_FALSE(is_resource_id(text, "i-")) << text;
}

TEST(InstanceRecord, SurvivesEncoding) {
  Instance instance = sample();
  instance.shutdown_behavior = ShutdownBehavior::kTerminate;
  instance.disable_api_termination = true;
  instance.desired = {DesiredState::kStopped, 3, 2, true, 17, {"code", "message"}, "transition"};
  instance.observed = {Phase::kExited, 2, 1, ExitKind::kFailed, true, 18, {"why", "text"}};
  const Instance copy = decode_instance(encode_instance(instance)).value();
  EXPECT_EQ(encode_instance(copy), encode_instance(instance));
  EXPECT_EQ(copy.tags, instance.tags);
  EXPECT_EQ(copy.desired.state, DesiredState::kStopped);
  EXPECT_EQ(copy.observed.exit, ExitKind::kFailed);
}

TEST(InstanceRecord, DamagedOnesAreErrorsThatNameTheField) {
  EXPECT_EQ(decode_instance("{").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(decode_instance("[]").error().code, ErrorCode::kCorrupt);
  std::string text = encode_instance(sample());
  text.replace(text.find("\"running\""), 9, "\"flying\"");
  const auto decoded = decode_instance(text);
  ASSERT_FALSE(decoded);
  EXPECT_NE(decoded.error().context.find("state"), std::string::npos);
}

TEST(InstanceState, IsAFunctionOfDesiredAndObserved) {
  struct Case {
    DesiredState desired;
    uint64_t observed_launch;
    Phase phase;
    bool ran;
    InstanceState visible;
  };
  const Case cases[] = {
      {DesiredState::kRunning, 0, Phase::kNone, false, InstanceState::kPending},
      {DesiredState::kRunning, 2, Phase::kRunning, true, InstanceState::kRunning},
      {DesiredState::kRunning, 1, Phase::kExited, true, InstanceState::kPending},   // started again
      {DesiredState::kRunning, 2, Phase::kExited, true, InstanceState::kStopping},  // about to be decided
      {DesiredState::kRunning, 2, Phase::kExited, false, InstanceState::kPending},
      {DesiredState::kStopped, 2, Phase::kRunning, true, InstanceState::kStopping},
      {DesiredState::kStopped, 1, Phase::kExited, true, InstanceState::kStopping},
      {DesiredState::kStopped, 2, Phase::kExited, true, InstanceState::kStopped},
      {DesiredState::kTerminated, 2, Phase::kRunning, true, InstanceState::kShuttingDown},
      {DesiredState::kTerminated, 2, Phase::kRemoved, true, InstanceState::kTerminated},
  };
  for (const Case& each : cases) {
    Instance instance = sample();
    instance.desired.state = each.desired;
    instance.desired.launch = 2;
    instance.observed.launch = each.observed_launch;
    instance.observed.phase = each.phase;
    instance.observed.ran = each.ran;
    EXPECT_EQ(visible_state(instance), each.visible) << instance_state_name(each.visible);
  }
}

TEST(InstanceTypes, AreOrderedByFamilyAndFound) {
  std::string family;
  std::set<std::string> families;
  for (const InstanceType& type : instance_types()) {
    const std::string name(type.name);
    const std::string its_family = name.substr(0, name.find('.'));
    if (its_family != family) {
      EXPECT_TRUE(families.insert(its_family).second) << name;
    }
    family = its_family;
    EXPECT_EQ(find_instance_type(name), &type);
    EXPECT_EQ(type.vcpus % type.threads_per_core, 0U) << name;
  }
  EXPECT_EQ(find_instance_type("t3.huge"), nullptr);
  EXPECT_EQ(find_instance_type("t3.micro")->memory_mib, 1024U);
}

TEST(Images, IdAndNameAreUnique) {
  store::MemoryKv kv;
  ASSERT_TRUE(create_image(kv, image("ami-1", "one")));
  EXPECT_EQ(create_image(kv, image("ami-1", "two")).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(create_image(kv, image("ami-2", "one")).error().code, ErrorCode::kAlreadyExists);
  EXPECT_TRUE(create_image(kv, image("ami-2", "two")));
  EXPECT_THAT(list_images(kv).value(), SizeIs(2));
}

TEST(Images, ARebuiltOneTakesTheNameOver) {
  store::MemoryKv kv;
  ASSERT_TRUE(replace_image(kv, image("ami-1", "one")));
  ASSERT_TRUE(replace_image(kv, image("ami-2", "one")));
  EXPECT_EQ(find_image(kv, ImageId("ami-1")).value()->name, "one (ami-1)");
  EXPECT_EQ(find_image(kv, ImageId("ami-2")).value()->name, "one");
  EXPECT_EQ(replace_image(kv, image("ami-2", "one")).error().code, ErrorCode::kAlreadyExists);
}

TEST(Tags, ChangeAllResourcesOrNone) {
  store::MemoryKv kv;
  ASSERT_TRUE(create_image(kv, image("ami-1", "one")));
  const Instance instance = sample();
  ASSERT_TRUE(kv.commit({{}, {{instance_key(instance.id), encode_instance(instance)}}}));
  const auto add = [](const std::string&, Tags& tags) -> Result<> {
    tags["k"] = "v";
    return {};
  };
  EXPECT_EQ(update_tags(kv, {"ami-1", "i-00000000"}, add).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(update_tags(kv, {"ami-1", "vol-00000000"}, add).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(find_image(kv, ImageId("ami-1")).value()->tags.empty());
  ASSERT_TRUE(update_tags(kv, {"ami-1", instance.id.str(), "ami-1"}, add));
  const auto tags = list_tags(kv).value();
  ASSERT_THAT(tags, SizeIs(2));
  EXPECT_EQ(tags[0].resource_type, "image");
  EXPECT_EQ(tags[1].tags.size(), 2U);
}

}  // namespace
}  // namespace cumulet::control
