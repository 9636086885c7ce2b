"""Emits the C++ structs of one service's shapes, their form decoders and their XML encoders."""

from service_model import fail, snake_case

GENERATED = "// Generated from the public service model at build time.\n"


def literal(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def emit_header(service, inputs, outputs):
    """Returns <service>_shapes.h: every structure, and its decode and encode functions."""
    ordered = service.reachable(inputs + outputs)
    lines = [GENERATED + "#pragma once\n", "#include <cstdint>", "#include <optional>", "#include <string>",
             "#include <vector>\n", "#include <pugixml.hpp>\n", '#include "api/shape/decoder.h"',
             '#include "api/shape/timestamp.h"\n', f"namespace cumulet::api::{service.name} {{\n"]
    for name in ordered:
        lines.append(f"struct {name} {{")
        for member_name, member in service.shapes[name]["members"].items():
            lines.append(f"  std::optional<{service.cpp_type(member['shape'])}> {snake_case(member_name)};")
        lines.append("};\n")
    for name in service.reachable(inputs):
        lines.append(f"bool decode(Decoder& decoder, const FormNode& node, {name}& out);")
    for name in service.reachable(outputs):
        lines.append(f"void encode(pugi::xml_node node, const {name}& value);")
    lines.append(f"\n}}  // namespace cumulet::api::{service.name}\n")
    return "\n".join(lines)


def emit_decoders(service, inputs):
    """Returns <service>_decode.cpp: one table of parameters per input structure."""
    structures = service.reachable(inputs)
    if not service.is_ec2_protocol and any(
            service.shapes[member["shape"]]["type"] == "list"
            for name in structures for member in service.shapes[name]["members"].values()):
        fail(f"{service.name}: list parameters of the query protocol are not supported yet")
    enums = sorted({service.enum_of(member["shape"]) for name in structures
                    for member in service.shapes[name]["members"].values()} - {None})
    lines = [GENERATED + f'#include "api/shape/{service.name}_shapes.h"\n',
             f"namespace cumulet::api::{service.name} {{\n", "namespace {"]
    for enum in enums:
        values = ", ".join(literal(value) for value in service.shapes[enum]["enum"])
        lines.append(f"constexpr std::string_view k{enum}Values[] = {{{values}}};")
    lines.append("}  // namespace\n")
    for name in structures:
        lines.append(f"bool decode(Decoder& decoder, const FormNode& node, {name}& out) {{")
        shape = service.shapes[name]
        if not shape["members"]:
            lines.append("  (void)out;\n  return decoder.no_members(node);\n}\n")
            continue
        lines.append(f"  static constexpr Parameter<{name}> kParameters[] = {{")
        for member_name, member in shape["members"].items():
            enum = service.enum_of(member["shape"])
            member_type = service.shapes[member["shape"]]["type"]
            read = "read_int32" if member_type == "integer" else "read_base64" if member_type == "blob" else "read"
            tail = f", k{enum}Values" if enum else ""
            required = "true" if member_name in shape.get("required", []) else "false"
            lines.append(
                f"      {{{literal(service.query_name(member_name, member))}, {required},"
                f" [](Decoder& d, const FormNode& n, {name}& o) {{"
                f" return d.{read}(n, o.{snake_case(member_name)}{tail}); }}}},")
        lines.append("  };\n  return decoder.structure(node, kParameters, out);\n}\n")
    lines.append(f"}}  // namespace cumulet::api::{service.name}\n")
    return "\n".join(lines)


def emit_encoders(service, outputs, part, parts):
    """Returns <service>_encode_<part>.cpp: the encoders of every `parts`-th output structure."""
    lines = [GENERATED + '#include "api/shape/xml_encoder.h"', f'#include "api/shape/{service.name}_shapes.h"\n',
             f"namespace cumulet::api::{service.name} {{\n"]
    for name in service.reachable(outputs)[part::parts]:
        members = service.shapes[name]["members"]
        if not members:
            lines.append(f"void encode(pugi::xml_node, const {name}&) {{}}\n")
            continue
        lines.append(f"void encode(pugi::xml_node node, const {name}& value) {{")
        for member_name, member in members.items():
            shape = service.shapes[member["shape"]]
            arguments = f"node, {literal(service.xml_name(member_name, member))}"
            if shape["type"] == "list":
                if service.shapes[shape["member"]["shape"]]["type"] == "list":
                    fail(f"{service.name}: {name}.{member_name} is a list of lists")
                lines.append(f"  put_list({arguments}, {literal(service.item_name(shape))},"
                             f" value.{snake_case(member_name)});")
            else:
                lines.append(f"  put({arguments}, value.{snake_case(member_name)});")
        lines.append("}\n")
    lines.append(f"}}  // namespace cumulet::api::{service.name}\n")
    return "\n".join(lines)
