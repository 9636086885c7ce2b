// TestCloud: the API over an in-memory store with a clock of its own, called as a signing client would; for
// tests.
#pragma once

#include <cstdint>
#include <map>
#include <pugixml.hpp>
#include <string>
#include <vector>

#include "api/action/service.h"
#include "base/clock.h"
#include "control/resource/instance_store.h"
#include "store/kv/memory_kv.h"

namespace cumulet::api {

using Parameters = std::vector<std::pair<std::string, std::string>>;

// What a client gets: HTTP status and parsed body.
struct Reply {
  int status = 0;
  std::string text;
  pugi::xml_document body;

  // The error's code, "" for a success.
  [[nodiscard]] std::string code() const;
  [[nodiscard]] std::string message() const;
  // The text of the first node of this XPath, relative to the document; "" if there is none.
  [[nodiscard]] std::string at(const char* path) const;
  // The texts of all its nodes.
  [[nodiscard]] std::vector<std::string> all(const char* path) const;
};

// Ids that count upwards, so that answers are the same in every run.
class CountingIds final : public control::IdSource {
 public:
  [[nodiscard]] std::string next_digits() override;

 private:
  uint64_t next_ = 0;
};

// Two zones, us-east-1a and b, with one host each of 64 vCPUs and 16 GiB; one image. Not thread-safe.
class TestCloud {
 public:
  static constexpr const char* kImage = "ami-0123456789abcdef0";
  static constexpr const char* kAccount = "123456789012";
  static constexpr const char* kKeyId = "AKIDEXAMPLE";
  static constexpr const char* kSecret = "secret";

  TestCloud();

  // Sends a signed POST with these parameters.
  Reply call(const std::string& action, Parameters parameters = {}, const std::string& service = "ec2");
  // Sends anything.
  Reply send(const http::Request& request);
  // Builds the request that call() sends.
  [[nodiscard]] http::Request signed_request(const std::string& body,
                                             const std::string& service = "ec2") const;

  // Launches `count` instances of t3.micro and returns their ids.
  std::vector<std::string> launch(int count = 1, Parameters more = {});
  // Plays the host: the instance runs; or its VMM has ended.
  void report_running(const std::string& id);
  void report_exited(const std::string& id);
  void report_removed(const std::string& id);

  ManualClock clock;
  store::MemoryKv kv;
  CountingIds ids;
  std::map<std::string, std::string> consoles;  // by instance id

 private:
  RootCredential credentials_;
  Service service_;
};

}  // namespace cumulet::api
