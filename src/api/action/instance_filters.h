// The filters of DescribeInstances.
#pragma once

#include <span>

#include "api/action/filters.h"
#include "control/resource/instance.h"

namespace cumulet::api {

std::span<const FilterField<control::Instance>> instance_filters();

const control::Tags& instance_tags(const control::Instance& instance);

}  // namespace cumulet::api
