# shcnn_build: what the sources of this project are compiled with. Targets link it PRIVATE, so that none of it reaches a project
# that links them.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
  message(FATAL_ERROR "shcnn: needs GCC 12 or later (the kernels use its vector extensions), found ${CMAKE_CXX_COMPILER_ID} "
    "${CMAKE_CXX_COMPILER_VERSION}; set CMAKE_CXX_COMPILER=g++")
endif()
option(SHCNN_WERROR "Warnings are errors; for developers (the presets turn it on)" OFF)
if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()
find_program(SHCNN_CCACHE ccache)
if(SHCNN_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SHCNN_CCACHE})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${SHCNN_CCACHE})
endif()

add_library(shcnn_build INTERFACE)
target_compile_features(shcnn_build INTERFACE cxx_std_20)
target_include_directories(shcnn_build INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/engine/include)
target_compile_options(shcnn_build INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wconversion -Wno-sign-conversion -Wshadow $<$<BOOL:${SHCNN_WERROR}>:-Werror>
  -Wno-restrict  # GCC 12 warns of overlaps in std::string's operator+ that cannot be (its bug 105651)
  # a * b + c is contracted where kernels say so (fma), never by the compiler's choice: results stay equal across builds
  -ffp-contract=off>)
if(SHCNN_SANITIZE)
  target_compile_options(shcnn_build INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${SHCNN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g1
    # what sanitizers add confuses GCC 12's analyses (its bug 105562 and others): warnings are errors in plain builds
    -Wno-maybe-uninitialized -Wno-error>)
  target_link_options(shcnn_build INTERFACE -fsanitize=${SHCNN_SANITIZE})
endif()
