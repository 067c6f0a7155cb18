// Tasks of runs with external models, worked on by real programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "client/external/external_trainers.h"
#include "crypto/sha256.h"
#include "learning/external.h"
#include "testing/temp_dir.h"
#include "trainer_fixture.h"

namespace skerry::client {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using testing::Fails;
using ::testing::HasSubstr;
using ::testing::Not;

// Answers every task: shell functions that the scripts of tests begin with. `field` takes a text
// value out of a task's line.
constexpr const char* kShell = R"sh(#!/bin/sh
field() { printf '%s' "$line" | sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }
keep() { cp "$(field model)" "$(field output)"; }
done_() { echo '{"type":"done"}'; }
scores() { echo '{"type":"done","evaluation":{"test":{"num_examples":10,"loss":4,"accuracy":8}}}'; }
)sh";

class ExternalTrainersTest : public NativeTrainerTest {
 protected:
  ExternalTrainersTest() {
    num_rows_ = 60;
    spec_.mutable_data()->mutable_split()->set_train(0.7);
    spec_.mutable_data()->mutable_split()->set_test(0.3);
    spec_.mutable_model()->set_kind("external");
    spec_.mutable_evaluation()->set_every(1);
    spec_.mutable_evaluation()->add_metrics("accuracy");
    v1::ExternalSpec& external = *spec_.mutable_model()->mutable_external();
    external.set_trainer("own");
    AddTensor("weights", {4});
    AddTensor("bias", {1});
  }

  void AddTensor(const std::string& name, const std::vector<int64_t>& shape) {
    v1::TensorSpec& tensor = *spec_.mutable_model()->mutable_external()->add_tensors();
    tensor.set_name(name);
    tensor.set_dtype(v1::F32);
    for (const int64_t length : shape) tensor.add_shape(length);
  }

  // A run whose rows the trainer reads itself.
  void ReadTheSource() {
    spec_.mutable_data()->clear_features();
    spec_.mutable_data()->clear_categories();
    spec_.mutable_data()->set_standardize(false);
    DataSource source;
    source.name = "icu";
    source.csv = dir_.Write("icu.csv", "a\n1\n2\n");
    sources_["icu"] = source;
  }

  // A model file that the run may begin with.
  std::string WriteBeginning() {
    const Result<std::unique_ptr<learning::Program>> program = learning::MakeTrainingProgram(spec_);
    EXPECT_OK(program);
    std::string bytes = storage::SafetensorsHeader((*program)->parameters(), {});
    const std::vector<float> values = {1, 2, 3, 4, 5};
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    return dir_.Write("begin", bytes);
  }

  // Makes "own" a script that does `body` for each task.
  void Script(const std::string& body) {
    const std::string text = std::string(kShell) + "while read -r line; do\n" + body + "\ndone\n";
    const std::string path = dir_.Write("own.sh", text);
    Program({"/bin/sh", path}, {{path, crypto::Sha256(text).Hex()}});
  }

  void Program(std::vector<std::string> command, std::map<std::string, std::string> sha256) {
    program_.name = "own";
    program_.command = std::move(command);
    program_.sha256 = std::move(sha256);
  }

  NativeTrainer& trainer() {
    if (trainer_ == nullptr) {
      ExternalTrainersOptions options;
      options.folder = dir_.File("trainers");
      options.log = [this](const std::string& line) {
        const std::lock_guard lock(mutex_);
        log_.push_back(line);
      };
      external_ = std::make_unique<ExternalTrainers>(TrainerPrograms{{"own", program_}},
                                                     std::move(options));
      trainer_ = std::make_unique<NativeTrainer>("north", Source(), policy_);
      trainer_->UseExternal(*external_, sources_);
    }
    return *trainer_;
  }

  Result<WorkDone> Work(v1::TaskKind kind) {
    order_ = Order(kind);
    return trainer().Run(order_);
  }

  const testing::TempDir dir_;
  SitePolicy policy_;
  TrainerProgram program_;
  std::map<std::string, DataSource> sources_;
  std::mutex mutex_;
  std::vector<std::string> log_;
  std::unique_ptr<ExternalTrainers> external_;
  std::unique_ptr<NativeTrainer> trainer_;
  WorkOrder order_;
};

