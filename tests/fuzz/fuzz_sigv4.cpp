// Fuzz target: SigV4 headers and presigned queries; without the secret none may ever be believed.
#include "fuzz_fragments.h"

#include "api/auth/verifier.h"
#include "api/shape/form.h"
#include "base/check.h"
#include "base/clock.h"

namespace {

using namespace cumulet;
using namespace cumulet::api;

constexpr std::string_view kWords[] = {
    "AWS4-HMAC-SHA256 ", "Credential=", "AKID", "/20231114", "/us-east-1", "/ec2", "/aws4_request", ", ",
    "SignedHeaders=", "host", ";", "x-amz-date",
    "Signature=", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "20231114T221320Z", "=",
    "&", "/", "?", "X-Amz-Algorithm=AWS4-HMAC-SHA256",
    "X-Amz-Credential=AKID%2F20231114%2Fus-east-1%2Fec2%2Faws4_request", "X-Amz-Date=20231114T221320Z",
    "X-Amz-Expires=", "600", "X-Amz-SignedHeaders=host", "X-Amz-Signature=", "\r\n",
    // The whole of a well-formed but unsigned header, so that the comparison itself is reached.
    "AWS4-HMAC-SHA256 Credential=AKID/20231114/us-east-1/ec2/aws4_request, SignedHeaders=host;x-amz-date, "
    "Signature=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::span<const uint8_t> bytes(data, std::min<size_t>(size, 1024));
  size_t third = bytes.size() / 3;
  std::string target = "/?" + text_of_fragments(bytes.subspan(0, third), kWords);
  std::string authorization = text_of_fragments(bytes.subspan(third, third), kWords);
  std::string date = text_of_fragments(bytes.subspan(2 * third), kWords);
  http::Request request{"POST", target, {{"Host", "h"}, {"X-Amz-Date", date}}, "", ""};
  if (!authorization.empty()) request.headers.push_back({"Authorization", authorization});
  FormParameters query;
  if (!parse_form(std::string_view(target).substr(2), query)) query.clear();

  const RootCredential credentials("123456789012", "AKID", "a secret that no input contains");
  const ManualClock clock;
  const Verifier verifier(credentials, clock, "us-east-1", {"ec2", "sts"});
  auto result = verifier.verify(request, "/", query);
  CHECK(!result.has_value());
  CHECK(!result.error().message.empty());
  return 0;
}
