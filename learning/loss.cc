#include "learning/loss.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/exact_math.h"
#include "base/exact_rows.h"
#include "learning/survival.h"

namespace skerry::learning {
namespace {

// The shapes of all rows must fit before the loop over them begins.
template <class T>
int64_t CountRows(OutputKind kind, int64_t num_outputs, std::span<const T> outputs,
                  std::span<const T> labels) {
  SKERRY_CHECK(num_outputs >= 1 && (kind == OutputKind::kClasses || num_outputs == 1));
  SKERRY_CHECK(outputs.size() == labels.size() * static_cast<std::size_t>(num_outputs));
  return static_cast<int64_t>(labels.size());
}

// (output - label)^2 / 2.
struct Squared {
  double difference;

  template <class T>
  Squared(const T* outputs, T label)
      : difference(static_cast<double>(outputs[0]) - static_cast<double>(label)) {}
  double Loss() const { return 0.5 * difference * difference; }
  double Derivative(std::size_t) const { return difference; }
};

// log(1 + exp(z)) - label z, written so that nothing overflows and a right and certain answer does
// not cancel. `log1p` is log(1 + exp(-|z|)).
double LogisticLoss(double z, double label, double log1p) {
  return ((z > 0 ? z : 0.0) - label * z) + log1p;
}
// -|z|, of which exp is most of the work.
double LogisticExponent(double z) { return z > 0 ? -z : z; }

// Many rows at once: one step after the other, each over all of them, in lanes.
class LogisticRows {
 public:
  static constexpr std::size_t kMost = 64;

  template <class T>
  LogisticRows(std::span<const T> outputs, std::span<const T> labels) : count_(outputs.size()) {
    for (std::size_t r = 0; r < count_; ++r) {
      z_[r] = static_cast<double>(outputs[r]);
      label_[r] = static_cast<double>(labels[r]);
      e_[r] = LogisticExponent(z_[r]);
    }
    // Zeros up to a whole number of lanes: copies of a part of them would wait for what was
    // written.
    const std::size_t filled = (count_ + kLanes - 1) / kLanes * kLanes;
    for (std::size_t r = count_; r < filled; ++r) e_[r] = 0;
    exact::ExpEach({e_.data(), filled});
    std::copy_n(e_.begin(), filled, log1p_.begin());
    exact::Log1pEach({log1p_.data(), filled});
  }

  // The probability of the label 1 less the label, divided by `rows`.
  template <class T>
  void Derivatives(double rows, T* out) const {
    for (std::size_t r = 0; r < count_; ++r) {
      const double probability = (z_[r] >= 0 ? 1.0 : e_[r]) / (1.0 + e_[r]);
      out[r] = static_cast<T>((probability - label_[r]) / rows);
    }
  }

  void AddLosses(double& sum) const {
    for (std::size_t r = 0; r < count_; ++r) sum += LogisticLoss(z_[r], label_[r], log1p_[r]);
  }

 private:
  static constexpr std::size_t kLanes = 4;
  static_assert(kMost % kLanes == 0);

  const std::size_t count_;
  std::array<double, kMost> z_;
  std::array<double, kMost> label_;
  std::array<double, kMost> e_;  // exp(-|z|)
  std::array<double, kMost> log1p_;
};

// The sum of the losses.
template <class T>
double LogisticSum(std::span<const T> outputs, std::span<const T> labels,
                   std::span<T> derivatives) {
  double sum = 0;
  for (std::size_t first = 0; first < labels.size(); first += LogisticRows::kMost) {
    const std::size_t count = std::min(LogisticRows::kMost, labels.size() - first);
    const LogisticRows rows(outputs.subspan(first, count), labels.subspan(first, count));
    rows.Derivatives(static_cast<double>(labels.size()), derivatives.data() + first);
    rows.AddLosses(sum);
  }
  return sum;
}

// log sum exp(z) - z[label], with the largest logit taken out of every exponent.
template <class T>
struct Softmax {
  const T* logits;
  std::size_t label;
  double largest;
  double log_sum = 0;  // of exp(z - largest)

