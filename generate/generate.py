"""Generates the API's C++ from the public service models: generate.py --ec2 F --sts F --actions F --output DIR."""

import argparse
import pathlib

from emit_actions import emit_action_header, emit_dispatch, emit_operations
from emit_shapes import emit_decoders, emit_encoders, emit_header
from service_model import Service, fail

ENCODER_PARTS = {"ec2": 3, "sts": 1}


def read_actions(path, services):
    """Returns the set of (service, action) that actions.txt lists."""
    known = {service.name: service for service in services}
    implemented = set()
    for number, line in enumerate(pathlib.Path(path).read_text(encoding="utf-8").splitlines(), 1):
        fields = line.split("#")[0].split()
        if not fields:
            continue
        if len(fields) != 2 or fields[0] not in known:
            fail(f"{path}:{number}: expected '<service> <Action>', got '{line}'")
        known[fields[0]].operation(fields[1])
        if not known[fields[0]].input_shape(fields[1]):
            fail(f"{path}:{number}: {fields[1]} has no input shape, which the dispatch needs")
        implemented.add((fields[0], fields[1]))
    return implemented


def write(path, text):
    """Writes only what changed, so that an unchanged file causes no rebuild."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--ec2", "--sts", "--actions", "--output"):
        parser.add_argument(option, required=True)
    options = parser.parse_args()
    services = [Service("ec2", options.ec2), Service("sts", options.sts)]
    implemented = read_actions(options.actions, services)
    root = pathlib.Path(options.output) / "api"
    for service in services:
        names = sorted(name for owner, name in implemented if owner == service.name)
        inputs = [service.input_shape(name) for name in names]
        outputs = [service.output_shape(name) for name in names if service.output_shape(name)]
        write(root / f"shape/{service.name}_shapes.h", emit_header(service, inputs, outputs))
        write(root / f"shape/{service.name}_decode.cpp", emit_decoders(service, inputs))
        parts = ENCODER_PARTS[service.name]
        for part in range(parts):
            write(root / f"shape/{service.name}_encode_{part}.cpp", emit_encoders(service, outputs, part, parts))
    write(root / "shape/operations.cpp", emit_operations(services, implemented))
    write(root / "action/actions.h", emit_action_header(services, implemented))
    write(root / "action/dispatch.cpp", emit_dispatch(services, implemented))


if __name__ == "__main__":
    main()
