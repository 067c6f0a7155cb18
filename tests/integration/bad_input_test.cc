// What goes wrong in practice: each gets a clear error, and nothing is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "deployment.h"

namespace skerry::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Finished StartToEnd(const Deployment& federation, const std::string& program,
                    const std::string& config) {
  return RunToEnd({Program(program), "--config", config}, federation.path());
}

TEST(BadInputTest, AMisspeltKeyIsNamedWithItsLineAndTheNearestKnownOne) {
  Deployment federation({"north"});
  federation.StartAll();
  std::string file = Deployment::RunFile(2);
  file.replace(file.find("learning_rate"), 13, "learning_rat");
  WriteAll(federation.File("run.toml"), file);
  const Finished submitted = federation.Skerry({"run", "submit", federation.File("run.toml")});
  EXPECT_EQ(submitted.exit_code, 2);
  EXPECT_THAT(submitted.err, AllOf(HasSubstr("run.toml:"), HasSubstr("training.learning_rat"),
                                   HasSubstr("did you mean \"training.learning_rate\"")));
  Edit(federation.Kit("north") + "/agent.toml", "coordinator =", "cordinator =");
  const Finished client =
      StartToEnd(federation, "skerry-client", federation.Kit("north") + "/agent.toml");
  EXPECT_EQ(client.exit_code, 2);
  EXPECT_THAT(client.err, HasSubstr("did you mean \"site.coordinator\""));
  Edit(federation.Kit("coordinator") + "/coordinator.toml", "state_dir =", "statedir =");
  const Finished coordinator = StartToEnd(federation, "skerry-coordinator",
                                          federation.Kit("coordinator") + "/coordinator.toml");
  EXPECT_EQ(coordinator.exit_code, 2);
  EXPECT_THAT(coordinator.err, HasSubstr("did you mean \"storage.state_dir\""));
}

TEST(BadInputTest, ImpossibleParticipationNamesTheKeysThatClash) {
  Deployment federation({"north", "south"});
  federation.StartAll();
  WriteAll(federation.File("run.toml"),
           Deployment::RunFile(2, "[participation]\nmin_sites = 1\nquorum = 2\n"));
  const Finished submitted = federation.Skerry({"run", "submit", federation.File("run.toml")});
  EXPECT_EQ(submitted.exit_code, 2);
  EXPECT_THAT(submitted.err, AllOf(HasSubstr("quorum (2)"), HasSubstr("min_sites (1)")));
}

TEST(BadInputTest, ASitesBadDataPauseTheRunWithFileLineAndColumnAndItGoesOnWhenTheyAreMended) {
  Deployment federation({"north", "south"});
  const std::string csv = federation.File("data/south.csv");
  const std::string good = ReadAll(csv);
  Edit(csv, "south-3,", "south-3,x");
  federation.StartAll();
  const std::string run = federation.Submit(Deployment::RunFile(2));
  EXPECT_EQ(federation.WaitForEnd(run), 21) << "paused";
  Finished shown = federation.Skerry({"run", "show", run});
  EXPECT_THAT(shown.out, AllOf(HasSubstr("paused"), HasSubstr("column age: not a number"),
                               HasSubstr("skerry run resume"), Not(HasSubstr("csv:"))));
  EXPECT_THAT(federation.client("south").Output(), HasSubstr("south.csv:5, column age: the cell"))
      << "the line stays at the site";
  const Finished simulated =
      federation.Skerry({"simulate", federation.File("run.toml"), "--out", federation.File("sim")});
  EXPECT_THAT(simulated.out, HasSubstr("south.csv:5, column age: the cell"));
  WriteAll(csv, good.substr(good.find('\n') + 1));  // no header now: every column is missing
  ASSERT_EQ(federation.Skerry({"run", "resume", run}).exit_code, 0);
  EXPECT_EQ(federation.WaitForEnd(run), 21);
  shown = federation.Skerry({"run", "show", run});
  EXPECT_THAT(shown.out, HasSubstr("south.csv has no column \"age\""));
  EXPECT_THAT(federation.client("south").Output(), HasSubstr("rename under [data."))
      << "what to do about it, at the site alone";
  WriteAll(csv, "id,age,score,sex,died\n");
  ASSERT_EQ(federation.Skerry({"run", "resume", run}).exit_code, 0);
  EXPECT_EQ(federation.WaitForEnd(run), 21) << "an empty site";
  EXPECT_THAT(federation.Skerry({"run", "show", run}).out,
              HasSubstr("south.csv has no rows below its header"));
  std::string one_class = "id,age,score,sex,died\n1,50,20,f,0\n";
  WriteAll(csv, one_class);
  ASSERT_EQ(federation.Skerry({"run", "resume", run}).exit_code, 0);
  EXPECT_EQ(federation.WaitForEnd(run), 21) << "one row";
  EXPECT_THAT(federation.Skerry({"run", "show", run}).out, HasSubstr("policy.min_examples"));
  for (int i = 2; i < 40; ++i) one_class += std::to_string(i) + ",60,21,m,0\n";
  WriteAll(csv, one_class);
  ASSERT_EQ(federation.Skerry({"run", "resume", run}).exit_code, 0);
  EXPECT_EQ(federation.WaitForEnd(run), 21) << "one class only";
  EXPECT_THAT(federation.Skerry({"run", "show", run}).out, HasSubstr("class"));
  WriteAll(csv, good);
  ASSERT_EQ(federation.Skerry({"run", "resume", run}).exit_code, 0);
  EXPECT_EQ(federation.WaitForEnd(run), 0);
}