  Softmax(const T* outputs, std::size_t num_outputs, T row_label)
      : logits(outputs), label(static_cast<std::size_t>(row_label)) {
    SKERRY_CHECK(label < num_outputs);
    largest = static_cast<double>(*std::max_element(outputs, outputs + num_outputs));
    double sum = 0;
    for (std::size_t c = 0; c < num_outputs; ++c) sum += exact::Exp(Logit(c) - largest);
    log_sum = exact::Log(sum);
  }
  double Logit(std::size_t c) const { return static_cast<double>(logits[c]); }
  double Loss() const { return (largest - Logit(label)) + log_sum; }
  double Derivative(std::size_t c) const {
    return exact::Exp((Logit(c) - largest) - log_sum) - (c == label ? 1.0 : 0.0);
  }
};

template <class T>
T CheckedClass(T label) {
  SKERRY_CHECK(label >= T{0} && label < T{0x1p31F});  // also false for NaN
  return label;
}

// Runs `visit` over the loss object of a row that is not binary.
template <class T, class Visitor>
auto WithRow(OutputKind kind, const T* outputs, std::size_t num_outputs, T label, Visitor visit) {
  if (kind == OutputKind::kValue) return visit(Squared(outputs, label));
  SKERRY_CHECK(kind == OutputKind::kClasses);  // rows of kRisk have no loss of their own
  return visit(Softmax(outputs, num_outputs, CheckedClass(label)));
}

template <class T>
double LossOfRow(OutputKind kind, std::span<const T> outputs, T label) {
  if (kind == OutputKind::kBinary) {
    const auto z = static_cast<double>(outputs[0]);
    const double log1p = exact::Log1p(exact::Exp(LogisticExponent(z)));
    return LogisticLoss(z, static_cast<double>(label), log1p);
  }
  return WithRow(kind, outputs.data(), outputs.size(), label,
                 [](const auto& row) { return row.Loss(); });
}

template <class T>
double LossAndDerivativesOf(OutputKind kind, int64_t num_outputs, std::span<const T> outputs,
                            std::span<const T> labels, std::span<T> derivatives) {
  const int64_t rows = CountRows(kind, num_outputs, outputs, labels);
  SKERRY_CHECK(derivatives.size() == outputs.size());
  if (kind == OutputKind::kRisk) return CoxLoss(outputs, labels, derivatives);
  const auto width = static_cast<std::size_t>(num_outputs);
  const auto count = static_cast<double>(rows);
  if (kind == OutputKind::kBinary && rows > 0) {
    return LogisticSum(outputs, labels, derivatives) / count;
  }
  double sum = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t first = r * num_outputs;
    T* derivative = derivatives.data() + first;
    sum += WithRow(kind, outputs.data() + first, width, labels.data()[r], [&](const auto& row) {
      for (std::size_t c = 0; c < width; ++c) {
        derivative[c] = static_cast<T>(row.Derivative(c) / count);
      }
      return row.Loss();
    });
  }
  return rows == 0 ? 0.0 : sum / count;
}

template <class T>
double MeanLossOf(OutputKind kind, int64_t num_outputs, std::span<const T> outputs,
                  std::span<const T> labels) {
  const int64_t rows = CountRows(kind, num_outputs, outputs, labels);
  if (kind == OutputKind::kRisk) return CoxLoss(outputs, labels, std::span<T>());
  const auto width = static_cast<std::size_t>(num_outputs);
  double sum = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const T* row = outputs.data() + r * num_outputs;
    sum += LossOfRow(kind, std::span<const T>(row, width), labels.data()[r]);
  }
  return rows == 0 ? 0.0 : sum / static_cast<double>(rows);
}

}  // namespace

double RowLoss(OutputKind kind, std::span<const float> outputs, float label) {
  return LossOfRow(kind, outputs, label);
}

double LossAndDerivatives(OutputKind kind, int64_t num_outputs, std::span<const float> outputs,
                          std::span<const float> labels, std::span<float> derivatives) {
  return LossAndDerivativesOf(kind, num_outputs, outputs, labels, derivatives);
}

double MeanLoss(OutputKind kind, int64_t num_outputs, std::span<const float> outputs,
                std::span<const float> labels) {
  return MeanLossOf(kind, num_outputs, outputs, labels);
}

double RowLoss(OutputKind kind, std::span<const double> outputs, double label) {
  return LossOfRow(kind, outputs, label);
}

double LossAndDerivatives(OutputKind kind, int64_t num_outputs, std::span<const double> outputs,
                          std::span<const double> labels, std::span<double> derivatives) {
  return LossAndDerivativesOf(kind, num_outputs, outputs, labels, derivatives);
}

double MeanLoss(OutputKind kind, int64_t num_outputs, std::span<const double> outputs,
                std::span<const double> labels) {
  return MeanLossOf(kind, num_outputs, outputs, labels);
}

}  // namespace skerry::learning
