# The two build rules: module() for a layer of the architecture, program() for an executable.

# module(<folder> [DEPS <folder>...] [LIBS <target>...]): one folder = one library = one include root.
# A module sees only the headers of its DEPS; a DEP must be declared above it, so cycles cannot exist.
# LIBS are outside libraries. Sources named *_test.cpp become one test program per module.
function(module path)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS" ${ARGN})
  string(REPLACE "/" "_" name ${path})
  set(source_dir ${PROJECT_SOURCE_DIR}/src/${path})
  set(include_root ${PROJECT_BINARY_DIR}/include/${name})
  cmake_path(GET path PARENT_PATH group)
  file(MAKE_DIRECTORY ${include_root}/${group})
  file(CREATE_LINK ${source_dir} ${include_root}/${path} SYMBOLIC)

  file(GLOB sources CONFIGURE_DEPENDS ${source_dir}/*.cpp ${source_dir}/*.S)
  file(GLOB headers CONFIGURE_DEPENDS RELATIVE ${source_dir} ${source_dir}/*.h)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  set(all_headers "// Every header of ${path} must compile alone: each is checked in a file of its own.\n")
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/header_check/${name}/empty.cpp CONTENT "${all_headers}")
  list(APPEND sources ${PROJECT_BINARY_DIR}/header_check/${name}/empty.cpp)
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")  # one preset's check is enough, and Release is what users wait for
    foreach(header ${headers})
      file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/header_check/${name}/${header}.cpp
           CONTENT "#include \"${path}/${header}\"\n")
      list(APPEND sources ${PROJECT_BINARY_DIR}/header_check/${name}/${header}.cpp)
      # Only whether it compiles matters: spend nothing on its code.
      set_source_files_properties(${PROJECT_BINARY_DIR}/header_check/${name}/${header}.cpp
                                  PROPERTIES COMPILE_OPTIONS "-O0;-g0;-fno-sanitize=all")
    endforeach()
  endif()

  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${include_root})
  target_compile_options(${name} PUBLIC -ffile-prefix-map=${include_root}/=src/)
  target_link_libraries(${name} PUBLIC ${ARG_LIBS} Threads::Threads)
  foreach(dep ${ARG_DEPS})
    string(REPLACE "/" "_" dep_name ${dep})
    if(NOT TARGET ${dep_name})
      message(FATAL_ERROR "${path} may not depend on ${dep}: it is not declared above ${path}")
    endif()
    target_link_libraries(${name} PUBLIC ${dep_name})
  endforeach()
  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ${name} GTest::gtest GTest::gmock GTest::gtest_main)
    # Module tests run under the sanitizers of the dev preset; the optimized build makes them only when asked.
    if(CMAKE_BUILD_TYPE STREQUAL "Release")
      set_target_properties(${name}_test PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
    add_dependencies(unit_tests ${name}_test)
    add_test(NAME ${path} COMMAND ${name}_test)
    set_tests_properties(${path} PROPERTIES TIMEOUT 300 LABELS unit)
  endif()
endfunction()

# program(<name> SOURCES <file>... DEPS <folder>... [LIBS <target>...]): an executable in build/<preset>/bin.
# Programs are the only place that picks concrete implementations.
function(program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LIBS" ${ARGN})
  list(TRANSFORM ARG_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/src/)
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
  foreach(dep ${ARG_DEPS})
    string(REPLACE "/" "_" dep_name ${dep})
    if(NOT TARGET ${dep_name})
      message(FATAL_ERROR "${name} may not depend on ${dep}: it is not declared above ${name}")
    endif()
    target_link_libraries(${name} PRIVATE ${dep_name})
  endforeach()
  add_dependencies(programs ${name})
endfunction()
