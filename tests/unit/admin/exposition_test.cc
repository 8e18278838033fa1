#include "admin/exposition.h"

#include <doctest/doctest.h>

#include <cmath>

#include "exposition_reader.h"

using namespace tlspolicyd;
using namespace tlspolicyd::admin;

TEST_CASE("a family is its help, its type and its samples") {
  Exposition out;
  out.counter("a_total", "Things.").add({{"kind", "x"}, {"how", "y"}}, 3).add({{"kind", "z"}}, 0);
  out.gauge("b_seconds", "Time.").add_real(0.25);
  CHECK(out.take() ==
        "# HELP a_total Things.\n# TYPE a_total counter\n"
        "a_total{kind=\"x\",how=\"y\"} 3\na_total{kind=\"z\"} 0\n"
        "# HELP b_seconds Time.\n# TYPE b_seconds gauge\nb_seconds 0.25\n");
}

TEST_CASE("label values and help may be any text") {
  Exposition out;
  out.gauge("a", "Back\\slash,\nline, \"quote\".").add({{"map", "x\\y\n\"z\""}}, 1);
  const auto text = out.take();
  CHECK(text ==
        "# HELP a Back\\\\slash,\\nline, \"quote\".\n# TYPE a gauge\n"
        "a{map=\"x\\\\y\\n\\\"z\\\"\"} 1\n");
  const auto scrape = read_scrape(text);
  CHECK(scrape.mistakes.empty());
  CHECK(scrape.value("a", {{"map", "x\\y\n\"z\""}}) == 1);
}

TEST_CASE("numbers are written exactly") {
  struct Row {
    double value;
    const char* written;
  };
  const Row rows[] = {{0, "0"},         {1, "1"},           {1'800'000'000, "1800000000"},
                      {1e-06, "1e-06"}, {0.1, "0.1"},       {INFINITY, "+Inf"},
                      {NAN, "NaN"},     {-INFINITY, "-Inf"}};
  for (const auto& row : rows) {
    CAPTURE(row.written);
    Exposition out;
    out.gauge("a", "A.").add_real(row.value);
    CHECK(out.take().find("\na " + std::string(row.written)) != std::string::npos);
  }
  Exposition out;
  out.counter("a_total", "A.").add(18446744073709551615U);
  CHECK(out.take().find("\na_total 18446744073709551615\n") != std::string::npos);
}

TEST_CASE("a histogram's buckets are added up") {
  base::Histogram histogram({0.1, 1});
  for (const double duration : {0.05, 0.1, 0.5, 7.0}) histogram.add(duration);
  Exposition out;
  out.histogram("a_seconds", "Time.", histogram);
  const auto scrape = read_scrape(out.take());
  CHECK(scrape.mistakes.empty());
  CHECK(scrape.value("a_seconds_bucket", {{"le", "0.1"}}) == 2);
  CHECK(scrape.value("a_seconds_bucket", {{"le", "1"}}) == 3);
  CHECK(scrape.value("a_seconds_bucket", {{"le", "+Inf"}}) == 4);
  CHECK(scrape.value("a_seconds_count") == 4);
  CHECK(scrape.value("a_seconds_sum").value() == doctest::Approx(7.65));
}

TEST_CASE("what is no text format is seen by the tests' reader") {
  for (const std::string text : {
           "a 1\n",                                                              // no family
           "# HELP a A.\n# TYPE a gauge\na 1",                                   // no end
           "# HELP a A.\n# TYPE a gauge\na 1\na 2\n",                            // twice
           "# HELP a A.\n# TYPE a gauge\na 1\n# HELP a A.\n# TYPE a gauge\n",    // begun twice
           "# HELP a A.\n# TYPE a gauge\nb 1\n",                                 // another's
           "# HELP a A.\n# TYPE a counter\na 1\n",                               // no _total
           "# HELP a A.\n# TYPE a gauge\na{x=1} 1\n",                            // no quotes
           "# HELP a A.\n# TYPE a gauge\na{x=\"1\" 1\n",                         // not closed
           "# HELP a A.\n# TYPE a gauge\na one\n",                               // no number
           "# HELP a A.\n# TYPE a gauge\n",                                      // no sample
           "# HELP a_seconds A.\n# TYPE a_seconds histogram\na_seconds_sum 1\n"  // no buckets
       }) {
    CAPTURE(text);
    CHECK(!read_scrape(text).mistakes.empty());
  }
}
