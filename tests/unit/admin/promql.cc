#include "promql.h"

#include <regex>
#include <stdexcept>

namespace tlspolicyd::admin {
namespace {

const std::set<std::string> kAggregations{"sum", "max", "min", "avg", "count", "topk"};
const std::set<std::string> kFunctions{"rate", "increase", "delta", "histogram_quantile",
                                       "time", "clamp_min"};
const std::set<std::string> kGroupings{"by", "without", "on", "ignoring"};
const std::set<std::string> kOperators{"+",  "-", "*",  "/",   "==", "!=",    ">",
                                       ">=", "<", "<=", "and", "or", "unless"};

/// A recursive descent: expression = operand (operator operand)*.
class Reader {
 public:
  explicit Reader(const std::string& text) { split(text); }

  PromQl read() {
    try {
      expression("");
      if (at_ != tokens_.size()) fail("does not end");
    } catch (const std::runtime_error& error) {
      query_.mistake = error.what();
    }
    return std::move(query_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error(what + " at \"" + peek() + "\"");
  }

  void split(const std::string& text) {
    static const std::regex kToken(
        "\\s+|\"[^\"]*\"|\\[[^\\]]*\\]|[0-9]+(\\.[0-9]+)?|[A-Za-z_:][A-Za-z0-9_:]*"
        "|=~|!~|==|!=|>=|<=|[-+*/<>=(){},]");
    auto from = text.begin();
    std::smatch token;
    while (from != text.end()) {
      if (!std::regex_search(from, text.end(), token, kToken,
                             std::regex_constants::match_continuous)) {
        query_.mistake = "what is " + std::string(from, text.end());
        tokens_ = {"?"};
        return;
      }
      if (std::string(" \n\t").find(token.str()[0]) == std::string::npos)
        tokens_.push_back(token.str());
      from = token[0].second;
    }
  }

  std::string peek() const { return at_ < tokens_.size() ? tokens_[at_] : ""; }
  std::string next() {
    if (at_ == tokens_.size()) fail("ends too soon");
    return tokens_[at_++];
  }
  bool take(const std::string& token) {
    if (peek() != token) return false;
    ++at_;
    return true;
  }
  void expect(const std::string& token) {
    if (!take(token)) fail(token + " is missing");
  }
  static bool is_name(const std::string& token) {
    return !token.empty() &&
           (std::isalpha(static_cast<unsigned char>(token[0])) || token[0] == '_');
  }

  void expression(const std::string& function) {
    operand(function);
    while (kOperators.contains(peek())) {
      next();
      if (kGroupings.contains(peek())) grouping();
      operand("");
    }
  }

  void operand(const std::string& function) {
    if (take("(")) {
      expression("");
      return expect(")");
    }
    const auto token = next();
    if (std::isdigit(static_cast<unsigned char>(token[0]))) return;
    if (!is_name(token) || kOperators.contains(token) || kGroupings.contains(token))
      fail("no operand before");
    if (kAggregations.contains(token)) {
      if (kGroupings.contains(peek())) grouping();
      return arguments(token);
    }
    if (peek() == "(") {
      if (!kFunctions.contains(token)) fail("unknown function " + token);
      return arguments(token);
    }
    selector(token, function);
  }

  void arguments(const std::string& function) {
    expect("(");
    if (take(")")) return;
    do expression(function);
    while (take(","));
    expect(")");
  }

  void grouping() {
    next();
    expect("(");
    while (!take(")")) {
      const auto label = next();
      if (!is_name(label)) fail("no label before");
      query_.grouping.insert(label);
      if (peek() != ")") expect(",");
    }
  }

  void selector(const std::string& metric, const std::string& function) {
    PromQl::Selector read{metric, {}, "", function};
    if (take("{"))
      while (!take("}")) {
        PromQl::Matcher matcher{next(), next(), next()};
        if (!is_name(matcher.label)) fail("no label before");
        if (!std::set<std::string>{"=", "!=", "=~", "!~"}.contains(matcher.op))
          fail("no matcher before");
        if (matcher.value[0] != '"') fail("no text before");
        matcher.value = matcher.value.substr(1, matcher.value.size() - 2);
        read.matchers.push_back(matcher);
        if (peek() != "}") expect(",");
      }
    if (peek().starts_with("[")) {
      read.range = next();
      read.range = read.range.substr(1, read.range.size() - 2);
      static const std::regex kRange("([0-9]+[smhdw])+|\\$__rate_interval");
      if (!std::regex_match(read.range, kRange)) fail("no range before");
    }
    query_.selectors.push_back(std::move(read));
  }

  std::vector<std::string> tokens_;
  std::size_t at_ = 0;
  PromQl query_;
};

}  // namespace

PromQl read_promql(const std::string& text) { return Reader(text).read(); }

}  // namespace tlspolicyd::admin
