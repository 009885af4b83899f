"""A case as a file: read, and described by a JSON Schema.

The format is that of the bundle's ``cases.jsonl`` (documentation: Conformance, "A case as a file").
A file holds one case, or one a line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pingregistrywf.conformance.suite.case import FORMAT, Case, Hex, Ref, Step, Time
from pingregistrywf.conformance.suite.compile import Compiler
from pingregistrywf.conformance.suite.levels import LEVELS, SuiteError
from pingregistrywf.conformance.suite.scenario import Scenario, from_text

Json: TypeAlias = Any
Answer: TypeAlias = dict[str, Any]


class CaseFileError(SuiteError):
    """A file that is no case; the text says where, and what to write instead."""


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class StepDocument(_Document):
    """One request and its answer; or several at once, whose order is open."""

    state: str = Field("", description="The state in which it is sent, for readers.")
    rule: str = Field("", description="The rule that says what must be answered.")
    send: Answer | None = Field(None, description="The request, without its id.")
    expect: Answer | None = Field(None, description="The answer: an object ok or error.")
    any_of: list[Answer] = Field([], description="Answers of which each is right.")
    together: list[Answer] = Field([], description="Requests to send at once instead of send.")
    died: bool = Field(False, description="The request is to kill the adapter.")


class CaseDocument(_Document):
    """A case of the conformance suite: what is sent, and what must be answered."""

    format: Literal["pingregistrywf-case/1"] = Field(
        FORMAT, description="The format, and its version."
    )
    id: str = Field("", description="Made from what is sent; a reader may leave it out.")
    level: int = Field(1, ge=min(LEVELS), le=max(LEVELS), description="The level, 1 to 6.")
    chart: str = Field(description="The chart that it is about.")
    title: str = Field("", description="What it shows, in words.")
    rule: str = Field("", description="The rule of the chart that it is there for.")
    rules: list[str] = Field([], description="All rules that it covers.")
    needs: list[str] = Field([], description="The capabilities without which it is not run.")
    bound: str = Field("", description="The least bound that it belongs to, if it has one.")
    ids: dict[str, Any] = Field({}, description="The ids to make up, by name, and how.")
    define: dict[str, Answer] = Field({}, description="The events that names stand for.")
    steps: list[StepDocument] = Field(min_length=1, description="What is sent, in order.")
    scenario: dict[str, Any] | None = Field(
        None, description="What it was made from, so that a failure can be shrunk; may be left out."
    )


def schema() -> dict[str, Json]:
    """Return the JSON Schema of a case."""
    made = CaseDocument.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def read_cases(file: Path, compiler: Compiler) -> list[Case]:
    """Return the cases of a file: one JSON object, or one a line.

    Raises:
        CaseFileError: the file cannot be read, or holds something else.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CaseFileError(f"{file}: {error}: name a file of cases") from None
    lines = [(f"{file}, line {at}", line) for at, line in enumerate(text.splitlines(), 1)]
    written = [each for each in lines if each[1].strip()]
    whole = [(str(file), text)] if _is_json(text) else written
    if not written:
        raise CaseFileError(f"{file}: there is no case in it")
    return [case_of(each, compiler, where) for where, each in whole]


def case_of(text: str, compiler: Compiler, where: str) -> Case:
    """Return the case that a text is.

    Args:
        text: the JSON document.
        compiler: has the charts that it may be about.
        where: where the text stands, for messages.

    Raises:
        CaseFileError: the text is no case, or is about another chart.
    """
    try:
        document = CaseDocument.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        at = f" at {place}" if place else ""
        raise CaseFileError(
            f"{where} is no case{at}: {first['msg']}; the page Conformance describes the format"
        ) from None
    charts = compiler.model.charts
    if document.chart not in charts:
        raise CaseFileError(
            f"{where} is about the chart {document.chart}, there are {', '.join(charts)}: "
            "give it by --model"
        )
    for number, step in enumerate(document.steps, start=1):
        if bool(step.send) is bool(step.together):
            raise CaseFileError(f"{where}, step {number}: write send or together, one of them")
        if step.send and not step.died and step.expect is None:
            raise CaseFileError(f"{where}, step {number}: write what to expect")
    define = _named(document.define)
    case = Case(
        level=document.level,
        chart=document.chart,
        title=document.title or "A case of a file.",
        rule=document.rule or document.steps[-1].rule,
        rules=tuple(document.rules),
        needs=tuple(document.needs),
        bound=document.bound,
        ids=_named(document.ids),
        define=define,
        steps=tuple(_step(step, define) for step in document.steps),
        scenario=Scenario(document.title, (), level=document.level, chart=document.chart),
    )
    if document.scenario is None:
        return case
    made = replayed(json.dumps(document.scenario), compiler, where)
    # What was changed by hand is run as it stands, and not made anew.
    return replace(case, scenario=made.scenario) if _steps(made) == _steps(case) else case


def replayed(text: str, compiler: Compiler, where: str) -> Case:
    """Return the case that a text names: the scenario of a replay, or a case written out.

    Raises:
        CaseFileError: these charts cannot run it.
    """
    with suppress(ValueError, TypeError):
        if "steps" in json.loads(text):
            return case_of(text, compiler, where)
    try:
        scenario = from_text(text)
        if scenario.level not in LEVELS:
            raise CaseFileError(f"{where}: there is no level {scenario.level!r}")
        return compiler.compile(scenario)
    except (ArithmeticError, AttributeError, LookupError, StopIteration, TypeError) as error:
        raise CaseFileError(
            f"{where}: these charts cannot run it ({error!r}): copy the whole line of the report"
        ) from None
    except ValueError as error:
        raise CaseFileError(f"{where}: {error}") from None


def saved(case: Case) -> str:
    """Return the text of a case as a file, with the scenario that it was made from."""
    return json.dumps(case.document(whole=True), indent=1, ensure_ascii=False) + "\n"


def _steps(case: Case) -> Json:
    return json.loads(json.dumps(case.document()["steps"]))


def _step(step: StepDocument, define: dict[str, Json]) -> Step:
    return Step(
        send=_named(step.send or {}),
        expect=_answer(step.expect or {}, define),
        rule=step.rule,
        state=step.state,
        together=tuple(map(_named, step.together)),
        any_of=tuple(_answer(each, define) for each in step.any_of),
        died=step.died,
    )


def _answer(given: Answer, define: dict[str, Json]) -> dict[str, Json]:
    """An answer with its names; events that are spelt out get names, too."""
    answer: dict[str, Json] = _named(given)
    match answer:
        case {"ok": {"events": [*events], **others}}:
            named = [_event(each, define) if isinstance(each, dict) else each for each in events]
            return {"ok": {**others, "events": named}}
    return answer


def _event(event: dict[str, Json], define: dict[str, Json]) -> Ref:
    name = f"spelt{len(define) + 1}"
    define[name] = event
    return Ref(name)


def _named(value: Json) -> Json:
    """A value of a document, with its names."""
    match value:
        case {"$": str(name), **rest} if not rest:
            return Ref(name)
        case {"hex": [*parts], **rest} if not rest:
            return Hex(tuple(map(_named, parts)))
        case {"time": [{"$": str(name)}, int(after)], **rest} if not rest:
            return Time(Ref(name), after)
        case Mapping():
            return {key: _named(each) for key, each in value.items()}
        case list():
            return [_named(each) for each in value]
        case _:
            return value


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
