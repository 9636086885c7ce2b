// TemporaryFolder: an empty folder for one test of this module.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/check.h"

namespace cumulet::hypervisor::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    path_ = (std::filesystem::temp_directory_path() / "translations-XXXXXX").string();
    CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  // Of the file of translations.
  [[nodiscard]] std::string file() const { return path_ + "/translations"; }

 private:
  std::string path_;
};

}  // namespace cumulet::hypervisor::test
