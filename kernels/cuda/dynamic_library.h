// A library of NVIDIA's that is opened at run time and stands on no link line: cuBLAS, and cuDNN as a peer.
#pragma once

#include <dlfcn.h>

#include <string>
#include <utility>

#include "kernels/error.h"

namespace shcnn::cuda {

#define SHCNN_TEXT_OF(macro) SHCNN_TEXT(macro)
#define SHCNN_TEXT(text) #text

class DynamicLibrary {
 public:
  /// `soname` is looked for as the linker would, then as `file`, where it was when this was built (null: nowhere else).
  /// `name` and `remedy` are for messages: "NAME cannot be used: ...; REMEDY". Throws Error(kDevice) where it is not there.
  DynamicLibrary(const char* soname, const char* file, std::string name, std::string remedy)
      : soname_(soname),
        name_(std::move(name)),
        remedy_(std::move(remedy)),
        handle_(dlopen(soname, RTLD_NOW | RTLD_LOCAL)) {
    const std::string why = handle_ ? "" : dlerror();
    if (!handle_ && file) handle_ = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!handle_) fail(why);
  }
  ~DynamicLibrary() { dlclose(handle_); }
  DynamicLibrary(const DynamicLibrary&) = delete;
  DynamicLibrary& operator=(const DynamicLibrary&) = delete;

  /// Throws Error(kDevice) where the library has no such function.
  template <class Function>
  void find(Function& function, const char* symbol) const {
    function = reinterpret_cast<Function>(dlsym(handle_, symbol));
    if (!function) fail(message("it has no ", symbol));
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ErrorKind::kDevice, soname_, message(name_, " cannot be used: ", why, "; ", remedy_));
  }

  const char* soname_;
  std::string name_, remedy_;
  void* handle_;
};

}  // namespace shcnn::cuda
