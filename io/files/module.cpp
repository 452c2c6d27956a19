#include "io/files/module.h"

#include <dlfcn.h>
#include <link.h>

#include <filesystem>
#include <new>

#include "io/files/error.h"

namespace shcnn::io {
namespace {

namespace fs = std::filesystem;

/// The folder of the program or shared library that contains this code; empty if unknown.
fs::path own_folder() {
  Dl_info ignored{};
  link_map* object = nullptr;
  const auto* here = reinterpret_cast<const void*>(&own_folder);
  if (::dladdr1(here, &ignored, reinterpret_cast<void**>(&object), RTLD_DL_LINKMAP) == 0 || !object) return {};
  std::error_code error;
  const bool program = object->l_name[0] == '\0';
  const fs::path path = program ? fs::read_symlink("/proc/self/exe", error) : fs::absolute(object->l_name, error);
  return error ? fs::path() : path.parent_path();
}

}  // namespace

Module::Module(const std::string& name, const std::string& purpose, const std::string& package) {
  const std::string file = "lib" + name + ".so";
  const fs::path own = own_folder();
  std::string searched;
  for (const fs::path& folder : {own / ".." / "lib" / "shcnn", own, fs::path(SHCNN_MODULE_FOLDER)}) {
    const std::string path = (folder / file).lexically_normal().string();
    std::error_code ignored;
    searched += (searched.empty() ? "" : ", ") + path;
    if (folder.empty() || !fs::exists(path, ignored)) continue;
    handle_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    path_ = path;
    if (handle_) return;
    const std::string why = ::dlerror();
    if (why.find("Cannot allocate memory") != std::string::npos) throw std::bad_alloc();
    throw Error(ErrorKind::kUsage, path, "", purpose + " need this module, which cannot be loaded: " + why,
                "install the missing library or build shcnn again");
  }
  throw Error(ErrorKind::kUsage, file, "", purpose + " need this module, which is not there (" + searched + ")",
              "install " + package + " and build shcnn again, or copy the file to one of these places");
}

void* Module::find(const char* symbol) const {
  void* found = ::dlsym(handle_, symbol);
  if (!found) {
    throw Error(ErrorKind::kUsage, path_, "", std::string("is of another version of shcnn: it has no ") + symbol,
                "take the program and its modules from one build");
  }
  return found;
}

}  // namespace shcnn::io
