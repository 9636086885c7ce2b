// The cryptographic operations, which belong to different groups of rows.
#ifndef CUMULET_BENCH_GUEST_PROGRAMS_CRYPTO_H_
#define CUMULET_BENCH_GUEST_PROGRAMS_CRYPTO_H_

#include <stdint.h>

void prepare_aes(void);
uint64_t sha256_c(uint64_t n);
uint64_t aes128_c(uint64_t n);
uint64_t aes128_ni(uint64_t n);

#endif  // CUMULET_BENCH_GUEST_PROGRAMS_CRYPTO_H_
