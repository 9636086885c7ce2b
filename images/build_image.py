#!/usr/bin/env python3
"""Builds a machine image from a recipe: DIR/vmlinuz, DIR/initrd and DIR/image.json. Needs apt, not root.

usage: build_image.py RECIPE_FOLDER OUTPUT_FOLDER      (progress goes to stderr)
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

import cpio_newc
import debian_packages

FORMAT = 1
DIRECTORIES = ["bin", "dev", "etc", "lib", "lib/modules", "proc", "root", "run", "sbin", "sys", "tmp"]


def progress(text):
    """Says on stderr what is being done."""
    print(f"image: {text}", file=sys.stderr, flush=True)


def load_recipe(folder):
    """Returns recipe.json of a recipe's folder."""
    try:
        return json.loads((folder / "recipe.json").read_text())
    except (OSError, ValueError) as error:
        raise debian_packages.PackageError(f"cannot read the recipe {folder.name}: {error}") from error


def fetch(recipe, work):
    """Fetches and unpacks the recipe's packages below work/root; returns {package: version}."""
    apt = debian_packages.Apt(work, progress)
    kernel = debian_packages.resolve_kernel(recipe["kernel_package"], apt)
    versions = {}
    for package in [kernel, *recipe["packages"]]:
        progress(f"fetching {package}")
        deb = apt.download(package)
        versions[package] = debian_packages.version_of(deb)
        debian_packages.unpack(deb, work / "root")
    return versions


def kernel_version(root):
    """Returns the one kernel version installed below root, e.g. 6.1.0-56-cloud-amd64."""
    found = sorted(path.name.removeprefix("vmlinuz-") for path in (root / "boot").glob("vmlinuz-*"))
    if len(found) != 1:
        raise debian_packages.PackageError(f"expected one kernel in the packages, found {len(found)}")
    return found[0]


def initrd(recipe, folder, root, version):
    """Returns the initramfs. It is not compressed: a guest copies it faster than it unpacks it."""
    archive = cpio_newc.Archive()
    for name in DIRECTORIES:
        archive.directory(name, 0o1777 if name == "tmp" else 0o755)
    # The kernel opens /dev/console for init before anything can mount devtmpfs.
    archive.character_device("dev/console", 5, 1)
    busybox = root / "bin" / "busybox"
    archive.file("bin/busybox", busybox.read_bytes(), 0o755)
    for applet in applets(busybox):
        archive.symlink(f"bin/{applet}", "busybox")
    archive.symlink("init", "bin/busybox")
    archive.symlink("sbin/init", "../bin/busybox")
    for path in sorted((folder / "etc").rglob("*")):
        inside = path.relative_to(folder).as_posix()
        if path.is_dir():
            archive.directory(inside)
        else:
            script = path.read_bytes().startswith(b"#!")
            archive.file(inside, path.read_bytes(), 0o755 if script else 0o644)
    for module in recipe["kernel_modules"]:
        source = root / "lib" / "modules" / version / module
        archive.file(f"lib/modules/{source.name}", source.read_bytes())
    return archive.finish()


def applets(busybox):
    """Returns the applet names of a busybox, sorted."""
    done = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True, timeout=60)
    return sorted(name for name in done.stdout.split() if name != "busybox" and "/" not in name)


def build(recipe_folder, output):
    """Builds the image of a recipe into the folder `output`, which is made if it does not exist."""
    recipe = load_recipe(recipe_folder)
    with tempfile.TemporaryDirectory(prefix="cumulet-image-") as name:
        work = pathlib.Path(name)
        versions = fetch(recipe, work)
        root = work / "root"
        version = kernel_version(root)
        progress(f"writing the initramfs for kernel {version}")
        kernel = (root / "boot" / f"vmlinuz-{version}").read_bytes()
        ramdisk = initrd(recipe, recipe_folder, root, version)
    output.mkdir(parents=True, exist_ok=True)
    description = {
        "format": FORMAT,
        "name": f"{recipe['name']}-{version}",
        "recipe": recipe["name"],
        "description": recipe["description"],
        "architecture": recipe["architecture"],
        "kernel_version": version,
        "command_line": recipe["command_line"],
        "packages": versions,
        "kernel": {"file": "vmlinuz", "sha256": hashlib.sha256(kernel).hexdigest(), "bytes": len(kernel)},
        "initrd": {"file": "initrd", "sha256": hashlib.sha256(ramdisk).hexdigest(), "bytes": len(ramdisk)},
    }
    (output / "vmlinuz").write_bytes(kernel)
    (output / "initrd").write_bytes(ramdisk)
    # Written last: a folder with image.json is a whole image.
    (output / "image.json").write_text(json.dumps(description, indent=2) + "\n")
    progress(f"built {description['name']}")


def main(arguments):
    """Runs the command line; returns the exit status."""
    if len(arguments) != 2:
        print(__doc__.strip().splitlines()[-1], file=sys.stderr)
        return 2
    try:
        build(pathlib.Path(arguments[0]), pathlib.Path(arguments[1]))
    except (debian_packages.PackageError, OSError, subprocess.SubprocessError) as error:
        print(f"build_image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
