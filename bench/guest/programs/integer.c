// The rows of integer and branch work: lists, matrices, state machines, calls, interpreters, hashing, zlib.
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "crypto.h"
#include "rows.h"

// int_mix: a list sorted, small matrices multiplied, numbers scanned by a state machine, checksums of it all.

struct Node {
  struct Node* next;
  int16_t value, key;
};

enum { kNodes = 128, kSide = 12, kTexts = 10 };
static struct Node pool[kNodes];
static int16_t left[kSide][kSide], right[kSide][kSide];
static int32_t product[kSide][kSide];
static const char* const kNumbers[kTexts] = {"123", "-45", "3.14e+2", "0x1f",   "+9.",
                                             "abc", "1e",  "77,8",    "-.5E-3", "99999"};

static uint16_t crc16(uint8_t data, uint16_t crc) {
  for (int i = 0; i < 8; i++) {
    int low = (data ^ crc) & 1;
    data >>= 1;
    crc >>= 1;
    if (low) crc ^= 0xA001;
  }
  return crc;
}

// Takes the smaller head of two runs of a merge sort.
static struct Node* take(struct Node** p, int* p_size, struct Node** q, int* q_size) {
  struct Node* taken;
  int from_p = *p_size > 0 && (*q_size == 0 || *q == NULL || (*p)->value <= (*q)->value);
  if (from_p) {
    taken = *p;
    *p = taken->next;
    --*p_size;
  } else {
    taken = *q;
    *q = taken->next;
    --*q_size;
  }
  return taken;
}

__attribute__((noinline)) static struct Node* sort_list(struct Node* list) {
  for (int run = 1;; run *= 2) {
    struct Node *p = list, *tail = NULL;
    int merges = 0;
    list = NULL;
    while (p != NULL) {
      merges++;
      struct Node* q = p;
      int p_size = 0, q_size = run;
      while (p_size < run && q != NULL) {
        p_size++;
        q = q->next;
      }
      while (p_size > 0 || (q_size > 0 && q != NULL)) {
        struct Node* taken = take(&p, &p_size, &q, &q_size);
        if (tail != NULL) {
          tail->next = taken;
        } else {
          list = taken;
        }
        tail = taken;
      }
      p = q;
    }
    tail->next = NULL;
    if (merges <= 1) return list;
  }
}

static int is_digit(char c) { return c >= '0' && c <= '9'; }

// Returns the state in which a scan of a number ends, or what it stumbled over.
__attribute__((noinline)) static int scan_number(const char* text) {
  int state = 0;
  for (; *text != 0; text++) {
    char c = *text;
    switch (state) {
      case 0:
        if (c == '-' || c == '+') {
          state = 1;
        } else if (is_digit(c)) {
          state = 2;
        } else if (c == '.') {
          state = 3;
        } else {
          return 9;
        }
        break;
      case 1:
        if (!is_digit(c)) return 8;
        state = 2;
        break;
      case 2:
        if (c == '.') {
          state = 3;
        } else if (c == 'e' || c == 'E') {
          state = 4;
        } else if (c == ',') {
          state = 0;
        } else if (!is_digit(c)) {
          return 7;
        }
        break;
      case 3:
        if (c == 'e' || c == 'E') {
          state = 4;
        } else if (!is_digit(c)) {
          return 6;
        }
        break;
      case 4:
        if (c != '+' && c != '-') return 5;
        state = 5;
        break;
      case 5:
        if (!is_digit(c)) return 4;
        break;
    }
  }
  return state;
}

static void multiply_matrices(uint64_t n) {
  for (int i = 0; i < kSide; i++) {
    for (int k = 0; k < kSide; k++) {
      left[i][k] = i * k + n;
      right[i][k] = (i - k) ^ n;
    }
  }
  for (int i = 0; i < kSide; i++) {
    for (int k = 0; k < kSide; k++) {
      int32_t sum = 0;
      for (int j = 0; j < kSide; j++) sum += left[i][j] * right[j][k];
      product[i][k] = sum;
    }
  }
}

