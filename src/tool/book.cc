#include "tool/book.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/log.h"
#include "tool/admin_client.h"
#include "tool/book_text.h"
#include "tool/exit_code.h"

namespace tlspolicyd::tool {
namespace {

using nlohmann::json;

/// A command cannot be done: its exit code; why was said.
struct Failure {
  ExitCode code;
};

[[noreturn]] void fail(ExitCode code, std::string_view why) {
  fmt::print(stderr, "tlspolicy: {}\n", why);
  throw Failure{code};
}

ExitCode code_of(int status) {
  switch (status) {
    case 400: return kUsage;
    case 404: return kNotFound;
    default: return kTemporary;
  }
}

json ask(const BookOptions& options, std::string_view method, const std::string& target) {
  const auto reply = ask_admin(options.daemon, method, target);
  if (!reply)
    fail(reply.error().fault == base::Fault::connect ? kUnavailable : kTemporary,
         fmt::format("no daemon can be asked: {}. Is tlspolicyd running, and may you use its admin "
                     "socket? See -a.",
                     base::printable(reply.error().text)));
  auto value = json::parse(reply->body, nullptr, false);
  if (reply->status == 200 && value.is_object()) return value;
  const auto why = value.is_object() ? value.value("error", "") : "";
  fail(code_of(reply->status), why.empty()
                                   ? fmt::format("unexpected reply, status {}", reply->status)
                                   : base::printable(why));
}

std::string about(std::string_view path, const BookOptions& options) {
  return fmt::format("{}?domain={}", path, query_escaped(options.domain));
}

void print(const BookOptions& options, const json& value, std::string (*text)(const json&)) {
  fmt::print("{}", options.json ? value.dump(2) + "\n" : text(value));
}

template <class Command>
int run(Command command) {
  try {
    return command();
  } catch (const Failure& failure) {
    return failure.code;
  } catch (const json::exception&) {
    fmt::print(stderr, "tlspolicy: unexpected reply: is the daemon of another version?\n");
    return kTemporary;
  }
}

}  // namespace

int show_status(const BookOptions& options) {
  return run([&] {
    print(options, ask(options, "GET", "/status"), status_text);
    return kFound;
  });
}

int list_policies(const BookOptions& options) {
  return run([&] {
    std::vector<json> policies;
    std::uint64_t next = 0;
    do {
      auto part =
          ask(options, "GET",
              fmt::format("/list?mode={}&from={}&limit=1000", query_escaped(options.mode), next));
      for (auto& policy : part.at("policies")) policies.push_back(std::move(policy));
      next = part.at("next").get<std::uint64_t>();
    } while (next != 0);
    std::sort(policies.begin(), policies.end(), [](const json& a, const json& b) {
      return a.at("domain").get_ref<const std::string&>() <
             b.at("domain").get_ref<const std::string&>();
    });
    if (options.limit > 0 && policies.size() > options.limit) policies.resize(options.limit);
    if (options.json) {
      fmt::print("{}\n", json{{"policies", policies}}.dump(2));
    } else {
      fmt::print("{}", list_text(policies));
    }
    return kFound;
  });
}

int show_domain(const BookOptions& options) {
  return run([&] {
    print(options, ask(options, "GET", about("/show", options)), record_text);
    return kFound;
  });
}

int forget_domain(const BookOptions& options) {
  return run([&] {
    const auto forgotten = ask(options, "POST", about("/forget", options));
    print(options, forgotten, forgotten_text);
    if (forgotten.at("durable").get<bool>()) return kFound;
    fail(kTemporary, "the disk fails: after a restart of the daemon it may be remembered again");
  });
}

int refresh_domain(const BookOptions& options) {
  return run([&] {
    const auto refreshed = ask(options, "POST", about("/refresh", options));
    print(options, refreshed, refreshed_text);
    const auto& outcome = refreshed.at("outcome").get_ref<const std::string&>();
    if (outcome == "fetched") return kFound;
    return outcome == "no-policy" ? kNotFound : kTemporary;
  });
}

}  // namespace tlspolicyd::tool
