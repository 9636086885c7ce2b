// What a row of the benchmark is, and the tables of rows that the other files hold.
#ifndef CUMULET_BENCH_GUEST_PROGRAMS_ROWS_H_
#define CUMULET_BENCH_GUEST_PROGRAMS_ROWS_H_

#include <stdint.h>

// Does n operations; returns a checksum, so that the compiler keeps them.
typedef uint64_t (*Operations)(uint64_t n);

struct Row {
  const char* name;
  const char* group;  // the geometric mean that it belongs to
  const char* unit;   // what one operation is
  Operations run;
  void (*prepare)(void);  // makes what run() works on; null where nothing is needed
  const char*
      processor_feature;  // a name that __builtin_cpu_supports knows; null where any processor will do
};

// Each table ends with a row without a name.
extern const struct Row integer_rows[];
extern const struct Row floating_rows[];
extern const struct Row vector_rows[];
extern const struct Row memory_rows[];
extern const struct Row kernel_rows[];
extern const struct Row code_rows[];
extern const struct Row single_rows[];

uint64_t pseudo_random(void);  // xorshift: the same numbers everywhere
uint64_t now_ns(void);

// 64 KiB of pseudo-random bytes.
extern uint8_t random_64k[65536];

#endif  // CUMULET_BENCH_GUEST_PROGRAMS_ROWS_H_
