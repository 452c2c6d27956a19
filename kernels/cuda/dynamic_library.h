// An NVIDIA library that is loaded at run time instead of being linked: cuBLAS, and cuDNN for comparison.
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
  /// Loads `soname` by the dynamic linker's search path. If that fails, loads `file`, the path at build time (null: no
  /// second attempt). `name` and `remedy` are for messages: "NAME cannot be used: ...; REMEDY". Throws Error(kDevice)
  /// if the library cannot be loaded.
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

  /// Sets `function` to the library's `symbol`; throws Error(kDevice) if the library has no such symbol.
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
