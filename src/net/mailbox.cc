#include "net/mailbox.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace tlspolicyd::net {
namespace {

FileDescriptor make_arrival() {
  FileDescriptor arrival(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!arrival) throw std::runtime_error(std::string("eventfd: ") + std::strerror(errno));
  return arrival;
}

}  // namespace

Mailbox::Mailbox(Loop& loop)
    : arrival_(make_arrival()),
      watch_(loop, arrival_.get(), SocketWatch::For::reading, [this] { run_letters(); }) {}

void Mailbox::post(std::function<void()> letter) {
  {
    const std::lock_guard lock(mutex_);
    letters_.push_back(std::move(letter));
  }
  // Fails only when the counter is at its limit, and then the loop is being woken already.
  ::eventfd_write(arrival_.get(), 1);
}

void Mailbox::run_letters() {
  // Read before the letters are taken: one that comes between wakes the loop once more.
  eventfd_t ignored = 0;
  ::eventfd_read(arrival_.get(), &ignored);
  std::deque<std::function<void()>> letters;
  {
    const std::lock_guard lock(mutex_);
    letters.swap(letters_);
  }
  for (auto& letter : letters) std::exchange(letter, nullptr)();
}

}  // namespace tlspolicyd::net
