#include "simulation/client_host.h"

#include <algorithm>
#include <utility>

#include "rpc/reaction.h"

namespace skerry::simulation {
namespace {

// What a service manager waits before it starts an agent again that ended.
constexpr Duration kRestart = 5s;

}  // namespace

ClientHost::ClientHost(World& world, CoordinatorHost& coordinator, ClientHostOptions options)
    : Host(world, options.site, world.plan().Of(options.site).machine, options.lane),
      options_(std::move(options)),
      traced_(world.traced()),
      trainer_(options_.site, {{options_.source, options_.rows}}, client::SitePolicy{}),
      other_trainer_(options_.other_trainer ? options_.other_trainer(trainer_) : nullptr),
      link_(world, coordinator, *this, world.plan().Of(options_.site).link, options_.evidence),
      runner_(world, *this, other_trainer_ != nullptr ? *other_trainer_ : trainer_, options_.pool,
              options_.task_time, world.plan().Of(options_.site).stuck),
      store_(options_.lane == kCommonLane),  // nothing goes wrong where sites have lanes
      boots_(options_.boots) {
  if (options_.models != nullptr) trainer_.ShareModels(*options_.models);
  if (options_.trainers != nullptr) {
    std::map<std::string, client::DataSource> sources;
    if (options_.data) sources.emplace(options_.source, *options_.data);
    trainer_.UseExternal(*options_.trainers, std::move(sources));
  }
  on_death = [this](bool power_loss) { link_.ClientDied(power_loss); };
}

ClientHost::~ClientHost() = default;

Status ClientHost::StartAll() {
  link_.Start();
  return Start();
}

Status ClientHost::Boot() {
  files_ = std::make_unique<HostFiles>(disk(), troubles(), life());
  host_store_ = std::make_unique<HostClientStore>(store_, troubles(), life());
  client::SessionOptions options;
  options.site = name();
  options.state_dir = StateDir();
  options.version = options_.version;
  options.data_sources = {options_.source};
  options.jitter_seed = (world().plan().seed << 16) + ++boots_;
  session_ = std::make_unique<client::Session>(
      client::SessionParts{own_clock(), *files_, link_, *host_store_, runner_, *this},
      std::move(options));
  wake_.reset();
  return session_->Open();
}

void ClientHost::Bury() { session_.reset(); }

void ClientHost::AfterStep() {
  if (session_ == nullptr) return;
  const std::optional<Timestamp> next = session_->Step();
  if (!session_->ended().ok()) {
    const Status& why = session_->ended();
    // There is never a second process of a site here.
    if (rpc::ReactionTo(why) == rpc::Reaction::kExitSuperseded) {
      world().Complain(name(), "the only client of the site ends: " + why.ToString());
    }
    return Kill(kRestart, false, "ends itself: " + why.message());
  }
  if (!next || (wake_ && *wake_ <= *next && *wake_ > clock().Now())) return;
  wake_ = std::max(*next, clock().Now());
  world().queue().PostAt(
      clock().ToWorld(*wake_),
      [this, at = *wake_, life = life()] {
        if (!life->alive) return;
        Run(life, [this, at] {
          if (wake_ == at) wake_.reset();
        });
      },
      lane());
}

std::string ClientHost::FolderOfResults() const { return StateDir() + "/results"; }

void ClientHost::Say(const std::string& line) { world().Trace(name(), line); }

void ClientHost::TaskFailed(const std::string& task, const Status& reason) {
  SessionObserver::TaskFailed(task, reason);
  std::string line = "site " + name() + ": " + reason.ToString();
  auto* failures = options_.failures;
  if (failures == nullptr) return;
  world().queue().Post([failures, line = std::move(line)] {
    const bool said = std::find(failures->begin(), failures->end(), line) != failures->end();
    if (!said) failures->push_back(line);
  });
}

void ClientHost::HealthChanged(const Status& health) {
  if (world().traced()) world().Trace(name(), "health: " + health.ToString());
}

}  // namespace skerry::simulation
