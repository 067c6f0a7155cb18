// Kills the processes of a real federation at random times with kill -9, starts them again, and
// checks afterwards that nothing was lost, nothing counted twice, and the models have the bits that
// they have without any of this. Prints one line. See tests/torture.sh.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "base/random.h"
#include "deployment.h"

namespace skerry::testing {
namespace {

constexpr const char* kCoordinator = "coordinator";

struct Options {
  int64_t kills = 200;
  uint64_t seed = 1;
  int64_t quorum = 0;  // 0: everybody
  int64_t sites = 3;
  int64_t rounds = 40;
  std::string hidden;    // layers of a larger model: "[1500, 800]" is one of 5 MB
  bool pairs = false;    // two processes die at the same time
  bool orderly = false;  // by SIGTERM, and each must end in good order
};

std::string RunFile(const Options& options) {
  std::string extra = "[keep]\nupdates = 100000\n";
  if (options.quorum > 0) {
    const std::string quorum = std::to_string(options.quorum);
    extra += "[participation]\nmin_sites = " + quorum + "\nquorum = " + quorum + "\n";
    extra += "[time]\nheartbeat = \"1s\"\nround_deadline = \"3s\"\n";
  }
  std::string file = Deployment::RunFile(static_cast<int>(options.rounds), extra);
  const std::string seed = "seed = 3\n";
  file.replace(file.find(seed), seed.size(), "seed = 3\nmin_round = \"50ms\"\n");
  const std::string model = "kind = \"logistic\"\n";
  if (!options.hidden.empty()) {
    file.replace(file.find(model), model.size(),
                 "kind = \"mlp\"\nhidden = " + options.hidden + "\n");
  }
  return file;
}

std::vector<std::string> SiteNames(int64_t number) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < number; ++i) names.push_back("site-" + std::to_string(10 + i));
  return names;
}

std::string IntegrityOf(const std::string& database) {
  sqlite3* db = nullptr;
  std::string answer;
  const auto take = [](void* text, int, char** values, char**) {
    *static_cast<std::string*>(text) += values[0];
    return 0;
  };
  sqlite3_open_v2(database.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr);
  sqlite3_exec(db, "PRAGMA integrity_check", take, &answer, nullptr);
  sqlite3_close(db);
  return answer;
}

// Those that make the same trial again.
std::string Arguments(const Options& options) {
  std::string text = "--kills " + std::to_string(options.kills);
  text += " --seed " + std::to_string(options.seed);
  if (options.quorum > 0) text += " --quorum " + std::to_string(options.quorum);
  text += " --sites " + std::to_string(options.sites);
  if (!options.hidden.empty()) text += " --hidden '" + options.hidden + "'";
  if (options.pairs) text += " --pairs";
  if (options.orderly) text += " --orderly";
  return text + " --rounds " + std::to_string(options.rounds);
}

class Torture {
 public:
  explicit Torture(const Options& options)
      : options_(options),
        names_(SiteNames(options.sites)),
        federation_(names_),
        random_(options.seed, Purpose::kSimulation, 0, "torture", 0) {}

  int Run() {
    LogCalls();
    federation_.StartAll();
    WriteAll(federation_.File("run.toml"), RunFile(options_));
    while (kills_ < options_.kills && problems_.empty()) {
      if (runs_.empty() || HasEnded(runs_.back())) Submit();
      KillSomeone();
    }
    if (!runs_.empty()) WaitForEnd(runs_.back());
    StopEverything();
    for (const std::string& run : runs_) Check(run);
    CheckDatabases();
    std::printf("kills=%lld resumed=%lld lost=%lld duplicated=%lld model=%s expected=%s\n",
                static_cast<long long>(kills_), static_cast<long long>(resumed_),
                static_cast<long long>(lost_), static_cast<long long>(duplicated_), model_.c_str(),
                expected_.c_str());
    for (const std::string& problem : problems_) std::fprintf(stderr, "%s\n", problem.c_str());
    if (!problems_.empty()) {
      std::fprintf(stderr, "again: tests/torture.sh %s\n", Arguments(options_).c_str());
    }
    const bool good =
        problems_.empty() && model_ == expected_ && lost_ + duplicated_ == 0 && resumed_ == kills_;
    return good ? 0 : 1;
  }

 private:
  std::vector<std::string> Kits() const {
    std::vector<std::string> kits = names_;
    kits.emplace_back(kCoordinator);
    return kits;
  }
  std::string CallLog(const std::string& kit) const {
    return federation_.Kit(kit) + "/calls.jsonl";
  }