TEST_F(ExternalTrainersTest, TheUpdateIsWhatTheTrainerMadeLessTheModel) {
  const std::string perl = std::string(SKERRY_SOURCE_DIR) + "/examples/perl/train.pl";
  if (std::system("perl -MJSON::PP -e 1 2>/dev/null") != 0) GTEST_SKIP() << "there is no perl";
  PosixFiles files;
  Program({"/usr/bin/perl", perl}, {{perl, crypto::Sha256(ReadFile(files, perl).value()).Hex()}});
  spec_.mutable_training()->set_learning_rate(1);
  const Result<WorkDone> done = Work(v1::TRAIN);
  ASSERT_OK(done);
  EXPECT_GT(done->num_examples, 30);
  EXPECT_NEAR(done->scalars.at("train_loss"), 0.693147, 1e-6);  // of a model of zeros
  const auto counts = Section<int64_t>(order_, "evaluation.test.counts");
  const auto sums = Section<double>(order_, "evaluation.test.sums");
  EXPECT_EQ(counts[0] + done->num_examples, 60);
  EXPECT_NEAR(sums[0], 0.693147 * static_cast<double>(counts[0]), 1e-4);

  // One step from zero, by hand: bias -= mean(1/2 - y).
  const SiteData data = TestData(TestFile(TestRows(60, 1)), spec_.data()).value();
  const learning::Dataset rows =
      data.Prepare(SplitPart::kTrain, learning::InputTransform::Identity(4));
  double bias = 0;
  for (const float label : rows.labels) bias -= (0.5 - label) / static_cast<double>(rows.rows);
  const auto update = Section<float>(order_, "update");
  ASSERT_EQ(update.size(), 5U);
  EXPECT_FLOAT_EQ(update[4], static_cast<float>(bias));
  EXPECT_NE(update[0], 0);
}

TEST_F(ExternalTrainersTest, AProcessServesManyTasksAndIsStartedAgainAfterACrash) {
  Script(R"(echo "pid $$" >&2; case $(field task) in
    evaluate) scores;;
    train) [ -e ../../crash ] && { rm ../../crash; kill -9 $$; }; keep; done_;; esac)");
  EXPECT_OK(Work(v1::TRAIN));
  EXPECT_OK(Work(v1::TRAIN));
  EXPECT_THAT(log_, Each(log_.front()));  // the same process all the time
  std::ofstream(dir_.File("crash")).put('x');
  EXPECT_THAT(Work(v1::TRAIN),
              Fails(Code::kInternal, HasSubstr("killed by signal 9 (Killed): out of memory?")));
  const std::string first = log_.front();
  EXPECT_OK(Work(v1::TRAIN));
  EXPECT_NE(log_.back(), first);
}

TEST_F(ExternalTrainersTest, AProcessThatWentHomeWhileItWaitedIsReplaced) {
  Script("case $(field task) in evaluate) scores;; train) keep; done_; exit 0;; esac");
  EXPECT_OK(Work(v1::TRAIN));
  EXPECT_OK(Work(v1::TRAIN));
}

TEST_F(ExternalTrainersTest, ACrashIsReportedWithTheLastWordsForTheSiteAlone) {
  Script("echo 'patient Smith is odd' >&2; exit 7");
  const Result<WorkDone> done = Work(v1::TRAIN);
  EXPECT_THAT(done, Fails(Code::kInternal, HasSubstr("exit code 7")));
  EXPECT_THAT(done.status().message(), AllOf(HasSubstr("\"own\""), Not(HasSubstr("Smith"))));
  EXPECT_THAT(done.status().hint(), HasSubstr("patient Smith is odd"));
}

TEST_F(ExternalTrainersTest, WhatIsNotOfTheProtocolIsReportedWithTheLineForTheSiteAlone) {
  Script("echo 'Smith, 1957'");
  const Result<WorkDone> done = Work(v1::TRAIN);
  EXPECT_THAT(done, Fails(Code::kInternal, HasSubstr("no JSON")));
  EXPECT_THAT(done.status().message(), Not(HasSubstr("Smith")));
  EXPECT_THAT(done.status().hint(), HasSubstr("it is: Smith, 1957"));
}

