// main() of the test programs that need no executor.
#include "support/session.h"

int main(int argc, char** argv) { return shcnn::test::run_tests(argc, argv); }
