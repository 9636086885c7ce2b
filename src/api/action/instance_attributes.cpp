// DescribeInstanceAttribute and ModifyInstanceAttribute: one attribute of one instance at a time.
#include <vector>

#include "api/action/actions.h"
#include "api/action/resource_ids.h"
#include "control/resource/instance_store.h"
#include "control/resource/instance_type.h"

namespace cumulet::api {

namespace {

using control::Instance;

ec2::AttributeValue text_value(std::string value) {
  ec2::AttributeValue result;
  result.value = std::move(value);
  return result;
}

ec2::AttributeBooleanValue flag_value(bool value) {
  ec2::AttributeBooleanValue result;
  result.value = value;
  return result;
}

// One way to show an attribute. Attributes that instances do not have yet are empty, as AWS shows unset ones.
struct AttributeView {
  std::string_view name;
  void (*show)(const Instance& instance, ec2::InstanceAttribute& view);
};

constexpr AttributeView kViews[] = {
    {"instanceType",
     [](const Instance& i, ec2::InstanceAttribute& v) { v.instance_type = text_value(i.instance_type); }},
    {"kernel", [](const Instance&, ec2::InstanceAttribute& v) { v.kernel_id.emplace(); }},
    {"ramdisk", [](const Instance&, ec2::InstanceAttribute& v) { v.ramdisk_id.emplace(); }},
    {"userData", [](const Instance&, ec2::InstanceAttribute& v) { v.user_data.emplace(); }},
    {"disableApiTermination",
     [](const Instance& i, ec2::InstanceAttribute& v) {
       v.disable_api_termination = flag_value(i.disable_api_termination);
     }},
    {"disableApiStop",
     [](const Instance& i, ec2::InstanceAttribute& v) {
       v.disable_api_stop = flag_value(i.disable_api_stop);
     }},
    {"instanceInitiatedShutdownBehavior",
     [](const Instance& i, ec2::InstanceAttribute& v) {
       bool stop = i.shutdown_behavior == control::ShutdownBehavior::kStop;
       v.instance_initiated_shutdown_behavior = text_value(stop ? "stop" : "terminate");
     }},
    {"rootDeviceName", [](const Instance&, ec2::InstanceAttribute& v) { v.root_device_name.emplace(); }},
    {"blockDeviceMapping",
     [](const Instance&, ec2::InstanceAttribute& v) { v.block_device_mappings.emplace(); }},
    {"productCodes", [](const Instance&, ec2::InstanceAttribute& v) { v.product_codes.emplace(); }},
    {"groupSet", [](const Instance&, ec2::InstanceAttribute& v) { v.groups.emplace(); }},
    {"ebsOptimized", [](const Instance&, ec2::InstanceAttribute& v) { v.ebs_optimized = flag_value(false); }},
    {"enaSupport", [](const Instance&, ec2::InstanceAttribute& v) { v.ena_support = flag_value(false); }},
    {"sriovNetSupport", [](const Instance&, ec2::InstanceAttribute& v) { v.sriov_net_support.emplace(); }},
    {"enclaveOptions",
     [](const Instance&, ec2::InstanceAttribute& v) { v.enclave_options.emplace().enabled = false; }},
};

// A change that was checked and only has to be made.
using AttributeChange = std::function<Result<bool>(Instance& instance)>;

tl::unexpected<ApiError> bad_value(std::string_view attribute, const std::string& value) {
  return refuse(ApiCode::kInvalidParameterValue,
                "Invalid value '" + value.substr(0, 64) + "' for " + std::string(attribute) + ".");
}

Outcome<AttributeChange> flag_change(std::string_view attribute, const std::string& value,
                                     bool Instance::*flag) {
  if (value != "true" && value != "false") return bad_value(attribute, value);
  return AttributeChange([wanted = value == "true", flag](Instance& instance) -> Result<bool> {
    instance.*flag = wanted;
    return true;
  });
}

Outcome<AttributeChange> shutdown_change(const std::string& value) {
  if (value != "stop" && value != "terminate") return bad_value("instanceInitiatedShutdownBehavior", value);
  bool stop = value == "stop";
  return AttributeChange([stop](Instance& instance) -> Result<bool> {
    instance.shutdown_behavior =
        stop ? control::ShutdownBehavior::kStop : control::ShutdownBehavior::kTerminate;
    return true;
  });
}

// The next start places the instance by its new type.
Outcome<AttributeChange> type_change(const std::string& value) {
  if (control::find_instance_type(value) == nullptr) return bad_value("InstanceType", value);
  return AttributeChange([value](Instance& instance) -> Result<bool> {
    if (control::visible_state(instance) != control::InstanceState::kStopped) {
      return fail(ErrorCode::kFailedPrecondition,
                  "The instance '" + instance.id.str() + "' is not in the 'stopped' state.");
    }
    instance.instance_type = value;
    return true;
  });
}

Outcome<AttributeChange> change_of(const std::string& attribute, const std::string& value) {
  if (attribute == "disableApiTermination") {
    return flag_change(attribute, value, &Instance::disable_api_termination);
  }
  if (attribute == "disableApiStop") return flag_change(attribute, value, &Instance::disable_api_stop);
  if (attribute == "instanceInitiatedShutdownBehavior") return shutdown_change(value);
  if (attribute == "instanceType") return type_change(value);
  return refuse(ApiCode::kUnsupportedOperation,
                "The attribute " + attribute + " cannot be changed in this cloud.");
}

// The attribute that a request is about and its new value, from whichever of AWS's two spellings it uses.
Outcome<std::pair<std::string, std::string>> named_change(
    const ec2::ModifyInstanceAttributeRequest& request) {
  std::vector<std::pair<std::string, std::string>> changes;
  auto add_flag = [&](const char* name, const std::optional<ec2::AttributeBooleanValue>& flag) {
    if (flag) changes.emplace_back(name, flag->value ? (*flag->value ? "true" : "false") : "");
  };
  auto add_text = [&](const char* name, const std::optional<ec2::AttributeValue>& text) {
    if (text) changes.emplace_back(name, text->value.value_or(""));
  };
  if (request.attribute) changes.emplace_back(*request.attribute, request.value.value_or(""));
  add_flag("sourceDestCheck", request.source_dest_check);
  add_flag("disableApiTermination", request.disable_api_termination);
  add_flag("disableApiStop", request.disable_api_stop);
  add_flag("ebsOptimized", request.ebs_optimized);
  add_flag("enaSupport", request.ena_support);
  add_text("instanceInitiatedShutdownBehavior", request.instance_initiated_shutdown_behavior);
  add_text("instanceType", request.instance_type);
  add_text("kernel", request.kernel);
  add_text("ramdisk", request.ramdisk);
  add_text("sriovNetSupport", request.sriov_net_support);
  if (request.block_device_mappings) changes.emplace_back("blockDeviceMapping", "");
  if (request.groups) changes.emplace_back("groupSet", "");
  if (request.user_data) changes.emplace_back("userData", "");
  if (changes.empty()) return refuse(ApiCode::kMissingParameter, "No attributes specified.");
  if (changes.size() > 1) {
    return refuse(ApiCode::kInvalidParameterCombination, "Fields for multiple attribute types specified");
  }
  return changes.front();
}

}  // namespace

Outcome<ec2::InstanceAttribute> describe_instance_attribute(
    ActionContext& context, const ec2::DescribeInstanceAttributeRequest& request) {
  auto ids = TRY(parse_instance_ids({*request.instance_id}));
  auto instances = TRY(find_instances(context.cloud.kv, ids));
  TRY_VOID(check_dry_run(request.dry_run));
  ec2::InstanceAttribute result;
  result.instance_id = ids[0].str();
  for (const AttributeView& view : kViews) {
    if (view.name != *request.attribute) continue;
    view.show(instances[0], result);
    return result;
  }
  return refuse(ApiCode::kUnsupportedOperation,
                "Instances have no attribute " + *request.attribute + " here.");
}

Outcome<Acknowledged> modify_instance_attribute(ActionContext& context,
                                                const ec2::ModifyInstanceAttributeRequest& request) {
  auto ids = TRY(parse_instance_ids({*request.instance_id}));
  auto named = TRY(named_change(request));
  AttributeChange change = TRY(change_of(named.first, named.second));
  TRY(find_instances(context.cloud.kv, ids));
  TRY_VOID(check_dry_run(request.dry_run));
  TRY(control::update_instance(context.cloud.kv, ids[0], change));
  return Acknowledged{};
}

}  // namespace cumulet::api