TEST_F(ExternalTrainersTest, AnErrorOfTheTrainersFailsTheTaskAlone) {
  Script(R"(echo "pid $$" >&2; echo '{"type":"error","message":"Smith is missing"}')");
  const Result<WorkDone> done = Work(v1::TRAIN);
  EXPECT_THAT(done, Fails(Code::kFailedPrecondition, HasSubstr("cannot do the task")));
  EXPECT_THAT(done.status().message(), Not(HasSubstr("Smith")));
  EXPECT_THAT(done.status().hint(), HasSubstr("Smith is missing"));
}

TEST_F(ExternalTrainersTest, ATrainerThatHangsIsKilledAtItsTimeLimit) {
  program_.time_limit = 300ms;
  Script("sleep 1000");
  EXPECT_THAT(Work(v1::TRAIN), Fails(Code::kDeadlineExceeded, HasSubstr("time_limit, 300ms")));
}

TEST_F(ExternalTrainersTest, ATaskThatIsStoppedEndsAtOnce) {
  Script(R"(echo '{"type":"progress","done":1,"total":9}'; sleep 1000)");
  order_ = Order(v1::TRAIN);
  std::stop_source stop;
  order_.stop = stop.get_token();
  std::thread stopper([&] {
    while (order_.progress->done == 0) std::this_thread::yield();
    stop.request_stop();
  });
  EXPECT_THAT(trainer().Run(order_), Fails(Code::kCancelled, HasSubstr("stopped")));
  stopper.join();
}

TEST_F(ExternalTrainersTest, ATrainerThatNeedsTooMuchMemoryFailsAlone) {
  if (std::system("perl -e 1 2>/dev/null") != 0) GTEST_SKIP() << "there is no perl";
  program_.memory_limit = uint64_t{64} << 20;
  const std::string text = "my $x = 'x' x (1 << 30); print length $x;";
  const std::string path = dir_.Write("big.pl", text);
  Program({"/usr/bin/perl", path}, {{path, crypto::Sha256(text).Hex()}});
  const Result<WorkDone> done = Work(v1::TRAIN);
  EXPECT_THAT(done, Fails(Code::kInternal, HasSubstr("did not finish")));
  EXPECT_THAT(done.status().hint(), HasSubstr("Out of memory"));
}

TEST_F(ExternalTrainersTest, AFileThatIsNotTheApprovedOneIsNotRun) {
  Script("echo ran >&2; done_");
  const std::string approved = program_.sha256.begin()->second;
  const std::string changed = "#!/bin/sh\necho ran >&2\n";
  dir_.Write("own.sh", changed);
  const Result<WorkDone> done = Work(v1::TRAIN);
  EXPECT_THAT(done, Fails(Code::kPermissionDenied, HasSubstr("not the approved one")));
  EXPECT_THAT(done.status().message(),
              AllOf(HasSubstr("own.sh"), HasSubstr(approved),
                    HasSubstr(crypto::Sha256(changed).Hex()), Not(HasSubstr(dir_.path()))));
  EXPECT_TRUE(log_.empty());
}

TEST_F(ExternalTrainersTest, AChangedFileStopsAProcessThatRunsAlready) {
  Script("case $(field task) in evaluate) scores;; train) keep; done_;; esac");
  EXPECT_OK(Work(v1::TRAIN));
  dir_.Write("own.sh", "other");
  EXPECT_THAT(Work(v1::TRAIN), Fails(Code::kPermissionDenied, HasSubstr("own.sh")));
}

TEST_F(ExternalTrainersTest, ATrainerThatTheSiteDoesNotHaveIsRefused) {
  Script("done_");
  spec_.mutable_model()->mutable_external()->set_trainer("other");
  EXPECT_THAT(Work(v1::TRAIN),
              Fails(Code::kPermissionDenied, AllOf(HasSubstr("\"other\""), HasSubstr("has own"))));
}

TEST_F(ExternalTrainersTest, AnOutputThatDoesNotFitIsRefused) {
  const auto train_does = [this](const std::string& what) {
    trainer_.reset();
    Script("case $(field task) in evaluate) scores;; train) " + what + "; done_;; esac");
    return Work(v1::TRAIN);
  };
  EXPECT_THAT(train_does(":"), Fails(Code::kInternal, HasSubstr("wrote no output file")));
  EXPECT_THAT(train_does("echo x > $(field output)"),
              Fails(Code::kInternal, HasSubstr("no safetensors file")));
  EXPECT_THAT(train_does("mkfifo $(field output)"),
              Fails(Code::kInternal, HasSubstr("no regular file")));
  const std::string header = R"({"Smith":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}})";
  const std::string bad = dir_.Write(
      "bad", std::string({static_cast<char>(header.size()), 0, 0, 0, 0, 0, 0, 0}) + header);
  const Status status = train_does("cp " + bad + " $(field output)").status();
  EXPECT_THAT(status, Fails(Code::kInternal, HasSubstr("Smith")));
  EXPECT_THAT(status.message(), Not(HasSubstr("Smith")));
  EXPECT_THAT(train_does("cp \"$(field rows)\" \"$(field output)\""),
              Fails(Code::kInternal, HasSubstr("no tensor \"weights\"")));
}

