#include "coordinator/result_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/bytes_file.h"
#include "coordinator/result_sums.h"
#include "coordinator/run_plan.h"
#include "rpc/chunks.h"
#include "testing/status_matchers.h"

// What a site may send as a result. coordinator_test.cc has the same for a whole upload.
namespace skerry::coordinator {
namespace {

using learning::DType;
using learning::Layout;
using learning::ResultLayout;
using learning::Rule;
using skerry::testing::Fails;
using skerry::testing::HasCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

template <class T>
std::string BytesOf(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

ResultLayout LayoutOf(std::vector<learning::Section> sections) {
  return ResultLayout::Create(std::move(sections)).value();
}

learning::Section SectionOf(const char* name, Rule rule,
                            std::vector<learning::TensorSpec> tensors) {
  return {name, rule, Layout::Create(std::move(tensors)).value()};
}

// One tensor of each type: 2 floats, 1 count, 1 double.
ResultLayout MixedLayout() {
  return LayoutOf({SectionOf("update", Rule::kAggregate, {{"w", DType::kF32, {2}}}),
                   SectionOf("counts", Rule::kSumI64, {{"n", DType::kI64, {}}}),
                   SectionOf("sums", Rule::kSumF64, {{"s", DType::kF64, {}}})});
}
std::string MixedBytes(std::vector<float> w, int64_t n, double s) {
  return BytesOf(w) + BytesOf<int64_t>({n}) + BytesOf<double>({s});
}

v1::ResultHeader HeaderFor(const ResultLayout& layout) {
  v1::ResultHeader header;
  header.set_task_id(1);
  header.set_layout_hash(std::string(rpc::LayoutHash(layout).view()));
  header.set_size_bytes(static_cast<uint64_t>(layout.size_bytes()));
  header.set_content_hash(std::string(32, 'h'));
  header.set_num_examples(1);
  return header;
}

TEST(CheckHeaderTest, AHeaderThatFitsItsTaskIsTaken) {
  v1::ResultHeader header = HeaderFor(MixedLayout());
  (*header.mutable_scalars())["train_loss"] = 0.5;
  EXPECT_OK(CheckHeader(header, MixedLayout(), rpc::LayoutHash(MixedLayout())));
}

TEST(CheckHeaderTest, AnotherNameShapeTypeOrOrderIsAnotherLayout) {
  const std::vector<ResultLayout> others = {
      LayoutOf({SectionOf("update", Rule::kAggregate, {{"v", DType::kF32, {2}}})}),
      LayoutOf({SectionOf("update", Rule::kAggregate, {{"w", DType::kF32, {2, 1}}})}),
      LayoutOf({SectionOf("update", Rule::kSumI64, {{"w", DType::kI64, {1}}})}),
      LayoutOf({SectionOf("other", Rule::kAggregate, {{"w", DType::kF32, {2}}})})};
  const ResultLayout asked =
      LayoutOf({SectionOf("update", Rule::kAggregate, {{"w", DType::kF32, {2}}})});
  for (const ResultLayout& other : others) {
    EXPECT_THAT(CheckHeader(HeaderFor(other), asked, rpc::LayoutHash(asked)),
                Fails(Code::kInvalidArgument, HasSubstr("another layout")));
  }
}

TEST(CheckHeaderTest, EveryOtherFieldIsCheckedAndNamed) {
  const ResultLayout layout = MixedLayout();
  const auto refused = [&](const char* words, auto change) {
    v1::ResultHeader header = HeaderFor(layout);
    change(header);
    EXPECT_THAT(CheckHeader(header, layout, rpc::LayoutHash(layout)),
                Fails(Code::kInvalidArgument, HasSubstr(words)));
  };
  refused("has 25 bytes; its layout has 24", [](auto& h) { h.set_size_bytes(25); });
  refused("has 0 bytes", [](auto& h) { h.set_size_bytes(0); });
  refused("content_hash must have 32 bytes", [](auto& h) { h.set_content_hash("short"); });
  refused("another layout", [](auto& h) { h.set_layout_hash(""); });
  refused("num_examples is 0; it must be at least 1", [](auto& h) { h.set_num_examples(0); });
  refused("num_examples is -1", [](auto& h) { h.set_num_examples(-1); });
  refused("num_examples is 9223372036854775807",
          [](auto& h) { h.set_num_examples(std::numeric_limits<int64_t>::max()); });
  refused("scalar \"loss\" is not a finite number",
          [](auto& h) { (*h.mutable_scalars())["loss"] = std::nan(""); });
  refused("is not a finite number", [](auto& h) { (*h.mutable_scalars())["x"] = INFINITY; });
  refused("scalar", [](auto& h) { (*h.mutable_scalars())[std::string(101, 'x')] = 1; });
  refused("too many scalars", [](auto& h) {
    for (int i = 0; i < 101; ++i) (*h.mutable_scalars())[std::to_string(i)] = 1;
  });
}

TEST(CheckValuesTest, NumbersWithinTheLimitsAreTaken) {
  const BytesFile file(MixedBytes({1e6F, -1e6F}, kMaxCount, -kMaxSum));
  EXPECT_OK(CheckValues(file, MixedLayout()));
}

TEST(CheckValuesTest, TheFirstBadElementIsNamedWithItsTensorAndSection) {
  const auto refused = [](const std::string& bytes, const char* what) {
    EXPECT_THAT(CheckValues(BytesFile(bytes), MixedLayout()),
                Fails(Code::kInvalidArgument, HasSubstr(what)));
  };
  const double infinity = std::numeric_limits<double>::infinity();
  refused(MixedBytes({0, NAN}, 0, 0), "element 1 of tensor \"w\" in section \"update\" is nan");
  refused(MixedBytes({-INFINITY, 0}, 0, 0), "element 0 of tensor \"w\"");
  refused(MixedBytes({0, 1e30F}, 0, 0), "the limit is 1e+06");
  refused(MixedBytes({0, std::nextafter(1e6F, 2e6F)}, 0, 0), "the limit is 1e+06");
  refused(MixedBytes({0, 0}, kMaxCount + 1, 0), "element 0 of tensor \"n\" in section \"counts\"");
  refused(MixedBytes({0, 0}, std::numeric_limits<int64_t>::min(), 0), "tensor \"n\"");
  refused(MixedBytes({0, 0}, 0, std::nan("")), "tensor \"s\" in section \"sums\" is nan");
  refused(MixedBytes({0, 0}, 0, -infinity), "section \"sums\" is -inf");
  refused(MixedBytes({0, 0}, 0, 1.7e308), "the limit is 1e+300");
}

TEST(CheckValuesTest, AnElementFarInIsFoundByItsNumber) {
  constexpr int64_t kMany = 200'000;  // several blocks
  const ResultLayout layout =
      LayoutOf({SectionOf("update", Rule::kAggregate,
                          {{"a", DType::kF32, {3}}, {"b", DType::kF32, {kMany / 10, 10}}})});
  std::vector<float> values(3 + kMany);
  values[3 + 131'073] = NAN;
  EXPECT_THAT(CheckValues(BytesFile(BytesOf(values)), layout),
              Fails(Code::kInvalidArgument, HasSubstr("element 131073 of tensor \"b\"")));
}

TEST(CheckValuesTest, AFileThatIsShorterThanItsLayoutIsDamaged) {
  const std::string bytes = MixedBytes({1, 2}, 3, 4);
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, bytes.size() - 1}) {
    EXPECT_THAT(CheckValues(BytesFile(bytes.substr(0, size)), MixedLayout()),
                HasCode(Code::kDataLoss));
  }
}

// ---- What a result says by itself ----

class CheckResultTest : public ::testing::Test {
 protected:
  CheckResultTest() {
    const RunPlan plan =
        ParseRunFile(
            "[run]\nname = \"t\"\nnum_rounds = 1\n[data]\nsource = \"s\"\nfeatures = [\"x\"]\n"
            "label = \"y\"\nstandardize = false\nsplit = { train = 0.5, test = 0.5 }\n"
            "[model]\nkind = \"linear\"\n[training]\nlearning_rate = 0.1\n",
            "run.toml")
            .value();
    program_ = learning::MakeTrainingProgram(plan.spec).value();
    spec_ = *program_->Next({});
    header_ = HeaderFor(spec_.result_layout);
  }
  // An update of weight and bias, and an evaluation of `rows` rows.
  Result<std::vector<learning::Metric>> Check(int64_t rows, double squared_error) {
    const std::size_t section = *spec_.result_layout.Find("evaluation.test.sums");
    const auto num_sums =
        static_cast<std::size_t>(spec_.result_layout.sections()[section].layout.num_elements());
    std::vector<double> sums(num_sums, 0.0);
    sums[0] = squared_error;
    const BytesFile file(BytesOf<float>({0.1F, 0.2F}) + BytesOf<int64_t>({rows}) + BytesOf(sums));
    return CheckResult(file, header_, spec_, *program_);
  }

