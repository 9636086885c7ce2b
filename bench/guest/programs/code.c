// The rows of code made or changed while it runs, as compilers for dynamic languages do.
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "rows.h"

enum { kSlots = 1024, kSlotBytes = 4096, kAdditions = 200 };
static uint8_t* code;

static void prepare_code(void) {
  size_t bytes = kSlotBytes * (kSlots * 2ul);
  code = mmap(NULL, bytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED) exit(1);
  memset(code, 0, bytes);
}

// Changes the immediate of an instruction in place, and calls it.
static uint64_t smc_patch_call(uint64_t n) {
  static const uint8_t kCode[] = {0xb8, 0, 0, 0, 0, 0xc3};  // mov $0,%eax; ret
  uint64_t sum = 0;
  memcpy(code, kCode, sizeof kCode);
  while (n--) {
    *(volatile uint32_t*)(code + 1) = (uint32_t)n;
    sum += ((uint32_t(*)(void))code)();
  }
  return sum;
}

// Writes a function of 1 KiB into the next of many pages, and calls it.
static uint64_t write_and_run(uint64_t n, int calls) {
  static uint32_t slot;
  uint64_t sum = 0;
  while (n--) {
    uint8_t *function = code + kSlotBytes * (1 + (slot++ & (kSlots - 1))), *at = function;
    *at++ = 0x89;  // mov %edi,%eax
    *at++ = 0xf8;
    for (int i = 0; i < kAdditions; i++) {
      *at++ = 0x05;  // add $immediate,%eax
      *(uint32_t*)at = (uint32_t)(n * 2654435761u + i);
      at += 4;
    }
    *at++ = 0xc3;  // ret
    for (int call = 0; call < calls; call++) sum += ((uint32_t(*)(uint32_t))function)((uint32_t)sum);
  }
  return sum;
}

static uint64_t jit_emit1k_run1(uint64_t n) { return write_and_run(n, 1); }
static uint64_t jit_emit1k_run100(uint64_t n) { return write_and_run(n, 100); }

// Writes data on the page of a function that is called all the time, and does not change.
static uint64_t jit_data_same_page(uint64_t n) {
  static const uint8_t kCode[] = {0x8d, 0x47, 0x01, 0xc3};  // lea 1(%rdi),%eax; ret
  uint64_t sum = 0;
  memcpy(code, kCode, sizeof kCode);
  while (n--) {
    *(volatile uint32_t*)(code + 2048) = (uint32_t)n;
    sum = ((uint32_t(*)(uint32_t))code)((uint32_t)sum);
  }
  return sum;
}

const struct Row code_rows[] = {
    {"smc_patch_call", "code", "iteration", smc_patch_call, prepare_code, NULL},
    {"jit_emit1k_run1", "code", "function", jit_emit1k_run1, prepare_code, NULL},
    {"jit_emit1k_run100", "code", "function", jit_emit1k_run100, prepare_code, NULL},
    {"jit_data_same_page", "code", "iteration", jit_data_same_page, prepare_code, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL}};
