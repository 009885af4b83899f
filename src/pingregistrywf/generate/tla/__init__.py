"""The formal model of a system: modules of TLA+, and what the checker is asked of them.

``Journal`` is the same for every model; each chart, the system, its traces and its properties are a
module of their own.  The text is meant to be read: definitions carry the prose of the model, and
every action of the system is a declared step.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from pingregistrywf.chart.ir import Chart, Model
from pingregistrywf.generate.rendering import templates
from pingregistrywf.generate.tla.charts import ChartModule
from pingregistrywf.generate.tla.checks import (
    fairness,
    model_checks,
    module_of,
    specification,
    trace_module_of,
)
from pingregistrywf.generate.tla.spelling import (
    box,
    described,
    heading,
    pascal,
    record,
    remark,
    values,
)
from pingregistrywf.generate.tla.systems import SystemModule


def formal_model(model: Model, system: str) -> Mapping[str, str]:
    """Return the files of a system's formal model, by name: modules and configurations."""
    declared = model.systems[system]
    module = SystemModule(declared, model)
    texts = {"Journal": _rendered("journal")}
    texts |= {each.name: _rendered("chart", module=each) for each in module.charts.values()}
    texts[module.name] = _rendered("system", module=module)
    trace = trace_module_of(declared)
    histories = record(((each, each) for each in module.charts), 4)
    texts[trace] = _rendered("trace", name=trace, module=module, histories=histories)
    files = {f"{name}.tla": text for name, text in texts.items()}
    if (properties := model.properties.get(system)) is not None:
        name = module_of(declared)
        text = _rendered(
            "properties", name=name, module=module, system=declared, properties=properties
        )
        files[f"{name}.tla"] = text
        files |= {
            f"{each.name}.cfg": each.configuration for each in model_checks(declared, properties)
        }
    return files


def chart_module(chart: Chart) -> str:
    """Return the module of one chart, which extends ``Journal``."""
    return _rendered("chart", module=ChartModule(chart))


def formula(text: str, indent: int) -> str:
    """A formula of the model, at a depth of indentation."""
    return textwrap.indent(textwrap.dedent(text).strip(), " " * indent)


def _rendered(template: str, **parts: object) -> str:
    text = _TEMPLATES.get_template(f"tla/{template}.tla.jinja").render(**parts)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


_TEMPLATES = templates(
    box=box,
    described=described,
    fairness=fairness,
    formula=formula,
    heading=heading,
    pascal=pascal,
    remark=remark,
    specification=specification,
    values=values,
)