  std::unique_ptr<learning::Program> program_;
  learning::RoundSpec spec_;
  v1::ResultHeader header_;
};

TEST_F(CheckResultTest, ItsMetricsAreThoseOfItsOwnRows) {
  header_.set_num_examples(8);
  (*header_.mutable_scalars())["train_loss"] = 0.25;
  ASSERT_OK_AND_ASSIGN(const auto metrics, Check(4, 2.0));
  const auto value = [&](const std::string& name) {
    for (const learning::Metric& metric : metrics) {
      if (metric.name == name) return metric.value;
    }
    return std::nan("");
  };
  EXPECT_EQ(value("test.mse"), 0.5);
  EXPECT_EQ(value("train.loss"), 0.25);
}

TEST_F(CheckResultTest, CountsThatContradictThemselvesAreRefused) {
  EXPECT_THAT(Check(-1, 0), HasCode(Code::kInvalidArgument));
}

// A site that lies about a number that its update is weighed by does not end the round.
TEST_F(CheckResultTest, ANumberThatTheStrategyCannotWeighByIsRefused) {
  const auto plan = [](const std::string& strategy) {
    const RunPlan made =
        ParseRunFile(
            "[run]\nname = \"t\"\nnum_rounds = 1\n[data]\nsource = \"s\"\nfeatures = [\"x\"]\n"
            "label = \"y\"\nstandardize = false\nsplit = { train = 0.5, test = 0.5 }\n"
            "[model]\nkind = \"linear\"\n[training]\nlearning_rate = 0.1\n" +
                strategy,
            "run.toml")
            .value();
    return learning::MakeTrainingProgram(made.spec).value();
  };
  program_ = plan("strategy = \"qfedavg\"\nq = 20.0\n");
  EXPECT_THAT(Check(4, 2.0), Fails(Code::kInvalidArgument, HasSubstr("initial_loss")));
  for (const double loss : {1e100, 1e6, -1.0}) {
    (*header_.mutable_scalars())["initial_loss"] = loss;
    EXPECT_THAT(Check(4, 2.0), Fails(Code::kInvalidArgument, HasSubstr("initial_loss"))) << loss;
  }
  (*header_.mutable_scalars())["initial_loss"] = 1e4;
  EXPECT_OK(Check(4, 2.0));
  program_ = plan("strategy = \"fednova\"\n");
  EXPECT_THAT(Check(4, 2.0), Fails(Code::kInvalidArgument, HasSubstr("normalizer")));
  (*header_.mutable_scalars())["normalizer"] = 3;
  (*header_.mutable_scalars())["num_steps"] = 0;
  EXPECT_THAT(Check(4, 2.0), Fails(Code::kInvalidArgument, HasSubstr("num_steps")));
  (*header_.mutable_scalars())["num_steps"] = 3;
  EXPECT_OK(Check(4, 2.0));
}

TEST(ResultSumsTest, AHugeLossOfOneSiteDoesNotMakeTheMetricInfinite) {
  v1::ResultHeader good;
  good.set_num_examples(10);
  (*good.mutable_scalars())["train_loss"] = 0.5;
  v1::ResultHeader huge = good;
  (*huge.mutable_scalars())["train_loss"] = std::numeric_limits<double>::max();
  std::vector<learning::Metric> metrics;
  const v1::ResultHeader* const both[] = {&good, &huge};
  AppendTrainLoss(both, metrics);
  EXPECT_THAT(metrics, IsEmpty());
  const v1::ResultHeader* const alone[] = {&good};
  AppendTrainLoss(alone, metrics);
  ASSERT_THAT(metrics, SizeIs(1));
  EXPECT_EQ(metrics[0].value, 0.5);
}

}  // namespace
}  // namespace skerry::coordinator
