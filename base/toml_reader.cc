#include "base/toml_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <utility>

#include "base/named_file.h"
#include "base/text.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace skerry {

struct TomlReader::State {
  std::string name;
  std::string prefix;  // of the keys, in messages
  toml::table root;
  std::set<std::string, std::less<>> asked;
  std::set<std::string, std::less<>> unread;  // absent or of the wrong type: said already
  struct Error {
    std::string text;
    std::string hint;
  };
  std::vector<Error> errors;

  const toml::node* Find(std::string_view key) const { return FindIn(root, key); }

  // A quoted name may itself hold dots: the longest beginning of the key that is a name goes first.
  static const toml::node* FindIn(const toml::table& table, std::string_view key) {
    for (std::size_t end = key.size();; end = key.rfind('.', end - 1)) {
      const toml::node* node = table.get(key.substr(0, end));
      if (end == key.size()) {
        if (node != nullptr) return node;
      } else if (node != nullptr && node->is_table()) {
        const toml::node* below = FindIn(*node->as_table(), key.substr(end + 1));
        if (below != nullptr) return below;
      } else if (node != nullptr && node->is_array()) {
        const toml::node* below = FindInList(*node->as_array(), key.substr(end + 1));
        if (below != nullptr) return below;
      }
      if (end == 0 || key.rfind('.', end - 1) == std::string_view::npos) return nullptr;
    }
  }

  // `key` is "2" or "2.units".
  static const toml::node* FindInList(const toml::array& list, std::string_view key) {
    const std::string_view number = key.substr(0, key.find('.'));
    std::size_t index = 0;
    const char* const end = number.data() + number.size();
    const auto [rest, error] = std::from_chars(number.data(), end, index);
    if (error != std::errc() || rest != end || index >= list.size()) return nullptr;
    const toml::node& element = list[index];
    if (number.size() == key.size()) return &element;
    const toml::table* table = element.as_table();
    return table == nullptr ? nullptr : FindIn(*table, key.substr(number.size() + 1));
  }

  // Where the key stands, or where its table begins when the key is absent.
  std::string Place(std::string_view key) const {
    for (std::string_view at = key;;) {
      if (const toml::node* node = Find(at)) {
        return name + ":" + std::to_string(node->source().begin.line);
      }
      const std::size_t dot = at.rfind('.');
      if (dot == std::string_view::npos) return name;
      at = at.substr(0, dot);
    }
  }

  void Fail(std::string_view key, std::string_view what, std::string_view next = {}) {
    errors.push_back({Place(key) + ": " + prefix + std::string(key) + ": " + std::string(what),
                      std::string(next)});
  }

  void FailUnread(std::string_view key, std::string_view what, std::string_view next = {}) {
    Fail(key, what, next);
    unread.emplace(key);
  }

  // One hint stands below all errors; several stand each with its own.
  Status AllErrors() const {
    std::set<std::string> hints;
    for (const Error& error : errors) hints.insert(error.hint);
    hints.erase("");
    std::vector<std::string> lines;
    for (const Error& error : errors) {
      const bool apart = hints.size() > 1 && !error.hint.empty();
      lines.push_back(error.text + (apart ? " (" + error.hint + ")" : ""));
    }
    Status status = InvalidArgument(Join(lines, "\n"));
    return hints.size() == 1 ? std::move(status).WithHint(*hints.begin()) : status;
  }

  // The node to read, or nullptr after noting a required key that is absent.
  const toml::node* Ask(std::string_view key, bool required) {
    asked.emplace(key);
    const toml::node* node = Find(key);
    if (node == nullptr && required) FailUnread(key, "is missing; it is required");
    return node;
  }

  template <class T>
  T Scalar(std::string_view key, std::optional<T> otherwise, const char* what) {
    const toml::node* node = Ask(key, !otherwise.has_value());
    if (node == nullptr) return otherwise.value_or(T{});
    if (const std::optional<T> value = node->value_exact<T>()) return *value;
    FailUnread(key, std::string("must be ") + what);
    return T{};
  }

  template <class T>
  std::vector<T> List(std::string_view key, std::optional<std::vector<T>> otherwise,
                      const char* what) {
    const toml::node* node = Ask(key, !otherwise.has_value());
    if (node == nullptr) return std::move(otherwise).value_or(std::vector<T>{});
    std::vector<T> values;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
      FailUnread(key, std::string("must be ") + what);
      return values;
    }
    for (const toml::node& element : *array) {
      if (const std::optional<T> value = element.value_exact<T>()) {
        values.push_back(*value);
      } else {
        FailUnread(key, std::string("must be ") + what);
        return {};
      }
    }
    return values;
  }

  void CheckKnown(const toml::table& table, const std::string& above) {
    for (const auto& [name_part, node] : table) {
      const std::string key = above + std::string(name_part.str());
      if (asked.contains(key)) continue;
      const auto below = asked.lower_bound(key + ".");
      const bool has_known_below = below != asked.end() && below->starts_with(key + ".");
      if (const toml::table* inner = node.as_table(); inner != nullptr && has_known_below) {
        CheckKnown(*inner, key + ".");
        continue;
      }
      if (const toml::array* list = node.as_array(); list != nullptr && has_known_below) {
        for (std::size_t i = 0; i < list->size(); ++i) {
          if (const toml::table* inner = list->get(i)->as_table()) {
            CheckKnown(*inner, key + "." + std::to_string(i) + ".");
          }
        }
        continue;
      }
      FailUnknown(key, above, node.is_table());
    }
  }

  void FailUnknown(const std::string& key, const std::string& above, bool is_table) {
    // Nearest among the siblings first; a key that stands in the wrong table is found by its last
    // part.
    std::vector<std::string> siblings;
    std::string elsewhere;
    const std::string last = key.substr(above.size());
    for (const std::string& known : asked) {
      if (known.starts_with(above)) {
        siblings.push_back(
            known.substr(above.size(), known.find('.', above.size()) - above.size()));
      }
      if (known.substr(known.rfind('.') + 1) == last) elsewhere = known;
    }
    std::string text = is_table ? "nothing reads this table" : "nothing reads this key";
    if (const std::string nearest = NearestName(last, siblings); !nearest.empty()) {
      text += "; did you mean \"" + prefix + above + nearest + "\"?";
    } else if (!elsewhere.empty()) {
      text += "; did you mean \"" + prefix + elsewhere + "\"?";
    }
    Fail(key, text);
  }
};