TEST(BadInputTest, DataThatAreNotThereAreSaidAtTheStartAndWhereTheyLieToTheSiteAlone) {
  Deployment federation({"north"});
  const std::string csv = federation.File("data/north.csv");
  std::filesystem::rename(csv, csv + ".away");
  federation.StartAll();
  const Process& client = federation.client("north");
  EXPECT_THAT(client.Output(), AllOf(HasSubstr(" of agent.toml: opening "), HasSubstr(csv),
                                     HasSubstr("tasks that read it fail")));
  const std::string run = federation.Submit(Deployment::RunFile(1));
  EXPECT_EQ(federation.WaitForEnd(run), 21);
  const Finished shown = federation.Skerry({"run", "show", run});
  EXPECT_THAT(shown.out, AllOf(HasSubstr("opening north.csv: No such file or directory"),
                               Not(HasSubstr(federation.path())), HasSubstr("corrected one")));
  EXPECT_THAT(client.Output(), AllOf(HasSubstr("statistics: failed: opening north.csv"),
                                     HasSubstr("names " + csv), Not(HasSubstr("NOT_FOUND"))));
  std::filesystem::rename(csv + ".away", csv);
  ASSERT_EQ(federation.Skerry({"run", "resume", run}).exit_code, 0);
  EXPECT_EQ(federation.WaitForEnd(run), 0);
}

TEST(BadInputTest, ADaemonWithoutItsFileSaysSoInTheFormOfAllErrors) {
  const TempDir dir;
  for (const std::string program : {"skerry-client", "skerry-coordinator"}) {
    const Finished bare = RunToEnd({Program(program)}, dir.path());
    EXPECT_EQ(bare.exit_code, 2);
    EXPECT_EQ(bare.err, "error: --config is required\nhint: " + program + " --help\n");
    const Finished missing = RunToEnd({Program(program), "--config", "none.toml"}, dir.path());
    EXPECT_EQ(missing.exit_code, 3);
    EXPECT_THAT(missing.err, AllOf(HasSubstr("there is no file none.toml"), HasSubstr("hint: ")));
  }
}

TEST(BadInputTest, PlaintextToACoordinatorThatWantsTlsIsExplainedInWords) {
  Deployment federation({"north"});
  federation.StartCoordinator();
  const std::string config = federation.Kit("north") + "/agent.toml";
  federation.StartClient("north");  // gives the kit its port
  federation.client("north").Kill9();
  Process client({Program("skerry-client"), "--insecure", "--config", config},
                 federation.File("plain.log"));
  ASSERT_TRUE(client.WaitFor("most likely it wants TLS")) << client.Output();
  EXPECT_TRUE(client.WaitFor("hint: leave --insecure out"));
  EXPECT_THAT(client.Output(), Not(HasSubstr("failed to connect to all addresses")));
}

// ---- Certificates ----

TEST(BadInputTest, ACertificateOfAnotherFederationsCaIsExplainedInWords) {
  Deployment federation({"north"});
  Deployment stranger({"north"});
  federation.StartCoordinator();
  stranger.StartCoordinator();
  stranger.StopCoordinator();
  Edit(stranger.Kit("north") + "/agent.toml", "localhost:" + std::to_string(stranger.port()),
       "localhost:" + std::to_string(federation.port()));
  stranger.StartClient("north");
  ASSERT_TRUE(stranger.client("north").WaitFor("cannot reach the coordinator"));
  EXPECT_THAT(stranger.client("north").Output(), HasSubstr("CA"));
  // The client trusts the coordinator, but the coordinator does not know the client's CA.
  stranger.client("north").Kill9();
  std::filesystem::copy_file(federation.Kit("north") + "/ca.pem", stranger.Kit("north") + "/ca.pem",
                             std::filesystem::copy_options::overwrite_existing);
  stranger.StartClient("north");
  ASSERT_TRUE(stranger.client("north").WaitFor("cannot reach the coordinator"));
  EXPECT_THAT(stranger.client("north").Output(), HasSubstr("it was not signed with the key of"));
  EXPECT_TRUE(stranger.client("north").IsRunning()) << "a renewed certificate would heal it";
}

