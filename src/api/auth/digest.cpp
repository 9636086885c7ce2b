// OpenSSL's digests behind value types.
#include "api/auth/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/check.h"

namespace cumulet::api {

Digest sha256(std::string_view bytes) {
  Digest digest{};
  unsigned size = 0;
  CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  CHECK(size == digest.size());
  return digest;
}

Digest hmac_sha256(std::span<const uint8_t> key, std::string_view message) {
  // FIPS 198-1: H((K ^ opad) || H((K ^ ipad) || text)), with keys longer than a block hashed first.
  constexpr size_t kBlock = 64;
  std::string inner(kBlock, '\x36');
  std::string outer(kBlock, '\x5c');
  Digest hashed{};
  if (key.size() > kBlock) {
    std::string text(key.begin(), key.end());
    hashed = sha256(text);
    key = hashed;
  }
  for (size_t i = 0; i < key.size(); ++i) {
    inner[i] = static_cast<char>(inner[i] ^ key[i]);
    outer[i] = static_cast<char>(outer[i] ^ key[i]);
  }
  Digest digest = sha256(inner.append(message));
  outer.append(digest.begin(), digest.end());
  return sha256(outer);
}

std::string to_hex(std::span<const uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace cumulet::api
