// Tests of form decoding, base64, UTF-8 and timestamps.
#include "api/shape/form.h"

#include <gtest/gtest.h>

#include "api/shape/base64.h"
#include "api/shape/timestamp.h"
#include "api/shape/utf8.h"

namespace cumulet::api {
namespace {

TEST(Form, DecodesNamesAndValues) {
  FormParameters parameters;
  ASSERT_TRUE(parse_form("Action=Run+It&a%2Eb=%C3%A9%25&empty&&x=", parameters).has_value());
  FormParameters expected = {{"Action", "Run It"}, {"a.b", "\xc3\xa9%"}, {"empty", ""}, {"x", ""}};
  EXPECT_EQ(parameters, expected);
}

TEST(Form, RefusesBadEscapesAndText) {
  for (std::string_view text : {"a=%", "a=%4", "a=%zz", "%=1", "a=%ff", "a=%00", "a=%c0%80", "a=%ed%a0%80"}) {
    FormParameters parameters;
    auto parsed = parse_form(text, parameters);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().kind, ShapeError::Kind::kMalformed);
  }
}

TEST(Form, BuildsATree) {
  auto tree = build_form_tree({{"Filter.1.Name", "n"}, {"Filter.1.Value.1", "v"}, {"Filter.2.Name", "m"}});
  ASSERT_TRUE(tree.has_value());
  const FormNode& filter = tree->children.at("Filter");
  EXPECT_EQ(*filter.children.at("1").find("Name"), "n");
  EXPECT_EQ(*filter.children.at("2").find("Name"), "m");
  EXPECT_EQ(filter.find("1"), nullptr);
}

TEST(Form, RefusesDuplicatesAndSillyNames) {
  EXPECT_FALSE(build_form_tree({{"A", "1"}, {"A", "2"}}).has_value());
  EXPECT_FALSE(build_form_tree({{"A..B", "1"}}).has_value());
  EXPECT_FALSE(build_form_tree({{"", "1"}}).has_value());
  EXPECT_FALSE(build_form_tree({{"A.", "1"}}).has_value());
  EXPECT_FALSE(build_form_tree({{"1.2.3.4.5.6.7.8.9.10.11.12.13", "1"}}).has_value());
  EXPECT_FALSE(build_form_tree({{std::string(300, 'n'), "1"}}).has_value());
}

TEST(Utf8, KnowsTheEdges) {
  EXPECT_TRUE(is_xml_text("plain\t\r\n \x7f"));
  EXPECT_TRUE(is_xml_text("\xf0\x9f\x98\x80 \xe2\x82\xac \xc2\x80"));
  EXPECT_TRUE(is_xml_text("\xf4\x8f\xbf\xbd"));
  for (std::string_view text : {"\x80", "\xc1\xbf", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
                                "\xff", "\xc2", "\xe2\x82", "\xef\xbf\xbe", "\x1b", "\xf8\x88\x80\x80\x80"}) {
    EXPECT_FALSE(is_xml_text(text)) << text;
  }
}

TEST(Base64, BothWays) {
  EXPECT_EQ(base64_encode(""), "");
  EXPECT_EQ(base64_encode("f"), "Zg==");
  EXPECT_EQ(base64_encode("fo"), "Zm8=");
  EXPECT_EQ(base64_encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64_encode(std::string("\xff\x00", 2)), "/wA=");
  for (std::string_view bytes : {"", "f", "fo", "foo", "foob"})
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
  EXPECT_EQ(base64_decode("Zm9v\r\nYmFy"), "foobar");
  for (std::string_view text : {"Z", "Zg", "Zg=", "Zh==", "Z===", "Zg==Zg==", "Zm 9", "====", "Zm9v="}) {
    EXPECT_FALSE(base64_decode(text).has_value()) << text;
  }
}

TEST(Timestamp, BothWays) {
  EXPECT_EQ(format_timestamp({0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_timestamp({1'709'210'096'789}), "2024-02-29T12:34:56.789Z");
  EXPECT_EQ(parse_timestamp("2024-02-29T12:34:56.789Z")->epoch_ms, 1'709'210'096'789);
  EXPECT_EQ(parse_timestamp("2024-02-29T12:34:56Z")->epoch_ms, 1'709'210'096'000);
  EXPECT_EQ(parse_basic_timestamp("20240229T123456Z")->epoch_ms, 1'709'210'096'000);
  for (std::string_view text : {"", "2023-02-29T00:00:00Z", "2024-02-29 12:34:56Z", "2024-02-29T24:00:00Z",
                                "2024-02-29T12:34:56+01", "1969-12-31T00:00:00Z", "2024-0x-29T12:34:56Z"}) {
    EXPECT_FALSE(parse_timestamp(text).has_value()) << text;
  }
  EXPECT_FALSE(parse_basic_timestamp("20240229T123456").has_value());
  EXPECT_FALSE(parse_basic_timestamp("2024-02-29T12345Z").has_value());
}

}  // namespace
}  // namespace cumulet::api
