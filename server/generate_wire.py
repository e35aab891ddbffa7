"""Writes `guilder_server/wire/`: the types of every request and answer, from `openapi.yaml`.

    python server/generate_wire.py            write the files
    python server/generate_wire.py --check    exit 1, naming them, if they are not up to date, or if
                                              an operation does not declare its permission

One file per tag and one for what the tags share. A component whose name begins with a tag's noun
belongs to that tag; the parameters of an operation belong to the operation's tag. The types are
TypedDicts: they cost nothing when the server runs, and a dict literal in a view is checked
against the contract by the type checker.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
CONTRACT = HERE.parent / "openapi.yaml"
TARGET = HERE / "guilder_server" / "wire"
PACKAGE = "guilder_server.wire"
HEADER = "# @generated from openapi.yaml by server/generate_wire.py — do not edit\n"
SHARED = "shared"
METHODS = ("get", "post", "delete")
WIDTH = 100
TYPING = ("Any", "Literal", "NotRequired", "TypeAlias", "TypedDict")
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}

Schema = Mapping[str, Any]


def operations(contract: Schema) -> Iterable[tuple[str, Schema]]:
    """Each operation with its tag, in the order of the contract."""
    for path in contract["paths"].values():
        for method in METHODS:
            if method in path:
                yield path[method]["tags"][0], path[method]


def params_name(operation_id: str) -> str:
    return "".join(word.capitalize() for word in operation_id.split("_")) + "Params"


def module_name(tag: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", tag).lower()


def query_params(contract: Schema, operation: Schema) -> Schema | None:
    """The query of an operation as the object schema that it decodes to."""
    shared = contract["components"]["parameters"]
    listed = [
        shared[last_part(parameter["$ref"])] if "$ref" in parameter else parameter
        for parameter in operation.get("parameters", ())
    ]
    found = [parameter for parameter in listed if parameter["in"] == "query"]
    if not found:
        return None
    return {
        "type": "object",
        "description": operation["summary"] + ".",
        "properties": {parameter["name"]: parameter["schema"] for parameter in found},
        "required": [parameter["name"] for parameter in found if parameter.get("required")],
    }


def last_part(reference: str) -> str:
    return reference.rpartition("/")[2]


def type_of(schema: Schema) -> str:
    """The Python type of a schema, as source text."""
    if "$ref" in schema:
        return last_part(schema["$ref"])
    if "const" in schema:
        return literal([schema["const"]])
    if "enum" in schema:
        return literal(schema["enum"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(type_of(option) for option in schema["anyOf"]))
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return " | ".join(type_of_kind(kind, schema) for kind in kinds)


def type_of_kind(kind: str, schema: Schema) -> str:
    if kind == "array":
        return f"list[{type_of(schema['items'])}]"
    if kind == "object":
        values = schema["additionalProperties"]
        return f"dict[str, {'Any' if values is True else type_of(values)}]"
    return PLAIN[kind]


def literal(words: list[Any]) -> str:
    text = ", ".join(quoted(word) for word in words if word is not None)
    return f"Literal[{text}]" + (" | None" if None in words else "")


def quoted(word: object) -> str:
    return f'"{word}"' if isinstance(word, str) else repr(word)


def references(schema: object) -> set[str]:
    """The components that a schema names."""
    if isinstance(schema, list):
        return set().union(*map(references, schema))
    if not isinstance(schema, dict):
        return set()
    named = {last_part(schema["$ref"])} if "$ref" in schema else set()
    return named.union(*(references(value) for value in schema.values()))


def definition(name: str, schema: Schema) -> str:
    """A TypedDict for an object of named fields, an alias for everything else."""
    if "properties" not in schema:
        return alias(name, schema)
    parts = []
    if "description" in schema:
        parts.append(docstring(schema["description"]))
    required = schema.get("required", ())
    kinds = {field: type_of(value) for field, value in schema["properties"].items()}
    fields = [
        f"    {field}: {kind if field in required else f'NotRequired[{kind}]'}\n"
        for field, kind in kinds.items()
    ]
    if fields:
        parts.append("".join(fields))
    return f"class {name}(TypedDict):\n" + ("\n".join(parts) or "    pass\n")


def docstring(text: str) -> str:
    words = " ".join(text.split())
    if len(words) <= WIDTH - 10:
        return f'    """{words}"""\n'
    return textwrap.indent('"""' + textwrap.fill(words, WIDTH - 10) + '\n"""\n', "    ")


def alias(name: str, schema: Schema) -> str:
    kind = type_of(schema)
    # What it names may stand further down or in another file.
    line = f"{name}: TypeAlias = " + (f"'{kind}'" if references(schema) else kind)
    if len(line) > WIDTH and "enum" in schema:
        words = "".join(f"    {quoted(word)},\n" for word in schema["enum"])
        line = f"{name}: TypeAlias = Literal[\n{words}]"
    return line + "\n"


def owners(contract: Schema) -> dict[str, str]:
    """Component name -> the file it is written to."""
    tags = [tag["name"] for tag in contract["tags"]]
    nouns = sorted(((tag.removesuffix("s"), tag) for tag in tags), key=lambda pair: -len(pair[0]))
    found = {
        name: module_name(next((tag for noun, tag in nouns if name.startswith(noun)), SHARED))
        for name in contract["components"]["schemas"]
    }
    for tag, operation in operations(contract):
        found[params_name(operation["operationId"])] = module_name(tag)
    return found


def components(contract: Schema) -> dict[str, Schema]:
    """Every named schema, and one for the query of each operation that has one."""
    found: dict[str, Schema] = dict(contract["components"]["schemas"])
    for _, operation in operations(contract):
        query = query_params(contract, operation)
        if query is not None:
            found[params_name(operation["operationId"])] = query
    return found


def module_text(names: list[str], schemas: Mapping[str, Schema], owner: Mapping[str, str]) -> str:
    aliases = sorted(name for name in names if "properties" not in schemas[name])
    classes = sorted(name for name in names if "properties" in schemas[name])
    body = "\n".join(definition(name, schemas[name]) for name in aliases)
    body += "".join(f"\n\n{definition(name, schemas[name])}" for name in classes)
    from_typing = [word for word in TYPING if re.search(rf"\b{word}\b", body)]
    elsewhere: dict[str, list[str]] = {}
    for name in sorted(references([schemas[name] for name in names]) - set(names)):
        elsewhere.setdefault(owner[name], []).append(name)
    if elsewhere:
        from_typing.insert(0, "TYPE_CHECKING")
    imports = f"from typing import {', '.join(sorted(from_typing))}\n\n"
    if elsewhere:
        imports += "if TYPE_CHECKING:\n"
        imports += textwrap.indent(
            "".join(import_line(module, found) for module, found in sorted(elsewhere.items())),
            "    ",
        )
    return f"{HEADER}from __future__ import annotations\n\n{imports}\n{body.lstrip()}"


def import_line(module: str, names: list[str]) -> str:
    line = f"from {PACKAGE}.{module} import {', '.join(names)}\n"
    if len(line) < WIDTH - 4:
        return line
    return (
        f"from {PACKAGE}.{module} import (\n" + "".join(f"    {name},\n" for name in names) + ")\n"
    )


def files(contract: Schema) -> dict[str, str]:
    """File name -> its whole text."""
    schemas, owner = components(contract), owners(contract)
    modules: dict[str, list[str]] = {}
    for name in schemas:
        modules.setdefault(owner[name], []).append(name)
    found = {
        f"{module}.py": module_text(names, schemas, owner) for module, names in modules.items()
    }
    index = "".join(import_line(module, sorted(modules[module])) for module in sorted(modules))
    exported = "".join(f'    "{name}",\n' for name in sorted(schemas))
    found["__init__.py"] = f"{HEADER}{index}\n__all__ = [\n{exported}]\n"
    return found


def drift(wanted: Mapping[str, str]) -> list[str]:
    """The names of the files that differ from what they should hold, or should not be there."""
    there = {path.name: path.read_text("utf-8") for path in TARGET.glob("*.py")}
    return sorted(
        name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name)
    )


def undeclared(contract: Schema) -> list[str]:
    """What is wrong with the permissions that operations declare, each with its operation."""
    nouns = contract.get("x-permission-nouns", ())
    return [
        f"{method.upper()} {path} ({item[method].get('operationId')}) {problem}"
        for path, item in contract["paths"].items()
        for method in METHODS
        if method in item
        if (problem := trouble_with(item[method].get("x-permission"), nouns))
    ]


def trouble_with(permission: object, nouns: Iterable[str]) -> str | None:
    if permission is None:
        return "does not declare its x-permission: who may call it?"
    noun, _, verb = str(permission).partition(":")
    if verb not in ("read", "write"):
        return f"declares x-permission {permission!r}: it is written noun:read or noun:write"
    if noun not in nouns:
        return f"declares x-permission {permission!r}: x-permission-nouns has no {noun!r}"
    return None


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        sys.stderr.write(__doc__ or "")
        return 2
    contract = yaml.safe_load(CONTRACT.read_text("utf-8"))
    problems = undeclared(contract)
    for problem in problems:
        sys.stderr.write(f"openapi.yaml: {problem}\n")
    wanted = files(contract)
    changed = drift(wanted)
    if arguments == ["--check"]:
        for name in changed:
            sys.stderr.write(f"{name} is not what openapi.yaml says: run `make generate`\n")
        return int(bool(changed or problems))
    TARGET.mkdir(exist_ok=True)
    for name in changed:
        if name in wanted:
            (TARGET / name).write_text(wanted[name], "utf-8")
        else:
            (TARGET / name).unlink()
    sys.stdout.write(f"{TARGET.name}: {len(wanted)} files, {len(changed)} changed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
