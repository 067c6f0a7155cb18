// Two of ten sites send what they like. The mean follows them; the median and the trimmed mean stay
// where the other eight are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/random.h"
#include "harness.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Model = std::vector<float>;
constexpr int kSites = 10;
constexpr int kRounds = 3;
const Model kTruth = {1.5F, -2.0F, 0.5F};  // where every honest site pulls the model

std::string NameOf(int site) { return "site-" + std::to_string(site); }

// Sites that send a tenth of the way from the model to the truth, each with an error of its own.
class Federation {
 public:
  explicit Federation(const std::string& aggregation) {
    RunFile file;
    file.rounds = kRounds;
    file.participation = "sites = [";
    for (int site = 0; site < kSites; ++site) {
      file.participation += (site == 0 ? "\"" : ", \"") + NameOf(site) + "\"";
      sites_.push_back(std::make_unique<FakeSite>(h_, NameOf(site)));
    }
    file.participation += "]";
    file.extra = aggregation;
    h_.Submit(file);
    for (const auto& site : sites_) EXPECT_OK(site->Join());
  }

  // `tamper` changes what site k sends.
  Model Run(const std::function<void(int, Model&)>& tamper) {
    for (int round = 1; round <= kRounds; ++round) {
      std::vector<v1::Task> tasks;
      for (const auto& site : sites_) tasks.push_back(site->Take());
      const Model model = Newest();
      for (int k = 0; k < kSites; ++k) {
        RandomStream random(1, Purpose::kSimulation, static_cast<uint64_t>(round), NameOf(k), 0);
        Model update(kTruth.size());
        for (std::size_t i = 0; i < update.size(); ++i) {
          update[i] = 0.1F * (kTruth[i] - model[i]) + static_cast<float>(0.01 * random.Normal());
        }
        tamper(k, update);
        const auto at = static_cast<std::size_t>(k);
        EXPECT_OK(sites_[at]->Submit(tasks[at], update));
        sites_[at]->confirm_ = {tasks[at].task_id()};
      }
    }
    EXPECT_EQ(h_.Show("t-1").run().state(), "completed");
    return Newest();
  }

 private:
  Model Newest() {
    v1::ExportModelRequest request;
    request.set_run_id("t-1");
    request.set_version(-1);
    auto model = h_.Call<Coordinator::ExportedModel>(
        [&](auto done) { h_.coordinator->ExportModel(request, std::move(done)); });
    EXPECT_OK(model);
    const auto chunk = model->chunks->Next();
    Model parameters(kTruth.size());
    const std::string& bytes = (*chunk)->data();
    const std::size_t size = parameters.size() * sizeof(float);
    std::memcpy(parameters.data(), bytes.data() + bytes.size() - size, size);
    return parameters;
  }

  Harness h_;
  std::vector<std::unique_ptr<FakeSite>> sites_;
};

void Honest(int /*site*/, Model& /*update*/) {}

void Attack(int site, Model& update) {
  if (site != 2 && site != 7) return;
  for (float& value : update) value *= site == 2 ? -1.0F : 1000.0F;
}

double Distance(const Model& a, const Model& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i] - b[i]), 2);
  return std::sqrt(sum);
}

TEST(RobustRulesTest, ASignFlipAndAThousandfoldUpdateMoveTheMeanAndNotTheOthers) {
  const Model honest = Federation("").Run(Honest);
  EXPECT_GT(Distance(Federation("").Run(Attack), honest), 10.0);
  for (const char* rule :
       {"rule = \"median\"", "rule = \"trimmed_mean\"\ntrim = 0.1",
        "rule = \"trimmed_mean\"\ntrim = 0.2", "rule = \"krum\"\nattackers = 2",
        "rule = \"multi_krum\"\nattackers = 2\nselect = 6", "rule = \"bulyan\"",
        "rule = \"geometric_median\"", "rule = \"median\"\nclipping_norm = 1.0"}) {
    SCOPED_TRACE(rule);
    const std::string aggregation = "[aggregation]\n" + std::string(rule) + "\n";
    EXPECT_LT(Distance(Federation(aggregation).Run(Honest), honest), 0.05);
    EXPECT_LT(Distance(Federation(aggregation).Run(Attack), honest), 0.1);
  }
}

// With one at each end taken off, two attackers on the same side are one too many.
TEST(RobustRulesTest, TrimmingLessThanThereAreAttackersDoesNotHelp) {
  const auto both = [](int site, Model& update) {
    if (site != 2 && site != 7) return;
    for (float& value : update) value *= 1000.0F;
  };
  const Model honest = Federation("").Run(Honest);
  EXPECT_GT(Distance(Federation("[aggregation]\nrule = \"trimmed_mean\"\n").Run(both), honest),
            10.0);
  EXPECT_LT(Distance(Federation("[aggregation]\nrule = \"median\"\n").Run(both), honest), 0.1);
}

Result<v1::SubmitRunReply> Submit(const std::string& participation,
                                  const std::string& aggregation) {
  Harness h;
  for (const char* name : {"a", "b", "c", "d"}) EXPECT_OK(FakeSite(h, name).Join());
  RunFile file;
  file.participation = participation;
  file.extra = "[aggregation]\n" + aggregation;
  v1::SubmitRunRequest request;
  request.set_run_file(file.Text());
  return h.Call<v1::SubmitRunReply>(
      [&](auto done) { h.coordinator->SubmitRun(request, std::move(done)); });
}

TEST(RobustRulesTest, ARuleThatCanLeaveNothingIsRefusedBeforeTheRun) {
  const std::string half = "rule = \"trimmed_mean\"\ntrim = 0.5\n";
  for (const char* sites :
       {"sites = \"all\"\n", "sites = [\"a\", \"b\", \"c\", \"d\"]\nquorum = 3\n"}) {
    EXPECT_THAT(Submit(sites, half),
                Fails(Code::kInvalidArgument,
                      AllOf(HasSubstr("aggregation.rule"), HasSubstr("participation.quorum"),
                            HasSubstr("leaves nothing of 4 updates"))));
  }
  EXPECT_OK(Submit("sites = [\"a\", \"b\", \"c\"]\n", half));
}

TEST(RobustRulesTest, WhoSubmitsARunHearsThatItsRuleProtectsFromNothing) {
  ASSERT_OK_AND_ASSIGN(auto reply, Submit("sites = [\"a\", \"b\"]\n", "rule = \"median\"\n"));
  EXPECT_THAT(reply.warnings(), ElementsAre(HasSubstr("participation.quorum is 2: the median")));
  ASSERT_OK_AND_ASSIGN(reply, Submit("sites = \"all\"\nquorum = 3\n", "rule = \"median\"\n"));
  EXPECT_THAT(reply.warnings(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(reply, Submit("sites = \"all\"\n", "rule = \"trimmed_mean\"\n"));
  EXPECT_THAT(reply.warnings(), ElementsAre(HasSubstr("trim 0.1 takes nothing from 4 updates")));
}

}  // namespace
}  // namespace skerry::coordinator
