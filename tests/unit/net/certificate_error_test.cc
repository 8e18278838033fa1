#include "net/certificate_error.h"

#include <doctest/doctest.h>
#include <fmt/chrono.h>
#include <openssl/x509_vfy.h>

#include <ctime>
#include <fstream>
#include <string>

#include "net/release_date.h"

using tlspolicyd::base::Fault;
using tlspolicyd::base::seconds;
using tlspolicyd::base::WallTime;
using namespace tlspolicyd::net;

TEST_CASE("decision 11: a clock behind the release of the program is a local failure") {
  struct {
    long verdict;
    WallTime now;
    Fault fault;
  } const rows[] = {
      {X509_V_ERR_CERT_NOT_YET_VALID, WallTime{}, Fault::system},
      {X509_V_ERR_CERT_NOT_YET_VALID, kReleaseDate - seconds(1), Fault::system},
      {X509_V_ERR_CERT_NOT_YET_VALID, kReleaseDate, Fault::certificate},
      {X509_V_ERR_CERT_NOT_YET_VALID, kReleaseDate + std::chrono::hours(24 * 4000),
       Fault::certificate},
      // A slow clock does not make up for any other fault.
      {X509_V_ERR_CERT_HAS_EXPIRED, WallTime{}, Fault::certificate},
      {X509_V_ERR_HOSTNAME_MISMATCH, WallTime{}, Fault::certificate},
      {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, WallTime{}, Fault::certificate},
      {X509_V_ERR_CRL_NOT_YET_VALID, WallTime{}, Fault::certificate},
  };
  for (const auto& row : rows) {
    CAPTURE(row.verdict);
    CAPTURE(row.now.time_since_epoch().count());
    CHECK(certificate_error(row.verdict, row.now).fault == row.fault);
  }
  CHECK(certificate_error(X509_V_ERR_CERT_NOT_YET_VALID, WallTime{}).text ==
        "certificate is not yet valid: the clock of this machine is wrong: it shows 1970-01-01");
  CHECK(certificate_error(X509_V_ERR_HOSTNAME_MISMATCH, WallTime{}).text == "hostname mismatch");
}

TEST_CASE("the release date is that of the newest entry of debian/changelog") {
  std::ifstream changelog(SOURCE_ROOT "/debian/changelog");
  std::string line;
  while (std::getline(changelog, line) && !line.starts_with(" -- ")) continue;
  CAPTURE(line);
  const auto date = line.find(">  ");
  REQUIRE(date != std::string::npos);
  std::tm parsed{};
  REQUIRE(::strptime(line.c_str() + date + 3, "%a, %d %b %Y", &parsed) != nullptr);
  CHECK(fmt::format("{:%F}", kReleaseDate) == fmt::format("{:%F}", parsed));
}
