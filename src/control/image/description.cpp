// Reading and checking image.json.
#include "control/image/description.h"

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "control/image/digest.h"

namespace cumulet::control {
namespace {

namespace json = boost::json;

constexpr int64_t kFormat = 1;

struct ImageFile {
  std::string name;
  std::string sha256;
};

Error corrupt(std::string reason) { return {ErrorCode::kCorrupt, "image.json: " + std::move(reason)}; }

Result<json::object> parse(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) return fail(ErrorCode::kIo, "cannot read " + file.string());
  json::error_code error;
  json::value value = json::parse(text.str(), error);
  if (error) return fail(corrupt(error.message()));
  if (!value.is_object()) return fail(corrupt("not an object"));
  return std::move(value.as_object());
}

Result<std::string> text_field(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return fail(corrupt("no text \"" + std::string(name) + "\""));
  return std::string(value->as_string());
}

// Returns the {"file", "sha256"} under `name`; the file must lie directly in the image's folder.
Result<ImageFile> file_field(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_object()) {
    return fail(corrupt("no object \"" + std::string(name) + "\""));
  }
  ImageFile file;
  file.name = TRY(text_field(value->as_object(), "file"));
  file.sha256 = TRY(text_field(value->as_object(), "sha256"));
  if (file.name.empty() || file.name == "." || file.name == ".." ||
      file.name.find('/') != std::string::npos) {
    return fail(corrupt("\"" + file.name + "\" is not the name of a file in the image's folder"));
  }
  return file;
}

Result<> check_file(const std::filesystem::path& folder, const ImageFile& file) {
  if (TRY(sha256_of_file(folder / file.name)) != file.sha256) {
    return fail(corrupt(file.name + " does not have the digest that is written down for it"));
  }
  return {};
}

}  // namespace

Result<ImageDescription> read_image_description(const std::filesystem::path& folder) {
  const json::object object = TRY(parse(folder / "image.json"));
  const json::value* format = object.if_contains("format");
  if (format == nullptr || !format->is_int64() || format->as_int64() != kFormat) {
    return fail(corrupt("unknown format"));
  }
  const ImageFile kernel = TRY(file_field(object, "kernel"));
  ImageFile initrd;
  if (object.contains("initrd")) initrd = TRY(file_field(object, "initrd"));
  ImageDescription description;
  description.name = TRY(text_field(object, "name"));
  description.description = TRY(text_field(object, "description"));
  description.command_line = TRY(text_field(object, "command_line"));
  description.kernel_file = kernel.name;
  description.initrd_file = initrd.name;
  if (description.name.empty()) return fail(corrupt("the name is empty"));
  TRY_VOID(check_file(folder, kernel));
  if (!initrd.name.empty()) TRY_VOID(check_file(folder, initrd));
  description.content_sha256 =
      sha256_of_text(kernel.sha256 + "\n" + initrd.sha256 + "\n" + description.command_line + "\n");
  return description;
}

}  // namespace cumulet::control