static uint64_t int_mix(uint64_t n) {
  uint16_t crc = 0xffff;
  while (n--) {
    for (int i = 0; i < kNodes; i++) {
      pool[i].value = (int16_t)(i * 7919 + n * 31);
      pool[i].key = i;
      pool[i].next = i < kNodes - 1 ? &pool[i + 1] : NULL;
    }
    int position = 0;
    for (struct Node* node = sort_list(pool); node != NULL; node = node->next) {
      if ((position++ & 7) == 0) crc = crc16(node->value, crc16(node->value >> 8, crc));
    }
    multiply_matrices(n);
    for (int i = 0; i < kSide; i++) crc = crc16(product[i][i], crc);
    for (int i = 0; i < kTexts; i++) crc = crc16(scan_number(kNumbers[(i + n) % kTexts]), crc);
  }
  return crc;
}

// fib_callret: calls and returns.

__attribute__((noinline)) static uint64_t fibonacci(unsigned n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static uint64_t fib_callret(uint64_t n) {
  uint64_t sum = 0;
  while (n--) {
    volatile unsigned twenty = 20;
    sum += fibonacci(twenty);
  }
  return sum;
}

// indirect_call: eight targets in an order that no predictor of the last target gets right.

// The declaration takes the semicolon that ends each use.
#define TARGET(i)                                                   \
  __attribute__((noinline)) static uint64_t target##i(uint64_t x) { \
    return x * (2 * i + 3) + (x >> (i + 1));                        \
  }                                                                 \
  static uint64_t target##i(uint64_t x)
TARGET(0);
TARGET(1);
TARGET(2);
TARGET(3);
TARGET(4);
TARGET(5);
TARGET(6);
TARGET(7);
static uint64_t (*target_table[8])(uint64_t) = {target0, target1, target2, target3,
                                                target4, target5, target6, target7};
static uint8_t target_order[4096];

static void prepare_targets(void) {
  for (int i = 0; i < 4096; i++) target_order[i] = pseudo_random() & 7;
}

static uint64_t indirect_call(uint64_t n) {
  uint64_t x = 1;
  for (uint64_t i = 0; i < n; i++) x = target_table[target_order[i & 4095]](x);
  return x;
}

// interp_goto: a bytecode interpreter that jumps from each instruction to the next.

enum { kLoad, kAdd, kSubtract, kMultiply, kXor, kJumpNonzero, kDecrement, kHalt, kLeft, kRight, kMove };
static uint8_t bytecode[] = {kLoad,      0, 200, kLoad,        1, 3, kLoad,     2, 7,  // the loop begins at 9
                             kAdd,       1, 2,   kXor,         2, 1, kMultiply, 1, 2, kRight, 2, 1,
                             kAdd,       2, 0,   kLeft,        3, 1, kSubtract, 3, 1, kMove,  4, 3,
                             kDecrement, 0, 0,   kJumpNonzero, 0, 9, kHalt,     0, 0};

__attribute__((noinline, optimize("no-gcse"))) static uint64_t interpret(uint64_t* r) {
  static const void* const kLabels[] = {&&load,      &&add,  &&subtract, &&multiply, &&exclusive, &&jump,
                                        &&decrement, &&halt, &&left,     &&right,    &&move};
  const uint8_t* pc = bytecode;
  uint64_t done = 0;
#define NEXT            \
  do {                  \
    done++;             \
    goto* kLabels[*pc]; \
  } while (0)
#define STEP(operation) \
  operation;            \
  pc += 3;              \
  NEXT
  NEXT;
load:
  STEP(r[pc[1]] = pc[2]);
add:
  STEP(r[pc[1]] += r[pc[2]]);
subtract:
  STEP(r[pc[1]] -= r[pc[2]]);
multiply:
  STEP(r[pc[1]] *= r[pc[2]] | 1);
exclusive:
  STEP(r[pc[1]] ^= r[pc[2]]);
jump:
  if (r[pc[1]]) {
    pc = bytecode + pc[2];
  } else {
    pc += 3;
  }
  NEXT;
decrement:
  STEP(r[pc[1]]--);
left:
  STEP(r[pc[1]] <<= pc[2]);
right:
  STEP(r[pc[1]] >>= pc[2]);
move:
  STEP(r[pc[1]] = r[pc[2]]);
halt:
  return done;
#undef STEP
#undef NEXT
}

static uint64_t interp_goto(uint64_t n) {
  uint64_t r[8] = {0}, done = 0;
  while (done < n) done += interpret(r);
  return r[1];
}

// flags_adc_sbb: five instructions, each of which needs the flags of the one before.

static uint64_t flags_adc_sbb(uint64_t n) {
  uint64_t a = 1, b = 2, c = 3, d = n;
  while (n--) {
    __asm__ volatile(
        "add %1,%0\n"
        "adc %2,%1\n"
        "sbb %3,%2\n"
        "adc $0,%3\n"
        "rcl $1,%0\n"
        : "+r"(a), "+r"(b), "+r"(c), "+r"(d)::"cc");
  }
  return a + b + c + d;
}

