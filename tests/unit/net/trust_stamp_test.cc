#include "net/trust_stamp.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

using tlspolicyd::net::TrustStamp;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// A file of its own, gone at the end.
struct CaFile {
  std::string path = "/tmp/tlspolicyd-trust-XXXXXX";
  CaFile() { ::close(::mkstemp(path.data())); }
  CaFile(const CaFile&) = delete;
  CaFile& operator=(const CaFile&) = delete;
  ~CaFile() { ::unlink(path.c_str()); }

  void write(const std::string& text) const { std::ofstream(path) << text; }
  std::int64_t changed() const {
    struct stat found {};
    ::stat(path.c_str(), &found);
    return found.st_ctim.tv_sec * kSecond + found.st_ctim.tv_nsec;
  }
  /// As it is seen some time after its last change.
  std::optional<TrustStamp> stamp() const { return TrustStamp::of(path, changed() + 2 * kSecond); }
};

}  // namespace

TEST_CASE("a trust store whose files are as they were is the same, any other is not") {
  const CaFile file;
  file.write("one");
  const auto before = file.stamp();
  REQUIRE(before);
  CHECK(file.stamp() == before);
  SUBCASE("written anew, of the same length, and with the old date") {
    struct stat found {};
    ::stat(file.path.c_str(), &found);
    // The kernel's clock has to tick.
    while (file.changed() == found.st_ctim.tv_sec * kSecond + found.st_ctim.tv_nsec) {
      file.write("two");
      const timespec times[] = {found.st_atim, found.st_mtim};
      ::utimensat(AT_FDCWD, file.path.c_str(), times, 0);
    }
  }
  SUBCASE("replaced") {
    const CaFile other;
    other.write("one");
    ::rename(other.path.c_str(), file.path.c_str());
  }
  SUBCASE("gone") { ::unlink(file.path.c_str()); }
  CHECK(TrustStamp::of(file.path, before ? file.changed() + 2 * kSecond : 0) != before);
}

TEST_CASE("a file that changed a moment ago may change again unseen: nothing is known of it") {
  const CaFile file;
  CHECK_FALSE(TrustStamp::of(file.path, file.changed() + kSecond / 2));
  CHECK(TrustStamp::of(file.path, file.changed() + kSecond + 1));
}

TEST_CASE("the system's trust store is its file and all of its directory") {
  const auto far = std::int64_t{1} << 62;
  CHECK(TrustStamp::of("", far));
  CHECK(TrustStamp::of("", far) == TrustStamp::of("", far));
}
