// Launches at the same time: no room is given away twice, and no token makes two reservations.
#include <atomic>
#include <functional>
#include <gtest/gtest.h>
#include <mutex>
#include <set>
#include <thread>

#include "control/resource/host_store.h"
#include "control/resource/image_store.h"
#include "control/resource/instance_store.h"
#include "control/scheduler/place.h"
#include "store/kv/memory_kv.h"

namespace cumulet::control {
namespace {

constexpr int kThreads = 4;

class LaunchRaceTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* zone : {"a", "b"})  // on one machine: its memory is the limit
      ASSERT_TRUE(put_host(kv_, {HostId(zone), zone, "machine", {1000, 10 * 512}}));
    Image image;
    image.id = ImageId("ami-1");
    image.name = "test";
    ASSERT_TRUE(create_image(kv_, image));
    request_.image_id = image.id;
    request_.instance_type = "t3.nano";  // 512 MiB
  }
  void on_all_threads(const std::function<void()>& body) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(body);
    for (std::thread& thread : threads) thread.join();
  }

  store::MemoryKv kv_;
  RandomIdSource ids_;
  LaunchRequest request_;
};

TEST_F(LaunchRaceTest, NoRoomIsGivenAwayTwice) {
  std::atomic<int> launched = 0;
  std::atomic<int> refused = 0;
  on_all_threads([&] {
    for (int i = 0; i < 5; ++i) {
      const auto result = launch_instances(kv_, ids_, place, request_, 1);
      if (result)
        ++launched;
      else if (result.error().code == ErrorCode::kResourceExhausted)
        ++refused;
    }
  });
  EXPECT_EQ(launched, 10);
  EXPECT_EQ(refused, kThreads * 5 - 10);
  const auto offers = list_host_offers(kv_).value();
  for (const HostOffer& offer : offers) EXPECT_EQ(offer.free.memory_mib, 0U);
}

TEST_F(LaunchRaceTest, OneTokenIsOneReservation) {
  request_.client_token = "token";
  std::mutex mutex;
  std::set<ReservationId> reservations;
  std::atomic<int> fresh = 0;
  on_all_threads([&] {
    const auto result = launch_instances(kv_, ids_, place, request_, 1).value();
    if (!result.replayed) ++fresh;
    const std::lock_guard lock(mutex);
    reservations.insert(result.reservation_id);
  });
  EXPECT_EQ(fresh, 1);
  EXPECT_EQ(reservations.size(), 1U);
  EXPECT_EQ(list_instances(kv_).value().size(), 1U);
}

}  // namespace
}  // namespace cumulet::control
