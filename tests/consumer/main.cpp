// Code with warnings under stricter flags than this program's own: linking shcnn must not turn them into errors.
#include <shcnn/shcnn.h>

#include <cassert>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  int unused;
  unsigned count = argc;              // sign conversion
  float narrowed = 1.0 / count;       // narrowing
  std::string path = argv[argc - 1];  // NOLINT
  try {
    shcnn::Recognizer::load(path);
  } catch (const std::exception& error) {
    std::string path = error.what();  // shadows the outer `path`
    std::fprintf(stderr, "refused: %s\n", path.c_str());
  }
  assert(narrowed > 1);
  return 0;
}