TEST(BadInputTest, ACertificateThatNamesAnotherSiteIsRefusedWithBothNames) {
  Deployment federation({"north", "south"});
  federation.StartCoordinator();
  Edit(federation.Kit("north") + "/agent.toml", "name = \"north\"", "name = \"south\"");
  const Finished client =
      StartToEnd(federation, "skerry-client", federation.Kit("north") + "/agent.toml");
  EXPECT_EQ(client.exit_code, 6);
  EXPECT_THAT(client.err, AllOf(HasSubstr("\"north\""), HasSubstr("\"south\"")));
}

TEST(BadInputTest, AKeyThatOthersMayReadIsRefusedWithTheCommandThatMendsIt) {
  Deployment federation({"north"});
  const std::string key = federation.Kit("north") + "/north.key";
  ASSERT_EQ(::chmod(key.c_str(), 0644), 0);
  const Finished client =
      StartToEnd(federation, "skerry-client", federation.Kit("north") + "/agent.toml");
  EXPECT_EQ(client.exit_code, 6);
  EXPECT_THAT(client.err, HasSubstr("chmod 600"));
}

TEST(BadInputTest, APlainHttpClientGetsNothingAndTheCoordinatorGoesOn) {
  Deployment federation({"north"});
  federation.StartAll();
  const Finished plain =
      RunToEnd({"/bin/bash", "-c",
                "exec 3<>/dev/tcp/127.0.0.1/" + std::to_string(federation.port()) +
                    "; printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&3; "
                    "timeout 5 cat <&3 | head -c 100"},
               federation.path());
  EXPECT_THAT(plain.out, ::testing::Not(HasSubstr("HTTP/1.1 200")));
  EXPECT_EQ(federation.WaitForEnd(federation.Submit(Deployment::RunFile(1))), 0);
}

// ---- Directories ----

TEST(BadInputTest, ASecondCoordinatorOnTheSameStateDirectoryEndsAtOnce) {
  Deployment federation({"north"});
  federation.StartCoordinator();
  const Finished second = StartToEnd(federation, "skerry-coordinator",
                                     federation.Kit("coordinator") + "/coordinator.toml");
  EXPECT_EQ(second.exit_code, 6);
  EXPECT_THAT(second.err, HasSubstr("is held by process"));
  EXPECT_TRUE(federation.coordinator().IsRunning());
}

void GiveToNobody(const std::string& folder) {
  constexpr uid_t kNobody = 65534;
  ASSERT_EQ(::chown(folder.c_str(), kNobody, kNobody), 0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    ASSERT_EQ(::chown(entry.path().c_str(), kNobody, kNobody), 0);
  }
}

TEST(BadInputTest, AnUnwritableStateDirectoryIsNamed) {
  Deployment federation({"north"});
  const std::string state = federation.Kit("coordinator") + "/state";
  std::filesystem::create_directories(state);
  ASSERT_EQ(::chmod(state.c_str(), 0500), 0);
  std::vector<std::string> command = {Program("skerry-coordinator"), "--config",
                                      federation.Kit("coordinator") + "/coordinator.toml"};
  if (::geteuid() == 0) {  // whom no mode binds: nobody then, who owns the kit
    for (const std::string& folder : {federation.path(), federation.File("kits")}) {
      ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
    }
    GiveToNobody(federation.Kit("coordinator"));
    command.insert(command.begin(), {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534",
                                     "--clear-groups", "--bounding-set=-all"});
  }
  const Finished started = RunToEnd(command, federation.path());
  if (started.exit_code == 126) GTEST_SKIP() << "nobody may not run a program of this build";
  EXPECT_EQ(started.exit_code, 5) << started.err;
  EXPECT_THAT(started.err, HasSubstr("coordinator/state"));
}

TEST(BadInputTest, AStateDirectoryThatCannotBeIsNamed) {
  Deployment federation({"north"});
  Edit(federation.Kit("coordinator") + "/coordinator.toml", "state_dir = \"state\"",
       "state_dir = \"/proc/nowhere\"");
  const Finished started = StartToEnd(federation, "skerry-coordinator",
                                      federation.Kit("coordinator") + "/coordinator.toml");
  EXPECT_NE(started.exit_code, 0);
  EXPECT_THAT(started.err, AllOf(HasSubstr("storage.state_dir: "), HasSubstr("/proc/nowhere"),
                                 HasSubstr("hint: [storage] state_dir in coordinator.toml")));
}

// A file system of a given size; the test is skipped where this process may not mount one.
class SmallDisk {
 public:
  explicit SmallDisk(std::string path) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=16m,mode=0700") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }

 private:
  const std::string path_;
  bool mounted_ = false;
};

