// Tags inside the records of instances and images.
#include "control/resource/tag_store.h"

#include <set>

#include "control/resource/image_record.h"
#include "control/resource/image_store.h"
#include "control/resource/instance_record.h"
#include "control/resource/instance_store.h"
#include "control/resource/keys.h"
#include "control/resource/retry.h"

namespace cumulet::control {

namespace {

using Change = std::function<Result<>(const std::string& id, Tags& tags)>;

// Returns the record with its tags changed.
Result<std::string> change_record(const std::string& id, const std::string& record, const Change& change) {
  if (id.starts_with(InstanceTag::kPrefix)) {
    Instance instance = TRY(decode_instance(record));
    TRY_VOID(change(id, instance.tags));
    return encode_instance(instance);
  }
  Image image = TRY(decode_image(record));
  TRY_VOID(change(id, image.tags));
  return encode_image(image);
}

Result<std::string> key_of_resource(const std::string& id) {
  if (id.starts_with(InstanceTag::kPrefix)) return instance_key(InstanceId(id));
  if (id.starts_with(ImageTag::kPrefix)) return image_key(ImageId(id));
  return fail(ErrorCode::kNotFound, "The ID '" + id + "' is not valid");
}

}  // namespace

Result<> update_tags(store::Kv& kv, const std::vector<std::string>& resource_ids, const Change& change) {
  return retry_on_conflict([&]() -> Result<> {
    store::Transaction transaction;
    std::set<std::string> seen;
    for (const std::string& id : resource_ids) {
      if (!seen.insert(id).second) continue;
      const std::string key = TRY(key_of_resource(id));
      const auto entry = TRY(kv.get(key));
      if (!entry) return fail(ErrorCode::kNotFound, "The ID '" + id + "' does not exist");
      transaction.compares.push_back({key, entry->revision});
      std::string record = TRY(change_record(id, entry->value, change));
      transaction.writes.push_back({key, std::move(record)});
    }
    TRY(kv.commit(transaction));
    return {};
  });
}

Result<std::vector<ResourceTags>> list_tags(store::Kv& kv) {
  std::vector<ResourceTags> all;
  const std::vector<Image> images = TRY(list_images(kv));
  for (const Image& image : images)
    if (!image.tags.empty()) all.push_back({image.id.str(), "image", image.tags});
  const std::vector<Instance> instances = TRY(list_instances(kv));
  for (const Instance& instance : instances)
    if (!instance.tags.empty()) all.push_back({instance.id.str(), "instance", instance.tags});
  return all;
}

}  // namespace cumulet::control
