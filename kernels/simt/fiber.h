// A fiber: a separate stack and a Boost.Context to switch to it. Every switch is announced to AddressSanitizer and
// ThreadSanitizer; otherwise the first would report stack overflows and the second data races that do not exist.
#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace shcnn::simt {

class Fiber {
 public:
  /// The first resume() calls body(self, argument). The body suspends after each piece of work and never returns.
  using Body = void (*)(Fiber& self, void* argument);

  Fiber(Body body, void* argument);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  void resume();                ///< from outside: runs this fiber and those it switches to, until one of them suspends
  void suspend();               ///< from inside: returns to the caller of resume()
  void switch_to(Fiber& next);  ///< from inside: continues `next`, which must have started and be suspended
  void reset();                 ///< from outside: discards the fiber's state; the next resume() starts body again

 private:
  static void entry(boost::context::detail::transfer_t from);
  void arrive(boost::context::detail::transfer_t from);

  Body body_;
  void* argument_;
  unsigned char* stack_;  ///< a guard page, then kStackBytes
  boost::context::detail::fcontext_t inside_ = nullptr;
  boost::context::detail::fcontext_t outside_ = nullptr;
#if defined(__SANITIZE_ADDRESS__)
  void* fake_inside_ = nullptr;
  const void* outside_bottom_ = nullptr;
  std::size_t outside_bytes_ = 0;
#endif
#if defined(__SANITIZE_THREAD__)
  void* tsan_inside_ = nullptr;
  void* tsan_outside_ = nullptr;
#endif
};

}  // namespace shcnn::simt
