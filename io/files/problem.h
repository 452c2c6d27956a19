// Something in a data set that a user should know of, and what to do about it.
#pragma once

#include <string>

namespace shcnn::io {

struct Problem {
  std::string place;    ///< file and row, where there is one
  std::string message;  ///< what was found, with how often
  std::string remedy;
};

}  // namespace shcnn::io
