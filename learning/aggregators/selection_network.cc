#include "learning/aggregators/selection_network.h"

#include <algorithm>

#include "base/check.h"

namespace skerry::learning {

std::vector<Exchange> SelectionNetwork(std::size_t size, Places places) {
  SKERRY_CHECK(size <= 65535 && places.last <= size);
  std::vector<Exchange> network;
  VisitSortingNetwork(size, [&](Exchange exchange) { network.push_back(exchange); });
  std::vector<bool> wanted(size, false);
  for (std::size_t k = places.first; k < places.last; ++k) wanted[k] = true;
  std::vector<Exchange> needed;  // from the last to the first
  for (auto exchange = network.rbegin(); exchange != network.rend(); ++exchange) {
    if (!wanted[exchange->low] && !wanted[exchange->high]) continue;
    wanted[exchange->low] = true;
    wanted[exchange->high] = true;
    needed.push_back(*exchange);
  }
  std::reverse(needed.begin(), needed.end());
  return needed;
}

}  // namespace skerry::learning
