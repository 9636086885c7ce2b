// The rows of memory: dependent loads from each level of the hierarchy, streams, and the string instructions.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

// chase_*: loads, each of which needs the address that the one before it loaded.

static void** chase_start;

static void prepare_chase(size_t bytes) {
  size_t lines = bytes / 64;
  char* memory = aligned_alloc(4096, bytes);
  uint32_t* order = malloc(lines * sizeof *order);
  for (size_t i = 0; i < lines; i++) order[i] = i;
  for (size_t i = lines - 1; i > 0; i--) {
    size_t j = pseudo_random() % (i + 1);
    uint32_t other = order[i];
    order[i] = order[j];
    order[j] = other;
  }
  for (size_t i = 0; i < lines; i++)
    *(void**)(memory + order[i] * 64ul) = memory + order[(i + 1) % lines] * 64ul;
  chase_start = (void**)memory;
  free(order);
}

static void prepare_16k(void) { prepare_chase(16 << 10); }
static void prepare_1m(void) { prepare_chase(1 << 20); }
static void prepare_64m(void) { prepare_chase(64 << 20); }

static uint64_t chase(uint64_t n) {
  void** p = chase_start;
  while (n--) p = *p;
  chase_start = p;
  return (uint64_t)p;
}

// Streams over arrays that no cache holds, and the string instructions over parts of them.

#define STREAM_DOUBLES (4u << 20)
static double *to, *from, *other;

static void prepare_stream(void) {
  to = aligned_alloc(4096, STREAM_DOUBLES * 8ul);
  from = aligned_alloc(4096, STREAM_DOUBLES * 8ul);
  other = aligned_alloc(4096, STREAM_DOUBLES * 8ul);
  for (size_t i = 0; i < STREAM_DOUBLES; i++) {
    to[i] = 0;
    from[i] = i;
    other[i] = 1;
  }
}

static uint64_t copy64_scalar_32m(uint64_t n) {
  uint64_t* d = (uint64_t*)to;
  const uint64_t* s = (const uint64_t*)from;
  while (n--) {
    for (size_t i = 0; i < STREAM_DOUBLES; i++) {
      d[i] = s[i];
      __asm__ volatile("");  // keeps the loop scalar
    }
    __asm__ volatile("" ::"r"(d) : "memory");
  }
  return d[5];
}

static uint64_t memcpy_32m(uint64_t n) {
  while (n--) {
    memcpy(to, from, STREAM_DOUBLES * 8ul);
    __asm__ volatile("" ::"r"(to) : "memory");
  }
  return 1;
}

static uint64_t triad_32m(uint64_t n) {
  while (n--) {
    for (size_t i = 0; i < STREAM_DOUBLES; i++) to[i] = from[i] + 3.0 * other[i];
    __asm__ volatile("" ::"r"(to) : "memory");
  }
  return (uint64_t)to[7];
}

static uint64_t rep_movsb_64k(uint64_t n) {
  while (n--) {
    void *d = to, *s = from;
    size_t count = 65536;
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(count)::"memory");
  }
  return 1;
}

static uint64_t rep_stosq_4k(uint64_t n) {
  while (n--) {
    void* d = to;
    size_t count = 512;
    __asm__ volatile("rep stosq" : "+D"(d), "+c"(count) : "a"(0ul) : "memory");
  }
  return 1;
}

const struct Row memory_rows[] = {
    {"chase_16K", "memory", "load", chase, prepare_16k, NULL},
    {"chase_1M", "memory", "load", chase, prepare_1m, NULL},
    {"chase_64M", "memory", "load", chase, prepare_64m, NULL},
    {"copy64_scalar_32M", "memory", "32MiB", copy64_scalar_32m, prepare_stream, NULL},
    {"memcpy_32M", "memory", "32MiB", memcpy_32m, prepare_stream, NULL},
    {"triad_32M", "memory", "96MiB", triad_32m, prepare_stream, NULL},
    {"rep_movsb_64K", "rep", "64KiB", rep_movsb_64k, prepare_stream, NULL},
    {"rep_stosq_4K", "rep", "4KiB", rep_stosq_4k, prepare_stream, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL}};
