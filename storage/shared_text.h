#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace skerry::storage {

// A text, or bytes, that never changes. Its copies share it: what many tasks have in common is in
// the records of all of them, but only once in memory.
class SharedText {
 public:
  SharedText() = default;
  SharedText(std::string text)
      : text_(text.empty() ? nullptr : std::make_shared<const std::string>(std::move(text))) {}
  SharedText(const char* text) : SharedText(std::string(text)) {}

  std::string_view view() const {
    return text_ == nullptr ? std::string_view() : std::string_view(*text_);
  }
  operator std::string_view() const { return view(); }
  std::string str() const { return std::string(view()); }
  bool empty() const { return text_ == nullptr; }

  friend bool operator==(const SharedText& a, const SharedText& b) {
    return a.text_ == b.text_ || a.view() == b.view();
  }

 private:
  std::shared_ptr<const std::string> text_;  // null: there is nothing in it
};

}  // namespace skerry::storage
