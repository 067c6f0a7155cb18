#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace skerry::simulation {

// What an event does: a function without arguments that is moved, never copied. One that captures
// a few pointers needs no memory of its own, which std::function has for a single one only.
class EventTask {
 public:
  EventTask() = default;
  template <class Function>
  requires(!std::is_same_v<std::remove_cvref_t<Function>, EventTask>) EventTask(Function function) {
    if constexpr (kFits<Function>) {
      Hold(std::move(function));
    } else {
      Hold([held = std::make_unique<Function>(std::move(function))] { (*held)(); });
    }
    // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): the lambda in room_ owns it.
  }
  EventTask(EventTask&& other) noexcept { Take(other); }
  EventTask& operator=(EventTask&& other) noexcept {
    if (this == &other) return *this;
    Reset();
    Take(other);
    return *this;
  }
  ~EventTask() { Reset(); }

  void operator()() { kind_->run(room_); }
  // Lets go of what it holds; it does nothing any more.
  void Reset() {
    if (kind_ != nullptr) std::exchange(kind_, nullptr)->destroy(room_);
  }

 private:
  static constexpr std::size_t kRoom = 48;
  struct Kind {
    void (*run)(void* function);
    void (*move)(void* from, void* to);  // and destroys what was moved from
    void (*destroy)(void* function);
  };
  template <class Function>
  static constexpr bool kFits = sizeof(Function) <= kRoom &&
                                alignof(Function) <= alignof(std::max_align_t) &&
                                std::is_nothrow_move_constructible_v<Function>;
  template <class Function>
  static constexpr Kind kKindOf = {
      [](void* function) { (*static_cast<Function*>(function))(); },
      [](void* from, void* to) {
        auto* function = static_cast<Function*>(from);
        ::new (to) Function(std::move(*function));
        function->~Function();
      },
      [](void* function) { static_cast<Function*>(function)->~Function(); }};

  template <class Function>
  void Hold(Function function) {
    static_assert(kFits<Function>);
    ::new (static_cast<void*>(room_)) Function(std::move(function));
    kind_ = &kKindOf<Function>;
  }
  void Take(EventTask& other) noexcept {
    kind_ = std::exchange(other.kind_, nullptr);
    if (kind_ != nullptr) kind_->move(other.room_, room_);
  }

  const Kind* kind_ = nullptr;
  alignas(std::max_align_t) std::byte room_[kRoom];
};

}  // namespace skerry::simulation
