// Reading of a whole file.
#include "hypervisor/boot/file.h"

namespace cumulet::hypervisor {

Result<BootBytes> read_all(const BootSource& source) {
  BootBytes bytes(source.size());
  TRY_VOID(source.read(0, bytes));
  return bytes;
}

Result<BootBytes> read_boot_file(const std::string& path, std::string_view what) {
  FileSource file = TRY(FileSource::open(path, what));
  return read_all(file);
}

}  // namespace cumulet::hypervisor
