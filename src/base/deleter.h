#pragma once

namespace tlspolicyd::base {

/// The deleter of a C library's handle, said once:
/// `using EventPtr = std::unique_ptr<event, Deleter<event_free>>;`
template <auto F>
struct Deleter {
  template <class T>
  void operator()(T* handle) const {
    F(handle);
  }
};

}  // namespace tlspolicyd::base
