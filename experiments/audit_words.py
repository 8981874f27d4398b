"""The words and tables of an audit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from experiments.audit_matrix import VIEWS
from experiments.harness.experiment import Result, Table

__all__ = ["answer", "compared", "summary", "tables"]

_NAMED = 6


def answer(_config: object, result: Result) -> str:
    """How far |cos| is from 0, and from what chance and packings would have."""
    data: Any = result.data
    raw, centred = (data["views"][name] for name in VIEWS)
    most_raw, most_centred = (_largest(data, data["views"][name]) for name in VIEWS)
    random, packing = data["random"], data["packing"]
    against = [f"random directions {random['rms']:.4f}"]
    if data["welch"]["rms"] > 0:
        against.append(f"at best {data['welch']['rms']:.4f}")
    most = [f"random {random['largest']:.4f}"]
    if packing["largest"] is not None:
        most.append(f"best packing known {packing['largest']:.4f}")
    return (
        f"The {data['count']:,} {_what(data)} in {data['dim']:,} dimensions have an rms |cos| of "
        f"{raw['rms']:.4f} between two ({', '.join(against)}) and {most_raw} between the "
        f"closest two ({', '.join(most)}); less the mean {_one(data)}, {centred['rms']:.4f} and "
        f"{most_centred}."
    )


def compared(data: Any) -> str:
    """Which pairs were compared, for each view where that differs."""
    said = {
        name: "all pairs"
        if view["exact"]
        else f"pairs of {view['sampled']:,} sampled {data['axis']} with all"
        for name, view in data["views"].items()
    }
    if len(set(said.values())) == 1:
        return said["raw"]
    return ", ".join(f"{name} {which}" for name, which in said.items())


def _what(data: Any) -> str:
    # The array of a .npy file has no name of its own.
    return f"{data['axis']} of {data['file' if data['tensor'] == 'array' else 'tensor']!r}"


def _one(data: Any) -> str:
    return str(data["axis"].removesuffix("s"))


def _largest(data: Any, view: Any) -> str:
    value = view["largest"]["cosine"]
    # Equal rows are found without a sample, and no pair is closer.
    if view["exact"] or value >= view["largest"]["at_most"]:
        return f"{value:.4f}"
    return f"at least {value:.4f} (a sample of {view['sampled']:,} {data['axis']})"


def summary(_config: object, result: Result) -> list[str]:
    """Zero rows and duplicates, norms, dimensions used, interference."""
    data: Any = result.data
    lines = list(data["notices"])
    lines.append(f"Zero {data['axis']}: {_named(data['zero'])}. {_duplicates(data)}")
    for name, view in data["views"].items():
        norms, quantiles = view["norms"], {one["share"]: one for one in view["quantiles"]}
        lines.append(
            f"{name.capitalize()}: norms {norms['min']:.4g} to {norms['max']:.4g} (median "
            f"{norms['median']:.4g}); mean cosine {view['mean_cosine']:.4f}; |cos| at the median "
            f"{_middle(quantiles[0.5]):.4f} and at 99.9% {_middle(quantiles[0.999]):.4f}; "
            f"effective dimension {view['effective_dimension']:.1f} of {data['dim']:,}; a "
            f"direction uses {view['row_participation']:.1f} coordinates."
        )
        lines.append(f"Closest, {name}: {'; '.join(map(_closest, view['closest']))}.")
        if name == "centred" and view["zero"]["count"]:
            lines.append(
                f"Within rounding of the mean {_one(data)}, and left out: {_named(view['zero'])}."
            )
    for name, view in data["views"].items():
        row = view["interference"][-1]
        lines.append(
            f"{row['active']} active, {name}: interference of rms {row['rms']['mean']:.3g} and "
            f"mean {row['mean']['mean']:+.3g} at features that are off (random directions "
            f"{row['rms']['random']:.3g}), of which {_share(row['alarms']['mean'])} read above 1/2 "
            f"(random directions about {row['alarms']['random']:.3g})."
        )
    return lines


def _closest(pair: Sequence[Any]) -> str:
    """A pair by its tokens, where there are any, and its places."""
    cosine, first, second, *tokens = pair
    words = (
        f"{tokens[0]} and {tokens[1]} ({first}, {second})" if tokens else f"{first} and {second}"
    )
    return f"{words} at {cosine:+.4f}"


def _middle(quantile: Any) -> float:
    return float(sum(quantile["interval"]) / 2)


def _share(value: float) -> str:
    return "none" if value == 0 else f"{value:.3g}"


def _named(rows: Any) -> str:
    if not rows["count"]:
        return "none"
    first = rows["first"][:_NAMED]
    more = ", ..." if rows["count"] > len(first) else ""
    return f"{rows['count']:,} ({', '.join(map(str, first))}{more})"


def _duplicates(data: Any) -> str:
    found = data["duplicates"]
    if not found["groups"]:
        other = "other " if data["zero"]["count"] > 1 else ""
        return f"No two {other}{data['axis']} are equal."
    first = " = ".join(map(str, found["first"][0]["rows"]))
    more = " = ..." if found["first"][0]["count"] > len(found["first"][0]["rows"]) else ""
    return (
        f"{found['rows']:,} {data['axis']} are equal to others, in {found['groups']:,} "
        f"{'group' if found['groups'] == 1 else 'groups'} "
        f"(as {first}{more})."
    )


def tables(
    data: Any, closest: Sequence[tuple[Any, ...]], tokens: Sequence[str] | None
) -> dict[str, Table]:
    """Side by side, interference, and what is named."""
    axis = data["axis"]
    named = () if tokens is None else ("first token", "second token")
    found = {
        "comparison": _comparison(data),
        **_interference(data),
        "closest": Table(
            ("view", "cosine", "first", "second", *named),
            tuple(row[: 4 + len(named)] for row in closest),
            "Closest pairs",
            f"The largest |cos| and the {axis} that have it, counted from 0; of {compared(data)}"
            + ("" if _exact(data) else f", and of equal {axis}")
            + f". Raw: as given; centred: less the mean {_one(data)}.",
        ),
    }
    if data["duplicates"]["groups"]:
        rows = tuple(
            (
                group["count"],
                ", ".join(map(str, group["rows"])),
                *([] if tokens is None else [", ".join(tokens[row] for row in group["rows"])]),
            )
            for group in data["duplicates"]["first"]
        )
        found["duplicates"] = Table(
            ("copies", axis, *(() if tokens is None else ("tokens",))),
            rows,
            "Duplicates",
            f"The largest {len(rows)} of {data['duplicates']['groups']:,} groups of equal {axis}.",
        )
    if data["zero"]["count"]:
        first = data["zero"]["first"]
        found["zero"] = Table(
            (axis.removesuffix("s"), *(() if tokens is None else ("token",))),
            tuple((row, *([] if tokens is None else [tokens[row]])) for row in first),
            f"Zero {axis}",
            f"The first {len(first)} of {data['zero']['count']:,}; they have no direction and are "
            "left out.",
        )
    return found


def _exact(data: Any) -> bool:
    return all(view["exact"] for view in data["views"].values())


def _comparison(data: Any) -> Table:
    views = [data["views"][name] for name in VIEWS]
    random, welch, packing = data["random"], data["welch"], data["packing"]
    at_least = [name for name in VIEWS if not data["views"][name]["exact"]]
    rows: list[tuple[Any, ...]] = [
        ("mean cosine", *(one["mean_cosine"] for one in views), 0.0, None, None),
        ("rms |cos|", *(one["rms"] for one in views), random["rms"], welch["rms"], None),
    ]
    for place, one in enumerate(views[0]["quantiles"]):
        ends = [view["quantiles"][place] for view in views]
        rows.append(
            (
                f"|cos| that {100 * one['share']:g}% of pairs stay below",
                *(_middle(end) for end in ends),
                random["quantiles"][place],
                None,
                None,
            )
        )
        if at_least:
            for name, end in (("from", 0), ("to", 1)):
                rows.append((f"   {name}", *(part["interval"][end] for part in ends), *[None] * 3))
    rows += [
        (
            "largest |cos|" + (f", at least ({', '.join(at_least)})" if at_least else ""),
            *(one["largest"]["cosine"] for one in views),
            random["largest"],
            welch["largest"],
            packing["largest"],
        ),
        (
            "nearest other direction, median |cos|",
            *(one["nearest"]["median"] for one in views),
            random["nearest"],
            None,
            None,
        ),
    ]
    for key, label in (
        ("effective_dimension", "effective dimension"),
        ("row_participation", "coordinates that a direction uses"),
        ("column_participation", "directions that a coordinate serves"),
    ):
        rows.append((label, *(one[key] for one in views), random[key], None, None))
    for key in ("min", "median", "max"):
        rows.append((f"norm, {key}", *(one["norms"][key] for one in views), *[None] * 3))
    caption = (
        f"{data['count']:,} directions in {data['dim']:,} dimensions. Raw: as given; centred: less "
        f"the mean of the {data['axis']} as given, before they are normalised. Random: independent "
        "directions; of the largest and of the nearest the median, of the largest as if its pairs "
        "were independent. Welch: no set of directions is below. Packing: the least coherent "
        f"known, {packing['words']}. Quantiles, nearest directions and the largest |cos|: of "
        f"{compared(data)}"
    )
    if at_least:
        caption += (
            f", the largest also of equal {data['axis']}; quantiles of samples with 95% intervals "
            "over groups of them"
        )
    caption += "."
    return Table(
        ("", "raw", "centred", "random", "Welch", "packing"), tuple(rows), "Side by side", caption
    )


def _readings(data: Any, key: str) -> list[tuple[Any, ...]]:
    """Rows of a table: measured with its interval, theory, random directions."""
    return [
        (
            name,
            one["active"],
            one[key]["mean"],
            *one[key]["interval"],
            one[key]["theory"],
            one[key]["random"],
        )
        for name in VIEWS
        for one in data["views"][name]["interference"]
    ]


def _interference(data: Any) -> dict[str, Table]:
    columns = ("from", "to", "theory", "random")
    means = [
        (one["mean"]["mean"], one["mean"]["theory"])
        for name in VIEWS
        for one in data["views"][name]["interference"]
    ]
    return {
        "interference": Table(
            ("view", "k", "rms", *columns, "mean", "theory, mean"),
            tuple((*row, *both) for row, both in zip(_readings(data, "rms"), means, strict=True)),
            "Interference",
            "At features that are off while k others are on with amplitude 1, with 95% intervals "
            "over batches of sets. Theory: exact moments.",
        ),
        "alarms": Table(
            ("view", "k", "share above 1/2", *columns),
            tuple(_readings(data, "alarms")),
            "Features that look on though they are off",
            "With 95% intervals over batches of sets. Theory, an approximation: a normal law with "
            "the exact mean and variance of each direction. Random: the exact law of a cosine at "
            "k = 1, else an approximation, a normal law and the next term of its expansion (0 "
            "where that is below 0).",
        ),
    }
