// Terminal: a guest's serial console on this process's standard input and output.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <termios.h>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace cumulet::command {

// On a terminal, input is raw and Ctrl-A is the escape: Ctrl-A x quits, Ctrl-A Ctrl-A sends one. From a pipe,
// all bytes go to the guest. Output is written by a thread of its own: a guest is held back only when a
// reader lags by kMaximumBacklog bytes. The terminal's settings are restored by the destructor.
class Terminal {
 public:
  struct Callbacks {
    std::function<void(ByteView)> on_input;  // for the guest
    std::function<void()> on_quit;           // Ctrl-A x, SIGINT, SIGTERM or SIGHUP
  };
  static constexpr size_t kMaximumBacklog = 1 << 20;

  explicit Terminal(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // Blocks the ending signals in the calling thread and those it starts later, and begins. Error kIo.
  Result<void> start();
  // One byte from the guest. Thread-safe.
  void write(uint8_t byte);

 private:
  void run_output();
  void run_input();
  void take_input(ByteView bytes);
  void write_out(ByteView bytes);
  void quit();

  Callbacks callbacks_;
  std::optional<termios> saved_settings_;
  UniqueFd stop_event_, quit_event_, signals_;
  std::thread input_thread_, output_thread_;
  bool escaped_ = false;  // Ctrl-A was typed; the input thread's own

  std::mutex lock_;
  std::condition_variable output_changed_;
  std::vector<uint8_t> output_;
  bool stopping_ = false;  // write what is there, then end
  bool quitting_ = false;  // drop it
};

}  // namespace cumulet::command
