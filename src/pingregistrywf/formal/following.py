"""Whether a system of the model could have written what a journal says.

The system may take any step, but may write only what the journal says next.  The journal is a trace
of the model if the system can write all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from pingregistrywf.chart.ir import Model
from pingregistrywf.formal.journal_trace import JournalTrace
from pingregistrywf.formal.state_graph import state_graph
from pingregistrywf.formal.tlc import check
from pingregistrywf.formal.toolchain import Toolchain
from pingregistrywf.formal.trace_module import MODULE, trace_module


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a system could have written a journal.

    Attributes:
        accepted: whether it could.
        length: how many events it could have written, from the first one on.
    """

    accepted: bool
    length: int


def follow(toolchain: Toolchain, model: Model, name: str, trace: JournalTrace) -> Verdict:
    """Return whether a system of a model could have written what a journal says.

    Raises:
        ModelError: TLC cannot check the model.
        TraceError: a history is of a chart that the system does not have.
    """
    module = trace_module(model, name, trace)
    asked = f"{module.settings}INVARIANT NotAccepted\n"
    if check(toolchain, module.files, MODULE, asked, workers=1).violation is not None:
        return Verdict(True, len(trace.events))
    graph = state_graph(toolchain, module.files, MODULE, module.settings)
    return Verdict(False, max(int(str(state["position"])) for state in graph.states.values()))
