#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skerry::coordinator {

// How a round draws among the sites that are there: [participation] selection.
enum class Selection : uint8_t { kRandom, kPoisson, kAvailability, kPowerOfChoice, kOort };
std::string_view Name(Selection selection);  // "power_of_choice"
std::vector<std::string> SelectionNames();   // in the order of the values
// Whether it looks at what sites did in earlier rounds.
bool NeedsTrackRecord(Selection selection);

// What a site did so far in the training rounds of a run.
struct SiteTrack {
  int64_t rounds_counted = 0;
  int64_t last_round = 0;      // the newest that counted it; 0: none yet
  int64_t num_examples = 0;    // of the newest result; also of one that only told statistics
  std::optional<double> loss;  // its training loss in last_round, if it told one
  double seconds = 0;          // from taking that task to reporting it
};

// The track record of a run: a function of its journal, so that a restart draws the same sites.
// Belongs to one thread.
class TrackRecord {
 public:
  explicit TrackRecord(std::size_t num_sites) : sites_(num_sites) {}

  // A result that a committed round counted. Round 0 says only how many examples a site has.
  void NoteCounted(std::size_t place, int64_t round, int64_t num_examples,
                   std::optional<double> loss, double seconds);

  const std::vector<SiteTrack>& sites() const { return sites_; }
  // Of the sites that told a loss; 0 if none did. What the others count as: with 0 they would not
  // be drawn again, and a trainer need not tell it.
  double MeanLoss() const;
  // Of training rounds 1, 2, ...: the sum over the counted of num_examples times loss.
  const std::vector<double>& utility_of_rounds() const { return utility_of_rounds_; }

 private:
  std::vector<SiteTrack> sites_;
  std::vector<double> utility_of_rounds_;
};

}  // namespace skerry::coordinator
