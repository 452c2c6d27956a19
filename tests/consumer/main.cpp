// Code that warns under stricter flags than its owner chose: none of this may become an error by linking shcnn.
#include <shcnn/shcnn.h>

#include <cassert>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  int unused;
  unsigned count = argc;              // a sign conversion
  float narrowed = 1.0 / count;       // and a narrowing one
  std::string path = argv[argc - 1];  // NOLINT
  try {
    shcnn::Recognizer::load(path);
  } catch (const std::exception& error) {
    std::string path = error.what();  // shadows
    std::fprintf(stderr, "refused: %s\n", path.c_str());
  }
  assert(narrowed > 1);
  return 0;
}
