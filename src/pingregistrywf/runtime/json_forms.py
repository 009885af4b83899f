"""Events and commands in JSON: the forms of adapter protocol 1, as pydantic's schemas.

An event is an object with ``event`` (its name), ``id``, ``parent`` and ``fields``.  A field has the
name that the chart gives it, and an id that was absent from the event's bytes is left out.  A
command among others is an object with ``command`` (its name) and ``args``.  Ids are texts.

In Python, an event has its fields beside its id and its parent.  Its JSON form is read there, too,
since web frameworks parse JSON before they validate it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final, TypeAlias, get_args

from pydantic import GetCoreSchemaHandler, SerializationInfo
from pydantic_core import CoreConfig, CoreSchema, SchemaValidator, core_schema

from pingregistrywf.runtime.declaration import Declaration, EventDeclaration, FieldType
from pingregistrywf.runtime.field_types import Int32, Text, Uuid, without_default
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.prose import attributes_of, describe, described
from pingregistrywf.runtime.values import Command, Event, command_name, defaults_of, made_of

Json: TypeAlias = dict[str, Any]
Generate: TypeAlias = Callable[[Any], CoreSchema]
"""Makes pydantic's schema of a type."""

_STRICT: Final = CoreConfig(strict=True)
_TYPES: Final[Mapping[FieldType, Any]] = {
    "int32": Int32,
    "string": Text,
    "uuid": Uuid,
    "ulid": Ulid,
    "bool": bool,
}


def _object(fields: Mapping[str, CoreSchema], optional: Iterable[str] = ()) -> CoreSchema:
    """The schema of an object with these fields and no others."""
    return core_schema.typed_dict_schema(
        {
            name: core_schema.typed_dict_field(schema, required=name not in optional)
            for name, schema in fields.items()
        },
        extra_behavior="forbid",
        config=_STRICT,
    )


# --- Events ---------------------------------------------------------------------------------------


class Forms:
    """The JSON of the events of one declaration."""

    def __init__(self, declaration: Declaration) -> None:
        self._declaration = declaration

    def schema(self, kind: type[Event], flat: Any, generate: Generate) -> Any:
        """Return the schema of an event: its form in JSON; its fields, or that form, in Python.

        Args:
            kind: the event's class; a base stands for any event that derives from it.
            flat: pydantic's schema of the class.
            generate: makes schemas of types.
        """
        known = self._declaration.by_event.get(kind)
        if known is None:
            kinds = [each for each in self._declaration.by_event if issubclass(each, kind)]
            return any_event(kinds, generate) if kinds else flat
        form = self._form(known, flat["schema"]["fields"], generate)
        read = core_schema.no_info_after_validator_function(self._reader(known), form)
        validator = SchemaValidator(read)

        def either(value: Any, validate: Callable[[Any], Any]) -> Any:
            is_form = isinstance(value, dict) and "event" in value
            return validator.validate_python(value) if is_form else validate(value)

        plain = {key: each for key, each in flat.items() if key != "ref"}
        return core_schema.json_or_python_schema(
            read,
            # The constructor is strict: it reads no form, and does not pay for the question.
            core_schema.lax_or_strict_schema(
                core_schema.no_info_wrap_validator_function(either, plain), plain, strict=False
            ),
            ref=flat["ref"],
            serialization=core_schema.plain_serializer_function_ser_schema(
                self.form, return_schema=form, when_used="json"
            ),
        )

    def describe(self, kind: type[Event], schema: Json) -> None:
        """Add an event's prose to its JSON Schema."""
        known, keyed = self._declaration.by_event.get(kind), self._declaration.keyed
        if known is None:
            return
        fields = described(kind, schema)["properties"]["fields"]["properties"]
        describe(fields, attributes_of(kind))
        if known.listing and keyed:
            prose = attributes_of(keyed.entry)
            names = {name: self._declaration.attribute(name) for name in known.listing.values}
            listed = {name: prose[each] for name, each in names.items() if each in prose}
            describe(fields[known.listing.name]["items"]["properties"], listed)

    def form(self, event: Event) -> Json:
        """Return the form of an event, with ids and not their texts."""
        known = self._declaration.by_event[type(event)]
        given, ids = event.model_fields_set, _ids(known)
        fields = {
            name: getattr(event, name)
            for name, each in known.fields.items()
            if name in given or name not in ids or each.explicit
        }
        if known.listing:
            entries = getattr(event, known.listing.name)
            listed = [self._declaration.listed(known.listing, each) for each in entries]
            fields[known.listing.name] = listed
        return {
            "event": type(event).__name__,
            "id": event.id,
            "parent": event.parent,
            "fields": fields,
        }

    def _form(self, known: EventDeclaration, flat: Any, generate: Generate) -> CoreSchema:
        fields = {name: without_default(each["schema"]) for name, each in flat.items()}
        header: dict[str, CoreSchema] = {
            "event": core_schema.literal_schema([known.event.__name__]),
            "id": fields.pop("id"),
            "parent": fields.pop("parent"),
        }
        if known.listing:
            values = {name: generate(_TYPES[type_]) for name, type_ in known.listing.values.items()}
            entry = _object(values, optional=self._declaration.carried)
            fields[known.listing.name] = core_schema.list_schema(entry)
        optional = _ids(known) | {name for name, each in known.fields.items() if each.explicit}
        return _object(header | {"fields": _object(fields, optional=optional)})

    def _reader(self, known: EventDeclaration) -> Callable[[Json], Event]:
        declaration, defaults, listing = self._declaration, defaults_of(known.event), known.listing

        def read(form: Json) -> Event:
            fields = form["fields"]
            if listing:
                entries = (declaration.entry(listing, each) for each in fields[listing.name])
                fields = fields | {listing.name: tuple(entries)}
            given = {"id": form["id"], "parent": form["parent"], **fields}
            return made_of(known.event, defaults | given, set(given))

        return read


