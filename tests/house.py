"""The rules of the house as functions: from sources to sentences that say what is wrong. No sentence, no fault."""

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src"

# what each floor may import; a floor that is not named here may import nothing but itself
BASE = frozenset({"core"})
PARTS = frozenset({"contract", "blocks", "core"})
SPINE = PARTS | {"language"}
SIDE = SPINE | {"spine"}
FLOWS = SIDE | {"generation", "association", "interop", "datasets"}
ABOVE = FLOWS | {"flows", "osler"}
BELOW: Mapping[str, frozenset[str]] = {
    "core": frozenset(),
    "contract": BASE,
    "blocks": BASE | {"contract"},  # a block may take and give the contract's records; the contract knows no block
    "language": BASE,
    "modalities": PARTS,
    "tasks": PARTS,
    "spine": SPINE,
    **dict.fromkeys(("generation", "association", "interop", "datasets"), SIDE),
    "flows": FLOWS,
    **dict.fromkeys(("cli", "serve", "federation"), ABOVE),
    "osler": FLOWS | {"flows"},
}
ROOMS = frozenset(
    {
        "case",
        "read",
        "encode",
        "facts",
        "fit",
        "rules",
        "gather",
        "augment",
        "network",
        "baseline",
        "explain",
        "drift",
        "leaks",
        "cohort",
        "keys",
        "variants",
        "motifs",  # what recurs in sequences: searched, matched, drawn and read from files, too much for `explain`
        "grids",  # forms of images that have the same rooms once more: each case on its own grid,
        "volumes",  # and volumes of one size
    }
)
OBLIGATORY = frozenset({"case", "read", "encode", "facts", "rules", "network", "baseline"})
SHARED_DRAWERS = frozenset({"utils", "util", "helpers", "helper", "common", "misc"})
PICKLES = frozenset({"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"})
# the parts of joblib that leave nothing on disk: worker processes
ALLOWED = frozenset({"joblib.Parallel", "joblib.delayed", "joblib.externals.loky.get_reusable_executor"})
PICKLING_CALLS = frozenset({"torch.load", "torch.save", "pandas.read_pickle", "pd.read_pickle"})

MODULE_LINES, FUNCTION_LINES, FUNCTION_NINE_IN_TEN, FUNCTION_HALF = 400, 50, 25, 10


@dataclass(frozen=True)
class Source:
    """A module: its dotted `name`, its `text`, and whether it is a `package`'s __init__."""

    name: str
    text: str
    package: bool = False

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def floor(self) -> str:
        return floor_of(self.name)

    @property
    def room(self) -> str:
        return room_of(self.name)


def sources(root: Path = SRC) -> tuple[Source, ...]:
    """Return all modules of the package."""
    found = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        package = parts[-1] == "__init__"
        found.append(Source(".".join(parts[:-1] if package else parts), path.read_text(encoding="utf-8"), package))
    return tuple(found)


def floor_of(name: str) -> str:
    """Return the top package or module under osler, "osler" for its public names; `python -m osler` is a command."""
    parts = ["osler", "cli"] if name == "osler.__main__" else name.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in BELOW else "osler"


def room_of(name: str) -> str:
    """Return what must not lie on a circle: a floor, or one step, modality or task on its floor."""
    parts = name.split(".")
    return ".".join(parts[1:3]) if floor_of(name) in {"spine", "modalities", "tasks"} else floor_of(name)


