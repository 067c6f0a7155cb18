#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace skerry::testing {

// Another program's boosted trees, to compare with: Debian's libxgboost0, if it is installed. Tests
// only; nothing of it is in Skerry.
class XGBoost {
 public:
  // Null: it is not installed.
  static std::unique_ptr<XGBoost> Load();
  ~XGBoost();
  XGBoost(const XGBoost&) = delete;
  XGBoost& operator=(const XGBoost&) = delete;

  // Rows of `width` numbers, NaN where missing; `labels` as many as rows.
  struct Rows {
    std::vector<float> values;
    std::vector<float> labels;
    int64_t width = 0;
  };
  // What `rounds` trees of these settings, grown on `train`, say of the rows of `test`.
  std::vector<float> Predict(const Rows& train, const Rows& test, int rounds,
                             const std::map<std::string, std::string>& settings) const;

 private:
  XGBoost() = default;
  void* library_ = nullptr;
};

}  // namespace skerry::testing
