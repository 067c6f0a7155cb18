// Kills a process at each place that the code marks with SKERRY_FAILPOINT, early and in the middle
// of a run, starts it again, and requires the model of the undisturbed run, bit for bit.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <thread>

#include "deployment.h"

namespace skerry::testing {
namespace {

namespace fs = std::filesystem;

// The names of all failpoints, from the sources themselves.
std::vector<std::string> FailpointsInTheCode() {
  const std::regex marked("SKERRY_FAILPOINT\\(\"([^\"]+)\"\\)");
  std::set<std::string> names;
  for (const char* folder : {"storage", "coordinator", "client", "rpc"}) {
    for (const auto& entry :
         fs::recursive_directory_iterator(std::string(SKERRY_SOURCE_DIR) + "/" + folder)) {
      if (entry.path().extension() != ".cc") continue;
      const std::string source = ReadAll(entry.path().string());
      for (auto match = std::sregex_iterator(source.begin(), source.end(), marked);
           match != std::sregex_iterator(); ++match) {
        names.insert((*match)[1]);
      }
    }
  }
  return {names.begin(), names.end()};
}

// Two chunks, several blocks, no model inside a task, a site that keeps what it did not send; the
// oldest checkpoints go.
std::string RunFile() {
  std::string file = Deployment::RunFile(
      4,
      "[compression]\nupdate = \"top_k\"\nratio = 0.5\n"
      "[keep]\ncheckpoints = 1\nbest = 0\n[time]\nheartbeat = \"1s\"\nround_deadline = \"60s\"\n");
  const std::string model = "kind = \"logistic\"\n";
  file.replace(file.find(model), model.size(), "kind = \"mlp\"\nhidden = [600, 500]\n");
  return file;
}

constexpr const char* kVictim = "south";

bool IsClients(const std::string& failpoint) { return failpoint.starts_with("client/"); }

// One run in which one process may be told to die.
class Undertaking {
 public:
  Undertaking() : federation_({"north", kVictim, "west"}) {
    federation_.StartCoordinator();  // tells the sites its port
    federation_.StopCoordinator();
  }

  // `environment`: of the coordinator or of the victim among the clients.
  void Start(const Deployment::Environment& coordinator, const Deployment::Environment& client) {
    federation_.LaunchCoordinator(coordinator);
    for (const char* site : {"north", "west"}) federation_.StartClient(site);
    federation_.StartClient(kVictim, client);
  }
  // Submits the run as soon as the coordinator takes it; false when it goes away over that.
  void Submit() {
    WriteAll(federation_.File("run.toml"), RunFile());
    const auto everybody = [&] {
      const std::string sites = federation_.Skerry({"site", "list", "--format", "json"}).out;
      return sites.find("north") != sites.npos && sites.find(kVictim) != sites.npos &&
             sites.find("west") != sites.npos;
    };
    Eventually([&] { return !Alive() || everybody(); });
    if (Alive()) federation_.Skerry({"run", "submit", federation_.File("run.toml")});
  }
  // The same after a restart, unless the run is in the journal already.
  void SubmitAgainIfNeeded() {
    if (federation_.Skerry({"run", "list"}).out.find("patients-1") == std::string::npos) Submit();
  }
  void Restart(bool client, const Deployment::Environment& environment = {}) {
    if (client) return federation_.StartClient(kVictim, environment);
    federation_.LaunchCoordinator(environment);
    if (environment.empty()) federation_.coordinator().WaitFor("listens on port");
  }
  bool Alive() { return federation_.coordinator().IsRunning(); }
  Process& Victim(bool client) {
    return client ? federation_.client(kVictim) : federation_.coordinator();
  }
  Deployment& federation() { return federation_; }