TomlReader::TomlReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
TomlReader::TomlReader(TomlReader&&) noexcept = default;
TomlReader& TomlReader::operator=(TomlReader&&) noexcept = default;
TomlReader::~TomlReader() = default;

Result<TomlReader> TomlReader::Parse(std::string_view text, const std::string& name) {
  toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return InvalidArgument(name + ":" + std::to_string(error.source().begin.line) + ":" +
                           std::to_string(error.source().begin.column) + ": " +
                           std::string(error.description()))
        .WithHint("the file must be TOML, see https://toml.io");
  }
  auto state = std::make_unique<State>();
  state->name = name;
  state->root = std::move(parsed).table();
  return TomlReader(std::move(state));
}

Result<TomlReader> TomlReader::Load(Files& files, const std::string& path) {
  SKERRY_ASSIGN_OR_RETURN(const std::string text, ReadNamedFile(files, path, "file"));
  return Parse(text, path);
}

std::optional<TomlReader> TomlReader::Table(std::string_view key) && {
  const toml::node* node = state_->Find(key);
  if (node == nullptr || !node->is_table()) return std::nullopt;
  auto state = std::make_unique<State>();
  state->name = state_->name;
  state->prefix = std::string(key) + ".";
  state->root = *node->as_table();
  return TomlReader(std::move(state));
}

bool TomlReader::Has(std::string_view key) const { return state_->Find(key) != nullptr; }

std::string TomlReader::String(std::string_view key, std::optional<std::string> otherwise) {
  return state_->Scalar<std::string>(key, std::move(otherwise), "a string, in quotes");
}

int64_t TomlReader::Integer(std::string_view key, std::optional<int64_t> otherwise) {
  return state_->Scalar<int64_t>(key, otherwise, "a whole number");
}

double TomlReader::Number(std::string_view key, std::optional<double> otherwise) {
  if (const toml::node* node = state_->Find(key); node != nullptr && node->is_integer()) {
    return static_cast<double>(Integer(key));
  }
  const double number = state_->Scalar<double>(key, otherwise, "a number");
  if (state_->Find(key) == nullptr || std::isfinite(number)) return number;
  state_->FailUnread(key, "must be a finite number");
  return 0;
}

bool TomlReader::Boolean(std::string_view key, std::optional<bool> otherwise) {
  return state_->Scalar<bool>(key, otherwise, "true or false");
}

Duration TomlReader::Time(std::string_view key, std::optional<Duration> otherwise) {
  const toml::node* node = state_->Ask(key, !otherwise.has_value());
  if (node == nullptr) return otherwise.value_or(Duration{0});
  const std::optional<std::string> text = node->value_exact<std::string>();
  if (!text) {
    state_->FailUnread(key, "must be a duration in quotes, for instance \"20s\"");
    return Duration{0};
  }
  Result<Duration> duration = ParseDuration(*text);
  if (duration.ok()) return *duration;
  const Status status = std::move(duration).status();
  state_->FailUnread(key, status.message(), status.hint());
  return Duration{0};
}

std::vector<std::string> TomlReader::Strings(std::string_view key,
                                             std::optional<std::vector<std::string>> otherwise) {
  return state_->List<std::string>(key, std::move(otherwise), "a list of strings");
}

std::vector<int64_t> TomlReader::Integers(std::string_view key,
                                          std::optional<std::vector<int64_t>> otherwise) {
  return state_->List<int64_t>(key, std::move(otherwise), "a list of whole numbers");
}

bool TomlReader::IsString(std::string_view key) const {
  const toml::node* node = state_->Find(key);
  return node != nullptr && node->is_string();
}

int64_t TomlReader::NumTables(std::string_view key) {
  const toml::node* node = state_->Find(key);
  if (node == nullptr) return 0;
  const toml::array* list = node->as_array();
  if (list == nullptr || !list->is_homogeneous(toml::node_type::table)) {
    state_->FailUnread(
        key, "must be a list of tables, each under [[" + state_->prefix + std::string(key) + "]]");
    state_->asked.emplace(key);
    return 0;
  }
  return static_cast<int64_t>(list->size());
}

std::vector<std::string> TomlReader::Keys(std::string_view key) {
  std::vector<std::string> names;
  const toml::node* node = state_->Find(key);
  if (node == nullptr) return names;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    state_->FailUnread(key, "must be a table");
    state_->asked.emplace(key);
    return names;
  }
  for (const auto& [name, value] : *table) names.emplace_back(name.str());
  std::sort(names.begin(), names.end());
  return names;
}

void TomlReader::Skip(std::string_view key) { state_->asked.emplace(key); }

void TomlReader::Fail(std::string_view key, std::string_view what, std::string_view hint) {
  if (!state_->unread.contains(key)) state_->Fail(key, what, hint);
}

Status TomlReader::Finish() {
  state_->CheckKnown(state_->root, "");
  if (state_->errors.empty()) return OkStatus();
  return state_->AllErrors();
}

}  // namespace skerry
