# GENERAL_REGISTERS_ONLY: options for a source whose code must not touch vector or x87 registers.
# Clang's -mgeneral-regs-only refuses every header that mentions long double, so there it is spelled out.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  set(GENERAL_REGISTERS_ONLY -mno-sse -mno-mmx)
else()
  set(GENERAL_REGISTERS_ONLY -mgeneral-regs-only)
endif()
