// Image: a machine image (AMI): the kernel, initial RAM disk and command line that an instance boots.
#pragma once

#include <cstdint>
#include <string>

#include "control/resource/ids.h"
#include "control/resource/tag.h"

namespace cumulet::control {

struct Image {
  ImageId id;
  std::string owner_id;
  std::string name;  // unique within the account, e.g. "debian-12-cloud"
  std::string description = {};
  // Files are relative to the state folder, so that it can be moved, e.g. "images/ami-…/vmlinuz".
  std::string kernel_file;
  std::string initrd_file = {};  // empty: none
  std::string command_line = {};
  std::string content_sha256 = {};  // of all that the guest boots: the same content is the same image
  bool is_public = true;
  int64_t creation_time_ms = 0;
  Tags tags = {};
};

}  // namespace cumulet::control
