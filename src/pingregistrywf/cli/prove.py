"""The command ``prove``: is the system safe with any number of participants."""

from __future__ import annotations

import typer

from pingregistrywf.cli.charts import files_of_checkout
from pingregistrywf.cli.common import (
    REFUSED,
    ModelOption,
    answering,
    json_wanted,
    print_json,
    require,
    with_json,
)
from pingregistrywf.cli.progress import waiting


@with_json
def prove(model: ModelOption = None) -> None:
    """Prove the inductive invariant of the model; show what breaks it.

    In a checkout the model is that of its model/.  Needs the extra formal, and no Java.  Exits with
    1 if an action breaks a clause.
    """
    require("formal", "z3-solver")
    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.formal.proof.formulas import FormulaError
    from pingregistrywf.formal.proof.obligations import ProofError, decided
    from pingregistrywf.formal.proof.report import explanation, obligation_json, table

    with answering(ChartError, FormulaError, ProofError), waiting("proving"):
        obligations = list(decided(load_model(model or files_of_checkout())))
    if json_wanted():
        for each in obligations:
            print_json(obligation_json(each))
    else:
        for each in obligations:
            if lines := list(explanation(each)):
                typer.echo("\n".join([*lines, ""]))
        typer.echo(table(obligations))
    if any(each.counterexample for each in obligations):
        raise typer.Exit(REFUSED)
