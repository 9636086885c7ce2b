// DescribeImages.
#include <algorithm>

#include "api/action/actions.h"
#include "api/action/filters.h"
#include "api/action/resource_ids.h"
#include "api/action/tag_rules.h"
#include "control/resource/image_store.h"

namespace cumulet::api {

namespace {

using control::Image;
using Values = std::vector<std::string>;

Values absent(const Image&) { return {}; }

std::string location_of(const Image& image) { return image.owner_id + "/" + image.name; }

constexpr FilterField<Image> kFields[] = {
    {"architecture", [](const Image&) { return one("x86_64"); }},
    {"block-device-mapping.delete-on-termination", absent},
    {"block-device-mapping.device-name", absent},
    {"block-device-mapping.encrypted", absent},
    {"block-device-mapping.snapshot-id", absent},
    {"block-device-mapping.volume-size", absent},
    {"block-device-mapping.volume-type", absent},
    {"creation-date", [](const Image& i) { return one(format_timestamp({i.creation_time_ms})); }},
    {"description", [](const Image& i) { return one_or_none(i.description); }},
    {"ena-support", [](const Image&) { return one(false); }},
    {"hypervisor", [](const Image&) { return one("xen"); }},
    {"image-id", [](const Image& i) { return one(i.id.str()); }},
    {"image-type", [](const Image&) { return one("machine"); }},
    {"is-public", [](const Image& i) { return one(i.is_public); }},
    {"kernel-id", absent},
    {"manifest-location", [](const Image& i) { return one(location_of(i)); }},
    {"name", [](const Image& i) { return one(i.name); }},
    {"owner-alias", absent},
    {"owner-id", [](const Image& i) { return one(i.owner_id); }},
    {"platform", absent},
    {"product-code", absent},
    {"product-code.type", absent},
    {"ramdisk-id", absent},
    {"root-device-name", absent},
    {"root-device-type", [](const Image&) { return one("instance-store"); }},
    {"sriov-net-support", absent},
    {"state", [](const Image&) { return one("available"); }},
    {"state-reason-code", absent},
    {"state-reason-message", absent},
    {"virtualization-type", [](const Image&) { return one("hvm"); }},
};

const control::Tags& image_tags(const Image& image) { return image.tags; }

bool is_account_id(const std::string& text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == std::string::npos;
}

// "self", an account id, or an alias of AWS's own accounts, none of which owns images here.
Outcome<void> keep_owned(const ActionContext& context, const std::vector<std::string>& owners,
                         std::vector<Image>& images) {
  if (owners.empty()) return {};
  std::vector<std::string> accounts;
  for (const std::string& owner : owners) {
    if (owner == "self") {
      accounts.push_back(context.caller.identity.account_id);
    } else if (is_account_id(owner)) {
      accounts.push_back(owner);
    } else if (owner != "amazon" && owner != "aws-marketplace" && owner != "aws-backup-vault") {
      return refuse(ApiCode::kInvalidParameterValue, "Invalid owner '" + owner + "'");
    }
  }
  std::erase_if(images, [&](const Image& image) {
    return std::find(accounts.begin(), accounts.end(), image.owner_id) == accounts.end();
  });
  return {};
}

// "self" and "all": images that may be launched through an explicit grant (none exist), or by everybody.
Outcome<void> keep_executable(const ActionContext& context, const std::vector<std::string>& users,
                              std::vector<Image>& images) {
  if (users.empty()) return {};
  bool everybody = false;
  for (const std::string& user : users) {
    if (user == "all") {
      everybody = true;
    } else if (user != "self" && user != context.caller.identity.account_id && !is_account_id(user)) {
      return refuse(ApiCode::kInvalidParameterValue, "Invalid user id '" + user + "'");
    }
  }
  std::erase_if(images, [&](const Image& image) { return !everybody || !image.is_public; });
  return {};
}

Outcome<std::vector<Image>> named_images(store::Kv& kv, const std::vector<std::string>& texts) {
  if (texts.empty()) return TRY(control::list_images(kv));
  std::vector<Image> images;
  std::vector<control::ImageId> ids;
  for (const std::string& text : texts) ids.push_back(TRY(parse_image_id(text)));
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  for (const control::ImageId& id : ids) images.push_back(TRY(find_known_image(kv, id)));
  return images;
}

ec2::Image to_image(const Image& image) {
  ec2::Image view;
  view.image_id = image.id.str();
  view.image_location = location_of(image);
  view.state = "available";
  view.owner_id = image.owner_id;
  view.creation_date = format_timestamp({image.creation_time_ms});
  view.public_ = image.is_public;
  view.architecture = "x86_64";
  view.image_type = "machine";
  view.name = image.name;
  if (!image.description.empty()) view.description = image.description;
  view.platform_details = "Linux/UNIX";
  view.usage_operation = "RunInstances";
  view.ena_support = false;
  view.root_device_type = "instance-store";
  view.virtualization_type = "hvm";
  view.hypervisor = "xen";
  view.block_device_mappings.emplace();
  view.product_codes.emplace();
  view.tags = to_tag_list(image.tags);
  return view;
}

}  // namespace

Outcome<ec2::DescribeImagesResult> describe_images(ActionContext& context,
                                                   const ec2::DescribeImagesRequest& request) {
  auto images = TRY(named_images(context.cloud.kv, items(request.image_ids)));
  TRY_VOID(check_dry_run(request.dry_run));
  TRY_VOID(keep_owned(context, items(request.owners), images));
  TRY_VOID(keep_executable(context, items(request.executable_users), images));
  TRY_VOID(apply_filters<Image>(request.filters, kFields, image_tags, images));
  ec2::DescribeImagesResult result;
  auto& views = result.images.emplace();
  for (const Image& image : images) views.push_back(to_image(image));
  return result;
}

}  // namespace cumulet::api
