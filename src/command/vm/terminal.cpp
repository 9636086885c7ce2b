// Raw mode, the two threads, and the escape key.
#include "command/vm/terminal.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

namespace cumulet::command {

namespace {
constexpr uint8_t kEscape = 'a' & 0x1f;  // Ctrl-A
constexpr int kPollMs = -1;
}  // namespace

Terminal::~Terminal() {
  {
    std::lock_guard lock(lock_);
    stopping_ = true;
    output_changed_.notify_all();
  }
  uint64_t one = 1;
  if (stop_event_.valid()) (void)!::write(stop_event_.get(), &one, sizeof(one));
  if (input_thread_.joinable()) input_thread_.join();
  if (output_thread_.joinable()) output_thread_.join();
  if (saved_settings_) tcsetattr(STDIN_FILENO, TCSADRAIN, &*saved_settings_);
}

Result<void> Terminal::start() {
  sigset_t ending;
  sigemptyset(&ending);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ending, number);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  signals_ = UniqueFd(signalfd(-1, &ending, SFD_CLOEXEC));
  stop_event_ = UniqueFd(eventfd(0, EFD_CLOEXEC));
  quit_event_ = UniqueFd(eventfd(0, EFD_CLOEXEC));
  if (!signals_.valid() || !stop_event_.valid() || !quit_event_.valid())
    return fail(errno_error("set up the terminal", errno));
  if (isatty(STDIN_FILENO) != 0) {
    termios settings{};
    if (tcgetattr(STDIN_FILENO, &settings) != 0)
      return fail(errno_error("read the terminal's settings", errno));
    saved_settings_ = settings;
    cfmakeraw(&settings);
    if (tcsetattr(STDIN_FILENO, TCSANOW, &settings) != 0)
      return fail(errno_error("put the terminal into raw mode", errno));
  }
  input_thread_ = std::thread([this] { run_input(); });
  output_thread_ = std::thread([this] { run_output(); });
  return {};
}

void Terminal::write(uint8_t byte) {
  std::unique_lock lock(lock_);
  output_changed_.wait(lock, [this] { return output_.size() < kMaximumBacklog || stopping_ || quitting_; });
  if (quitting_) return;
  output_.push_back(byte);
  if (output_.size() == 1) output_changed_.notify_all();
}

void Terminal::run_output() {
  std::unique_lock lock(lock_);
  while (true) {
    output_changed_.wait(lock, [this] { return !output_.empty() || stopping_ || quitting_; });
    if (output_.empty() || quitting_) return;
    std::vector<uint8_t> taken;
    taken.swap(output_);
    output_changed_.notify_all();
    lock.unlock();
    write_out(taken);
    lock.lock();
  }
}

// Gives up when the reader is gone, or when the user wants to quit while the reader does not read.
void Terminal::write_out(ByteView bytes) {
  constexpr size_t kStep = 512;  // what a pipe or terminal that is ready takes without blocking
  while (!bytes.empty()) {
    std::array<pollfd, 2> waiting = {{{STDOUT_FILENO, POLLOUT, 0}, {quit_event_.get(), POLLIN, 0}}};
    if (poll(waiting.data(), waiting.size(), kPollMs) < 0) continue;
    if (waiting[1].revents != 0) return;
    ssize_t now = ::write(STDOUT_FILENO, bytes.data(), std::min(bytes.size(), kStep));
    if (now < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (now <= 0) return;
    bytes = bytes.subspan(static_cast<size_t>(now));
  }
}

void Terminal::quit() {
  {
    std::lock_guard lock(lock_);
    quitting_ = true;
    output_changed_.notify_all();
  }
  uint64_t one = 1;
  (void)!::write(quit_event_.get(), &one, sizeof(one));
  callbacks_.on_quit();
}

void Terminal::run_input() {
  std::array<pollfd, 3> waiting = {
      {{stop_event_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  while (true) {
    if (poll(waiting.data(), waiting.size(), kPollMs) < 0 && errno != EINTR) return;
    if (waiting[0].revents != 0) return;
    if (waiting[1].revents != 0) {
      signalfd_siginfo info{};
      (void)!read(signals_.get(), &info, sizeof(info));
      quit();
    }
    if (waiting[2].revents == 0) continue;
    std::array<uint8_t, 512> buffer{};
    ssize_t got = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got > 0) take_input(ByteView(buffer).first(static_cast<size_t>(got)));
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) waiting[2].fd = -1;  // no more input
  }
}

void Terminal::take_input(ByteView bytes) {
  if (!saved_settings_) return callbacks_.on_input(bytes);
  std::vector<uint8_t> for_guest;
  for (uint8_t byte : bytes) {
    if (!escaped_ && byte == kEscape) {
      escaped_ = true;
      continue;
    }
    if (escaped_ && (byte == 'x' || byte == 'X')) return quit();
    escaped_ = false;
    for_guest.push_back(byte);
  }
  if (!for_guest.empty()) callbacks_.on_input(for_guest);
}

}  // namespace cumulet::command
