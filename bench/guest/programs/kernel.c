// The rows that a kernel works for: system calls, switches, processes, mappings, page faults, signals.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "rows.h"

static uint64_t getppid_call(uint64_t n) {
  uint64_t sum = 0;
  while (n--) sum += syscall(SYS_getppid);
  return sum;
}

static uint64_t read1_devzero(uint64_t n) {
  int file = open("/dev/zero", O_RDONLY);
  char byte;
  uint64_t sum = 0;
  while (n--) sum += read(file, &byte, 1);
  close(file);
  return sum;
}

static uint64_t stat_devnull(uint64_t n) {
  struct stat status;
  uint64_t sum = 0;
  while (n--) sum += stat("/dev/null", &status);
  return sum;
}

static uint64_t open_close(uint64_t n) {
  uint64_t sum = 0;
  while (n--) {
    int file = open("/dev/null", O_RDONLY);
    sum += file;
    close(file);
  }
  return sum;
}

static uint64_t yield_call(uint64_t n) {
  while (n--) sched_yield();
  return 0;
}

static void echo_bytes(int in, int out, uint64_t n) {
  char byte;
  while (n--) {
    if (read(in, &byte, 1) != 1 || write(out, &byte, 1) != 1) _exit(1);
  }
  _exit(0);
}

// One operation is two switches between processes.
static uint64_t pipe_pingpong(uint64_t n) {
  int there[2], back[2];
  char byte = 0;
  if (pipe(there) || pipe(back)) exit(1);
  pid_t child = fork();
  if (child == 0) echo_bytes(there[0], back[1], n);
  for (uint64_t i = 0; i < n; i++) {
    if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) break;
  }
  waitpid(child, NULL, 0);
  close(there[0]);
  close(there[1]);
  close(back[0]);
  close(back[1]);
  return n;
}

static uint64_t fork_exit_wait(uint64_t n) {
  while (n--) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    waitpid(child, NULL, 0);
  }
  return 0;
}

static char nothing_path[4096];  // the program that ends at once, beside this one

static void find_nothing(void) {
  ssize_t length = readlink("/proc/self/exe", nothing_path, sizeof nothing_path - 16);
  if (length < 0) exit(1);
  nothing_path[length] = 0;
  strcpy(strrchr(nothing_path, '/') + 1, "nothing");
}

static uint64_t fork_exec_wait(uint64_t n) {
  while (n--) {
    pid_t child = fork();
    if (child == 0) {
      char *arguments[] = {nothing_path, NULL}, *environment[] = {NULL};
      execve(nothing_path, arguments, environment);
      _exit(9);
    }
    int status;
    waitpid(child, &status, 0);
    if (status != 0) {
      fprintf(stderr, "cannot run %s\n", nothing_path);
      exit(1);
    }
  }
  return 0;
}

static char* map_pages(uint64_t pages) {
  char* memory = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) exit(1);
  return memory;
}

static uint64_t page_fault(uint64_t n) {
  uint64_t sum = 0;
  while (n > 0) {
    uint64_t pages = n > 4096 ? 4096 : n;
    char* memory = map_pages(pages);
    madvise(memory, pages * 4096, MADV_NOHUGEPAGE);
    for (uint64_t i = 0; i < pages; i++) memory[i * 4096] = 1;
    sum += memory[0];
    munmap(memory, pages * 4096);
    n -= pages;
  }
  return sum;
}

static uint64_t mmap_touch_munmap(uint64_t n) {
  while (n--) {
    char* memory = map_pages(1);
    *memory = 1;
    munmap(memory, 4096);
  }
  return 0;
}

static uint64_t mprotect_pair(uint64_t n) {
  static char* memory;
  if (memory == NULL) {
    memory = map_pages(16);
    memset(memory, 1, 65536);
  }
  while (n--) {
    mprotect(memory, 4096, PROT_READ);
    mprotect(memory, 4096, PROT_READ | PROT_WRITE);
    memory[0] = 2;
  }
  return 0;
}

static void ignore_signal(int number) { (void)number; }

static uint64_t signal_self(uint64_t n) {
  signal(SIGUSR1, ignore_signal);
  pid_t self = getpid();
  while (n--) kill(self, SIGUSR1);
  return 0;
}

static void skip_instruction(int number, siginfo_t* info, void* context) {
  (void)number;
  (void)info;
  ((ucontext_t*)context)->uc_mcontext.gregs[REG_RIP] += 3;
}

static uint64_t segv_handler(uint64_t n) {
  struct sigaction action = {0};
  action.sa_sigaction = skip_instruction;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, NULL);
  // mov (%rbx),%rax is three bytes long: 48 8b 03.
  while (n--) __asm__ volatile("movq (%%rbx),%%rax" ::"b"(8ul) : "rax", "memory");
  return 0;
}

const struct Row kernel_rows[] = {{"getppid", "kernel", "call", getppid_call, NULL, NULL},
                                  {"read1_devzero", "kernel", "call", read1_devzero, NULL, NULL},
                                  {"stat_devnull", "kernel", "call", stat_devnull, NULL, NULL},
                                  {"open_close", "kernel", "pair", open_close, NULL, NULL},
                                  {"sched_yield", "kernel", "call", yield_call, NULL, NULL},
                                  {"pipe_pingpong", "kernel", "roundtrip", pipe_pingpong, NULL, NULL},
                                  {"fork_exit_wait", "kernel", "process", fork_exit_wait, NULL, NULL},
                                  {"fork_exec_wait", "kernel", "process", fork_exec_wait, find_nothing, NULL},
                                  {"page_fault", "kernel", "page", page_fault, NULL, NULL},
                                  {"mmap_touch_munmap", "kernel", "cycle", mmap_touch_munmap, NULL, NULL},
                                  {"mprotect_pair", "kernel", "pair", mprotect_pair, NULL, NULL},
                                  {"signal_self", "kernel", "signal", signal_self, NULL, NULL},
                                  {"segv_handler", "kernel", "fault", segv_handler, NULL, NULL},
                                  {NULL, NULL, NULL, NULL, NULL, NULL}};
