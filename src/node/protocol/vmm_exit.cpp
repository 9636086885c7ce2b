// Exit records to JSON and back, and to their file atomically.
#include "node/protocol/vmm_exit.h"

#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>

#include "base/unique_fd.h"
#include "node/protocol/json_fields.h"

namespace cumulet::node {

namespace {
constexpr std::array<std::string_view, 5> kReasonNames = {"poweroff", "triple_fault", "debug_exit", "killed",
                                                          "failure"};
constexpr size_t kMaximumRecordSize = 64 * 1024;
}  // namespace

std::string_view exit_reason_name(VmmExitReason reason) { return kReasonNames[static_cast<size_t>(reason)]; }

std::string encode_vmm_exit(const VmmExit& exit) {
  boost::json::object json = {{"reason", exit_reason_name(exit.reason)}, {"message", exit.message}};
  if (exit.reason == VmmExitReason::kDebugExit) json["debug_exit_code"] = exit.debug_exit_code;
  return boost::json::serialize(json) + "\n";
}

Result<VmmExit> decode_vmm_exit(std::string_view json) {
  JsonFields fields = TRY(JsonFields::parse(json, "exit record"));
  std::string name = TRY(fields.string("reason"));
  VmmExit exit;
  exit.message = TRY(fields.string_or("message", ""));
  exit.debug_exit_code = static_cast<uint32_t>(TRY(fields.number_or("debug_exit_code", 0)));
  for (size_t i = 0; i < kReasonNames.size(); ++i) {
    if (kReasonNames[i] != name) continue;
    exit.reason = static_cast<VmmExitReason>(i);
    return exit;
  }
  return fail(ErrorCode::kInvalidArgument, "unknown exit reason '" + name + "'");
}

Result<void> write_vmm_exit(const std::string& path, const VmmExit& exit) {
  std::string text = encode_vmm_exit(exit);
  std::string temporary = path + ".new";
  UniqueFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd.valid()) return fail(errno_error("create the exit record " + temporary, errno));
  size_t done = 0;
  while (done < text.size()) {
    ssize_t now = write(fd.get(), text.data() + done, text.size() - done);
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0) return fail(errno_error("write the exit record " + temporary, errno));
    done += static_cast<size_t>(now);
  }
  if (fsync(fd.get()) != 0) return fail(errno_error("flush the exit record " + temporary, errno));
  if (std::rename(temporary.c_str(), path.c_str()) != 0)
    return fail(errno_error("put the exit record in place at " + path, errno));
  return {};
}

Result<VmmExit> read_vmm_exit(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) return fail(ErrorCode::kNotFound, "there is no exit record", path);
  if (!fd.valid()) return fail(errno_error("open the exit record " + path, errno));
  std::string text(kMaximumRecordSize, '\0');
  size_t size = 0;
  while (size < text.size()) {
    ssize_t got = read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error("read the exit record " + path, errno));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  text.resize(size);
  return decode_vmm_exit(text);
}

}  // namespace cumulet::node