def imports(source: Source) -> Iterator[str]:
    """Yield the dotted name of everything of osler that is imported when code runs; annotations' imports do not count."""
    for node in _running(source.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = source.name.split(".")[: len(source.name.split(".")) - node.level + source.package]
                base = ".".join([*above, *filter(None, [node.module])])
            if _ours(base):
                yield from (f"{base}.{alias.name}" for alias in node.names)


def _ours(name: str) -> bool:
    return name == "osler" or name.startswith("osler.")


def _running(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield other
                yield from _running(other)
            continue
        yield child
        yield from _running(child)


# the rules ------------------------------------------------------------------------------------------------------------


def imports_go_down(house: Iterable[Source]) -> list[str]:
    """A floor imports only floors below it; steps, modalities and registered tasks do not import one another."""
    registered = {
        "tasks.classification",
        "tasks.regression",
        "tasks.survival",
        "tasks.segmentation",
        "tasks.detection",
        "tasks.tracks",
    }
    faults = []
    for source in house:
        for target in imports(source):
            floor, room = floor_of(target), room_of(target)
            if floor != source.floor and floor not in BELOW[source.floor]:
                faults.append(f"{source.name} imports {target}: {source.floor} lies below or beside {floor}")
            neighbours = room != source.room and source.room != source.floor
            apart = floor in {"spine", "modalities"} or room in registered
            if floor == source.floor and neighbours and apart:
                faults.append(f"{source.name} imports its neighbour {target}: pass types of the core instead")
    return faults


def no_circle(house: Iterable[Source]) -> list[str]:
    """Between rooms no chain of imports comes back to where it began."""
    graph: dict[str, set[str]] = {}
    for source in house:
        graph.setdefault(source.room, set()).update(room_of(t) for t in imports(source))
    done: set[str] = set()

    def visit(room: str, path: tuple[str, ...]) -> list[str]:
        if room in path:
            return [" -> ".join((*path[path.index(room) :], room))]
        if room in done:
            return []
        found = [c for following in sorted(graph.get(room, set()) - {room}) for c in visit(following, (*path, room))]
        done.add(room)
        return found

    return [circle for room in sorted(graph) for circle in visit(room, ())]


def only_flows_resolve(house: Iterable[Source]) -> list[str]:
    """Lower rooms receive modalities and tasks; only flows (and what lies above) look them up."""
    looking = {"osler.core.registry", *(f"osler.core.registry.{name}" for name in ("modality", "task", "maker", "resolve"))}
    above = {"flows", "cli", "serve", "federation", "osler", "core"}
    return [f"{s.name} looks up {t}" for s in house if s.floor not in above for t in imports(s) if t in looking]


def same_furniture(house: Iterable[Source]) -> list[str]:
    """Each modality has the agreed rooms, and no other."""
    rooms: dict[str, set[str]] = {}
    for source in house:
        _, _, inside = source.name.partition("osler.modalities.")
        modality, *rest = inside.split(".")
        if modality:
            rooms.setdefault(modality, set()).update(rest[:1])
    odd = [
        f"modalities/{m} has '{room}', which is no agreed room" for m, found in rooms.items() for room in sorted(found - ROOMS)
    ]
    return odd + [f"modalities/{m} lacks '{room}'" for m, found in rooms.items() for room in sorted(OBLIGATORY - found)]


def no_shared_drawer(house: Iterable[Source]) -> list[str]:
    """Nothing is called utils, helpers or common."""
    return [f"{s.name}: a helper stands beside its noun" for s in house if SHARED_DRAWERS & set(s.name.strip("_").split("."))]


def modules_fit(house: Iterable[Source]) -> list[str]:
    """No module is longer than STYLE allows."""
    lengths = {s.name: len(s.text.splitlines()) for s in house}
    return [f"{name} has {lines} lines; above {MODULE_LINES} split it" for name, lines in lengths.items() if lines > MODULE_LINES]


def functions_fit(house: Iterable[Source]) -> list[str]:
    """No function is longer than STYLE allows, nine in ten and half of them are short."""
    code = {f"{s.name}.{name}": lines for s in house for name, lines in function_lines(s)}
    faults = [
        f"{name} has {lines} lines of code, more than {FUNCTION_LINES}" for name, lines in code.items() if lines > FUNCTION_LINES
    ]
    if not code:
        return faults
    ninety, half = np.percentile(list(code.values()), [90, 50])
    if ninety > FUNCTION_NINE_IN_TEN:
        faults.append(f"nine in ten functions have up to {ninety:.0f} lines of code, more than {FUNCTION_NINE_IN_TEN}")
    if half > FUNCTION_HALF:
        faults.append(f"half of the functions have up to {half:.0f} lines of code, more than {FUNCTION_HALF}")
    return faults


def function_lines(source: Source) -> Iterator[tuple[str, int]]:
    """Yield each function's name and its lines of code: no docstring, no comment, no blank."""
    code = set(_code_lines(source.text)) - set(_docstring_lines(source.tree))
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, len(code & set(range(node.lineno, (node.end_lineno or node.lineno) + 1)))


def _code_lines(text: str) -> Iterator[int]:
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in silent:
            yield from range(token.start[0], token.end[0] + 1)


def _docstring_lines(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module) and ast.get_docstring(node):
            yield from range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)


def public_names_documented(house: Iterable[Source]) -> list[str]:
    """Every public module, class and function has a docstring, and every parameter and result its annotation."""
    return [fault for source in house for fault in _undocumented(source.tree, source.name)]


def _undocumented(node: ast.Module | ast.ClassDef, name: str) -> Iterator[str]:
    if not ast.get_docstring(node):
        yield f"{name} has no docstring"
    for child in node.body:
        if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from _undocumented(child, f"{name}.{child.name}")
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not child.name.startswith("_"):
            overload = any("overload" in ast.unparse(d) for d in child.decorator_list)
            if not ast.get_docstring(child) and not overload:
                yield f"{name}.{child.name} has no docstring"
            yield from (f"{name}.{child.name}: {what} has no annotation" for what in _unannotated(child))


def _unannotated(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, [given.vararg, given.kwarg])]
    yield from (f"'{a.arg}'" for a in every if a.annotation is None and a.arg not in {"self", "cls"})
    if function.returns is None:
        yield "the result"


def no_pickle(house: Iterable[Source]) -> list[str]:
    """Nothing is read or written that could run code."""
    faults = []
    for source in house:
        for node in ast.walk(source.tree):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                given = [f"{node.module}.{alias.name}" for alias in node.names]
                names = [part for name in given if name not in ALLOWED for part in (name, name.split(".")[0])]
            elif isinstance(node, ast.Attribute):
                names = [ast.unparse(node)]
            elif isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
                names = ["pickle"]
            faults += [f"{source.name}:{node.lineno} uses {n}" for n in names if n in PICKLES | PICKLING_CALLS]  # type: ignore[attr-defined]
    return faults
