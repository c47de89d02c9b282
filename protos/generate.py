"""Generate the client's code of the protos: `python protos/generate.py DIRECTORY`.

The generated descriptors do not import `buf/validate`: a program that uses the client may have a copy of its
own, and a process cannot register two files of one name. The rules stay in the descriptors as option bytes,
from which protovalidate enforces them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from documented import comments_of, documented
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

PROTOS = Path(__file__).parent
RULES = "buf/validate/validate.proto"


def main() -> None:
    """Write the code of all protos into a directory."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    target: Path = parser.parse_args().directory
    sources = sorted(str(path.relative_to(PROTOS)) for path in (PROTOS / "ecrkeeper").rglob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.binpb"
        _protoc(f"-I{PROTOS}", f"-I{PROTOS / 'third_party'}", "--include_imports", "--include_source_info",
                f"--descriptor_set_out={image}", *sources)  # fmt: skip
        files = FileDescriptorSet.FromString(image.read_bytes())
        image.write_bytes(without_rules(files).SerializeToString())
        with_services = [file.name for file in files.file if file.service and file.name in sources]
        descriptors = f"--descriptor_set_in={image}"
        _protoc(descriptors, f"--python_out={target}", f"--pyi_out={target}", *sources)
        for file in files.file:
            if file.name in sources:
                stub = target / f"{file.name.removesuffix('.proto')}_pb2.pyi"
                stub.write_text(documented(stub.read_text("utf-8"), dict(comments_of(file))), "utf-8")
        plugin = Path(sys.executable).with_name("protoc-gen-mypy_grpc")
        _protoc(descriptors, f"--plugin=protoc-gen-mypy_grpc={plugin}", f"--grpc_python_out={target}",
                f"--mypy_grpc_out={target}", *with_services)  # fmt: skip


def without_rules(files: FileDescriptorSet) -> FileDescriptorSet:
    """Return the files without the proto of the rules.

    The options that it defines become unknown fields.
    """
    return FileDescriptorSet(file=[_without_rules(file) for file in files.file if file.name != RULES])


def _without_rules(file: FileDescriptorProto) -> FileDescriptorProto:
    copy = FileDescriptorProto()
    copy.CopyFrom(file)
    if RULES in copy.dependency:
        if copy.public_dependency or copy.weak_dependency:
            raise SystemExit(f"{file.name}: public and weak imports refer to other imports by number")
        copy.dependency.remove(RULES)
    return copy


def _protoc(*arguments: str) -> None:
    # The module itself adds the folder of the protos that come with the compiler.
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *arguments], check=True)


if __name__ == "__main__":
    main()
