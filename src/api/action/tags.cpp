// CreateTags, DeleteTags and DescribeTags.
#include <algorithm>

#include "api/action/actions.h"
#include "api/action/filters.h"
#include "api/action/paging.h"
#include "api/action/resource_ids.h"
#include "api/action/tag_rules.h"
#include "control/resource/tag_store.h"

namespace cumulet::api {

namespace {

// One tag of one resource: what DescribeTags lists.
struct TagRow {
  std::string resource_id;
  std::string resource_type;
  std::string key;
  std::string value;
};

constexpr FilterField<TagRow> kFields[] = {
    {"key", [](const TagRow& row) { return one(row.key); }},
    {"resource-id", [](const TagRow& row) { return one(row.resource_id); }},
    {"resource-type", [](const TagRow& row) { return one(row.resource_type); }},
    {"value", [](const TagRow& row) { return one(row.value); }},
};

// Every id must be of a kind that carries tags, and exist.
Outcome<void> check_resources(store::Kv& kv, const std::vector<std::string>& ids) {
  if (ids.empty())
    return refuse(ApiCode::kMissingParameter, "The request must contain the parameter ResourceId");
  if (ids.size() > kMaxIdsPerCall) {
    return refuse(ApiCode::kInvalidParameterValue, "At most 1000 resource IDs can be given in one request");
  }
  std::vector<control::InstanceId> instances;
  for (const std::string& id : ids) {
    if (id.starts_with(control::InstanceTag::kPrefix)) {
      instances.push_back(TRY(parse_instance_ids({id}))[0]);
    } else if (id.starts_with(control::ImageTag::kPrefix)) {
      control::ImageId image = TRY(parse_image_id(id));
      TRY(find_known_image(kv, image));
    } else {
      return refuse(ApiCode::kInvalidId, "The ID '" + id.substr(0, 64) + "' is not valid");
    }
  }
  TRY(find_instances(kv, instances));
  return {};
}

Outcome<void> add_tags(store::Kv& kv, const std::vector<std::string>& ids, const control::Tags& added) {
  auto done = control::update_tags(kv, ids, [&](const std::string& id, control::Tags& tags) -> Result<> {
    for (const auto& [key, value] : added) tags[key] = value;
    if (tags.size() > kMaxTags) return fail(ErrorCode::kResourceExhausted, tag_limit_message(id));
    return {};
  });
  if (done) return {};
  if (done.error().code == ErrorCode::kResourceExhausted) {
    return refuse(ApiCode::kTagLimitExceeded, done.error().message);
  }
  return tl::unexpected(ApiError(done.error()));
}

// A key without a value goes whatever its value is; with one, only if it has that value; no tags at all means
// every tag.
void remove_tags(const std::optional<std::vector<ec2::Tag>>& removed, control::Tags& tags) {
  if (items(removed).empty()) return tags.clear();
  for (const ec2::Tag& tag : *removed) {
    auto found = tags.find(tag.key.value_or(""));
    if (found != tags.end() && (!tag.value || *tag.value == found->second)) tags.erase(found);
  }
}

}  // namespace

Outcome<Acknowledged> create_tags(ActionContext& context, const ec2::CreateTagsRequest& request) {
  control::Tags tags = TRY(read_tags(items(request.tags)));
  if (tags.empty()) return refuse(ApiCode::kMissingParameter, "The request must contain the parameter Tag");
  TRY_VOID(check_resources(context.cloud.kv, items(request.resources)));
  TRY_VOID(check_dry_run(request.dry_run));
  TRY_VOID(add_tags(context.cloud.kv, items(request.resources), tags));
  return Acknowledged{};
}

Outcome<Acknowledged> delete_tags(ActionContext& context, const ec2::DeleteTagsRequest& request) {
  for (const ec2::Tag& tag : items(request.tags)) {
    if (tag.key.value_or("").empty()) {
      return refuse(ApiCode::kMissingParameter, "The request must contain the parameter Tag.Key");
    }
  }
  TRY_VOID(check_resources(context.cloud.kv, items(request.resources)));
  TRY_VOID(check_dry_run(request.dry_run));
  TRY_VOID(control::update_tags(context.cloud.kv, items(request.resources),
                                [&](const std::string&, control::Tags& tags) -> Result<> {
                                  remove_tags(request.tags, tags);
                                  return {};
                                }));
  return Acknowledged{};
}

Outcome<ec2::DescribeTagsResult> describe_tags(ActionContext& context,
                                               const ec2::DescribeTagsRequest& request) {
  TRY_VOID(check_dry_run(request.dry_run));
  std::vector<TagRow> rows;
  // "tag:<key>" asks for tags of this key and these values, and so is not a filter of resources here.
  std::vector<ec2::Filter> filters;
  std::vector<ec2::Filter> tag_filters;
  for (const ec2::Filter& filter : items(request.filters)) {
    bool about_tag = filter.name && filter.name->starts_with("tag:");
    (about_tag ? tag_filters : filters).push_back(filter);
  }
  TRY_VOID(check_filters(tag_filters, {}, true));
  auto resources = TRY(control::list_tags(context.cloud.kv));
  for (const control::ResourceTags& resource : resources) {
    for (const auto& [key, value] : resource.tags) {
      const control::Tags alone = {{key, value}};
      bool wanted = std::all_of(tag_filters.begin(), tag_filters.end(),
                                [&](const ec2::Filter& filter) { return matches_tags(filter, alone); });
      if (wanted) rows.push_back({resource.resource_id, resource.resource_type, key, value});
    }
  }
  TRY_VOID(apply_filters<TagRow>(filters, kFields, nullptr, rows));
  auto order = [](const TagRow& row) { return row.resource_id + "/" + row.key; };
  std::sort(rows.begin(), rows.end(), [&](const TagRow& a, const TagRow& b) { return order(a) < order(b); });
  PageRequest page{"DescribeTags", request.max_results, request.next_token};
  ec2::DescribeTagsResult result;
  result.next_token = TRY(take_page(context, page, order, rows));
  auto& views = result.tags.emplace();
  for (const TagRow& row : rows) {
    ec2::TagDescription& view = views.emplace_back();
    view.key = row.key;
    view.value = row.value;
    view.resource_id = row.resource_id;
    view.resource_type = row.resource_type;
  }
  return result;
}

}  // namespace cumulet::api
