// Matching an instruction's questions with the answers it got before.
#include "hypervisor/interpret/request_log.h"

namespace cumulet::hypervisor {

MachineRequest* RequestLog::ask(const MachineRequest& question) {
  if (next_ < requests_.size()) {
    MachineRequest& old = requests_[next_];
    if (old.kind == question.kind && old.direction == question.direction && old.address == question.address &&
        old.data.size() == question.data.size()) {
      ++next_;
      return &old;
    }
    requests_.resize(next_);
  }
  requests_.push_back(question);
  return nullptr;
}

}  // namespace cumulet::hypervisor
