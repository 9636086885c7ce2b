// Tests of SigV4 verification: AWS's published examples, requests signed by botocore, and every way to be
// refused.
#include "api/auth/verifier.h"

#include <gtest/gtest.h>

#include "api/auth/canonical.h"
#include "api/auth/digest.h"
#include "api/shape/timestamp.h"

namespace cumulet::api {
namespace {

constexpr std::string_view kKeyId = "AKIDEXAMPLE";
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kTime = "20150830T123600Z";

class FixedClock final : public Clock {
 public:
  uint64_t monotonic_ns() const override { return 0; }
  uint64_t wall_ns() const override { return static_cast<uint64_t>(now_ms) * 1'000'000; }
  int64_t now_ms = parse_basic_timestamp(kTime)->epoch_ms;
};

struct Target {
  std::string path;
  FormParameters query;
};

Target split_target(const std::string& target) {
  size_t mark = target.find('?');
  Target result{target.substr(0, mark), {}};
  if (mark != std::string::npos) {
    EXPECT_TRUE(parse_form(std::string_view(target).substr(mark + 1), result.query).has_value());
  }
  return result;
}

class VerifierTest : public ::testing::Test {
 protected:
  tl::expected<Authenticated, AuthError> verify(const http::Request& request) {
    Verifier verifier(credentials_, clock_, "us-east-1", {"ec2", "sts", "iam", "service"});
    Target target = split_target(request.target);
    return verifier.verify(request, target.path, target.query);
  }

  void expect_refused(const http::Request& request, AuthError::Kind kind) {
    auto result = verify(request);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(static_cast<int>(result.error().kind), static_cast<int>(kind)) << result.error().message;
  }

  // What botocore sends for a DescribeInstances with a filter.
  static http::Request botocore_post() {
    return {
        "POST",
        "/",
        {{"Host", "127.0.0.1:4566"},
         {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
         {"X-Amz-Date", std::string(kTime)},
         {"Authorization",
          "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/ec2/aws4_request, "
          "SignedHeaders=content-type;host;x-amz-date, "
          "Signature=0eaa12d5a407b356a5c111308f1533b55de7405d38a54abe48d937c7b0d9f245"}},
        "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag%3AName&Filter.1.Value.1=a+b%2Fc%2A",
        ""};
  }

  static http::Request botocore_presigned() {
    return {
        "GET",
        "/?Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag%3AName&Filter.1.Value.1="
        "a%20b%2Fc%2A~&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2F"
        "us-east-1%2Fec2%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=600&X-Amz-SignedHeaders="
        "host&X-Amz-Signature=141d98aeb55ee537d844beb016abaa5d00d32a15efc8b7ac15abea8cd3791b38",
        {{"Host", "127.0.0.1:4566"}},
        "",
        ""};
  }

  static std::string& header(http::Request& request, std::string_view name) {
    for (http::Header& header : request.headers) {
      if (http::same_header_name(header.name, name)) return header.value;
    }
    ADD_FAILURE() << "no header " << name;
    return request.headers.front().value;
  }

  static void replace(std::string& text, std::string_view from, std::string_view to) {
    size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  }

  // Signs `request` anew with the names and the time given.
  static void sign_again(http::Request& request, std::vector<std::string> names, const std::string& time,
                         const std::string& region = "us-east-1", const std::string& service = "ec2") {
    CredentialScope scope{std::string(kKeyId), time.substr(0, 8), region, service};
    header(request, "x-amz-date") = time;
    Target target = split_target(request.target);
    auto canonical = canonical_request(request, target.path, target.query, names);
    ASSERT_TRUE(canonical.has_value());
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ";") + name;
    header(request, "authorization") = "AWS4-HMAC-SHA256 Credential=" + scope.access_key_id + "/" +
                                       scope.text() + ", SignedHeaders=" + list +
                                       ", Signature=" + sign(kSecret, scope, time, *canonical);
  }

