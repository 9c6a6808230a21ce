"""The figures that scenarios measure: kept in a file for people, never compared with a limit.

A figure depends on the machine; what a test asserts are counts, and patience of several times the figure that
the project promises.
"""

from tests.conformance.place import BUILD

FILE = BUILD / "figures.txt"


def note(what: str, figure: float, unit: str = "s", promised: str = "") -> None:
    """Adds a line. `promised`: what is hoped for, such as `20 s`."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    text = f"{figure:.1f}" if isinstance(figure, float) else str(figure)
    with FILE.open("a", encoding="utf-8") as file:
        file.write(f"{what:76} {text:>9} {unit:10} {f'promised: {promised}' if promised else ''}".rstrip() + "\n")


def forget() -> None:
    FILE.unlink(missing_ok=True)


def noted() -> str:
    return FILE.read_text(encoding="utf-8") if FILE.exists() else ""
