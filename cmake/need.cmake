# need(<package> [find_package arguments]): find_package that says how to get what is missing.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)  # a library found once is seen by src/, tests/ and bench/ alike

macro(need package)
  find_package(${package} ${ARGN} QUIET)
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR "${package} is not installed. Run ./dev build: it installs everything in packages.txt.")
  endif()
endmacro()
