# ./dev map: the module graph of src/modules.cmake, as text or as an SVG file. Sourced by dev.
# shellcheck shell=bash

command_map() { python3 tools/module_map.py "$@"; }
