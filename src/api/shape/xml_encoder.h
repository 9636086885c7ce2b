// XML bodies: how each kind of value of a response structure becomes elements.
#pragma once

#include <cstdint>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <vector>

#include "api/shape/timestamp.h"

namespace cumulet::api {

void put_value(pugi::xml_node node, const std::string& value);
void put_value(pugi::xml_node node, int64_t value);
void put_value(pugi::xml_node node, bool value);
void put_value(pugi::xml_node node, double value);
void put_value(pugi::xml_node node, Timestamp value);

// A structure: its generated encode(pugi::xml_node, const Struct&).
template <typename Struct>
void put_value(pugi::xml_node node, const Struct& value) {
  encode(node, value);
}

// Adds <name>value</name>; an absent value adds nothing.
template <typename T>
void put(pugi::xml_node parent, const char* name, const std::optional<T>& value) {
  if (value) put_value(parent.append_child(name), *value);
}

// Adds <name><item>...</item>...</name>; an empty list is an empty element, an absent one is nothing.
template <typename T>
void put_list(pugi::xml_node parent, const char* name, const char* item_name,
              const std::optional<std::vector<T>>& list) {
  if (!list) return;
  pugi::xml_node node = parent.append_child(name);
  for (const T& item : *list) put_value(node.append_child(item_name), item);
}

// Returns the document as UTF-8 text with an XML declaration and no indentation.
std::string to_text(const pugi::xml_document& document);

}  // namespace cumulet::api
