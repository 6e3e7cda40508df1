# What the binary says about itself: version, commit, compiler.
execute_process(COMMAND git rev-parse --short=12 HEAD WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                OUTPUT_VARIABLE SV_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT SV_COMMIT)
  set(SV_COMMIT unknown)
endif()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/build_info.h CONTENT
"#pragma once
#define BUILD_VERSION \"@PROJECT_VERSION@\"
#define BUILD_COMMIT \"@SV_COMMIT@\"
#define BUILD_COMPILER \"@CMAKE_C_COMPILER_ID@ @CMAKE_C_COMPILER_VERSION@\"
" @ONLY)
