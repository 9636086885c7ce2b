// Times rows of the benchmark: `rows -l` lists them, `rows NAME` runs one and prints a line of nanoseconds.
#define _GNU_SOURCE
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kRounds = 9 };
static const double kRoundSeconds = 0.06;

static const struct Row* const kTables[] = {integer_rows, floating_rows, vector_rows, memory_rows,
                                            kernel_rows,  code_rows,     single_rows};

uint8_t random_64k[65536];
static uint64_t checksum;

uint64_t pseudo_random(void) {
  static uint64_t state = 88172645463325252ull;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000ull + now.tv_nsec;
}

static double seconds_for(Operations run, uint64_t n) {
  uint64_t start = now_ns();
  checksum += run(n);
  return (now_ns() - start) * 1e-9;
}

static int by_value(const void* left, const void* right) {
  double a = *(const double*)left, b = *(const double*)right;
  return a < b ? -1 : a > b;
}

// Finds how many operations take a round's time, growing by at most 20 each try.
static uint64_t calibrate(Operations run) {
  uint64_t n = 1;
  for (;;) {
    double seconds = seconds_for(run, n);
    if (seconds > kRoundSeconds / 2 || n > (1ull << 40)) return (uint64_t)(n * kRoundSeconds / seconds) + 1;
    double factor = seconds > 1e-6 ? kRoundSeconds / seconds : 20;
    if (factor > 20) factor = 20;
    if (factor < 1.5) factor = 1.5;
    n = (uint64_t)(n * factor) + 1;
  }
}

static int supported(const char* feature) {
  if (feature == NULL) return 1;
  __builtin_cpu_init();
  if (strcmp(feature, "aes") == 0) return __builtin_cpu_supports("aes");
  if (strcmp(feature, "avx2") == 0) return __builtin_cpu_supports("avx2");
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static void time_row(const struct Row* row) {
  if (!supported(row->processor_feature)) {
    printf("SKIPPED %s: no %s\n", row->name, row->processor_feature);
    return;
  }
  if (row->prepare != NULL) row->prepare();
  uint64_t n = calibrate(row->run);
  double ns[kRounds];
  for (int round = 0; round < kRounds; round++) ns[round] = seconds_for(row->run, n) * 1e9 / n;
  qsort(ns, kRounds, sizeof ns[0], by_value);
  printf("RESULT %s best_ns %.4f median_ns %.4f unit %s\n", row->name, ns[0], ns[kRounds / 2], row->unit);
}

int main(int count, char** arguments) {
  if (count != 2) {
    fprintf(stderr, "usage: rows -l | rows NAME\n");
    return 2;
  }
  for (unsigned i = 0; i < sizeof random_64k; i++) random_64k[i] = pseudo_random();
  int listing = strcmp(arguments[1], "-l") == 0, found = 0;
  for (unsigned table = 0; table < sizeof kTables / sizeof kTables[0]; table++) {
    for (const struct Row* row = kTables[table]; row->name != NULL; row++) {
      if (listing) printf("%s %s %s\n", row->name, row->group, row->unit);
      if (strcmp(arguments[1], row->name) == 0) {
        time_row(row);
        found = 1;
      }
    }
  }
  if (checksum == 42) printf("\n");
  if (listing || found) return 0;
  fprintf(stderr, "rows: no row %s; rows -l lists them\n", arguments[1]);
  return 2;
}