// qsort_20k, hash_insert, malloc_free: the C library's and a program's everyday work.

enum { kSorted = 20000 };
static uint32_t unsorted[kSorted], sorted[kSorted];

static void prepare_sort(void) {
  for (int i = 0; i < kSorted; i++) unsorted[i] = pseudo_random();
}

static int by_number(const void* a, const void* b) {
  uint32_t x = *(const uint32_t*)a, y = *(const uint32_t*)b;
  return (x > y) - (x < y);
}

static uint64_t qsort_20k(uint64_t n) {
  while (n--) {
    memcpy(sorted, unsorted, sizeof sorted);
    qsort(sorted, kSorted, sizeof sorted[0], by_number);
  }
  return sorted[100];
}

static uint64_t hash_insert(uint64_t n) {
  static uint64_t table[1 << 14];
  uint64_t sum = 0;
  for (uint64_t i = 0; i < n; i++) {
    uint64_t key = (i * 0x9E3779B97F4A7C15ull) | 1, slot = key >> 50;
    while (table[slot] && table[slot] != key && (slot & 7) != 7) slot++;
    sum += table[slot];
    table[slot] = key;
  }
  return sum;
}

static uint64_t malloc_free(uint64_t n) {
  static void* blocks[256];
  for (uint64_t i = 0; i < n; i++) {
    unsigned j = (i * 167) & 255;
    free(blocks[j]);
    blocks[j] = malloc(16 + (i * 37 & 1023));
    *(char*)blocks[j] = 1;
  }
  return (uint64_t)blocks[3];
}

// zlib_deflate6, zlib_inflate: 256 KiB of text.

enum { kTextBytes = 262144, kPackedBytes = 300000 };
static uint8_t text[kTextBytes], packed[kPackedBytes], unpacked[kTextBytes];
static uLong packed_size;

static void prepare_text(void) {
  static const char* const kWords[] = {"the ",   "quick ", "brown ",     "fox ",     "guest ", "kernel ",
                                       "page ",  "fault ", "translate ", "block ",   "0x7fff", "\n",
                                       "cache ", "of ",    "and ",       "register "};
  size_t at = 0;
  while (at < kTextBytes - 16) {
    const char* word = kWords[pseudo_random() & 15];
    size_t length = strlen(word);
    memcpy(text + at, word, length);
    at += length;
    if ((pseudo_random() & 7) == 0) text[at++] = 'a' + pseudo_random() % 26;
  }
  packed_size = kPackedBytes;
  compress2(packed, &packed_size, text, kTextBytes, 6);
}

static uint64_t zlib_deflate6(uint64_t n) {
  while (n--) {
    packed_size = kPackedBytes;
    compress2(packed, &packed_size, text, kTextBytes, 6);
  }
  return packed_size;
}

static uint64_t zlib_inflate(uint64_t n) {
  uLong size = 0;
  while (n--) {
    size = kTextBytes;
    uncompress(unpacked, &size, packed, packed_size);
  }
  return size;
}

const struct Row integer_rows[] = {{"int_mix", "integer", "iteration", int_mix, NULL, NULL},
                                   {"fib_callret", "integer", "fib20", fib_callret, NULL, NULL},
                                   {"indirect_call", "integer", "call", indirect_call, prepare_targets, NULL},
                                   {"interp_goto", "integer", "bytecode", interp_goto, NULL, NULL},
                                   {"flags_adc_sbb", "integer", "5insn", flags_adc_sbb, NULL, NULL},
                                   {"qsort_20k", "integer", "sort", qsort_20k, prepare_sort, NULL},
                                   {"hash_insert", "integer", "operation", hash_insert, NULL, NULL},
                                   {"malloc_free", "integer", "pair", malloc_free, NULL, NULL},
                                   {"zlib_deflate6", "integer", "256KiB", zlib_deflate6, prepare_text, NULL},
                                   {"zlib_inflate", "integer", "256KiB", zlib_inflate, prepare_text, NULL},
                                   {"sha256_c", "integer", "64B", sha256_c, NULL, NULL},
                                   {"aes128_c", "integer", "16B", aes128_c, prepare_aes, NULL},
                                   {NULL, NULL, NULL, NULL, NULL, NULL}};