  void LogCalls() {
    for (const std::string& kit : Kits()) {
      const std::string path =
          federation_.Kit(kit) + (kit == "coordinator" ? "/coordinator.toml" : "/agent.toml");
      WriteAll(path, ReadAll(path) + "\n[log]\ncalls = \"calls.jsonl\"\n");
    }
  }

  Process& ProcessOf(const std::string& kit) {
    return kit == kCoordinator ? federation_.coordinator() : federation_.client(kit);
  }

  void Problem(const std::string& text) { problems_.push_back(text); }

  nlohmann::json Show(const std::string& run) const {
    const Finished shown =
        federation_.Skerry({"run", "show", run, "--rounds", "1", "--format", "json"});
    const nlohmann::json json = nlohmann::json::parse(shown.out, nullptr, false);
    return json.is_object() ? json : nlohmann::json::object();
  }

  // False, too, while the coordinator does not answer.
  bool HasEnded(const std::string& run) const {
    const Finished waited = federation_.Skerry({"run", "wait", run, "--timeout", "1ms", "--quiet"});
    return waited.exit_code == 0 || waited.exit_code == 20;
  }

  void Submit() {
    const Finished submitted = federation_.Skerry({"run", "submit", federation_.File("run.toml")});
    if (submitted.exit_code != 0) return Problem("cannot submit: " + submitted.err);
    runs_.push_back(submitted.out.substr(0, submitted.out.find('\n')));
    std::fprintf(stderr, "%s: %lld of %lld kills so far\n", runs_.back().c_str(),
                 static_cast<long long>(kills_), static_cast<long long>(options_.kills));
  }

  void Pause(int64_t most_milliseconds) {
    const auto pause =
        static_cast<int64_t>(random_.Below(static_cast<uint64_t>(most_milliseconds)));
    std::this_thread::sleep_for(std::chrono::milliseconds(pause));
  }

  // Processes are killed only when they have come back from the last time.
  void KillSomeone() {
    Pause(300);
    const std::vector<std::string> kits = Kits();
    std::set<std::string> victims;
    const std::size_t wanted = options_.pairs ? 2 : 1;
    while (victims.size() < wanted) victims.insert(kits[random_.Below(kits.size())]);
    for (const std::string& victim : victims) {
      ++kills_;
      Process& process = ProcessOf(victim);
      // One that went by itself would be killed and come back, and nobody would know.
      if (!process.IsRunning()) {
        EndedBadly(victim, process.Wait());
        continue;
      }
      options_.orderly ? process.Signal(SIGTERM) : process.Kill9();
      if (options_.orderly) EndsInGoodOrder(victim);
    }
    // Sometimes they stay away for longer than a round may take.
    Pause(options_.quorum > 0 && random_.Below(8) == 0 ? 6000 : 100);
    // A client has joined only when there is somebody to join.
    if (victims.contains(kCoordinator)) ComesBack(kCoordinator);
    for (const std::string& victim : victims) {
      if (victim != kCoordinator) ComesBack(victim);
    }
  }

  void ComesBack(const std::string& kit) {
    const bool coordinator = kit == kCoordinator;
    coordinator ? federation_.LaunchCoordinator() : federation_.StartClient(kit);
    Process& process = ProcessOf(kit);
    if (process.WaitFor(coordinator ? "listens on port" : "joined as site")) {
      ++resumed_;
    } else {
      Problem(kit + " did not come back: " + process.Output());
    }
  }

  void WaitForEnd(const std::string& run) {
    const Finished waited = federation_.Skerry({"run", "wait", run, "--timeout", "50s", "--quiet"});
    if (waited.exit_code != 0 && waited.exit_code != 20) {
      Problem(run + " did not complete: exit code " + std::to_string(waited.exit_code) + "\n" +
              Show(run).dump(1));
    }
  }

  void StopEverything() {
    for (const std::string& run : runs_) {
      exported_[run] = federation_.ModelSha256(run);
      WriteAll(federation_.File(run + ".json"),
               federation_.Skerry({"run", "export-history", run}).out);
    }
    // Sites confirm their verdicts at their next call, which is under way.
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    for (const std::string& site : names_) ProcessOf(site).Signal(SIGTERM);
    for (const std::string& site : names_) EndsInGoodOrder(site);
    ProcessOf(kCoordinator).Signal(SIGTERM);
    EndsInGoodOrder(kCoordinator);
  }

