#include "learning/strategies/fed_opt.h"

#include "base/exact_math.h"
#include "learning/finite.h"

namespace skerry::learning {

Result<FedOpt::Settings> FedOpt::ReadSettings(const v1::TrainingSpec& spec) {
  const v1::ServerSpec& server = spec.server();
  SKERRY_ASSIGN_OR_RETURN(const double rate, ServerRate(spec));
  const auto is_share = [](double value) { return value >= 0 && value < 1; };
  const auto refuse = [](const char* key, const char* needed) {
    return InvalidArgument(std::string("training.server.") + key + ": must be " + needed);
  };
  if (!is_share(server.beta1())) return refuse("beta1", "at least 0 and below 1");
  if (!is_share(server.beta2())) return refuse("beta2", "at least 0 and below 1");
  if (!(server.tau() > 0) || !IsFinite(server.tau())) return refuse("tau", "over 0");
  if (!(server.initial_v() >= 0) || !IsFinite(server.initial_v())) {
    return refuse("initial_v", "at least 0");
  }
  const std::string& correction = server.bias_correction();
  if (!correction.empty() && correction != "none" && correction != "standard" &&
      correction != "flower") {
    return refuse("bias_correction", "\"none\", \"standard\" or \"flower\"");
  }
  return Settings{rate,         server.beta1(),     server.beta2(),
                  server.tau(), server.initial_v(), correction};
}

Result<RoundScalars> FedOpt::Prepare(const RoundContext& context,
                                     std::span<const UpdateInfo> counted) const {
  SKERRY_ASSIGN_OR_RETURN(RoundScalars scalars, Strategy::Prepare(context, counted));
  const auto rest = [](double beta, int64_t t) {
    return 1 - exact::Pow(beta, static_cast<double>(t));
  };
  scalars["rate"] = settings_.rate;
  scalars["of_v"] = 1;
  scalars["begins"] = context.round == 1 ? 1 : 0;
  if (settings_.bias_correction == "standard") {
    scalars["rate"] = settings_.rate / rest(settings_.beta1, context.round);
    scalars["of_v"] = 1 / rest(settings_.beta2, context.round);
  } else if (settings_.bias_correction == "flower") {
    scalars["rate"] = settings_.rate * exact::Sqrt(rest(settings_.beta2, context.round + 1)) /
                      rest(settings_.beta1, context.round + 1);
  }
  return scalars;
}

}  // namespace skerry::learning
