// SHA-256 and AES-128 in plain C, and AES-128 with the processor's own rounds.
#include "crypto.h"

#include <immintrin.h>
#include <string.h>

#include "rows.h"

// FIPS 180-4, section 4.2.2.
static const uint32_t kSha256[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#define ROTATED(x, n) (((x) >> (n)) | ((x) << (32 - (n))))

// FIPS 180-4, section 6.2.2: one block of 64 bytes.
__attribute__((noinline)) static void sha256_block(uint32_t* hash, const uint8_t* p) {
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++) {
    w[i] = (uint32_t)p[i * 4] << 24 | p[i * 4 + 1] << 16 | p[i * 4 + 2] << 8 | p[i * 4 + 3];
  }
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] + (ROTATED(a, 7) ^ ROTATED(a, 18) ^ a >> 3) +
           (ROTATED(b, 17) ^ ROTATED(b, 19) ^ b >> 10);
  }
  memcpy(s, hash, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t t1 = s[7] + (ROTATED(s[4], 6) ^ ROTATED(s[4], 11) ^ ROTATED(s[4], 25)) +
                  ((s[4] & s[5]) ^ (~s[4] & s[6])) + kSha256[i] + w[i];
    uint32_t t2 = (ROTATED(s[0], 2) ^ ROTATED(s[0], 13) ^ ROTATED(s[0], 22)) +
                  ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    s[7] = s[6];
    s[6] = s[5];
    s[5] = s[4];
    s[4] = s[3] + t1;
    s[3] = s[2];
    s[2] = s[1];
    s[1] = s[0];
    s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) hash[i] += s[i];
}

uint64_t sha256_c(uint64_t n) {
  uint32_t hash[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  for (uint64_t i = 0; i < n; i++) sha256_block(hash, random_64k + (i & 1023) * 64);
  return hash[0];
}

static uint8_t sbox[256], round_keys[176];

static uint8_t times_x(uint8_t x) { return x << 1 ^ ((x >> 7) * 0x1b); }

// FIPS 197, sections 5.1.1 (the S-box) and 5.2 (the key schedule).
void prepare_aes(void) {
  uint8_t p = 1, q = 1, constant = 1;
  do {
    p = p ^ (p << 1) ^ ((p & 0x80) ? 0x1b : 0);
    q ^= q << 1;
    q ^= q << 2;
    q ^= q << 4;
    if (q & 0x80) q ^= 9;
    uint8_t x = q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^ (q << 4 | q >> 4);
    sbox[p] = x ^ 0x63;
  } while (p != 1);
  sbox[0] = 0x63;
  for (int i = 0; i < 16; i++) round_keys[i] = i * 17;
  for (int i = 16; i < 176; i += 4) {
    uint8_t word[4];
    memcpy(word, round_keys + i - 4, 4);
    if (i % 16 == 0) {
      uint8_t first = word[0];
      word[0] = sbox[word[1]] ^ constant;
      word[1] = sbox[word[2]];
      word[2] = sbox[word[3]];
      word[3] = sbox[first];
      constant = times_x(constant);
    }
    for (int j = 0; j < 4; j++) round_keys[i + j] = round_keys[i - 16 + j] ^ word[j];
  }
}

// FIPS 197, section 5.1.
__attribute__((noinline)) static void aes_encrypt(uint8_t* s) {
  uint8_t t[16];
  for (int i = 0; i < 16; i++) s[i] ^= round_keys[i];
  for (int round = 1; round <= 10; round++) {
    for (int c = 0; c < 4; c++) {
      for (int i = 0; i < 4; i++) t[c * 4 + i] = sbox[s[((c + i) & 3) * 4 + i]];
    }
    for (int c = 0; c < 4 && round < 10; c++) {
      uint8_t *a = t + c * 4, every = a[0] ^ a[1] ^ a[2] ^ a[3], first = a[0];
      a[0] ^= every ^ times_x(a[0] ^ a[1]);
      a[1] ^= every ^ times_x(a[1] ^ a[2]);
      a[2] ^= every ^ times_x(a[2] ^ a[3]);
      a[3] ^= every ^ times_x(a[3] ^ first);
    }
    for (int i = 0; i < 16; i++) s[i] = t[i] ^ round_keys[round * 16 + i];
  }
}

uint64_t aes128_c(uint64_t n) {
  static uint8_t state[16];
  while (n--) aes_encrypt(state);
  return state[0];
}

__attribute__((target("aes,sse4.1"))) uint64_t aes128_ni(uint64_t n) {
  __m128i k[11];
  for (int i = 0; i < 11; i++) k[i] = _mm_loadu_si128((const void*)(round_keys + 16 * i));
  __m128i x = k[3];
  while (n--) {
    x = _mm_xor_si128(x, k[0]);
    for (int i = 1; i < 10; i++) x = _mm_aesenc_si128(x, k[i]);
    x = _mm_aesenclast_si128(x, k[10]);
  }
  return _mm_cvtsi128_si64(x);
}
