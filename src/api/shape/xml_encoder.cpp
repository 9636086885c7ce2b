// Scalars as XML text.
#include "api/shape/xml_encoder.h"

#include <fmt/format.h>
#include <sstream>

namespace cumulet::api {

void put_value(pugi::xml_node node, const std::string& value) { node.text().set(value.c_str()); }
void put_value(pugi::xml_node node, int64_t value) { node.text().set(static_cast<long long>(value)); }
void put_value(pugi::xml_node node, bool value) { node.text().set(value ? "true" : "false"); }
void put_value(pugi::xml_node node, double value) { node.text().set(fmt::format("{}", value).c_str()); }
void put_value(pugi::xml_node node, Timestamp value) { node.text().set(format_timestamp(value).c_str()); }

std::string to_text(const pugi::xml_document& document) {
  std::ostringstream stream;
  stream << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  document.save(stream, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
  return std::move(stream).str();
}

}  // namespace cumulet::api
