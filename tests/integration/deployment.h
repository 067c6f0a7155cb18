#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "process.h"
#include "testing/temp_dir.h"

namespace skerry::testing {

// A deployed federation on this machine: real processes, mutual TLS, real files, made-up patients.
class Deployment {
 public:
  // Makes certificates, kits and data for these sites.
  explicit Deployment(std::vector<std::string> sites);

  using Environment = std::map<std::string, std::string>;
  // Starts the coordinator (again) and, the first time, tells the sites its port.
  void StartCoordinator();
  // Starts it, at a later time, without waiting for it.
  void LaunchCoordinator(const Environment& environment = {});
  void StartClient(const std::string& site, const Environment& environment = {});
  void StartAll();
  void StopCoordinator() { coordinator_.reset(); }

  Process& coordinator() { return *coordinator_; }
  Process& client(const std::string& site) { return *clients_.at(site); }

  // A command of `skerry` that talks to the coordinator.
  Finished Skerry(std::vector<std::string> arguments) const;
  // Submits a run file; its id.
  std::string Submit(const std::string& run_file) const;
  // Waits for a run's end; its exit code.
  int WaitForEnd(const std::string& run) const;
  // The SHA-256 of the newest model, as `skerry model export` prints it.
  std::string ModelSha256(const std::string& run) const;

  const std::string& path() const { return dir_.path(); }
  std::string File(const std::string& name) const { return dir_.File(name); }
  std::string Kit(const std::string& name) const { return dir_.File("kits/" + name); }
  int port() const { return port_; }
  std::string Socket() const { return Kit("coordinator") + "/state/admin.sock"; }

  // A run file over the sites' data.
  static std::string RunFile(int num_rounds, const std::string& extra = "");
  // The same with a model of 100 KB, whose versions and updates are files of their own.
  static std::string WithLargerModel(std::string run_file);

 private:
  const TempDir dir_;
  const std::vector<std::string> sites_;
  int port_ = 0;
  std::unique_ptr<Process> coordinator_;
  std::map<std::string, std::unique_ptr<Process>> clients_;
};

// The word after `key` in `text`: Field("sha256 abc\n", "sha256") is "abc".
std::string Field(const std::string& text, const std::string& key);

}  // namespace skerry::testing