TEST(BadInputTest, AFullStateDirectoryHoldsTheRunUpUntilThereIsRoomAndLosesNothing) {
  Deployment federation({"north", "south"});
  const std::string state = federation.Kit("coordinator") + "/state";
  SmallDisk disk(state);
  if (!disk.mounted()) GTEST_SKIP() << "this process may not mount a small file system";
  federation.StartAll();
  std::string file = Deployment::RunFile(30);
  file.replace(file.find("seed = 3"), 8, "seed = 3\nmin_round = \"100ms\"");
  const std::string run = federation.Submit(file);
  ASSERT_EQ(federation.Skerry({"run", "wait", run, "--round", "3"}).exit_code, 0);
  const std::string ballast = state + "/ballast";
  RunToEnd({"/bin/sh", "-c", "dd if=/dev/zero of=" + ballast + " bs=4096 2>/dev/null"},
           federation.path());
  ASSERT_TRUE(federation.coordinator().WaitFor("waiting for room") ||
              federation.Skerry({"run", "list"}).out.find("paused") != std::string::npos)
      << federation.coordinator().Output();
  std::filesystem::remove(ballast);
  ASSERT_EQ(federation.WaitForEnd(run), 0) << "it goes on by itself";
  const Finished simulated =
      federation.Skerry({"simulate", federation.File("run.toml"), "--out", federation.File("sim")});
  EXPECT_EQ(federation.ModelSha256(run), Field(simulated.out, "sha256"));
}

TEST(BadInputTest, ACoordinatorOnAFullDiskEndsWhenItIsAskedToAndGoesOnWhenThereIsRoom) {
  Deployment federation({"north", "south"});
  const std::string state = federation.Kit("coordinator") + "/state";
  SmallDisk disk(state);
  if (!disk.mounted()) GTEST_SKIP() << "this process may not mount a small file system";
  federation.StartAll();
  std::string file = Deployment::RunFile(12);
  file.replace(file.find("seed = 3"), 8, "seed = 3\nmin_round = \"100ms\"");
  const std::string run = federation.Submit(file);
  ASSERT_EQ(federation.Skerry({"run", "wait", run, "--round", "3"}).exit_code, 0);
  const std::string ballast = state + "/ballast";
  RunToEnd({"/bin/sh", "-c", "dd if=/dev/zero of=" + ballast + " bs=4096 2>/dev/null"},
           federation.path());
  ASSERT_TRUE(federation.coordinator().WaitFor("waiting for room"));
  federation.coordinator().Signal(SIGTERM);
  EXPECT_EQ(federation.coordinator().Wait(std::chrono::seconds(10)), 7);
  EXPECT_THAT(federation.coordinator().Output(), HasSubstr("ended while the disk was full"));
  std::filesystem::remove(ballast);
  federation.StartCoordinator();
  EXPECT_EQ(federation.WaitForEnd(run), 0);
}

TEST(BadInputTest, InsecureIsRefusedOffLoopback) {
  Deployment federation({"north"});
  Edit(federation.Kit("coordinator") + "/coordinator.toml", "127.0.0.1:0", "0.0.0.0:0");
  const Finished started = RunToEnd({Program("skerry-coordinator"), "--insecure", "--config",
                                     federation.Kit("coordinator") + "/coordinator.toml"},
                                    federation.path());
  EXPECT_EQ(started.exit_code, 2);
  EXPECT_THAT(started.err, HasSubstr("loopback"));
}

TEST(BadInputTest, AModelOfAnotherLayoutIsRefusedByName) {
  Deployment federation({"north", "south"});
  WriteAll(federation.File("run.toml"), Deployment::RunFile(1));
  ASSERT_EQ(
      federation.Skerry({"simulate", federation.File("run.toml"), "--out", federation.File("a")})
          .exit_code,
      0);
  std::string wider = Deployment::RunFile(1);
  wider.replace(wider.find("[\"age\", \"score\"]"), 16, "[\"age\"]");
  WriteAll(federation.File("other.toml"), wider);
  const Finished evaluated = federation.Skerry({"model", "evaluate", federation.File("other.toml"),
                                                "m=" + federation.File("a/model.safetensors")});
  EXPECT_EQ(evaluated.exit_code, 6);
  EXPECT_THAT(evaluated.err, AllOf(HasSubstr("a/model.safetensors"), HasSubstr("another layout"),
                                   HasSubstr("input.fill")));
}

TEST(BadInputTest, AnUnknownRunIsNotFound) {
  Deployment federation({"north"});
  federation.StartCoordinator();
  const Finished shown = federation.Skerry({"run", "show", "nothing-1"});
  EXPECT_EQ(shown.exit_code, 3);
  EXPECT_THAT(shown.err, AllOf(HasSubstr("nothing-1"), HasSubstr("hint:")));
}

}  // namespace
}  // namespace skerry::testing
