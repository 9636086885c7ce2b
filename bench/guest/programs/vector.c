// The rows of vector work: SSE2 and AVX2 on integers and doubles, AES rounds, the C library's strlen.
#include <immintrin.h>
#include <string.h>

#include "crypto.h"
#include "rows.h"

static uint8_t vectors[65536] __attribute__((aligned(64)));

static void prepare_vectors(void) { memcpy(vectors, random_64k, sizeof vectors); }

static uint64_t sse2_int_64k(uint64_t n) {
  __m128i sum = _mm_setzero_si128();
  while (n--) {
    const __m128i* p = (const void*)vectors;
    for (int i = 0; i < 4096; i += 4) {
      for (int j = 0; j < 4; j++) {
        __m128i v = _mm_load_si128(p + i + j);
        sum = _mm_add_epi32(sum, _mm_xor_si128(_mm_mullo_epi16(v, sum), _mm_srli_epi32(v, 3)));
      }
    }
  }
  return _mm_cvtsi128_si64(sum);
}

__attribute__((target("avx2"))) static uint64_t avx2_int_64k(uint64_t n) {
  __m256i sum = _mm256_setzero_si256();
  while (n--) {
    const __m256i* p = (const void*)vectors;
    for (int i = 0; i < 2048; i += 4) {
      for (int j = 0; j < 4; j++) {
        __m256i v = _mm256_load_si256(p + i + j);
        sum = _mm256_add_epi32(sum, _mm256_xor_si256(_mm256_mullo_epi16(v, sum), _mm256_srli_epi32(v, 3)));
      }
    }
  }
  return _mm256_extract_epi64(sum, 0);
}

static uint64_t sse2_pd(uint64_t n) {
  __m128d a = _mm_set1_pd(.5), b = _mm_set1_pd(.25);
  while (n--) {
    for (int i = 0; i < 256; i++) {
      a = _mm_add_pd(_mm_mul_pd(a, _mm_set1_pd(.999)), b);
      b = _mm_sub_pd(_mm_mul_pd(b, _mm_set1_pd(.998)), _mm_set1_pd(1e-5));
    }
  }
  return (uint64_t)(_mm_cvtsd_f64(_mm_add_pd(a, b)) * 1e6);
}

__attribute__((target("avx2,fma"))) static uint64_t avx2_fma_pd(uint64_t n) {
  __m256d a = _mm256_set1_pd(.5), b = _mm256_set1_pd(.25);
  while (n--) {
    for (int i = 0; i < 256; i++) {
      a = _mm256_fmadd_pd(a, _mm256_set1_pd(.999), b);
      b = _mm256_fnmadd_pd(b, _mm256_set1_pd(.01), _mm256_set1_pd(1e-5));
    }
  }
  return (uint64_t)(_mm256_cvtsd_f64(_mm256_add_pd(a, b)) * 1e6);
}

static uint64_t strlen_4000(uint64_t n) {
  static char string[4096];
  uint64_t total = 0;
  memset(string, 'a', 4000);
  string[4000] = 0;
  while (n--) {
    __asm__ volatile("" ::"r"(string) : "memory");
    total += strlen(string);
  }
  return total;
}

const struct Row vector_rows[] = {{"aes128_ni", "vector", "16B", aes128_ni, prepare_aes, "aes"},
                                  {"sse2_int_64k", "vector", "64KiB", sse2_int_64k, prepare_vectors, NULL},
                                  {"avx2_int_64k", "vector", "64KiB", avx2_int_64k, prepare_vectors, "avx2"},
                                  {"sse2_pd", "vector", "512mul+add", sse2_pd, NULL, NULL},
                                  {"avx2_fma_pd", "vector", "512fma", avx2_fma_pd, NULL, "fma"},
                                  {"strlen_4000", "vector", "call", strlen_4000, NULL, NULL},
                                  {NULL, NULL, NULL, NULL, NULL, NULL}};
