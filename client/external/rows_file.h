#pragma once

#include <memory>
#include <string>

#include "base/files.h"
#include "base/status.h"
#include "client/data/site_data.h"
#include "learning/features.h"
#include "skerry/v1/task.pb.h"

namespace skerry::client {

// A run's rows as trainers of the site's own get them: a safetensors file with "SPLIT.features"
// (F32 [rows, inputs]) and "SPLIT.labels" (F32 [rows]) of each split that the run has, filled and
// standardised. It is removed with this object.
class RowsFile {
 public:
  // Errors are those of the disk.
  static Result<std::unique_ptr<RowsFile>> Write(Files& files, const std::string& path,
                                                 const SiteData& data, const v1::DataSpec& spec,
                                                 const learning::InputTransform& transform);
  ~RowsFile();
  RowsFile(const RowsFile&) = delete;
  RowsFile& operator=(const RowsFile&) = delete;

  const std::string& path() const { return path_; }
  const learning::InputTransform& transform() const { return transform_; }

 private:
  RowsFile(std::string path, learning::InputTransform transform)
      : path_(std::move(path)), transform_(std::move(transform)) {}

  const std::string path_;
  const learning::InputTransform transform_;
};

}  // namespace skerry::client
