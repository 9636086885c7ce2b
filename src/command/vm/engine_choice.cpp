// The engines by name, and the test for hardware virtualization.
#include "command/vm/engine_choice.h"

#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <string>

#include "base/unique_fd.h"
#include "hypervisor/kvm/engine.h"
#include "hypervisor/translate/engine.h"

namespace cumulet::command {

namespace {

bool cpu_has_virtualization() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      if (word == "vmx" || word == "svm") return true;
    }
    return false;  // all processors are alike
  }
  return false;
}

}  // namespace

bool has_hardware_virtualization() {
  return cpu_has_virtualization() && UniqueFd(open("/dev/kvm", O_RDWR | O_CLOEXEC)).valid();
}

hypervisor::EngineFactory choose_engine(node::EngineChoice choice, const std::string& translation_cache) {
  bool kvm = choice == node::EngineChoice::kKvm ||
             (choice == node::EngineChoice::kAuto && has_hardware_virtualization());
  if (kvm) return [](hypervisor::GuestMemory& memory) { return hypervisor::create_kvm_engine(memory); };
  hypervisor::TranslateOptions options;
  options.translation_cache = translation_cache;
  return [options](hypervisor::GuestMemory& memory) {
    return hypervisor::create_translate_engine(memory, options);
  };
}

}  // namespace cumulet::command
