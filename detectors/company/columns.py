"""Which columns of a table can tell its rows apart, and the refusal of a table whose columns cannot."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.company.store import Array
from detectors.company.table import COMMON, EMPTY, FIT, MOST_ROWS, SHORT, Column, Plan, Role
from detectors.errors import Error, Errors

_MOST_UNFIT = 0.1  # of an alone column's values
_MOST_WEAK = 0.5  # of a column's values, above which the column is weak
_DISTINCT = 0.5  # of a column's values, above which it may name rows


@dataclass(frozen=True, slots=True)
class Strength:
    """How well a column tells rows apart: parts are of its values, from 0 to 1."""

    name: str
    role: Role
    entity: str
    values: int
    distinct: int
    weak: float  # short, or shared by many rows: they count half
    unfit: float  # cannot stand alone
    crowded: int  # values shared by so many rows that other values have to lead to them


def strengths(arrays: dict[str, Array], plan: Plan) -> list[Strength]:
    """Return the strength of each column of a table."""
    cells = arrays["cells"].reshape(-1, len(plan.columns))
    flags = arrays["flags"]
    found = []
    for at, column in enumerate(plan.columns):
        values = cells[:, at][cells[:, at] != EMPTY]
        own = flags[values]
        count = max(1, len(values))
        distinct, times = np.unique(values, return_counts=True)
        found.append(
            Strength(
                column.name,
                column.role,
                column.entity,
                len(values),
                len(distinct),
                float(((own & (SHORT | COMMON)) != 0).sum() / count),
                float(((own & FIT == 0) | (own & COMMON != 0)).sum() / count),
                int((times > MOST_ROWS).sum()),
            )
        )
    return found


def suited(columns: Sequence[Strength]) -> tuple[Column, ...]:
    """Return the columns with the roles that suit them: values that tell rows apart lead, the others support."""
    leading = [c for c in columns if c.distinct > _DISTINCT * c.values and c.weak <= _MOST_WEAK and c.values]
    return tuple(
        Column(c.name, (Role.ALONE if len(columns) == 1 else Role.PRIMARY) if c in leading else Role.SUPPORT, c.entity)
        for c in columns
    )


def check(columns: Sequence[Strength], plan: Plan) -> None:
    """Raise Errors where a table's rows could be found by chance, or not at all."""
    errors: list[Error] = []
    for column in columns:
        if not column.values:
            errors.append(Error(f"column {column.name} has no values", hint="leave it out"))
        elif column.role is Role.ALONE and column.unfit > _MOST_UNFIT:
            errors.append(
                Error(
                    f"column {column.name}: {column.unfit:.0%} of its values are too short or too common to stand alone",
                    hint="make it --primary and name another column beside it",
                )
            )
        elif column.role is Role.PRIMARY and column.weak > _MOST_WEAK:
            errors.append(
                Error(
                    f"column {column.name}: {column.weak:.0%} of its values are short or shared by many rows",
                    hint="make it --support, and a column that tells rows apart --primary",
                )
            )
    if all(column.role is Role.SUPPORT for column in columns):
        errors.append(Error("no column tells the rows apart", hint="name one with --primary or --alone"))
    elif not any(column.role is Role.ALONE for column in columns):
        worth = sorted(1.0 if column.weak <= _MOST_WEAK else 0.5 for column in columns)
        if sum(worth[:-1]) < plan.need:
            errors.append(
                Error(
                    f"the columns cannot give {plan.need} more beside a primary one: those with few or short values "
                    "count half",
                    hint="name one more with --primary or --support, or lower --need",
                )
            )
    if errors:
        raise Errors(tuple(errors))
