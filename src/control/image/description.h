// ImageDescription: what a recipe says about the image that it built (image.json).
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace cumulet::control {

struct ImageDescription {
  std::string name;
  std::string description;
  std::string command_line;
  std::string kernel_file;  // names of files in the image's folder
  std::string initrd_file;  // empty: none
  // Of all that a guest boots: the kernel's and the initial RAM disk's digests and the command line.
  std::string content_sha256;
};

// Reads folder/image.json and checks the files against its digests. Errors: kIo; kCorrupt when the text is
// malformed, of an unknown format, names files outside the folder, or when a file is not what it should be.
[[nodiscard]] Result<ImageDescription> read_image_description(const std::filesystem::path& folder);

}  // namespace cumulet::control
