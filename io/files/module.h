// Modules: rarely needed decoders, each built together with its dependencies as a shared library that is loaded on
// demand. Reading PNG files, for example, never loads FFmpeg.
//
// The interface of a module is a struct of plain function pointers (io/media/*.h). No exceptions or virtual calls cross
// it.
#pragma once

#include <string>

namespace shcnn::io {

/// A loaded module. It is never unloaded, because codec libraries register exit handlers.
class Module {
 public:
  /// Searches lib`name`.so relative to the folder of the program (or of the shared library that contains this code):
  /// in ../lib/shcnn, then in that folder itself, then in the build folder.
  /// @param name    such as "shcnn_video"
  /// @param purpose what needs the module, for the error message, such as "videos"
  /// @param package the packages required to build it, for the error message, such as "libavformat-dev"
  /// @throws Error kUsage, with how to fix it, if the module is missing or cannot be loaded
  Module(const std::string& name, const std::string& purpose, const std::string& package);

  /// The struct of functions returned by the module's function `symbol`. The version is part of the symbol name.
  /// @throws Error kUsage if the module has another version
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
