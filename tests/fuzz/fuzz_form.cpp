// Fuzz target: request forms, from raw text to a typed RunInstances request, and filter wildcards.
#include "fuzz_fragments.h"

#include "api/action/filters.h"
#include "api/shape/decoder.h"
#include "api/shape/ec2_shapes.h"
#include "api/shape/form.h"
#include "api/shape/utf8.h"
#include "base/check.h"

namespace {

using namespace cumulet;
using namespace cumulet::api;

constexpr std::string_view kWords[] = {"&",
                                       "=",
                                       ".",
                                       "1",
                                       "2",
                                       "%41",
                                       "%C3%A9",
                                       "%ff",
                                       "%",
                                       "+",
                                       "ImageId=",
                                       "MinCount=",
                                       "MaxCount=1",
                                       "DryRun=true",
                                       "Placement.",
                                       "AvailabilityZone=a",
                                       "TagSpecification.1.",
                                       "ResourceType=instance",
                                       "Tag.1.Key=k",
                                       "Tag.2.Value=",
                                       "SecurityGroupId.",
                                       "4294967296",
                                       "Action=RunInstances",
                                       "Version=2016-11-15",
                                       "InstanceMarketOptions.SpotOptions.ValidUntil=2024-01-01T00:00:00Z",
                                       "BlockDeviceMapping.1.Ebs.Iops=",
                                       "-1",
                                       "*",
                                       "?",
                                       "\\",
                                       "a"};

void decode_request(const std::string& text) {
  FormParameters parameters;
  if (!parse_form(text, parameters)) return;
  for (const auto& [name, value] : parameters) CHECK(is_xml_text(name) && is_xml_text(value));
  auto tree = build_form_tree(parameters);
  if (!tree) return;
  constexpr std::string_view kIgnored[] = {"Action", "Version"};
  Decoder decoder(kIgnored);
  ec2::RunInstancesRequest request;
  bool decoded = decode(decoder, *tree, request);
  CHECK(decoded == !decoder.error().has_value());
  if (decoded) CHECK(request.min_count && request.max_count);
  if (!decoded) CHECK(is_xml_text(decoder.error()->message));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::span<const uint8_t> bytes(data, std::min<size_t>(size, 1024));
  std::string text = text_of_fragments(bytes, kWords);
  decode_request(text);
  text.resize(std::min<size_t>(text.size(), 1024));
  size_t middle = text.size() / 2;
  std::string_view pattern = std::string_view(text).substr(0, middle);
  std::string_view subject = std::string_view(text).substr(middle);
  if (matches_wildcards(pattern, subject)) CHECK(matches_wildcards("*", subject));
  if (pattern.find_first_of("*?\\") == std::string_view::npos) {
    CHECK(matches_wildcards(pattern, subject) == (pattern == subject));
  }
  return 0;
}
