"""What an adapter says that it cannot ask of its implementation, or cannot tell of the answers.

A server behind a network protocol of its own may have no single commands, tell a part of a state,
and give one status for several errors.  Its adapter says so in ``limits`` of the greeting
(documentation: Adapter protocol 1, Limits).  A case that asks for more is not asked.  In the
others, looks that cannot be made are left out, and answers are compared as far as the adapter can
tell them.  An adapter without limits is asked everything that it claims.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Final, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pingregistrywf.conformance.suite.case import Case, Step

Json: TypeAlias = Any
Text: TypeAlias = Annotated[str, Field(min_length=1)]


VERSIONED: Final = " with vid"
"""How a request ends that gives a vid."""


class LimitsError(ValueError):
    """The limits of a greeting make no sense; the text says which, and what to write."""


class _Document(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    requests: list[Text]
    begun: bool = False
    find: list[Text] = []
    errors: dict[Text, Annotated[list[Text], Field(min_length=1)]] = {}


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of an adapter.

    Attributes:
        requests: the only requests that it takes, as ``kind`` writes them; ``events`` is among
            them, because without it nothing would be observed.
        begun: whether it takes commands only once a case has run an operation.
        find: the keys of a state that its ``find`` gives; all if there are none.
        errors: what it may answer in place of an error, by the error's code.  Of such an error
            nothing but the code is compared.
    """

    requests: tuple[str, ...]
    begun: bool = False
    find: tuple[str, ...] = ()
    errors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, given: Json) -> Self:
        """Return the limits that a greeting gives.

        Raises:
            LimitsError: they are no such object, or leave out ``events``.
        """
        try:
            read = _Document.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, ("limits", *first["loc"])))
            raise LimitsError(
                f"hello: {where}: {first['msg']}; see Limits in the adapter protocol"
            ) from None
        if "events" not in read.requests:
            raise LimitsError(
                "hello: limits.requests leaves out events, without which nothing is observed: "
                "answer events, and name it there"
            )
        errors = {code: tuple(each) for code, each in read.errors.items()}
        return cls(tuple(read.requests), read.begun, tuple(read.find), errors)

    def missing(self, case: Case) -> str:
        """Return the first request of a case that the adapter does not take; empty if it can."""
        begun = not self.begun
        for step in case.steps:
            for send in step.together or (step.send,):
                asked = kind(send)
                begun |= send["op"] == "run"
                if step.observes:
                    continue
                if asked not in self.requests:
                    plain = asked.removesuffix(VERSIONED)
                    return asked if plain in self.requests else plain
                if not begun:
                    return "exec before any run"
        return ""

    def narrowed(self, case: Case) -> Case:
        """Return a case without the looks that cannot be made, and with the answers that can be.

        Its id is that of the whole case.
        """
        steps = tuple(
            self._step(step)
            for step in case.steps
            if not step.observes or kind(step.send) in self.requests
        )
        made = replace(case, steps=steps)
        made.__dict__["id"] = case.id
        return made

    def _step(self, step: Step) -> Step:
        answers = [
            each for answer in step.any_of or (step.expect,) for each in self._answers(step, answer)
        ]
        any_of = tuple(answers) if len(answers) > 1 or step.together else ()
        return replace(step, expect=answers[0], any_of=any_of)

    def _answers(self, step: Step, answer: Mapping[str, Json]) -> list[Mapping[str, Json]]:
        """The answers that stand for one."""
        if code := answer.get("error", {}).get("code"):
            return [{"error": {"code": each}} for each in self.errors.get(code, ())] or [answer]
        if self.find and step.send.get("op") == "find" and "ok" in answer:
            told = {key: each for key, each in answer["ok"].items() if key in self.find}
            return [{"ok": told}]
        return [answer]


def kind(request: Mapping[str, Json]) -> str:
    """Return what a request asks for, in the words of the protocol: ``run commit with vid``."""
    named = request.get("command", request.get("operation"))
    args = request.get("args")
    versioned = request.get("vid", "no_vc") != "no_vc" or (isinstance(args, dict) and "vid" in args)
    words = [
        request["op"],
        *([named] if isinstance(named, str) else []),
        *(["of", request["chart"]] if "chart" in request else []),
    ]
    return " ".join(words) + VERSIONED * versioned
