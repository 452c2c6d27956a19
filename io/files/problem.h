// A problem found in a data set, and what the user can do about it.
#pragma once

#include <string>

namespace shcnn::io {

struct Problem {
  std::string place;    ///< file, and row if there is one
  std::string message;  ///< what was found, and how often
  std::string remedy;
};

}  // namespace shcnn::io
