#include "client/app/client_config.h"

#include "base/text.h"
#include "base/toml_reader.h"

namespace skerry::client {
namespace {

void ReadIdxSource(TomlReader& toml, const std::string& key, const std::string& images,
                   const std::string& base, IdxSource& idx) {
  idx.images = ResolvePath(base, images);
  idx.labels = ResolvePath(base, toml.String(key + ".idx_labels"));
  idx.divisor = toml.Number(key + ".divisor", 1);
  if (idx.divisor <= 0) toml.Fail(key + ".divisor", "must be over 0");
  if (!toml.Has(key + ".parts")) return;
  idx.parts = ResolvePath(base, toml.String(key + ".parts"));
  idx.part = toml.Integer(key + ".part");
  if (idx.part < 0 || idx.part > 255) toml.Fail(key + ".part", "must be 0 to 255");
}

DataSource ReadSource(TomlReader& toml, const std::string& name, const std::string& base) {
  const std::string key = "data." + name;
  DataSource source;
  source.name = name;
  const std::string csv = toml.String(key + ".csv", "");
  const std::string sqlite = toml.String(key + ".sqlite", "");
  const std::string images = toml.String(key + ".idx_images", "");
  if (csv.empty() + sqlite.empty() + images.empty() != 2) {
    toml.Fail(key, "needs one of csv = \"FILE\", sqlite = \"FILE\" and idx_images = \"FILE\"");
  }
  if (!images.empty()) ReadIdxSource(toml, key, images, base, source.idx);
  if (!csv.empty()) source.csv = ResolvePath(base, csv);
  if (!sqlite.empty()) {
    source.sqlite = ResolvePath(base, sqlite);
    source.table = toml.String(key + ".table");
  }
  for (const std::string& column : toml.Keys(key + ".rename")) {
    source.rename[column] = toml.String(key + ".rename." + column);
  }
  source.missing_values = toml.Strings(key + ".missing_values", source.missing_values);
  return source;
}

SitePolicy ReadPolicy(TomlReader& toml) {
  SitePolicy policy;
  policy.allowed_models = toml.Strings("policy.allowed_models", std::vector<std::string>{});
  policy.allowed_strategies = toml.Strings("policy.allowed_strategies", std::vector<std::string>{});
  policy.min_examples = toml.Integer("policy.min_examples", 10);
  policy.max_rounds = toml.Integer("policy.max_rounds", 0);
  if (policy.min_examples < 0) toml.Fail("policy.min_examples", "must not be negative");
  if (policy.max_rounds < 0) toml.Fail("policy.max_rounds", "must not be negative");
  return policy;
}

}  // namespace

Result<ClientConfig> LoadClientConfig(Files& files, const std::string& path, bool insecure) {
  SKERRY_ASSIGN_OR_RETURN(TomlReader toml, TomlReader::Load(files, path));
  const std::string base = ParentDirectory(path);
  ClientConfig config;
  config.site = toml.String("site.name");
  if (!IsName(config.site)) {
    toml.Fail("site.name", "must be made of a-z, 0-9 and '-', 1 to 63 of them");
  }
  config.coordinator = toml.String("site.coordinator");
  if (Status status = rpc::ParseHostPort(config.coordinator).status(); !status.ok()) {
    toml.Fail("site.coordinator", status.message(), status.hint());
  }
  config.state_dir = ResolvePath(base, toml.String("site.state_dir"));
  if (!insecure || toml.Has("tls")) {
    config.tls = {ResolvePath(base, toml.String("tls.ca")),
                  ResolvePath(base, toml.String("tls.certificate")),
                  ResolvePath(base, toml.String("tls.key"))};
  }
  for (const std::string& name : toml.Keys("data")) {
    config.sources.emplace(name, ReadSource(toml, name, base));
  }
  if (config.sources.empty()) {
    toml.Fail("data", "there is no data source",
              "add [data.NAME] with csv = \"FILE\"; runs say which NAME they read");
  }
  config.trainers = ReadTrainers(toml, files, base);
  config.policy = ReadPolicy(toml);
  const int64_t tasks = toml.Integer("limits.max_concurrent_tasks", 1);
  if (tasks < 1 || tasks > 64) {
    toml.Fail("limits.max_concurrent_tasks", "must be between 1 and 64");
  }
  config.max_concurrent_tasks = static_cast<int>(tasks);
  config.retry_cap = toml.Time("limits.retry_cap", config.retry_cap);
  if (config.retry_cap < 100ms) toml.Fail("limits.retry_cap", "must be at least 100ms");
  if (toml.Has("log.calls")) config.call_log = ResolvePath(base, toml.String("log.calls"));
  SKERRY_RETURN_IF_ERROR(toml.Finish());
  return config;
}

}  // namespace skerry::client
