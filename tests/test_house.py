"""The house keeps its own rules, and each rule can fail."""

import ast
import fnmatch
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests import house
from tests.house import ROOT, Source

HOUSE = house.sources()
RULES = (
    house.imports_go_down,
    house.no_circle,
    house.only_flows_resolve,
    house.same_furniture,
    house.no_shared_drawer,
    house.modules_fit,
    house.functions_fit,
    house.public_names_documented,
    house.no_pickle,
)
HEAVY = ("torch", "polars", "pyarrow", "pandas", "sklearn", "scipy", "lightgbm", "matplotlib")
README, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
COMMANDS, PYTHON_API = ROOT / "docs/reference/commands.md", ROOT / "docs/reference/python.md"
# places of one person's machine; /tmp and /data may stand in an example
MACHINE = re.compile(r"(?<![\w.])/(?:home|Users|root|work|workspace|mnt|opt)/\w|\b[A-Z]:\\Users")

LONG = "def long():\n" + "    x = 1\n" * 50
SPARSE = 'def f():\n    """' + "a\n" * 60 + '"""\n' + "    # why\n\n" * 60 + "    x = 1\n"


def modality(*rooms):
    return [Source("osler.modalities.new", "", package=True), *(Source(f"osler.modalities.new.{room}", "") for room in rooms)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps(rule):
    assert rule(HOUSE) == []


def test_the_house_was_read():
    assert {"osler", "osler.core.plan", "osler.modalities.tables"} <= {s.name for s in HOUSE}
    assert "osler.core.columns.Columns" in set(house.imports(next(s for s in HOUSE if s.name == "osler.contract.modality")))


@pytest.mark.parametrize(
    ("rule", "bad", "message"),
    [
        (house.imports_go_down, [Source("osler.core.plan", "import osler.contract")], "core lies below or beside contract"),
        (house.imports_go_down, [Source("osler.core.plan", "from osler import flows")], "core lies below or beside flows"),
        (house.imports_go_down, [Source("osler.core.plan", "from .. import spine")], "core lies below or beside spine"),
        (house.imports_go_down, [Source("osler.core.plan", "def f():\n  from osler.blocks import x")], "beside blocks"),
        (house.imports_go_down, [Source("osler.tasks.regression", "from osler.modalities import tables")], "beside modalities"),
        (house.imports_go_down, [Source("osler.flows.train", "import osler.modalities.tables")], "beside modalities"),
        (house.imports_go_down, [Source("osler.datasets.x", "from osler import interop")], "beside interop"),
        (
            house.imports_go_down,
            [Source("osler.spine.split", "from osler.spine import leaks")],
            "its neighbour osler.spine.leaks",
        ),
        (house.imports_go_down, [Source("osler.modalities.images.read", "import osler.modalities.tables.read")], "its neighbour"),
        (house.imports_go_down, [Source("osler.tasks.regression", "import osler.tasks.classification")], "its neighbour"),
        (
            house.no_circle,
            [Source("osler.tasks.a", "from osler.tasks import b"), Source("osler.tasks.b", "from . import a")],
            "tasks.a -> tasks.b -> tasks.a",
        ),
        (
            house.only_flows_resolve,
            [Source("osler.spine.scan", "from osler.core import registry")],
            "looks up osler.core.registry",
        ),
        (house.only_flows_resolve, [Source("osler.spine.scan", "from osler.core.registry import task")], "registry.task"),
        (house.same_furniture, modality(*house.OBLIGATORY, "loader"), "has 'loader', which is no agreed room"),
        (house.same_furniture, modality(*house.OBLIGATORY - {"facts"}), "lacks 'facts'"),
        (house.no_shared_drawer, [Source("osler.spine.utils", "")], "osler.spine.utils: a helper stands beside its noun"),
        (house.no_shared_drawer, [Source("osler.common.x", "")], "osler.common.x"),
        (house.modules_fit, [Source("osler.core.x", "\n" * 401)], "has 401 lines; above 400 split it"),
        (house.functions_fit, [Source("osler.core.x", LONG)], "osler.core.x.long has 51 lines of code, more than 50"),
        (house.functions_fit, [Source("osler.core.x", LONG[: -10 * 24])], "nine in ten functions have up to 27 lines"),
        (house.functions_fit, [Source("osler.core.x", LONG[: -10 * 40])], "half of the functions have up to 11 lines"),
        (house.public_names_documented, [Source("osler.core.x", "x = 1")], "osler.core.x has no docstring"),
        (house.public_names_documented, [Source("osler.core.x", "'x'\nclass A: ...")], "osler.core.x.A has no docstring"),
        (house.public_names_documented, [Source("osler.core.x", "'x'\ndef f(a) -> int: 'x'")], "f: 'a' has no annotation"),
        (house.public_names_documented, [Source("osler.core.x", "'x'\ndef f(): 'x'")], "f: the result has no annotation"),
        (house.no_pickle, [Source("osler.core.x", "import pickle")], "uses pickle"),
        (house.no_pickle, [Source("osler.core.x", "from joblib import Parallel, load")], "uses joblib"),
        (
            house.no_pickle,
            [Source("osler.core.x", "def f():\n  import torch\n  torch.load('x')")],
            "osler.core.x:3 uses torch.load",
        ),
        (house.no_pickle, [Source("osler.core.x", "from torch import save")], "uses torch.save"),
        (house.no_pickle, [Source("osler.core.x", "np.load('x', allow_pickle=True)")], "uses pickle"),
    ],
)
def test_a_rule_can_fail(rule, bad, message):
    assert any(message in fault for fault in rule(bad)), rule(bad)


@pytest.mark.parametrize(
    ("rule", "good"),
    [
        (house.imports_go_down, [Source("osler.core.x", "if TYPE_CHECKING:\n  from osler import flows")]),
        (house.imports_go_down, [Source("osler.spine.fit.loop", "from osler.spine.fit import source")]),
        (house.imports_go_down, [Source("osler.tasks.regression", "from osler.tasks.continuous import rmse")]),
        (house.imports_go_down, [Source("osler.cli.train", "from osler.core import errors\nfrom osler.flows import train")]),
        (house.no_circle, [Source("osler.core.a", "import osler.core.b"), Source("osler.core.b", "import osler.core.a")]),
        (house.functions_fit, [Source("osler.core.x", SPARSE)]),
        (house.no_pickle, [Source("osler.core.x", "np.load('x', allow_pickle=False)\nfrom joblib import Parallel")]),
    ],
)
def test_a_rule_lets_good_code_pass(rule, good):
    assert rule(good) == []


# start-up -------------------------------------------------------------------------------------------------------------


def loaded(statement):
    """Return which heavy libraries a fresh Python has after `statement`."""
    ask = f"import sys\n{statement}\nprint('LOADED', *[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.splitlines()[-1].split()[1:]


def test_import_osler_is_light():
    assert loaded("import osler, osler.core.registry, osler.datasets") == []


def test_help_is_light():
    assert loaded("import osler.cli\nsys.argv = ['osler', '--help']\ntry: osler.cli.main()\nexcept SystemExit: pass") == []


def test_a_heavy_import_is_seen():
    assert "pyarrow" in loaded("import pyarrow")


# documents ------------------------------------------------------------------------------------------------------------


def commands():
    """Return the commands that exist: words after `osler` to their long options."""
    import typer

    from osler.cli import app

    found = {}

    def walk(command, words):
        for name, child in getattr(command, "commands", {}).items():
            walk(child, (*words, name))
        if not hasattr(command, "commands") and not command.hidden:
            names = [n for p in command.params for n in (*p.opts, *p.secondary_opts)]
            found[words] = {n for n in names if n.startswith("--")} - {"--help"}

    walk(typer.main.get_command(app), ())
    return found


def undocumented(known, text):
    """Return what a reference with one heading `osler WORDS` per command does not tell."""
    parts = re.split(r"^## `osler ([\w ]+?)`.*$", text, flags=re.MULTILINE)
    told = {tuple(name.split()): body for name, body in zip(parts[1::2], parts[2::2], strict=True)}
    faults = [f"no heading for osler {' '.join(w)}" for w in known if w not in told]
    faults += [f"osler {' '.join(w)} does not exist" for w in told if w not in known]
    for words in known.keys() & told.keys():
        named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", told[words]))
        faults += [f"osler {' '.join(words)}: {option} is not told" for option in sorted(known[words] - named)]
        faults += [f"osler {' '.join(words)}: {option} does not exist" for option in sorted(named - known[words] - {"--help"})]
    return faults


def impossible(known, text):
    """Return the commands in the code of a document, blocks and words, that do not exist as they stand there."""
    faults = []
    inline = re.findall(r"(?<!`)`(osler [^`]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    for line in [*re.sub(r"\\\n\s*", " ", "\n".join(blocks(text))).splitlines(), *inline]:
        words = shlex.split(line.removeprefix("$ "), comments=True) if re.match(r"(\$ )?osler ", line) else []
        if not words or words[1:] == ["--help"] or words[1] == "COMMAND":
            continue
        name = next((tuple(words[1 : 1 + n]) for n in (2, 1) if tuple(words[1 : 1 + n]) in known), None)
        given = {w.partition("=")[0] for w in words if w.startswith("--")} - {"--help"}
        if name is None or not given <= known[name]:
            faults.append(line.strip())
    return faults


def blocks(text):
    """Return the fenced code blocks of a document."""
    return re.findall(r"^```[^\n]*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def documents():
    return [README, CHINESE, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_command_and_option_is_documented():
    assert undocumented(commands(), COMMANDS.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", documents(), ids=lambda p: str(p.relative_to(ROOT)))
def test_every_command_in_the_documents_exists(path):
    assert impossible(commands(), path.read_text(encoding="utf-8")) == []


def test_undocumented_and_impossible_commands_are_seen():
    known = {("train",): {"--out", "--seed"}, ("data", "get"): {"--to"}}
    assert undocumented(known, "## `osler train`\n--out --seeds\n## `osler fly`\n") == [
        "no heading for osler data get",
        "osler fly does not exist",
        "osler train: --seed is not told",
        "osler train: --seeds does not exist",
    ]
    text = "```bash\nosler train a.csv \\\n  --out=b\nosler data get x --too d\nosler fly\nosler --help\n```\n`osler swim`"
    assert impossible(known, text) == ["osler data get x --too d", "osler fly", "osler swim"]


def missing_names(public, text):
    """Return the public names without a heading in the reference, and headings without a name."""
    told = set(re.findall(r"^#+ `osler\.(\w+)", text, flags=re.MULTILINE))
    return sorted(f"'{n}' is not documented" for n in set(public) - told) + sorted(
        f"'{n}' is not public" for n in told - set(public)
    )


def test_public_names_are_documented():
    import osler

    assert len(set(osler.__all__)) == len(osler.__all__) > 0
    assert [name for name in osler.__all__ if not hasattr(osler, name)] == []
    assert missing_names(osler.__all__, PYTHON_API.read_text(encoding="utf-8")) == []


def test_missing_names_are_seen():
    text = "## `osler.load(bundle)`\n### `osler.fly`\n"
    assert missing_names(["load", "train"], text) == ["'train' is not documented", "'fly' is not public"]


def test_make_targets_in_the_documents_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
    code = "\n".join(block for d in documents() for block in blocks(d.read_text(encoding="utf-8")))
    asked = set(re.findall(r"^make ([a-z]+)\b", code, flags=re.MULTILINE))
    assert {"demo", "test", "check", "bench", "docs"} <= targets
    assert {"demo", "test"} <= asked <= targets


def test_every_key_of_a_study_is_documented():
    from osler.spine.study.file import StudyFile

    text = (ROOT / "docs/reference/study.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE))
    assert told == {field.alias or name for name, field in StudyFile.model_fields.items()}


def untold(sources, text):
    """Return the decisions that a module makes by name and a reference does not list."""
    told = {name.removeprefix("inputs.<input>.") for name in re.findall(r"`([\w.<>]+)`", text)}
    calls = [(s.name, node) for s in sources for node in ast.walk(s.tree) if isinstance(node, ast.Call)]
    made = {(where, call.args[0].value) for where, call in calls
            if getattr(call.func, "id", "") == "Decision" and call.args and isinstance(call.args[0], ast.Constant)}  # fmt: skip
    return sorted(f"{where}: '{name}' is not told" for where, name in made if name not in told)


def test_every_decision_is_documented():
    assert untold(HOUSE, (ROOT / "docs/reference/decisions.md").read_text(encoding="utf-8")) == []


def test_untold_decisions_are_seen():
    text = "| `inputs.<input>.bin` | days |\n| `fit.batch` | cases |"
    rules = [
        Source("osler.modalities.new.rules", 'x = Decision("bin", 1, ""), Decision("fit.batch", 2, ""), Decision("fly", 3, "")')
    ]
    assert untold(rules, text) == ["osler.modalities.new.rules: 'fly' is not told"]


@pytest.mark.parametrize("study", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda p: p.name)
def test_the_examples_are_studies_of_data_that_can_be_had(study, tmp_path, request):
    from osler.datasets import entries, get
    from osler.spine.study import Request
    from osler.spine.study.file import describe

    asked = describe(Request(study))
    name = re.search(r"osler data get ([\w-]+)", study.read_text(encoding="utf-8"))[1]
    assert asked.table.parent.name == name
    shipped = {entry.name for entry in entries() if entry.package}
    mirror = None if name in shipped else request.getfixturevalue("data") / "records"  # a test fetches nothing
    header = (get(name, to=tmp_path, mirror=mirror).parent / "table.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    named = {*asked.target, *asked.subgroups, *(c for one in asked.inputs.values() for c in one.columns)}
    assert [name for name in named if not fnmatch.filter(header, name)] == []


def untranslated(english, chinese):
    """Return the code blocks of one README that the other does not have."""
    return [block for block in blocks(chinese) if block not in blocks(english)]


def test_both_readmes_have_the_same_code():
    english, chinese = README.read_text(encoding="utf-8"), CHINESE.read_text(encoding="utf-8")
    assert untranslated(english, chinese) == []
    assert len(blocks(chinese)) == len(blocks(english)) > 0
    assert untranslated("```\na\n```\n", "```\na\n```\n```\nb\n```\n") == ["b\n"]


# the repository -------------------------------------------------------------------------------------------------------


def machine_paths(text, *, own):
    """Return the lines that name a place of one machine; `own` are places of the machine that runs the test."""
    return [line for line in text.splitlines() if MACHINE.search(line) or any(place in line for place in own)]


def test_no_tracked_file_names_a_place_of_one_machine():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: which files are tracked is not known")
    own = {str(ROOT), str(Path(sys.prefix).resolve()), *([str(Path.home())] if Path.home() != Path("/") else [])}
    faults = {}
    for name in filter(None, listed.stdout.split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        lines = machine_paths(content.decode("utf-8", "replace"), own=own)
        if lines and name != "tests/test_house.py":  # it has examples of what it looks for
            faults[name] = lines
    assert faults == {}


def test_a_place_of_one_machine_is_seen():
    for bad in ("at /home/anna/data", "x = '/root/x'", r"C:\Users\anna", "in /srv/osler/src"):
        assert machine_paths(bad, own={"/srv/osler"}) == [bad]
    for good in ("https://a.org/home/x", "../shared/data", "/tmp/out", "docs/home/x"):
        assert machine_paths(good, own={"/srv/osler"}) == []
