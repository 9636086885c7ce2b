# The modules and the dependencies each may have: the architecture as code. Arrows point upwards only.
need(Zydis)
need(SQLite3)
need(OpenSSL)
need(pugixml)
need(CLI11)
need(Boost 1.81 COMPONENTS json url)
need(ZLIB)
need(LibLZMA)

module(base LIBS fmt::fmt spdlog::spdlog)

# hypervisor: one virtual machine
module(hypervisor/memory DEPS base)
module(hypervisor/x86 DEPS base LIBS Zydis::Zydis)
module(hypervisor/vcpu DEPS base hypervisor/memory hypervisor/x86)
module(hypervisor/interpret DEPS base hypervisor/memory hypervisor/x86 hypervisor/vcpu)
# Translated code calls these while the vector registers hold guest state.
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/hypervisor/interpret/page_walk.cpp
  ${PROJECT_SOURCE_DIR}/src/hypervisor/memory/guest_memory_unsafe.cpp
  ${PROJECT_SOURCE_DIR}/src/hypervisor/x86/cpuid.cpp
  PROPERTIES COMPILE_OPTIONS "${GENERAL_REGISTERS_ONLY}")
module(hypervisor/translate DEPS base hypervisor/memory hypervisor/x86 hypervisor/vcpu hypervisor/interpret)
foreach(source quick_delivery quick_extended_unsafe quick_lookup quick_memory_unsafe quick_string_unsafe quick_system software_tlb_unsafe
               block_table code_pages code_ready fetch_cache page_bases page_seams_unsafe ram_ahead ram_ahead_unsafe)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/src/hypervisor/translate/${source}.cpp
    PROPERTIES COMPILE_OPTIONS "${GENERAL_REGISTERS_ONLY}")
endforeach()
module(hypervisor/kvm DEPS base hypervisor/memory hypervisor/x86 hypervisor/vcpu)
module(hypervisor/device DEPS base hypervisor/memory)
module(hypervisor/interrupt DEPS base hypervisor/memory hypervisor/device)  # local APIC, IO-APIC
module(hypervisor/pci DEPS base hypervisor/memory hypervisor/device)        # host bridge, configuration space, MSI-X
module(hypervisor/serial DEPS base hypervisor/memory hypervisor/device)     # 16550A
module(hypervisor/platform DEPS base hypervisor/memory hypervisor/device)   # PIT, HPET, RTC, i8042, ACPI power, debug exit
module(hypervisor/firmware DEPS base hypervisor/memory hypervisor/device hypervisor/platform)  # ACPI and SMBIOS tables as bytes
module(hypervisor/boot DEPS base hypervisor/memory hypervisor/vcpu hypervisor/firmware  # bzImage, PVH, multiboot
       LIBS ZLIB::ZLIB LibLZMA::LibLZMA zstd lz4)
module(hypervisor/machine
  DEPS base hypervisor/memory hypervisor/x86 hypervisor/vcpu hypervisor/device hypervisor/interrupt hypervisor/pci
       hypervisor/serial hypervisor/platform hypervisor/firmware hypervisor/boot)

# store: desired and observed state
module(store/kv DEPS base)
module(store/embedded DEPS base store/kv LIBS SQLite::SQLite3)

# control, then node below it: an agent sees the resources it serves, never the reconcilers
module(control/resource DEPS base store/kv LIBS Boost::json)
module(control/image DEPS base store/kv control/resource LIBS Boost::json OpenSSL::Crypto)  # recipes to AMIs
module(node/protocol DEPS base LIBS Boost::json)
module(node/agent DEPS base store/kv control/resource node/protocol)
module(control/scheduler DEPS base control/resource)
module(control/controller DEPS base store/kv control/resource control/scheduler)

# api: HTTP in, resources out
module(api/http DEPS base)
module(api/shape DEPS base LIBS pugixml::pugixml)
module(api/auth DEPS base api/http api/shape LIBS OpenSSL::Crypto)
module(api/action DEPS base store/kv control/resource api/http api/auth api/shape)
include(${PROJECT_SOURCE_DIR}/generate/shapes.cmake)

# command: main()s and what only they share; the only place that picks concrete implementations
module(command/vm
  DEPS base hypervisor/memory hypervisor/x86 hypervisor/vcpu hypervisor/device hypervisor/interrupt hypervisor/pci
       hypervisor/serial hypervisor/platform hypervisor/interpret hypervisor/translate hypervisor/kvm hypervisor/boot
       hypervisor/machine node/protocol
  LIBS CLI11::CLI11)
program(cumulet-vmm SOURCES command/vmm/main.cpp DEPS base command/vm)
module(command/cumulet
  DEPS base store/kv store/embedded control/resource control/image control/scheduler control/controller node/protocol
       node/agent api/http api/auth api/action command/vm
  LIBS CLI11::CLI11)
target_compile_definitions(command_cumulet PRIVATE CUMULET_VERSION="${PROJECT_VERSION}")
program(cumulet SOURCES command/cumulet_main.cpp DEPS command/cumulet)
