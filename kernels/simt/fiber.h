// A fiber: a stack of our own and a Boost.Context to switch to it. AddressSanitizer and ThreadSanitizer are told of
// every switch; without that the first takes one fiber's stack for an overflow of another's, the second sees races in
// it.
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
  /// Runs body(argument) when first resumed; body ends each piece of work with suspend() and never returns.
  using Body = void (*)(Fiber& self, void* argument);

  Fiber(Body body, void* argument);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  void resume();                ///< from outside: runs the fiber, and those it switches to, until one of them suspends
  void suspend();               ///< from inside: back to whoever resumed
  void switch_to(Fiber& next);  ///< from inside: goes on with `next`, which has been resumed before and waits
  void reset();                 ///< from outside: forgets where it stood; the next resume() starts body anew

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
