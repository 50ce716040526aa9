"""What the phases of a net have in common: the memories of their states, and where each state lies."""

from __future__ import annotations

from collections.abc import Mapping

from runtime.errors import UsageError
from runtime.executor import Store, require_memory
from runtime.plan import STATE_MEMORY, Plan, View


def open_store(plan: Plan, device: str) -> Store:
    """The state memories of a net, from the plan of its first phase, which runs on ``device``.

    Raises
    ------
    ResourceError
        The plan needs more memory than there is.
    """
    sizes = {name: plan.memory.get(name, 0) for name in STATE_MEMORY}
    total = sum(plan.memory.values())
    require_memory(total, device, "the net with its training state", "a smaller --batch or num_output helps")
    return Store(sizes)


def check_shapes(plan: Plan, homes: Mapping[str, View]) -> None:
    """Refuse a plan with a state that another phase has in another shape.

    Raises
    ------
    UsageError
        With both shapes.
    """
    for entry in plan.states:
        home = homes.get(entry.name)
        if home is not None and home.shape != entry.view.shape:
            shapes = f"{list(entry.view.shape)} in phase {plan.phase} and {list(home.shape)} in the other"
            raise UsageError(f"{entry.name} is {shapes}: the phases share their parameters")