  void EndsInGoodOrder(const std::string& kit) {
    const int exit_code = ProcessOf(kit).Wait();
    const bool hung = ProcessOf(kit).Output().find("something hangs") != std::string::npos;
    if (exit_code != 0 || hung) EndedBadly(kit, exit_code);
  }

  void EndedBadly(const std::string& kit, int exit_code) {
    Problem(kit + " ended with " + std::to_string(exit_code) + ", and this was its log:\n" +
            ProcessOf(kit).Output());
  }

  // The model without kills: once, or for the participants that this run had.
  std::string Expected(const std::string& run) {
    std::vector<std::string> command = {"simulate", federation_.File("run.toml"), "--out",
                                        federation_.File("sim-" + run)};
    if (options_.quorum > 0) {
      command.emplace_back("--history");
      command.push_back(federation_.File(run + ".json"));
    } else if (!expected_.empty()) {
      return expected_;
    }
    const Finished simulated = federation_.Skerry(command);
    if (simulated.exit_code != 0) Problem(run + " cannot be simulated: " + simulated.err);
    return Field(simulated.out, "sha256");
  }

  void Check(const std::string& run) {
    model_ = exported_[run];
    expected_ = Expected(run);
    if (model_ != expected_) Problem(run + ": model=" + model_ + " expected=" + expected_);
    std::vector<std::string> verify = {"run",
                                       "verify",
                                       run,
                                       "--format",
                                       "json",
                                       "--state-dir",
                                       federation_.Kit("coordinator") + "/state"};
    verify.emplace_back("--calls");
    for (const std::string& kit : Kits()) verify.push_back(CallLog(kit));
    const Finished verified = federation_.Skerry(verify);
    const nlohmann::json report = nlohmann::json::parse(verified.out, nullptr, false);
    if (!report.is_object())
      return Problem(run + " cannot be verified: exit code " + std::to_string(verified.exit_code) +
                     ": " + verified.err + verified.out);
    lost_ += report["lost"].get<int64_t>();
    duplicated_ += report["duplicated"].get<int64_t>();
    for (const auto& fault : report["faults"]) Problem(run + ": " + fault.get<std::string>());
    if (report["models_recomputed"] != report["models"]) {
      Problem(run + ": not every model was computed again: " + report["not_verified"].dump());
    }
    if (report["acknowledged"].get<int64_t>() == 0) Problem(run + ": the call logs are empty");
  }

  void CheckDatabases() {
    for (const std::string& kit : Kits()) {
      const std::string path = federation_.Kit(kit) + "/state/" +
                               (kit == "coordinator" ? "coordinator.db" : "client.db");
      const std::string answer = IntegrityOf(path);
      if (answer != "ok") Problem(path + ": " + answer);
    }
  }

  const Options options_;
  const std::vector<std::string> names_;
  Deployment federation_;
  RandomStream random_;
  int64_t kills_ = 0;
  int64_t resumed_ = 0;
  int64_t lost_ = 0;
  int64_t duplicated_ = 0;
  std::vector<std::string> runs_;
  std::map<std::string, std::string> exported_;
  std::string model_;
  std::string expected_;
  std::vector<std::string> problems_;
};

}  // namespace
}  // namespace skerry::testing

int main(int argc, char** argv) {
  skerry::testing::Options options;
  CLI::App app("Kills the processes of a federation and checks what comes of it.");
  app.add_option("--kills", options.kills, "how many kill -9")->capture_default_str();
  app.add_option("--seed", options.seed, "of the times and the victims")->capture_default_str();
  app.add_option("--quorum", options.quorum,
                 "rounds close with so many sites; the expected model is the history replayed "
                 "(default: everybody, and the expected model is the undisturbed one)");
  app.add_option("--sites", options.sites, "how many sites")->capture_default_str();
  app.add_option("--rounds", options.rounds, "of each run; another begins when one has ended")
      ->capture_default_str();
  app.add_option("--hidden", options.hidden,
                 "hidden layers of a larger model, which travels in chunks: \"[1500, 800]\"");
  app.add_flag("--pairs", options.pairs, "two processes are killed at the same time");
  app.add_flag("--orderly", options.orderly, "SIGTERM instead of kill -9: each must end with 0");
  CLI11_PARSE(app, argc, argv);
  testing::InitGoogleTest(&argc, argv);  // Deployment says what goes wrong through it
  const int exit_code = skerry::testing::Torture(options).Run();
  return testing::UnitTest::GetInstance()->Passed() ? exit_code : 1;
}
