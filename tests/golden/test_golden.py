"""Golden cases: every tests/golden/NAME.in.yaml has a NAME.out.yaml that says what translation makes of it.

A case exists by its file. So does every file of config/, whose expectation lies in tests/golden/config/.
A first line `# settings: {...}` gives TranslateSettings. `pytest --update-golden` writes what came out;
read the difference before you keep it.
"""

from pathlib import Path

import msgspec
import pytest

from proxy.sources.file import FileSource
from proxy.translate.settings import TranslateSettings
from proxy.translate.translate import translate
from tests.golden.summary import summary

HERE = Path(__file__).parent
CONFIG = HERE.parent.parent / "config"
CASES = sorted(HERE.glob("*.in.yaml"))
CONFIGS = sorted(CONFIG.glob("*.yaml"))


def outcome(path: Path) -> str:
    """What check --status would say of the file, and the snapshot."""
    loaded = FileSource([str(path)]).load()
    translation = translate(loaded.resources, settings_of(path))
    return summary(translation, loaded.place((*loaded.problems, *translation.problems)))


def settings_of(path: Path) -> TranslateSettings:
    first, _, _ = path.read_text().partition("\n")
    given = first.partition("# settings:")[2]
    return msgspec.json.decode(given or "{}", type=TranslateSettings, strict=False)


def compare(source: Path, expected: Path, *, update: bool) -> None:
    actual = outcome(source)
    if update:
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(actual)
    assert expected.exists(), f"{expected.name} is missing: run pytest --update-golden and read what it holds"
    assert actual == expected.read_text()


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name.removesuffix(".in.yaml"))
def test_golden_case(case: Path, update_golden: bool) -> None:
    compare(case, case.with_name(case.name.replace(".in.yaml", ".out.yaml")), update=update_golden)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.name)
def test_golden_config(config: Path, update_golden: bool) -> None:
    compare(config, HERE / "config" / config.name.replace(".yaml", ".out.yaml"), update=update_golden)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.name)
def test_examples_are_sound_and_say_what_they_show(config: Path) -> None:
    loaded = FileSource([str(config)]).load()
    translation = translate(loaded.resources, settings_of(config))
    assert (*loaded.problems, *translation.problems) == ()
    assert translation.snapshot.buckets or translation.snapshot.l4
    assert config.read_text().startswith("# ")


def test_no_expectation_is_left_behind() -> None:
    expected = {path.name.replace(".out.yaml", ".in.yaml") for path in HERE.glob("*.out.yaml")}
    assert expected <= {path.name for path in CASES}
    assert len(CASES) >= 30
