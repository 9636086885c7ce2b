// Response bodies: the XML around an action's result, and around an error.
#pragma once

#include <functional>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "api/action/error_codes.h"
#include "api/shape/operations.h"

namespace cumulet::api {

// Returns <NameResponse>: `fill` adds the result. The EC2 protocol puts it beside <requestId>; the query
// protocol inside <result_wrapper>, with <ResponseMetadata> after it.
std::string result_body(const ServiceInfo& service, std::string_view action, std::string_view result_wrapper,
                        const std::string& request_id, const std::function<void(pugi::xml_node)>& fill);

// Returns the error document of the service's protocol.
std::string error_body(const ServiceInfo& service, const ApiError& error, const std::string& request_id);

}  // namespace cumulet::api
