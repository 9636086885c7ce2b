// Faults: where a simulation breaks: at a numbered point, or at random ones.
#pragma once

#include <cstdint>
#include <random>

namespace cumulet::simulation {

// Thrown out of a fault point: all programs die there; the store's file and the VMMs remain.
struct SimulatedCrash {};

// Asked at each point between two steps of the programs.
class Faults {
 public:
  // No faults, but the points are counted.
  Faults() = default;
  // A crash at the point with this number, counted from 0.
  static Faults crash_at(uint64_t point) {
    Faults faults;
    faults.crash_point_ = point;
    return faults;
  }
  // About one point in `one_in` fails, half of them as a crash, until `last_point`.
  static Faults random(uint32_t seed, uint32_t one_in, uint64_t last_point) {
    Faults faults;
    faults.random_.seed(seed);
    faults.one_in_ = one_in;
    faults.last_point_ = last_point;
    return faults;
  }

  // Throws SimulatedCrash, or returns whether the step shall report an error.
  [[nodiscard]] bool fails() {
    const uint64_t point = points_++;
    if (point == crash_point_) throw SimulatedCrash();
    if (one_in_ == 0 || point >= last_point_ || random_() % one_in_ != 0) return false;
    if (random_() % 2 == 0) throw SimulatedCrash();
    return true;
  }

  [[nodiscard]] uint64_t points() const { return points_; }

 private:
  uint64_t crash_point_ = UINT64_MAX;
  uint64_t points_ = 0;
  uint32_t one_in_ = 0;
  uint64_t last_point_ = 0;
  std::mt19937 random_;
};

}  // namespace cumulet::simulation