TEST_F(ExternalTrainersTest, AnEvaluationThatDoesNotFitIsRefused) {
  const auto scores_are = [this](const std::string& scores) {
    trainer_.reset();
    Script("echo '{\"type\":\"done\",\"evaluation\":" + scores + "}'");
    return Work(v1::EVALUATE);
  };
  EXPECT_OK(scores_are(R"({"test":{"num_examples":3,"loss":1,"accuracy":1}})"));
  EXPECT_EQ(Section<int64_t>(order_, "evaluation.test.counts")[0], 3);
  EXPECT_THAT(Section<double>(order_, "evaluation.test.sums"), ::testing::ElementsAre(1, 1));
  EXPECT_THAT(scores_are("{}"), Fails(Code::kInternal, HasSubstr("did not evaluate")));
  EXPECT_THAT(scores_are(R"({"test":{"num_examples":3,"loss":1}})"),
              Fails(Code::kInternal, HasSubstr("no \"accuracy\"")));
  EXPECT_THAT(scores_are(R"({"test":{"num_examples":999,"loss":1,"accuracy":1}})"),
              Fails(Code::kInternal, HasSubstr("more rows than there are")));
  EXPECT_THAT(scores_are(R"({"test":{"num_examples":0,"loss":1,"accuracy":0}})"),
              Fails(Code::kInternal, HasSubstr("no rows")));
  EXPECT_THAT(scores_are(R"({"test":{"num_examples":3,"loss":1,"accuracy":0,"f1":1}})"),
              Fails(Code::kInternal, HasSubstr("does not ask for")));
}

TEST_F(ExternalTrainersTest, NothingIsSaidOfFewerRowsThanThePolicyAsksFor) {
  policy_.min_examples = 30;
  Script("case $(field task) in evaluate) exit 9;; train) keep; done_;; esac");
  EXPECT_OK(Work(v1::TRAIN));  // the test rows are too few to be looked at
  EXPECT_EQ(Section<int64_t>(order_, "evaluation.test.counts")[0], 0);
}

TEST_F(ExternalTrainersTest, WithoutFeaturesTheTrainerReadsTheSourceAndCountsItself) {
  ReadTheSource();
  policy_.min_examples = 2;
  Script(R"sh(n=$(($(wc -l < "$(field csv)") - 1)); case $(field task) in
    evaluate) scores;; train) keep; echo "{\"type\":\"done\",\"num_examples\":$n}";; esac)sh");
  EXPECT_EQ(NumExamples(Work(v1::TRAIN)), 2);
  trainer_.reset();
  policy_.min_examples = 3;
  EXPECT_THAT(Work(v1::TRAIN), Fails(Code::kPermissionDenied, HasSubstr("min_examples")));
  EXPECT_EQ(reads_, 0);
}