  const std::vector<std::string> names_ = {"content-type", "host", "x-amz-date"};
  RootCredential credentials_{"123456789012", std::string(kKeyId), std::string(kSecret)};
  FixedClock clock_;
};

TEST(Digests, MatchPublishedVectors) {
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  // RFC 4231, test cases 2 and 6 (a key longer than a block).
  std::string jefe = "Jefe";
  EXPECT_EQ(
      to_hex(hmac_sha256(std::vector<uint8_t>(jefe.begin(), jefe.end()), "what do ya want for nothing?")),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(std::vector<uint8_t>(131, 0xaa),
                               "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Canonical, PathsQueriesAndHeaders) {
  EXPECT_EQ(canonical_path(""), "/");
  EXPECT_EQ(canonical_path("/a/./b//c/../%20x/"), "/a/b/%2520x/");
  EXPECT_EQ(canonical_path("/../.."), "/");
  EXPECT_EQ(canonical_query({{"b", "2"}, {"a", "1"}, {"a", "0"}, {"c", ""}, {"X-Amz-Signature", "s"}}),
            "a=0&a=1&b=2&c=");
  EXPECT_EQ(canonical_query({{"k", "a b/~*"}}), "k=a%20b%2F~%2A");
  http::Request request{"GET", "/", {{"My-H", "  a   b \t c "}, {"my-h", "d"}}, "", ""};
  EXPECT_EQ(canonical_headers(request, {"my-h"}), "my-h:a b c,d\n");
  EXPECT_FALSE(canonical_headers(request, {"host"}).has_value());
}

TEST_F(VerifierTest, AcceptsPublishedExamples) {
  http::Request list_users{"GET",
                           "/?Action=ListUsers&Version=2010-05-08",
                           {{"Host", "iam.amazonaws.com"},
                            {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
                            {"X-Amz-Date", std::string(kTime)},
                            {"Authorization",
                             "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
                             "SignedHeaders=content-type;host;x-amz-date, "
                             "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"}},
                           "",
                           ""};
  EXPECT_EQ(verify(list_users)->service, "iam");
  http::Request vanilla{"GET",
                        "/",
                        {{"Host", "example.amazonaws.com"},
                         {"X-Amz-Date", std::string(kTime)},
                         {"Authorization",
                          "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                          "SignedHeaders=host;x-amz-date, "
                          "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"}},
                        "",
                        ""};
  EXPECT_TRUE(verify(vanilla).has_value());
}

TEST_F(VerifierTest, AcceptsWhatBotocoreSigns) {
  auto posted = verify(botocore_post());
  ASSERT_TRUE(posted.has_value()) << posted.error().message;
  EXPECT_EQ(posted->identity.arn, "arn:aws:iam::123456789012:root");
  EXPECT_EQ(posted->service, "ec2");
  auto presigned = verify(botocore_presigned());
  ASSERT_TRUE(presigned.has_value()) << presigned.error().message;
  http::Request odd{"GET",
                    "/a/./b//c/../%20x/?b=2&a=1&a=0&c=",
                    {{"Host", "127.0.0.1:4566"},
                     {"X-Amz-Date", std::string(kTime)},
                     {"Authorization",
                      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/ec2/aws4_request, "
                      "SignedHeaders=host;x-amz-date, "
                      "Signature=6b61338639148e06ea50ea31ed58159cbc4d26114287f9be4b4a3747ee2a0c33"}},
                    "",
                    ""};
  EXPECT_TRUE(verify(odd).has_value());
}

TEST_F(VerifierTest, RefusesWhatWasTamperedWith) {
  using Kind = AuthError::Kind;
  http::Request request = botocore_post();
  request.body[20] ^= 1;
  expect_refused(request, Kind::kMismatch);
  request = botocore_post();
  request.target = "/?Extra=1";
  expect_refused(request, Kind::kMismatch);
  request = botocore_post();
  request.method = "PUT";
  expect_refused(request, Kind::kMismatch);
  request = botocore_post();
  header(request, "host") = "other:4566";
  expect_refused(request, Kind::kMismatch);
  request = botocore_post();
  replace(header(request, "authorization"), "0eaa12d5", "0eaa12d6");
  expect_refused(request, Kind::kMismatch);
  request = botocore_post();
  request.headers.push_back({"X-Amz-Target", "unsigned"});
  expect_refused(request, Kind::kMismatch);
  request = botocore_post();
  request.headers.erase(request.headers.begin() + 1);  // a signed header that is gone
  expect_refused(request, Kind::kMismatch);
  request = botocore_presigned();
  replace(request.target, "Expires=600", "Expires=601");
  expect_refused(request, Kind::kMismatch);
}

TEST_F(VerifierTest, RefusesUnknownKeysAndTokens) {
  http::Request request = botocore_post();
  replace(header(request, "authorization"), "AKIDEXAMPLE", "AKIDUNKNOWN");
  expect_refused(request, AuthError::Kind::kUnknownKey);
  request = botocore_post();
  request.headers.push_back({"X-Amz-Security-Token", "token"});
  expect_refused(request, AuthError::Kind::kSessionToken);
  request = botocore_post();
  request.headers.pop_back();
  expect_refused(request, AuthError::Kind::kMissingToken);
}

TEST_F(VerifierTest, RefusesOtherRegionsAndServices) {
  http::Request request = botocore_post();
  sign_again(request, names_, std::string(kTime));
  EXPECT_TRUE(verify(request).has_value());
  sign_again(request, names_, std::string(kTime), "eu-west-1");
  expect_refused(request, AuthError::Kind::kWrongScope);
  sign_again(request, names_, std::string(kTime), "us-east-1", "s3");
  expect_refused(request, AuthError::Kind::kWrongScope);
}

TEST_F(VerifierTest, ToleratesFifteenMinutesOfSkew) {
  const int64_t signed_ms = clock_.now_ms;
  for (int64_t skew_ms : {kMaxClockSkewMs, -kMaxClockSkewMs}) {
    clock_.now_ms = signed_ms + skew_ms;
    EXPECT_TRUE(verify(botocore_post()).has_value()) << skew_ms;
    clock_.now_ms += skew_ms > 0 ? 1000 : -1000;
    expect_refused(botocore_post(), AuthError::Kind::kExpired);
  }
}

TEST_F(VerifierTest, PresignedRequestsExpire) {
  const int64_t signed_ms = clock_.now_ms;
  clock_.now_ms = signed_ms + 600'000;
  EXPECT_TRUE(verify(botocore_presigned()).has_value());
  clock_.now_ms = signed_ms + 601'000;
  expect_refused(botocore_presigned(), AuthError::Kind::kExpired);
  clock_.now_ms = signed_ms - kMaxClockSkewMs - 1000;
  expect_refused(botocore_presigned(), AuthError::Kind::kExpired);
}

TEST_F(VerifierTest, RefusesMalformedSignatures) {
  using Kind = AuthError::Kind;
  http::Request sample = botocore_post();
  const std::string good = header(sample, "authorization");
  auto with = [&](std::string_view from, std::string_view to) {
    http::Request request = botocore_post();
    std::string text = good;
    replace(text, from, to);
    header(request, "authorization") = text;
    expect_refused(request, Kind::kIncomplete);
  };
  with("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA1 ");
  with("AWS4-HMAC-SHA256 ", "Basic ");
  with("/aws4_request", "/aws5_request");
  with("/20150830/", "/2015083/");
  with("/20150830/", "/20150829/");
  with("AKIDEXAMPLE/", "/");
  with("SignedHeaders=content-type;host", "SignedHeaders=host;content-type");
  with("SignedHeaders=content-type;host", "SignedHeaders=content-type");
  with("SignedHeaders=content-type;host", "SignedHeaders=Content-Type;host");
  with("content-type;host;x-amz-date", "content-type;host");
  with("content-type;host", "host;host");
  with("Signature=0e", "Signature=0E");
  with("Signature=0e", "Signature=");
  with("Credential=", "Credentials=");
  with(", Signature=", ", Signature=x, Signature=");
  http::Request request = botocore_post();
  header(request, "x-amz-date") = "Sun, 30 Aug 2015 12:36:00 GMT";
  expect_refused(request, Kind::kIncomplete);
  request.headers.erase(request.headers.begin() + 2);
  expect_refused(request, Kind::kIncomplete);
  for (auto [from, to] : std::vector<std::pair<std::string, std::string>>{{"Expires=600", "Expires=0"},
                                                                          {"Expires=600", "Expires=604801"},
                                                                          {"Expires=600", "Expires=6x"},
                                                                          {"X-Amz-Expires=600&", ""},
                                                                          {"HMAC-SHA256", "HMAC-SHA1"}}) {
    request = botocore_presigned();
    replace(request.target, from, to);
    expect_refused(request, Kind::kIncomplete);
  }
  request = botocore_presigned();
  request.headers.push_back({"Authorization", good});
  expect_refused(request, Kind::kIncomplete);
}

}  // namespace
}  // namespace cumulet::api
