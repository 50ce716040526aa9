"""What ``netspec test`` does: weights into the test phase, the whole source through it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netspec.spec.feeds import further_tests
from netspec.spec.load import Spec
from netspec.spec.render import escaped
from netspec.training.evaluate import Evaluation, evaluate
from netspec.training.figures import figure_lines
from netspec.training.log import plain
from netspec.training.opening import Run, check_named, check_there, opened
from runtime.errors import UsageError


@dataclass(frozen=True)
class EvaluationReport:
    """Losses and metrics of the test source, and of every ``test_NAME`` source.

    ``class_names`` are those that a source declares, by its name.
    """

    main: Evaluation
    sources: dict[str, Evaluation]
    class_names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        others = {name: found.to_dict() for name, found in self.sources.items()}
        result: dict[str, Any] = plain({**self.main.to_dict(), "sources": others})
        return result

    def to_text(self) -> str:
        """Return one figure a line; a list with one for each class, and a table of them, below its name."""
        lines = []
        for source, found in {"test": self.main, **self.sources}.items():
            lines.append(f"{'' if found is self.main else source + ': '}{found.samples:,} samples")
            names = [escaped(name) for name in self.class_names.get(source, ())]
            for name, value in found.outputs.items():
                lines += figure_lines(escaped(name), value, names)
        return "\n".join(lines) + "\n"


def evaluate_spec(
    spec: Spec,
    weights: str | Path | None,
    *,
    leave_out: Collection[str] = (),
    batch_size: int | None = None,
    device: str = "cpu",
    threads: int | None = None,
    quiet: bool = False,
    tune: bool = False,
) -> EvaluationReport:
    """Test a net with the weights of a file, else of its spec; the load table goes to stderr unless ``quiet``.

    Raises
    ------
    UsageError
        No weights, or no test source.
    StateError
        The weights do not fit.
    DataError
        The source cannot be read.
    """
    run = Run(weights=weights, leave_out=leave_out, device=device, threads=threads, quiet=quiet, tune=tune)
    check_named(spec, run, "test")
    if spec.data.get("test") is None:
        tops = ", ".join(spec.inputs or ("data", "label"))
        remedy = "give `data` a phase test"
        if not any(spec.data.values()):
            remedy = f"write data: {{source: npz, tops: [{tops}], train: {{file: F.npz}}, test: {{file: G.npz}}}}"
        raise UsageError(f"{spec.path or spec.name}: no test source; {remedy}")
    check_there(spec, run)
    with opened(spec, run, batch_size) as net:
        main = net.resolved.fed.name  # a stage may have chosen a further test
        found = {
            name: evaluate(net.phase(name, batch_size)) for name in dict.fromkeys((main, *further_tests(spec.data)))
        }
    done = {name: each for name, each in found.items() if each is not None}
    assert len(done) == len(found), "nothing stops a test here"
    names = {name: source.class_names for name, source in spec.data.items() if source is not None}
    return EvaluationReport(done.pop(main), done, names)
