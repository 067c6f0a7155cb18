#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/native_trainer.h"
#include "client/session.h"
#include "simulation/host.h"
#include "simulation/host_stores.h"
#include "simulation/link.h"
#include "simulation/simulated_runner.h"

namespace skerry::simulation {

struct ClientHostOptions {
  std::string site;
  client::RowReader rows;
  std::string source;   // the name of the data source that the run reads
  std::string version;  // of this software
  TaskTime task_time;
  ThreadPool* pool = nullptr;                    // for its trainer, unless it has a lane of its own
  client::ModelCache* models = nullptr;          // of all sites
  client::ExternalTrainers* trainers = nullptr;  // likewise
  std::optional<client::DataSource> data = {};   // for them
  Lane lane = kCommonLane;
  uint64_t boots = 0;  // of processes of this site on earlier machines: no two are the same
  Evidence* evidence = nullptr;
  std::vector<std::string>* failures = nullptr;  // what the site's own log says of failed tasks
  // Stands in for the site's trainer, which it may call; null: nothing does.
  std::function<std::unique_ptr<client::Trainer>(client::Trainer&)> other_trainer = nullptr;
};

// The machine of a site, with its line to the coordinator and a client agent on it.
class ClientHost final : public Host, private client::SessionObserver {
 public:
  ClientHost(World& world, CoordinatorHost& coordinator, ClientHostOptions options);
  ~ClientHost() override;

  Status StartAll();
  Link& link() { return link_; }
  const Link& link() const { return link_; }
  // Null while it is down.
  const client::Session* session() const { return up() ? session_.get() : nullptr; }

 private:
  Status Boot() override;
  void Bury() override;
  void LosePower(RandomStream& chance) override { store_.LosePower(chance); }
  void AfterStep() override;
  std::string FolderOfResults() const override;
  std::string StateDir() const { return "sites/" + name(); }
  void Say(const std::string& line) override;
  bool listens() const override { return traced_; }
  bool wants_every_task() const override { return true; }
  void TaskFailed(const std::string& task, const Status& reason) override;
  void HealthChanged(const Status& health) override;

  const ClientHostOptions options_;
  const bool traced_;
  // What a trainer keeps in memory is only a copy of the site's data, so it may outlive the
  // process.
  client::NativeTrainer trainer_;
  const std::unique_ptr<client::Trainer> other_trainer_;  // null: trainer_ works
  Link link_;
  SimulatedRunner runner_;
  DurableClientStore store_;
  uint64_t boots_;
  std::unique_ptr<HostFiles> files_;
  std::unique_ptr<HostClientStore> host_store_;
  std::unique_ptr<client::Session> session_;
  std::optional<Timestamp> wake_;
};

}  // namespace skerry::simulation
