#include "net/smtp_reply.h"

#include <doctest/doctest.h>

using namespace tlspolicyd::net;
using tlspolicyd::base::Fault;
using State = SmtpReplyParser::State;

namespace {

SmtpReplyParser fed(std::string_view bytes) {
  SmtpReplyParser parser;
  parser.feed(bytes);
  return parser;
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("RFC 5321 4.2: replies of one line and of several") {
  struct Row {
    const char* bytes;
    SmtpReply reply;
  };
  const Row rows[] = {
      {"220 mx.example.org ESMTP\r\n", {220, {"mx.example.org ESMTP"}}},
      {"250-mx.example.org\r\n250-PIPELINING\r\n250 STARTTLS\r\n",
       {250, {"mx.example.org", "PIPELINING", "STARTTLS"}}},
      {"220\r\n", {220, {""}}},
      {"220 \r\n", {220, {""}}},
      {"421 4.3.2 later\n", {421, {"4.3.2 later"}}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.bytes);
    const auto parser = fed(row.bytes);
    REQUIRE(parser.state() == State::complete);
    CHECK(parser.reply() == row.reply);
  }
  CHECK(fed("421 4.3.2 later\r\n").reply().text() == "421 4.3.2 later");
}

TEST_CASE("a reply that has not ended yet") {
  for (const char* bytes : {"", "2", "220 mx", "220 mx\r", "250-mx\r\n", "250-mx\r\n250 "})
    CHECK(fed(bytes).state() == State::need_more);
}

TEST_CASE("what is no reply of SMTP") {
  for (const char* bytes :
       {"\r\n", "HTTP/1.1 400 Bad Request\r\n", "22\r\n", "99 hello\r\n", "120 x\r\n", "620 x\r\n",
        "2200 x\r\n", "220x\r\n", "-20 x\r\n", "250-a\r\n220 b\r\n", "SSH-2.0-OpenSSH\r\n"}) {
    CAPTURE(bytes);
    const auto parser = fed(bytes);
    REQUIRE(parser.state() == State::failed);
    CHECK(parser.error().fault == Fault::invalid);
  }
}

TEST_CASE("limits: a line, lines, all together") {
  const auto line = [](std::size_t length) {
    return "250 " + std::string(length - 6, 'x') + "\r\n";
  };
  CHECK(fed(line(SmtpReplyParser::kMaxLine)).state() == State::complete);
  CHECK(fed(line(SmtpReplyParser::kMaxLine + 1)).error().fault == Fault::too_large);
  CHECK(fed(repeated("250-x\r\n", SmtpReplyParser::kMaxLines - 1) + "250 x\r\n").state() ==
        State::complete);
  CHECK(fed(repeated("250-x\r\n", SmtpReplyParser::kMaxLines) + "250 x\r\n").error().fault ==
        Fault::too_large);
  const auto long_line = "250-" + std::string(1000, 'x') + "\r\n";
  CHECK(fed(repeated(long_line, 17)).error().fault == Fault::too_large);
}

TEST_CASE("CVE-2011-0411: what follows a reply is not taken with it") {
  SmtpReplyParser parser;
  CHECK(parser.feed("220 go ahead\r\n250 injected\r\n") == 14);
  CHECK(parser.reply() == SmtpReply{220, {"go ahead"}});
  CHECK(parser.feed("250 more\r\n") == 0);
}

TEST_CASE("RFC 5321 4.1.1.1: which extensions are offered") {
  const SmtpReply reply{250, {"STARTTLS", "SIZE 1000", "starttls", "XSTARTTLSX"}};
  CHECK(offers(reply, "STARTTLS"));
  CHECK(offers(reply, "size"));
  CHECK_FALSE(offers(reply, "SIZ"));
  // The first line is the name of the host.
  CHECK_FALSE(offers({250, {"STARTTLS"}}, "STARTTLS"));
  CHECK_FALSE(offers({250, {"mx", "STARTTLSX", "X STARTTLS"}}, "STARTTLS"));
  CHECK_FALSE(offers({}, "STARTTLS"));
}
