#pragma once

#include <functional>
#include <string>

namespace skerry::storage {

// What `body` returns when a child process runs it that has no right to what this one owns: root
// becomes "nobody" there, since the modes of files bind everybody but root.
std::string AsNobody(const std::function<std::string()>& body);

}  // namespace skerry::storage
