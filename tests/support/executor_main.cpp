// main() of the test suites that run on the executor named by --device.
#include "support/executor.h"
#include "support/session.h"

int main(int argc, char** argv) {
  using namespace shcnn;
  return test::run_tests(argc, argv, []() -> std::string {
    try {
      test::executor();
      return "";
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kDevice) return error.what();
      throw;
    }
  });
}
