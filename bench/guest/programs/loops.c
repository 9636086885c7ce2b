// Runs N independent compute loops at once: `loops N` prints the nanoseconds per iteration of all together.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kMost = 64, kCountersApart = 64, kSeconds = 2 };

static double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

// What an iteration is: calls, branches, arithmetic and memory, all within the first-level cache.
static uint64_t iteration(uint64_t x) {
  static uint32_t table[1024];
  for (int i = 0; i < 1000; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    table[x & 1023] += (x & 4096) ? (uint32_t)x : (uint32_t)i;
  }
  return x + table[x & 1023];
}

static void loop(volatile uint64_t* count, const volatile uint64_t* go, const volatile uint64_t* stop) {
  uint64_t x = 88172645463325252ull;
  while (!*go) usleep(1000);
  while (!*stop) {
    x = iteration(x | 1);
    ++*count;
  }
  _exit(x == 42);
}

int main(int count, char** arguments) {
  int loops = count == 2 ? atoi(arguments[1]) : 0;
  if (loops < 1 || loops > kMost) {
    fprintf(stderr, "usage: loops N, with N from 1 to %d\n", kMost);
    return 2;
  }
  size_t bytes = (kMost + 2) * kCountersApart * sizeof(uint64_t);
  volatile uint64_t* shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 1;
  volatile uint64_t *go = shared + kMost * kCountersApart, *stop = go + kCountersApart;
  for (int i = 0; i < loops; i++) {
    if (fork() == 0) loop(shared + i * kCountersApart, go, stop);
  }
  *go = 1;
  usleep(300000);  // until all run and the first translations are made
  uint64_t before = 0, after = 0;
  for (int i = 0; i < loops; i++) before += shared[i * kCountersApart];
  double start = seconds_now();
  sleep(kSeconds);
  for (int i = 0; i < loops; i++) after += shared[i * kCountersApart];
  double seconds = seconds_now() - start;
  *stop = 1;
  while (wait(NULL) > 0) {
  }
  double ns = seconds * 1e9 / (after - before);
  printf("RESULT loops_%d best_ns %.4f median_ns %.4f unit iteration\n", loops, ns, ns);
  return 0;
}
