// Images in the store.
#include "control/resource/image_store.h"

#include <boost/json.hpp>

#include "control/resource/image_record.h"
#include "control/resource/keys.h"
#include "control/resource/record.h"
#include "control/resource/record_range.h"

namespace cumulet::control {

namespace json = boost::json;

std::string encode_image(const Image& image) {
  return json::serialize(json::object{{"version", 1},
                                      {"id", image.id.str()},
                                      {"owner_id", image.owner_id},
                                      {"name", image.name},
                                      {"description", image.description},
                                      {"kernel_file", image.kernel_file},
                                      {"initrd_file", image.initrd_file},
                                      {"command_line", image.command_line},
                                      {"content_sha256", image.content_sha256},
                                      {"is_public", image.is_public},
                                      {"creation_time_ms", image.creation_time_ms},
                                      {"tags", tags_to_json(image.tags)}});
}

Result<Image> decode_image(std::string_view text) {
  RecordReader reader(text, "image");
  Image image;
  if (reader.number("version") != 1) reader.reject("version");
  image.id = ImageId(reader.string("id"));
  image.owner_id = reader.string("owner_id");
  image.name = reader.string("name");
  image.description = reader.string("description");
  image.kernel_file = reader.string("kernel_file");
  image.initrd_file = reader.string("initrd_file");
  image.command_line = reader.string("command_line");
  image.content_sha256 = reader.string("content_sha256");
  image.is_public = reader.boolean("is_public");
  image.creation_time_ms = reader.number("creation_time_ms");
  image.tags = reader.tags("tags");
  TRY_VOID(reader.finish());
  return image;
}

Result<> create_image(store::Kv& kv, const Image& image) {
  const std::string name_key = image_name_key(image.owner_id, image.name);
  auto created = kv.commit({{{image_key(image.id), 0}, {name_key, 0}},
                            {{image_key(image.id), encode_image(image)}, {name_key, image.id.str()}}});
  if (created) return {};
  if (created.error().code != ErrorCode::kConflict) return fail(std::move(created).error());
  return fail(ErrorCode::kAlreadyExists,
              "an image with id " + image.id.str() + " or name " + image.name + " exists already");
}

Result<std::optional<Image>> find_image(store::Kv& kv, const ImageId& id) {
  const auto entry = TRY(kv.get(image_key(id)));
  if (!entry) return std::nullopt;
  return TRY(decode_image(entry->value));
}

Result<std::vector<Image>> list_images(store::Kv& kv) {
  return decode_range<Image>(kv, kImagePrefix, decode_image);
}

Result<> replace_image(store::Kv& kv, const Image& image) {
  const std::string name_key = image_name_key(image.owner_id, image.name);
  const auto holder = TRY(kv.get(name_key));
  if (!holder) return create_image(kv, image);
  const auto old_entry = TRY(kv.get(image_key(ImageId(holder->value))));
  if (!old_entry) return fail(ErrorCode::kCorrupt, "a record of the store is damaged", name_key);
  Image old = TRY(decode_image(old_entry->value));
  if (old.id == image.id)
    return fail(ErrorCode::kAlreadyExists, "an image with id " + image.id.str() + " exists already");
  old.name += " (" + old.id.str() + ")";
  const std::string old_name_key = image_name_key(old.owner_id, old.name);
  TRY(kv.commit({{{name_key, holder->revision},
                  {old_entry->key, old_entry->revision},
                  {image_key(image.id), 0},
                  {old_name_key, 0}},
                 {{name_key, image.id.str()},
                  {old_entry->key, encode_image(old)},
                  {old_name_key, old.id.str()},
                  {image_key(image.id), encode_image(image)}}}));
  return {};
}

}  // namespace cumulet::control
