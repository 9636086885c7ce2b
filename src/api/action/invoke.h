// Invoke: the one way an action is called: decode the form, call the function, encode what it returns.
#pragma once

#include <functional>
#include <pugixml.hpp>
#include <span>
#include <string_view>
#include <type_traits>

#include "api/action/context.h"
#include "api/action/outcome.h"
#include "api/shape/decoder.h"
#include "api/shape/xml_encoder.h"

namespace cumulet::api {

// Writes an action's result into the response document.
using ResultWriter = std::function<void(pugi::xml_node)>;

// A row of the generated dispatch table.
struct Action {
  std::string_view service;
  std::string_view name;
  std::string_view result_wrapper;  // of the query protocol; empty in the EC2 protocol
  Outcome<ResultWriter> (*invoke)(ActionContext& context, const FormNode& form);
};

// Every implemented action, sorted by service and name (generated from generate/actions.txt).
std::span<const Action> implemented_actions();

// Parameters that belong to the request as a whole and not to the action.
inline constexpr std::string_view kCommonParameters[] = {"Action", "Version"};

template <typename Request, auto Function>
Outcome<ResultWriter> invoke(ActionContext& context, const FormNode& form) {
  Decoder decoder(kCommonParameters);
  Request request;
  if (!decode(decoder, form, request)) return tl::unexpected(ApiError(*decoder.error()));
  auto outcome = Function(context, request);
  if (!outcome) return tl::unexpected(std::move(outcome).error());
  using Response = typename decltype(outcome)::value_type;
  if constexpr (std::is_same_v<Response, Acknowledged>) {
    return ResultWriter([](pugi::xml_node node) { put_value(node.append_child("return"), true); });
  } else {
    return ResultWriter([response = std::move(*outcome)](pugi::xml_node node) { encode(node, response); });
  }
}

}  // namespace cumulet::api