@cache
def forms_of(declaration: Declaration) -> Forms:
    """Return the JSON of the events of a declaration."""
    return Forms(declaration)


def _ids(known: EventDeclaration) -> set[str]:
    """The fields that may be absent from an event's bytes."""
    return {name for name, each in known.fields.items() if each.type in ("uuid", "ulid")}


# --- One of several -------------------------------------------------------------------------------


class EventUnion:
    """Makes a union of events one in pydantic: their names tell its members apart."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return any_event(_members(source), handler.generate_schema)


class CommandUnion:
    """Makes a union of commands one in pydantic: each is an object of its name and arguments."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        kinds = _members(source)
        forms = {command_name(each): handler.generate_schema(_CommandForm(each)) for each in kinds}
        instances = {each.__name__: core_schema.is_instance_schema(each) for each in kinds}
        return core_schema.json_or_python_schema(
            core_schema.tagged_union_schema(forms, "command"),
            core_schema.tagged_union_schema(forms | instances, _tag("command")),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda command: {"command": command_name(type(command)), "args": command},
                return_schema=core_schema.tagged_union_schema(forms, "command"),
            ),
        )


def any_event(kinds: Iterable[type[Event]], generate: Generate) -> CoreSchema:
    """Return the schema of an event of one of several classes."""
    choices = {each.__name__: generate(each) for each in kinds}

    def form(event: Event, info: SerializationInfo) -> Json:
        return event.model_dump(mode="json") if info.mode == "json" else event.forms.form(event)

    return core_schema.json_or_python_schema(
        core_schema.tagged_union_schema(choices, "event"),
        core_schema.tagged_union_schema(choices, _tag("event")),
        serialization=core_schema.plain_serializer_function_ser_schema(form, info_arg=True),
    )


class _CommandForm:
    """A command among others, as a type of its own."""

    def __init__(self, kind: type[Command]) -> None:
        self._kind = kind

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        kind, name = self._kind, command_name(self._kind)
        form = {
            "command": core_schema.literal_schema([name]),
            "args": handler.generate_schema(kind),
        }
        return core_schema.no_info_after_validator_function(
            lambda form: form["args"] if "args" in form else kind(),
            _object(form, optional=() if kind.model_fields else ("args",)),
            ref=f"{kind.__module__}.{name}:{id(kind)}",
        )


def _members(union: Any) -> tuple[type[Any], ...]:
    return get_args(union) or (union,)


def _tag(key: str) -> Callable[[Any], Any]:
    """What tells the members apart in Python: an instance's class, or a form's name."""
    return lambda value: value.get(key) if isinstance(value, dict) else type(value).__name__
