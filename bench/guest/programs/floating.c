// The rows of scalar floating point: planets and a fractal with SSE2, a logistic map on the x87.
#include <math.h>
#include <stddef.h>

#include "rows.h"

struct Body {
  double x, y, z, vx, vy, vz, mass;
};

enum { kBodies = 5 };
static struct Body bodies[kBodies] = {{0, 0, 0, 0, 0, 0, 39.47},
                                      {4.84, -1.16, -.10, .606, 2.81, -.02, .037},
                                      {8.34, 4.12, -.4, -1.01, 1.82, .008, .011},
                                      {12.89, -15.11, -.22, 1.08, .868, -.01, .0017},
                                      {15.37, -25.9, .179, .979, .594, -.034, .002}};

static void attract(struct Body* a, struct Body* b) {
  double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
  double square = dx * dx + dy * dy + dz * dz;
  double magnitude = 0.001 / (square * sqrt(square));
  a->vx -= dx * b->mass * magnitude;
  a->vy -= dy * b->mass * magnitude;
  a->vz -= dz * b->mass * magnitude;
  b->vx += dx * a->mass * magnitude;
  b->vy += dy * a->mass * magnitude;
  b->vz += dz * a->mass * magnitude;
}

static uint64_t nbody_fp64(uint64_t n) {
  while (n--) {
    for (int i = 0; i < kBodies; i++) {
      for (int j = i + 1; j < kBodies; j++) attract(&bodies[i], &bodies[j]);
    }
    for (int i = 0; i < kBodies; i++) {
      bodies[i].x += .001 * bodies[i].vx;
      bodies[i].y += .001 * bodies[i].vy;
      bodies[i].z += .001 * bodies[i].vz;
    }
  }
  return (uint64_t)(bodies[0].x * 1e6);
}

static uint64_t mandel_fp64(uint64_t n) {
  uint64_t iterations = 0, pixel = 0;
  while (iterations < n) {
    double cr = -2.0 + (pixel % 97) * 3.0 / 97, ci = -1.2 + (pixel / 97 % 83) * 2.4 / 83, x = 0, y = 0;
    int k = 0;
    for (; k < 64 && x * x + y * y < 4; k++) {
      double t = x * x - y * y + cr;
      y = 2 * x * y + ci;
      x = t;
    }
    iterations += k + 1;
    pixel++;
  }
  return iterations + pixel;
}

static uint64_t x87_logistic(uint64_t n) {
  volatile long double start = 0.7L;
  long double x = start;
  while (n--) x = 3.7L * x * (1.0L - x) + 1e-9L;
  return (uint64_t)(x * 1e6L);
}

const struct Row floating_rows[] = {{"nbody_fp64", "scalar_fp", "step", nbody_fp64, NULL, NULL},
                                    {"mandel_fp64", "scalar_fp", "iteration", mandel_fp64, NULL, NULL},
                                    {"x87_logistic", "scalar_fp", "iteration", x87_logistic, NULL, NULL},
                                    {NULL, NULL, NULL, NULL, NULL, NULL}};
