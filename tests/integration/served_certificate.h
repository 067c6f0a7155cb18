#pragma once

#include <string>

namespace skerry::testing {

// The certificate, in PEM, that a server on this machine shows to whoever connects; empty when it
// shows none.
std::string ServedCertificate(int port);

}  // namespace skerry::testing
