"""Emits the table of every operation of the models, and the declarations and dispatch of implemented actions."""

from emit_shapes import GENERATED, literal
from service_model import snake_case


def emit_operations(services, implemented):
    """Returns operations.cpp: one row per operation of every service, sorted by service and name."""
    lines = [GENERATED + '#include "api/shape/operations.h"\n', "namespace cumulet::api {\n", "namespace {",
             "constexpr OperationInfo kOperations[] = {"]
    for service in services:
        for name in sorted(service.operations):
            row = [literal(service.name), literal(name), literal(service.input_shape(name) or ""),
                   literal(service.output_shape(name) or ""),
                   "true" if (service.name, name) in implemented else "false"]
            lines.append(f"    {{{', '.join(row)}}},")
    lines.append("};\nconstexpr ServiceInfo kServices[] = {")
    for service in services:
        metadata = service.metadata
        lines.append(f"    {{{literal(service.name)}, {literal(metadata['apiVersion'])},"
                     f" {literal(metadata['xmlNamespace'])}, {'true' if service.is_ec2_protocol else 'false'}}},")
    lines.append("};\n}  // namespace\n")
    lines.append("std::span<const OperationInfo> all_operations() { return kOperations; }")
    lines.append("std::span<const ServiceInfo> all_services() { return kServices; }\n")
    lines.append("}  // namespace cumulet::api\n")
    return "\n".join(lines)


def emit_action_header(services, implemented):
    """Returns actions.h: the function that each implemented action is."""
    lines = [GENERATED + "#pragma once\n", '#include "api/action/context.h"', '#include "api/action/outcome.h"']
    lines += [f'#include "api/shape/{service.name}_shapes.h"' for service in services]
    lines.append("\nnamespace cumulet::api {\n")
    for service in services:
        for name in sorted(name for owner, name in implemented if owner == service.name):
            output = service.output_shape(name)
            result = f"{service.name}::{output}" if output else "Acknowledged"
            lines.append(f"Outcome<{result}> {snake_case(name)}(ActionContext& context,")
            lines.append(f"    const {service.name}::{service.input_shape(name)}& request);")
    lines.append("\n}  // namespace cumulet::api\n")
    return "\n".join(lines)


def emit_dispatch(services, implemented):
    """Returns dispatch.cpp: the table from an action's name to its decode, call and encode."""
    lines = [GENERATED + '#include "api/action/actions.h"', '#include "api/action/invoke.h"\n',
             "namespace cumulet::api {\n", "namespace {", "constexpr Action kActions[] = {"]
    for service in services:
        for name in sorted(name for owner, name in implemented if owner == service.name):
            wrapper = service.operation(name).get("output", {}).get("resultWrapper", "")
            lines.append(f"    {{{literal(service.name)}, {literal(name)}, {literal(wrapper)}, &invoke<"
                         f"{service.name}::{service.input_shape(name)}, {snake_case(name)}>}},")
    lines.append("};\n}  // namespace\n")
    lines.append("std::span<const Action> implemented_actions() { return kActions; }\n")
    lines.append("}  // namespace cumulet::api\n")
    return "\n".join(lines)
