// The rows that stand in no mean: single instructions whose ratio says little about programs.
#include <cpuid.h>
#include <stddef.h>
#include <x86intrin.h>

#include "rows.h"

static uint64_t int_div64(uint64_t n) {
  volatile uint64_t start = 1000003;
  uint64_t divisor = start, x = ~0ull, sum = 0;
  while (n--) {
    sum += x / divisor;
    x -= sum | 1;
    divisor ^= (x & 2);
  }
  return sum;
}

// QEMU drops the lock when the machine has one processor.
static uint64_t lock_xadd(uint64_t n) {
  static uint64_t x;
  while (n--) __atomic_fetch_add(&x, 1, __ATOMIC_SEQ_CST);
  return x;
}

static uint64_t rdtsc(uint64_t n) {
  uint64_t sum = 0;
  while (n--) sum += __rdtsc();
  return sum;
}

// Natively this leaves the virtual machine, where the host is one.
static uint64_t cpuid(uint64_t n) {
  unsigned a, b, c, d, sum = 0;
  while (n--) {
    __cpuid(0, a, b, c, d);
    sum += a;
  }
  return sum;
}

static uint64_t clock_gettime_call(uint64_t n) {
  uint64_t sum = 0;
  while (n--) sum += now_ns();
  return sum;
}

const struct Row single_rows[] = {{"int_div64", "single", "division", int_div64, NULL, NULL},
                                  {"lock_xadd", "single", "operation", lock_xadd, NULL, NULL},
                                  {"rdtsc", "single", "operation", rdtsc, NULL, NULL},
                                  {"cpuid", "single", "operation", cpuid, NULL, NULL},
                                  {"clock_gettime", "single", "call", clock_gettime_call, NULL, NULL},
                                  {NULL, NULL, NULL, NULL, NULL, NULL}};
