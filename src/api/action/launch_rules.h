// Launch rules: what of a RunInstances request this cloud can honour, and the clear refusal of everything
// else.
#pragma once

#include <string>

#include "api/action/context.h"
#include "api/action/outcome.h"
#include "api/shape/ec2_shapes.h"
#include "control/resource/instance_store.h"

namespace cumulet::api {

// Refuses the parameters that ask for something that does not exist here (key pairs, security groups,
// subnets, volumes, ...), so that none is ignored in silence. A parameter that asks for what happens anyway
// passes.
Outcome<void> refuse_unsupported_launch(const ec2::RunInstancesRequest& request);

// Checks the parameters that can be honoured, one by one and against the store, and returns the launch they
// describe (without owner and client token). Errors: as RunInstances.
Outcome<control::LaunchRequest> read_launch(const Cloud& cloud, const ec2::RunInstancesRequest& request);

// Checks a client token: at most 64 ASCII characters. None is as good as an empty one.
Outcome<std::string> read_client_token(const std::optional<std::string>& token);

// Returns a digest of the parameters that make two requests with one client token the same request.
std::string launch_fingerprint(const FormParameters& parameters);

}  // namespace cumulet::api
