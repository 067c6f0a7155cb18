#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace skerry::storage {

// A list of names that never changes. Its copies share it: a roster of a million is in the run, in
// the batch that writes the run down, and in a journal in memory, but only once in memory.
class Names {
 public:
  using value_type = std::string;
  using const_iterator = std::vector<std::string>::const_iterator;
  using iterator = const_iterator;

  Names() : Names(std::vector<std::string>()) {}
  Names(std::vector<std::string> names)
      : names_(std::make_shared<const std::vector<std::string>>(std::move(names))) {}
  Names(std::initializer_list<std::string> names) : Names(std::vector<std::string>(names)) {}

  const std::vector<std::string>& get() const { return *names_; }
  operator const std::vector<std::string>&() const { return *names_; }
  std::size_t size() const { return names_->size(); }
  bool empty() const { return names_->empty(); }
  const_iterator begin() const { return names_->begin(); }
  const_iterator end() const { return names_->end(); }
  const std::string& operator[](std::size_t i) const { return (*names_)[i]; }

  friend bool operator==(const Names& a, const Names& b) {
    return a.names_ == b.names_ || *a.names_ == *b.names_;
  }

 private:
  std::shared_ptr<const std::vector<std::string>> names_;
};

}  // namespace skerry::storage
