// Client token records to and from JSON.
#include "control/resource/token_record.h"

#include <boost/json.hpp>

#include "control/resource/record.h"

namespace cumulet::control {

namespace json = boost::json;

std::string encode_token(const TokenRecord& record) {
  json::array instances;
  for (const InstanceId& id : record.instances) instances.emplace_back(id.str());
  return json::serialize(json::object{{"version", 1},
                                      {"fingerprint", record.fingerprint},
                                      {"reservation_id", record.reservation.str()},
                                      {"instances", std::move(instances)}});
}

Result<TokenRecord> decode_token(std::string_view text) {
  RecordReader reader(text, "client token");
  TokenRecord record{reader.string("fingerprint"), ReservationId(reader.string("reservation_id")), {}};
  for (std::string& id : reader.strings("instances")) record.instances.emplace_back(std::move(id));
  TRY_VOID(reader.finish());
  return record;
}

}  // namespace cumulet::control
