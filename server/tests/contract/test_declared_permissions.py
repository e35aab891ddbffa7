"""`make check` refuses an operation that does not say who may call it."""

from __future__ import annotations

import importlib.util
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

SERVER = Path(__file__).resolve().parents[2]
CONTRACT: dict[str, Any] = yaml.load(  # a subclass of SafeLoader, in C
    (SERVER.parent / "openapi.yaml").read_text("utf-8"), yaml.CSafeLoader
)


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("generate_wire", SERVER / "generate_wire.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "CONTRACT", tmp_path / "openapi.yaml")
    return module


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (None, "does not declare its x-permission"),
        ("customers", "noun:read or noun:write"),
        ("customers:delete", "noun:read or noun:write"),
        ("customers:", "noun:read or noun:write"),
        ("customer:write", "has no 'customer'"),
        (":write", "has no ''"),
    ],
)
def test_an_operation_that_does_not_declare_its_permission_fails_the_check(
    generator: Any, capsys: pytest.CaptureFixture[str], declared: str | None, said: str
) -> None:
    contract = deepcopy(CONTRACT)
    operation = contract["paths"]["/v1/customers"]["post"]
    del operation["x-permission"]
    if declared is not None:
        operation["x-permission"] = declared
    generator.CONTRACT.write_text(yaml.dump(contract, Dumper=yaml.CSafeDumper), "utf-8")
    assert generator.main(["--check"]) == 1
    complaint = capsys.readouterr().err
    assert "POST /v1/customers (create_customer)" in complaint
    assert said in complaint


def test_the_contract_as_it_is_declares_each(generator: Any) -> None:
    assert generator.undeclared(CONTRACT) == []
