#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/files.h"
#include "base/status.h"
#include "client/task_runner.h"
#include "learning/layout.h"
#include "rpc/parsed_layout.h"

namespace skerry::client {

// Puts values into the sections of a task's result. Borrows the result's file.
class ResultWriter {
 public:
  // INVALID_ARGUMENT: the task's result layout is none.
  static Result<ResultWriter> Create(const WorkOrder& order) {
    if (order.layout != nullptr) return ResultWriter(*order.result, order.layout);
    SKERRY_ASSIGN_OR_RETURN(auto layout, rpc::ParseLayout(order.task->result_layout()));
    return ResultWriter(*order.result, std::move(layout));
  }

  // INVALID_ARGUMENT: the task asks for a section of another size than there is, or of another
  // name.
  template <class T>
  Status Put(const std::string& section, std::span<const T> values) {
    const auto index = layout().Find(section);
    if (!index || layout().sections()[*index].layout.size_bytes() !=
                      static_cast<int64_t>(values.size_bytes())) {
      return InvalidArgument("the task's result layout does not fit its run: section \"" + section +
                             "\"");
    }
    return PutBytes(*index, 0, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  }

  // Bytes of a section, from `offset` in it on.
  Status PutBytes(std::size_t section, int64_t offset, std::string_view bytes) {
    return file_->WriteAt(static_cast<uint64_t>(layout().offset_bytes(section) + offset), bytes);
  }

  const learning::ResultLayout& layout() const { return layout_->layout; }

 private:
  ResultWriter(File& file, std::shared_ptr<const rpc::ParsedLayout> layout)
      : file_(&file), layout_(std::move(layout)) {}

  File* file_;
  std::shared_ptr<const rpc::ParsedLayout> layout_;
};

}  // namespace skerry::client
