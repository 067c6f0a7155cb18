#include "testing/xgboost.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <limits>

namespace skerry::testing {
namespace {

// The functions of xgboost/c_api.h that are used here.
using Handle = void*;
using CreateMatrix = int (*)(const float*, uint64_t, uint64_t, float, Handle*);
using SetFloats = int (*)(Handle, const char*, const float*, uint64_t);
using Free = int (*)(Handle);
using CreateBooster = int (*)(const Handle[], uint64_t, Handle*);
using SetParameter = int (*)(Handle, const char*, const char*);
using Update = int (*)(Handle, int, Handle);
using PredictRows = int (*)(Handle, Handle, int, unsigned, int, uint64_t*, const float**);

template <class Function>
Function Find(void* library, const char* name) {
  void* symbol = ::dlsym(library, name);
  if (symbol == nullptr) {
    std::fprintf(stderr, "libxgboost has no %s\n", name);
    std::abort();
  }
  return reinterpret_cast<Function>(symbol);
}

void Check(int code) {
  if (code == 0) return;
  std::fprintf(stderr, "libxgboost refuses a call\n");
  std::abort();
}

}  // namespace

std::unique_ptr<XGBoost> XGBoost::Load() {
  void* library = ::dlopen("libxgboost.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nullptr;
  std::unique_ptr<XGBoost> loaded(new XGBoost);
  loaded->library_ = library;
  return loaded;
}

// Its threads outlive its objects: it stays loaded.
XGBoost::~XGBoost() = default;

std::vector<float> XGBoost::Predict(const Rows& train, const Rows& test, int rounds,
                                    const std::map<std::string, std::string>& settings) const {
  const auto matrix = [this](const Rows& rows) {
    Handle handle = nullptr;
    Check(Find<CreateMatrix>(library_, "XGDMatrixCreateFromMat")(
        rows.values.data(), rows.labels.size(), static_cast<uint64_t>(rows.width),
        std::numeric_limits<float>::quiet_NaN(), &handle));
    Check(Find<SetFloats>(library_, "XGDMatrixSetFloatInfo")(handle, "label", rows.labels.data(),
                                                             rows.labels.size()));
    return handle;
  };
  const Handle train_matrix = matrix(train);
  const Handle test_matrix = matrix(test);
  Handle booster = nullptr;
  Check(Find<CreateBooster>(library_, "XGBoosterCreate")(&train_matrix, 1, &booster));
  for (const auto& [name, value] : settings) {
    Check(Find<SetParameter>(library_, "XGBoosterSetParam")(booster, name.c_str(), value.c_str()));
  }
  for (int round = 0; round < rounds; ++round) {
    Check(Find<Update>(library_, "XGBoosterUpdateOneIter")(booster, round, train_matrix));
  }
  uint64_t size = 0;
  const float* values = nullptr;
  Check(Find<PredictRows>(library_, "XGBoosterPredict")(booster, test_matrix, 1 /* margins */, 0, 0,
                                                        &size, &values));
  std::vector<float> predicted(values, values + size);
  Check(Find<Free>(library_, "XGBoosterFree")(booster));
  for (const Handle handle : {train_matrix, test_matrix}) {
    Check(Find<Free>(library_, "XGDMatrixFree")(handle));
  }
  return predicted;
}

}  // namespace skerry::testing
