// Modules: parts that most calls do without, with the libraries that they need, each a shared library of its own that
// is loaded when a file asks for it. So a call on PNG files never loads FFmpeg.
//
// What crosses the border of a module is a struct of plain functions (io/media/*.h): no exception, no virtual call.
#pragma once

#include <string>

namespace shcnn::io {

/// A loaded module. It stays in memory when this object is gone: codec libraries leave exit handlers behind.
class Module {
 public:
  /// Looks for lib`name`.so in ../lib/shcnn beside the folder of the program (or of the shared library that this code
  /// is in), in that folder itself, and where it was built.
  /// @param name    "shcnn_video"
  /// @param purpose what needs it, for the message: "videos"
  /// @param package what must be installed to build it: "libavformat-dev"
  /// @throws Error kUsage: not there, or it cannot be loaded; says how to fix it
  Module(const std::string& name, const std::string& purpose, const std::string& package);

  /// The struct of functions that the module's `symbol` returns; a symbol carries its version.
  /// @throws Error kUsage: the module is of another version
  template <class Functions>
  const Functions& functions(const char* symbol) const {
    return *reinterpret_cast<const Functions* (*)()>(find(symbol))();
  }

 private:
  void* find(const char* symbol) const;

  std::string path_;
  void* handle_ = nullptr;
};

}  // namespace shcnn::io
