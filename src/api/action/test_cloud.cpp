// TestCloud: signing, parsing, and a host that does what the test says.
#include "api/action/test_cloud.h"

#include <fmt/format.h>

#include "api/auth/canonical.h"
#include "api/shape/timestamp.h"
#include "base/check.h"
#include "control/resource/host_store.h"
#include "control/resource/image_store.h"

namespace cumulet::api {

namespace {

// Takes the first host of the wanted zone that has room, again and again.
Result<std::vector<control::HostId>> place_first(const control::PlacementRequest& request,
                                                 std::span<const control::HostOffer> offers) {
  for (const control::HostOffer& offer : offers) {
    if (request.zone && offer.zone != *request.zone) continue;
    uint64_t room = std::min<uint64_t>(offer.free.vcpus / request.each.vcpus,
                                       offer.free.memory_mib / request.each.memory_mib);
    if (room < request.min_count) continue;
    return std::vector<control::HostId>(std::min<uint64_t>(room, request.max_count), offer.host);
  }
  return fail(ErrorCode::kResourceExhausted, "There is no capacity for this instance type.");
}

// "20231114T221320Z" from Unix time.
std::string basic_time(int64_t now_ms) {
  std::string text = format_timestamp({now_ms});
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text.substr(0, 15) + "Z";
}

}  // namespace

std::string Reply::at(const char* path) const { return body.select_node(path).node().text().get(); }

std::vector<std::string> Reply::all(const char* path) const {
  std::vector<std::string> texts;
  for (const pugi::xpath_node& node : body.select_nodes(path)) texts.emplace_back(node.node().text().get());
  return texts;
}

std::string Reply::code() const { return at("//Error/Code"); }
std::string Reply::message() const { return at("//Error/Message"); }

std::string CountingIds::next_digits() { return fmt::format("{:017x}", ++next_); }

TestCloud::TestCloud()
    : credentials_(kAccount, kKeyId, kSecret),
      service_(Cloud{kv, ids, place_first, clock,
                     [this](const control::InstanceId& id) -> Result<ConsoleOutput> {
                       auto console = consoles.find(id.str());
                       if (console == consoles.end()) return fail(ErrorCode::kNotFound, "no console");
                       return ConsoleOutput{console->second, 1000};
                     },
                     "us-east-1"},
               credentials_) {
  for (std::string letter : {"a", "b"}) {
    std::string zone = "us-east-1" + letter;
    CHECK(control::put_zone(kv, {zone, "use1-az" + letter, "us-east-1"}));
    control::Host host{control::HostId(zone + "-1"), zone, "machine-" + letter, {64, 16 << 10}};
    CHECK(control::put_host(kv, host));
  }
  control::Image image;
  image.id = control::ImageId(kImage);
  image.owner_id = kAccount;
  image.name = "debian-12";
  image.kernel_file = "vmlinuz";
  CHECK(control::create_image(kv, image));
}

http::Request TestCloud::signed_request(const std::string& body, const std::string& service) const {
  std::string time = basic_time(static_cast<int64_t>(clock.wall_ns() / 1'000'000));
  http::Request request{"POST", "/", {{"Host", "localhost:4566"}, {"X-Amz-Date", time}}, body, "127.0.0.1"};
  CredentialScope scope{kKeyId, time.substr(0, 8), "us-east-1", service};
  const std::vector<std::string> names = {"host", "x-amz-date"};
  std::string signature = sign(kSecret, scope, time, *canonical_request(request, "/", {}, names));
  request.headers.push_back({"Authorization", "AWS4-HMAC-SHA256 Credential=" + scope.access_key_id + "/" +
                                                  scope.text() +
                                                  ", SignedHeaders=host;x-amz-date, Signature=" + signature});
  return request;
}

Reply TestCloud::call(const std::string& action, Parameters parameters, const std::string& service) {
  std::string version = service == "sts" ? "2011-06-15" : "2016-11-15";
  std::string body = "Action=" + action + "&Version=" + version;
  for (const auto& [name, value] : parameters) {
    body += "&" + uri_encode(name, false) + "=" + uri_encode(value, false);
  }
  return send(signed_request(body, service));
}

Reply TestCloud::send(const http::Request& request) {
  http::Response response = service_.handle(request);
  Reply reply;
  reply.status = response.status;
  reply.text = response.body;
  CHECK(reply.body.load_string(response.body.c_str()));
  return reply;
}

std::vector<std::string> TestCloud::launch(int count, Parameters more) {
  Parameters parameters = {{"ImageId", kImage},
                           {"InstanceType", "t3.micro"},
                           {"MinCount", std::to_string(count)},
                           {"MaxCount", std::to_string(count)}};
  for (const auto& [name, value] : more) {
    std::erase_if(parameters, [&name = name](const auto& parameter) { return parameter.first == name; });
    parameters.emplace_back(name, value);
  }
  return call("RunInstances", parameters).all("//instanceId");
}

void TestCloud::report_running(const std::string& id) {
  auto updated =
      control::update_instance(kv, control::InstanceId(id), [](control::Instance& i) -> Result<bool> {
        i.observed.phase = control::Phase::kRunning;
        i.observed.launch = i.desired.launch;
        i.observed.ran = true;
        return true;
      });
  CHECK(updated.has_value());
}

void TestCloud::report_exited(const std::string& id) {
  auto updated =
      control::update_instance(kv, control::InstanceId(id), [](control::Instance& i) -> Result<bool> {
        i.observed.phase = control::Phase::kExited;
        i.observed.launch = i.desired.launch;
        i.observed.exit = control::ExitKind::kStopped;
        return true;
      });
  CHECK(updated.has_value());
}

void TestCloud::report_removed(const std::string& id) {
  auto updated =
      control::update_instance(kv, control::InstanceId(id), [](control::Instance& i) -> Result<bool> {
        i.observed.phase = control::Phase::kRemoved;
        return true;
      });
  CHECK(updated.has_value());
}

}  // namespace cumulet::api