 private:
  Deployment federation_;
};

struct Undisturbed {
  std::string sha256;
  std::map<std::string, int64_t> hits;  // by failpoint
};

Undisturbed RunUndisturbed() {
  Undisturbed result;
  Undertaking run;
  for (const char* name : {"hits-coordinator", "hits-client"}) {
    fs::create_directories(run.federation().File(name));
  }
  run.Start({{"SKERRY_FAILPOINT_HITS", run.federation().File("hits-coordinator")}},
            {{"SKERRY_FAILPOINT_HITS", run.federation().File("hits-client")}});
  run.Submit();
  EXPECT_EQ(run.federation().WaitForEnd("patients-1"), 0);
  result.sha256 = run.federation().ModelSha256("patients-1");
  // Verdicts are heard and confirmed a moment after the run has ended.
  EXPECT_TRUE(
      Eventually([&] { return fs::is_empty(run.federation().Kit(kVictim) + "/state/results"); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  for (const char* name : {"hits-coordinator", "hits-client"}) {
    for (const auto& entry : fs::directory_iterator(run.federation().File(name))) {
      std::string failpoint = entry.path().filename().string();
      failpoint[failpoint.find('.')] = '/';
      result.hits[failpoint] += static_cast<int64_t>(entry.file_size());
    }
  }
  return result;
}

bool IsIntact(const std::string& database) {
  sqlite3* db = nullptr;
  std::string answer;
  const auto first_cell = [](void* text, int, char** values, char**) {
    *static_cast<std::string*>(text) += values[0];
    return 0;
  };
  sqlite3_open_v2(database.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr);
  sqlite3_exec(db, "PRAGMA integrity_check", first_cell, &answer, nullptr);
  sqlite3_close(db);
  return answer == "ok";
}

class FailpointTest : public ::testing::TestWithParam<std::string> {
 protected:
  static const Undisturbed& undisturbed() {
    static const Undisturbed result = RunUndisturbed();
    return result;
  }

  static Deployment::Environment DieAt(const std::string& failpoint, int64_t hit) {
    return {{"SKERRY_FAILPOINT", failpoint + ":" + std::to_string(hit)}};
  }
  static void StartAndDie(Undertaking& run, const std::string& failpoint, int64_t hit) {
    const bool client = IsClients(failpoint);
    const Deployment::Environment deadly = DieAt(failpoint, hit);
    run.Start(client ? Deployment::Environment() : deadly,
              client ? deadly : Deployment::Environment());
    run.Submit();
    ASSERT_EQ(run.Victim(client).Wait(), -SIGKILL) << failpoint << " was not reached";
  }
  static void ExpectTheUndisturbedModel(Undertaking& run, bool client) {
    ASSERT_EQ(run.federation().WaitForEnd("patients-1"), 0);
    EXPECT_EQ(run.federation().ModelSha256("patients-1"), undisturbed().sha256);
    const std::string kit = run.federation().Kit(client ? kVictim : "coordinator");
    run.Victim(client).Kill9();
    EXPECT_TRUE(IsIntact(kit + (client ? "/state/client.db" : "/state/coordinator.db")));
  }

  static void KillAt(const std::string& failpoint, int64_t hit) {
    SCOPED_TRACE("SKERRY_FAILPOINT=" + failpoint + ":" + std::to_string(hit));
    Undertaking run;
    StartAndDie(run, failpoint, hit);
    run.Restart(IsClients(failpoint));
    run.SubmitAgainIfNeeded();
    ExpectTheUndisturbedModel(run, IsClients(failpoint));
  }

  // Dies in the middle of a round, and again on the way back, with tasks and results in hand.
  static void KillOnTheWayBack(const std::string& failpoint) {
    SCOPED_TRACE("after a restart, SKERRY_FAILPOINT=" + failpoint + ":1");
    const bool client = IsClients(failpoint);
    Undertaking run;
    StartAndDie(run, client ? "client/upload-begins" : "coordinator/upload-received",
                client ? 2 : 5);
    run.Restart(client, DieAt(failpoint, 1));
    ASSERT_EQ(run.Victim(client).Wait(), -SIGKILL) << "this place was not reached";
    run.Restart(client);
    ExpectTheUndisturbedModel(run, client);
  }
};

TEST_P(FailpointTest, AProcessKilledHereLosesNothingAndTheBitsAreTheSame) {
  const auto found = undisturbed().hits.find(GetParam());
  ASSERT_NE(found, undisturbed().hits.end()) << "no run comes by this place";
  std::printf("%s: reached %lld times in the undisturbed run\n", GetParam().c_str(),
              static_cast<long long>(found->second));
  KillAt(GetParam(), 1);
  if (const int64_t middle = found->second / 2; middle > 1) KillAt(GetParam(), middle);
  const bool once_a_run = GetParam() == "coordinator/run-submitted";
  if (!once_a_run) KillOnTheWayBack(GetParam());
}

std::string TestName(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Code, FailpointTest, ::testing::ValuesIn(FailpointsInTheCode()), TestName);

}  // namespace
}  // namespace skerry::testing
