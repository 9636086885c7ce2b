// STS GetCallerIdentity.
#include "api/action/actions.h"

namespace cumulet::api {

Outcome<sts::GetCallerIdentityResponse> get_caller_identity(ActionContext& context,
                                                            const sts::GetCallerIdentityRequest&) {
  sts::GetCallerIdentityResponse response;
  response.user_id = context.caller.identity.user_id;
  response.account = context.caller.identity.account_id;
  response.arn = context.caller.identity.arn;
  return response;
}

}  // namespace cumulet::api
