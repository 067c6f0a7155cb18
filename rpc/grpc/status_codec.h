#pragma once

#include <grpcpp/support/status.h>

#include "base/status.h"

namespace skerry::rpc {

// Codes and messages go over unchanged, but for messages and hints that are too long for a header
// and are cut; hint and detail travel in the status details.
grpc::Status ToGrpc(const Status& status);
Status FromGrpc(const grpc::Status& status);

}  // namespace skerry::rpc
