"""Every code that an error can carry is in the contract, and is one that official clients know.

The words are found in the source: the code argument of everything that makes an error or a
decline, followed through functions that pass their own `code` on.
"""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from stripe import PaymentIntent

import guilder_server
from guilder_server.gateways import Declined
from guilder_server.http.errors import OWN, UNSAID
from guilder_server.kernel import errors
from guilder_server.kernel.errors import GuilderError
from tests.support.stripe_types import fields

PACKAGE = Path(guilder_server.__file__).parent
SCHEMAS: dict[str, Any] = yaml.safe_load((PACKAGE.parents[1] / "openapi.yaml").read_text("utf-8"))[
    "components"
]["schemas"]
OFFICIAL = set(SCHEMAS["ErrorCode"]["enum"])
CONTRACTED = OFFICIAL | set(SCHEMAS["OwnErrorCode"]["enum"])

# Where a code is not written but handed on: it was written when the decline was made.
HANDED_ON = {"answer.code", "declined.code", "error['code']", "said.code"}


def official_codes() -> set[str]:
    """The words that the official client lists for `last_payment_error.code`."""
    allowed = typing.get_args(fields(PaymentIntent.LastPaymentError)["code"])
    return {word for one in allowed for word in typing.get_args(one)}


@dataclass(frozen=True)
class Maker:
    """A callable with a parameter `code` that ends in an error."""

    name: str
    place: int | None
    default: ast.expr | None = None


@dataclass
class Found:
    words: dict[str, str] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)


def classes() -> list[Maker]:
    """The errors, and what a gateway declines with, by where their code stands."""
    named = [
        one
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, GuilderError)
    ]
    makers = []
    for one in [*named, Declined]:
        parameters = inspect.signature(one).parameters
        if "code" in parameters:
            keyword = parameters["code"].kind is inspect.Parameter.KEYWORD_ONLY
            makers.append(Maker(one.__name__, None if keyword else list(parameters).index("code")))
    return makers


class Module:
    """The codes that one module makes errors with."""

    def __init__(self, path: Path) -> None:
        self.name = str(path.relative_to(PACKAGE))
        self.tree = ast.parse(path.read_text("utf-8"))
        self.makers = {maker.name: maker for maker in classes()}
        self.found = Found()
        while self._passing_on():
            pass
        for function, call in self._calls():
            maker = self.makers.get(_name(call.func))
            if maker is not None and (code := _argument(call, maker)) is not None:
                self._resolve(code, function, call.lineno)
        for maker in self.makers.values():
            if maker.default is not None:
                self._resolve(maker.default, None, 0)

    def _passing_on(self) -> bool:
        """Functions whose parameter becomes a code make errors as well."""
        known = len(self.makers)
        for function, call in self._calls():
            maker = self.makers.get(_name(call.func))
            code = _argument(call, maker) if maker else None
            if function is not None and isinstance(code, ast.Name):
                made = _maker(function, code.id)
                if made is not None and made.name not in self.makers:
                    self.makers[made.name] = made
        return len(self.makers) > known

    def _calls(self) -> Iterator[tuple[ast.FunctionDef | None, ast.Call]]:
        yield from _calls_in(self.tree, None)

    def _resolve(self, code: ast.expr, function: ast.FunctionDef | None, line: int) -> None:
        match code:
            case ast.Constant(value=str(word)):
                self.found.words.setdefault(word, f"{self.name}:{line}")
            case ast.Constant(value=None):
                pass
            case ast.IfExp():
                self._resolve(code.body, function, line)
                self._resolve(code.orelse, function, line)
            case ast.Name(id=name) if function is not None:
                if _maker(function, name) is None:
                    values = list(_assigned(function, name))
                    assert values, f"{self.name}:{line}: where does {name} come from?"
                    for value in values:
                        self._resolve(value, function, line)
            case _:
                self.found.open.append(ast.unparse(code))


def _calls_in(
    node: ast.AST, function: ast.FunctionDef | None
) -> Iterator[tuple[ast.FunctionDef | None, ast.Call]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield function, child
        inner = child if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
        yield from _calls_in(child, typing.cast("ast.FunctionDef | None", inner))


def _name(callee: ast.expr) -> str:
    return callee.attr if isinstance(callee, ast.Attribute) else getattr(callee, "id", "")


def _argument(call: ast.Call, maker: Maker) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == "code":
            return keyword.value
    if maker.place is not None and maker.place < len(call.args):
        return call.args[maker.place]
    return None


def _maker(function: ast.FunctionDef, parameter: str) -> Maker | None:
    arguments = function.args
    positional = [one.arg for one in arguments.args]
    if parameter in positional:
        place = positional.index(parameter)
        first_default = len(positional) - len(arguments.defaults)
        default = arguments.defaults[place - first_default] if place >= first_default else None
        return Maker(function.name, place - (positional[0] == "self"), default)
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if one.arg == parameter:
            return Maker(function.name, None, default)
    return None


def _assigned(function: ast.FunctionDef, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and any(_name(one) == name for one in node.targets):
            yield node.value


# The commands at a developer's desk are clients: they read errors, and make none.
CLIENT = PACKAGE / "commands" / "desk"
MODULES = [
    Module(path)
    for path in sorted(PACKAGE.rglob("*.py"))
    if "wire" not in path.parts and CLIENT not in path.parents
]


def used() -> dict[str, str]:
    """Each code that an error is made with, and a place where it is."""
    words = {word: place for module in MODULES for word, place in module.found.words.items()}
    named = [one for one in vars(errors).values() if isinstance(one, type)]
    return words | {one.code: one.__name__ for one in named if issubclass(one, GuilderError)}


def test_every_code_that_is_answered_is_in_the_contract() -> None:
    missing = {word: place for word, place in used().items() if word not in CONTRACTED | UNSAID}
    assert missing == {}


def test_a_code_that_is_not_written_where_it_is_used_comes_from_a_decline() -> None:
    handed_on = {expression for module in MODULES for expression in module.found.open}
    assert handed_on <= HANDED_ON


def test_official_clients_know_every_code_of_the_contract_but_our_own() -> None:
    assert OFFICIAL - official_codes() == set()
    assert CONTRACTED & official_codes() == OFFICIAL


def test_a_code_of_our_own_is_used_and_in_the_contract() -> None:
    assert used().keys() & CONTRACTED >= OWN


def test_words_of_our_own_never_leave_the_server() -> None:
    assert UNSAID & official_codes() == set()
    assert used().keys() >= UNSAID


def test_the_search_for_codes_finds_those_that_are_passed_through_functions() -> None:
    known = used()
    assert "payment_method_unexpected_state" in known  # through a function
    assert "parameter_invalid_integer" in known  # through a method, from a variable
    assert "incorrect_cvc" in known  # in a decline of the sandbox
    assert "secret_key_required" in known  # by its name
