// SHA-256 of files and texts, by OpenSSL.
#include "control/image/digest.h"

#include <array>
#include <cstdint>
#include <errno.h>
#include <fcntl.h>
#include <memory>
#include <openssl/evp.h>
#include <unistd.h>
#include <vector>

#include "base/check.h"
#include "base/unique_fd.h"

namespace cumulet::control {
namespace {

constexpr size_t kChunkBytes = 1 << 20;

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    CHECK(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }

  void add(const void* data, size_t size) { CHECK(EVP_DigestUpdate(context_.get(), data, size) == 1); }

  [[nodiscard]] std::string finish() {
    std::array<uint8_t, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    CHECK(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
      text += kDigits[digest[i] >> 4];
      text += kDigits[digest[i] & 15];
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

Result<std::string> sha256_of_file(const std::filesystem::path& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail(errno_error("open " + file.string(), errno));
  Sha256 hash;
  std::vector<uint8_t> chunk(kChunkBytes);
  while (true) {
    const ssize_t size = ::read(fd.get(), chunk.data(), chunk.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail(errno_error("read " + file.string(), errno));
    if (size == 0) return hash.finish();
    hash.add(chunk.data(), static_cast<size_t>(size));
  }
}

std::string sha256_of_text(std::string_view text) {
  Sha256 hash;
  hash.add(text.data(), text.size());
  return hash.finish();
}

}  // namespace cumulet::control
