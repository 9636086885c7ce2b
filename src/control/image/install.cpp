// Installing images: whole folders are renamed into place, so that a crash leaves no half image.
#include "control/image/install.h"

#include <errno.h>
#include <fcntl.h>
#include <optional>
#include <sys/file.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "control/image/description.h"
#include "control/image/recipe.h"
#include "control/resource/image_store.h"

namespace cumulet::control {
namespace {

namespace fs = std::filesystem;

constexpr size_t kIdDigits = 17;
constexpr uint64_t kNsPerMs = 1'000'000;
constexpr const char* kImages = "images";
constexpr const char* kBuilding = ".building";  // beside the images, so that a rename can place what is built

Error io_error(const std::string& what, const std::error_code& error) {
  return errno_error(what, error.value());
}

// Makes a file's bytes, or a folder's entries, survive a crash of the machine.
Result<> sync_path(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail(errno_error("open " + path.string(), errno));
  if (::fsync(fd.get()) != 0) return fail(errno_error("sync " + path.string(), errno));
  return {};
}

Result<> sync_folder(const fs::path& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    TRY_VOID(sync_path(entry.path()));
  }
  if (error) return fail(io_error("list " + folder.string(), error));
  return sync_path(folder);
}

// Puts the folder `built` where `place` says, unless the same image lies there whole already.
Result<> place_files(const fs::path& built, const fs::path& place, const std::string& content_sha256) {
  const Result<ImageDescription> present = read_image_description(place);
  if (present && present->content_sha256 == content_sha256) return {};
  TRY_VOID(sync_folder(built));
  std::error_code error;
  fs::remove_all(place, error);
  if (error) return fail(io_error("remove " + place.string(), error));
  fs::rename(built, place, error);
  if (error) return fail(io_error("move the image to " + place.string(), error));
  return sync_path(place.parent_path());
}

Result<> make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(io_error("make " + folder.string(), error));
  return {};
}

// Holds the lock of a state folder's image builds until it is destroyed.
Result<UniqueFd> lock_builds(const fs::path& images) {
  UniqueFd fd(::open((images / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return fail(errno_error("open " + (images / ".lock").string(), errno));
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail(errno_error("lock the image builds", errno));
  }
  return fd;
}

}  // namespace

ImageId image_id_of(const std::string& content_sha256) {
  return ImageId(std::string(ImageTag::kPrefix) + content_sha256.substr(0, kIdDigits));
}

Result<Image> install_image(store::Kv& kv, const Clock& clock, const fs::path& state_dir,
                            const fs::path& built, const std::string& account_id) {
  const ImageDescription description = TRY(read_image_description(built));
  const ImageId id = image_id_of(description.content_sha256);
  const fs::path relative = fs::path(kImages) / id.str();
  TRY_VOID(make_folder(state_dir / kImages));
  TRY_VOID(place_files(built, state_dir / relative, description.content_sha256));
  if (std::optional<Image> known = TRY(find_image(kv, id))) return std::move(*known);

  Image image{.id = id, .owner_id = account_id, .name = description.name, .kernel_file = {}};
  image.description = description.description;
  image.kernel_file = (relative / description.kernel_file).string();
  if (!description.initrd_file.empty()) image.initrd_file = (relative / description.initrd_file).string();
  image.command_line = description.command_line;
  image.content_sha256 = description.content_sha256;
  image.creation_time_ms = static_cast<int64_t>(clock.wall_ns() / kNsPerMs);
  TRY_VOID(replace_image(kv, image));
  return image;
}

Result<Image> build_image(store::Kv& kv, const Clock& clock, const fs::path& recipes,
                          const std::string& recipe, const fs::path& state_dir,
                          const std::string& account_id) {
  const fs::path images = state_dir / kImages;
  TRY_VOID(make_folder(images));
  const UniqueFd lock = TRY(lock_builds(images));
  // Under the lock, so whatever is here is what an earlier build left behind when it was killed.
  const fs::path building = images / kBuilding;
  std::error_code error;
  fs::remove_all(building, error);
  if (error) return fail(io_error("remove " + building.string(), error));
  Result<> ran = run_recipe(recipes, recipe, building);
  Result<Image> image = ran ? install_image(kv, clock, state_dir, building, account_id) : fail(ran.error());
  fs::remove_all(building, error);
  return image;
}

}  // namespace cumulet::control
