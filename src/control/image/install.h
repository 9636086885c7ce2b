// Placing a built image in the state folder and registering it in the store.
#pragma once

#include <filesystem>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "control/resource/image.h"
#include "store/kv/kv.h"

namespace cumulet::control {

// Returns the id of an image with this content. It derives from the content alone: the same kernel, initial
// RAM disk and command line are the same AMI on every installation, however often they are built.
[[nodiscard]] ImageId image_id_of(const std::string& content_sha256);

// Moves the files of `built` (a folder with image.json, on the file system of the state folder) to
// state_dir/images/<id>/ and registers them as an image of the account. An image of the same content is
// returned as it is. An older image of the same name is renamed, not removed. Errors: kCorrupt when `built`
// is not a whole image, kIo, and those of the store. Files without a registration, which a crash between the
// two steps can leave, are taken over by the next installation of the same content.
[[nodiscard]] Result<Image> install_image(store::Kv& kv, const Clock& clock,
                                          const std::filesystem::path& state_dir,
                                          const std::filesystem::path& built, const std::string& account_id);

// Runs a recipe and installs what it built; one build at a time per state folder (a second waits). Errors:
// those of run_recipe() and install_image().
[[nodiscard]] Result<Image> build_image(store::Kv& kv, const Clock& clock,
                                        const std::filesystem::path& recipes, const std::string& recipe,
                                        const std::filesystem::path& state_dir,
                                        const std::string& account_id);

}  // namespace cumulet::control
