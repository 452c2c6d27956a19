#include "kernels/simt/fiber.h"

#include <sys/mman.h>

#include <new>

namespace shcnn::simt {
namespace {

constexpr std::size_t kGuardBytes = 4096;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kStackBytes = 256 * 1024;  // sanitizers enlarge stack frames
#else
constexpr std::size_t kStackBytes = 64 * 1024;
#endif

}  // namespace

Fiber::Fiber(Body body, void* argument) : body_(body), argument_(argument) {
  void* memory = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  stack_ = static_cast<unsigned char*>(memory);
  mprotect(stack_, kGuardBytes, PROT_NONE);
  reset();
}

Fiber::~Fiber() {
#if defined(__SANITIZE_THREAD__)
  if (tsan_inside_) __tsan_destroy_fiber(tsan_inside_);
#endif
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(stack_ + kGuardBytes, kStackBytes);
#endif
  munmap(stack_, kGuardBytes + kStackBytes);
}

void Fiber::reset() {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(stack_ + kGuardBytes, kStackBytes);
  fake_inside_ = nullptr;
#endif
#if defined(__SANITIZE_THREAD__)
  if (tsan_inside_) __tsan_destroy_fiber(tsan_inside_);
  tsan_inside_ = __tsan_create_fiber(0);
#endif
  inside_ = boost::context::detail::make_fcontext(stack_ + kGuardBytes + kStackBytes, kStackBytes, &Fiber::entry);
}

void Fiber::entry(boost::context::detail::transfer_t from) {
  Fiber& self = *static_cast<Fiber*>(from.data);  // only resume() starts a fiber, and it passes the fiber itself
  self.arrive(from);
  self.body_(self, self.argument_);
  __builtin_unreachable();
}

/// Runs first whenever control enters this fiber. `from.data` is the fiber that switched to it or, after resume(),
/// this fiber.
void Fiber::arrive(boost::context::detail::transfer_t from) {
  const bool from_outside = from.data == this;
  (from_outside ? outside_ : static_cast<Fiber*>(from.data)->inside_) = from.fctx;
#if defined(__SANITIZE_ADDRESS__)
  // each resume() may come from a different host thread's stack
  __sanitizer_finish_switch_fiber(fake_inside_, from_outside ? &outside_bottom_ : nullptr,
                                  from_outside ? &outside_bytes_ : nullptr);
#endif
}

void Fiber::resume() {
#if defined(__SANITIZE_ADDRESS__)
  void* fake_outside = nullptr;
  __sanitizer_start_switch_fiber(&fake_outside, stack_ + kGuardBytes, kStackBytes);
#endif
#if defined(__SANITIZE_THREAD__)
  tsan_outside_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(tsan_inside_, 0);
#endif
  const boost::context::detail::transfer_t back = boost::context::detail::jump_fcontext(inside_, this);
  static_cast<Fiber*>(back.data)->inside_ = back.fctx;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_outside, nullptr, nullptr);
#endif
}

void Fiber::suspend() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&fake_inside_, outside_bottom_, outside_bytes_);
#endif
#if defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(tsan_outside_, 0);
#endif
  arrive(boost::context::detail::jump_fcontext(outside_, this));
}

void Fiber::switch_to(Fiber& next) {
  next.outside_ = outside_;
#if defined(__SANITIZE_ADDRESS__)
  next.outside_bottom_ = outside_bottom_;
  next.outside_bytes_ = outside_bytes_;
  __sanitizer_start_switch_fiber(&fake_inside_, next.stack_ + kGuardBytes, kStackBytes);
#endif
#if defined(__SANITIZE_THREAD__)
  next.tsan_outside_ = tsan_outside_;
  __tsan_switch_to_fiber(next.tsan_inside_, 0);
#endif
  arrive(boost::context::detail::jump_fcontext(next.inside_, this));
}

}  // namespace shcnn::simt