TEST_F(ExternalTrainersTest, ATrainerMaySayWhatTheModelBeginsWith) {
  spec_.mutable_model()->mutable_external()->set_initial("trainer");
  spec_.mutable_data()->set_standardize(true);
  Script("[ $(field task) = initialize ] && cp " + WriteBeginning() + " $(field output) && done_");
  const Result<WorkDone> done = Work(v1::INITIAL_MODEL);
  ASSERT_OK(done);
  EXPECT_THAT(Section<float>(order_, "update"), ::testing::ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(Section<int64_t>(order_, "features.counts")[0], done->num_examples);
}

TEST_F(ExternalTrainersTest, AModelToBeginWithThatRestsOnFewerRowsThanThePolicyAsksForStays) {
  ReadTheSource();
  spec_.mutable_model()->mutable_external()->set_initial("trainer");
  const std::string begin = WriteBeginning();
  const auto begins_with = [&](const std::string& answer) {
    trainer_.reset();
    Script("cp " + begin + " $(field output); echo '{\"type\":\"done\"" + answer + "}'");
    return Work(v1::INITIAL_MODEL);
  };
  policy_.min_examples = 3;
  EXPECT_THAT(begins_with(R"(,"num_examples":2)"),
              Fails(Code::kPermissionDenied, HasSubstr("min_examples")));
  EXPECT_EQ(NumExamples(begins_with("")), 1) << "it has looked at no rows";
  EXPECT_EQ(NumExamples(begins_with(R"(,"num_examples":3)")), 3);
}

TEST_F(ExternalTrainersTest, ASplitThatIsNotToldOfIsNotCountedEither) {
  ReadTheSource();
  spec_.mutable_data()->mutable_split()->set_train(0.5);
  spec_.mutable_data()->mutable_split()->set_validation(0.2);
  policy_.min_examples = 10;
  Script(R"sh(echo '{"type":"done","evaluation":{
    "validation":{"num_examples":9,"loss":4,"accuracy":8},
    "test":{"num_examples":10,"loss":4,"accuracy":8}}}' | tr -d '\n'; echo)sh");
  EXPECT_EQ(NumExamples(Work(v1::EVALUATE)), 10);
  EXPECT_EQ(Section<int64_t>(order_, "evaluation.validation.counts")[0], 0);
}

// Bytes that this process and the children that it waited for have read and written.
struct Traffic {
  double read = 0;
  double written = 0;
};
Traffic TrafficSoFar() {
  std::ifstream io("/proc/self/io");
  Traffic traffic;
  std::string name;
  for (double value = 0; io >> name >> value;) {
    if (name == "rchar:") traffic.read = value;
    if (name == "wchar:") traffic.written = value;
  }
  return traffic;
}

// A built-in model is read twice (to train, to take the difference), and its update written once.
TEST_F(ExternalTrainersTest, AModelOf100MegabytesIsReadAndWrittenOnceMoreThanABuiltInOne) {
  spec_.mutable_model()->mutable_external()->clear_tensors();
  AddTensor("w", {25'000'000});
  constexpr double kModel = 1e8;
  Script(
      "case $(field task) in evaluate) scores;; "
      "train) cat \"$(field model)\" > \"$(field output)\"; done_;; esac");
  program_.time_limit = 5min;
  ExternalTrainersOptions options;
  options.folder = dir_.File("trainers");
  options.models_folder = dir_.path();
  external_ = std::make_unique<ExternalTrainers>(TrainerPrograms{{"own", program_}}, options);
  NativeTrainer trainer("north", Source(), policy_);
  trainer.UseExternal(*external_, {});
  PosixFiles files;
  order_ = Order(v1::TRAIN);
  auto task = std::make_shared<v1::Task>(*order_.task);
  task->mutable_model()->set_content_hash("m");
  order_.task = task;
  const std::string model = dir_.File(HexEncode("m") + ".safetensors");
  {
    std::string bytes(static_cast<std::size_t>(order_.model->Size().value()), '\0');
    ASSERT_OK(order_.model->ReadAt(0, bytes));
    order_.model = files.Open(model, OpenMode::kCreate).value();
    ASSERT_OK(order_.model->WriteAt(0, bytes));
  }
  order_.result = files.Open(dir_.File("result"), OpenMode::kCreate).value();
  const Traffic before = TrafficSoFar();
  ASSERT_OK(trainer.Run(order_));
  external_.reset();  // and waits for the trainer
  const Traffic after = TrafficSoFar();
  const double more_read = (after.read - before.read) / kModel - 2;
  const double more_written = (after.written - before.written) / kModel - 1;
  RecordProperty("more_reads", std::to_string(more_read));
  RecordProperty("more_writes", std::to_string(more_written));
  EXPECT_NEAR(more_read, 1, 0.01);
  EXPECT_NEAR(more_written, 1, 0.01);
}

TEST_F(ExternalTrainersTest, NothingIsLeftInItsFolder) {
  Script("case $(field task) in evaluate) scores;; train) keep; done_; touch litter;; esac");
  EXPECT_OK(Work(v1::TRAIN));
  trainer_.reset();
  external_.reset();
  PosixFiles files;
  EXPECT_THAT(files.List(dir_.File("trainers")).status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace skerry::client
