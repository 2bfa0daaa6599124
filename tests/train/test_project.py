import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.errors import InputError, LimitError
from infill.models.tiny import TinyTransformer, parameters_in
from infill.train import memory
from infill.train.corpus import File
from infill.train.memory import free, needed, parameters, require
from infill.train.presets import PRESETS, RunConfig, tiny_config
from infill.train.project import gather, project_of, split

texts = st.lists(st.integers(1, 400), min_size=2, max_size=40)


def of(sizes, projects=1):
    return [File(f"p{n % projects}", f"{n}.py", "x" * size) for n, size in enumerate(sizes)]


@settings(deadline=None)
@given(sizes=texts, seed=st.integers(0, 99), projects=st.integers(1, 9))
def test_both_sides_have_files_and_no_file_is_on_both(sizes, seed, projects):
    files = of(sizes, projects)
    train, heldout = split(files, seed=seed)
    assert train
    assert heldout
    assert sorted(file.path for file in [*train, *heldout]) == sorted(file.path for file in files)
    assert split(files, seed=seed) == (train, heldout)
    if len({file.project for file in files}) >= 3:
        assert not {file.project for file in train} & {file.project for file in heldout}


def test_about_a_tenth_is_held_out_and_the_seed_says_which():
    files = of([50] * 200)
    held = [split(files, seed=seed)[1] for seed in (0, 1)]
    assert [len(side) for side in held] == [20, 20]
    assert held[0] != held[1]


def test_one_file_is_too_little():
    with pytest.raises(InputError, match="too little code"):
        split(of([50]), seed=0)


def test_files_are_read_once_and_the_rest_is_counted(tmp_path):
    texts = {
        "a.py": b"x = 1\r\n", "b.py": b"x  =  1\n", "c.py": b"def (\n", "d.py": b"\xff\n",
        "e.py": b"", "f.py": b"\xef\xbb\xbfy = 2",
    }  # fmt: skip
    for name, data in texts.items():
        (tmp_path / name).write_bytes(data)
    found = gather(str(tmp_path / name) for name in [*texts, "gone.py"])
    assert [file.text for file in found.files] == ["x = 1\n", "y = 2\n"]
    assert found.skipped == {
        "empty or a copy": 2, "not Python that parses": 1, "not UTF-8": 1, "unreadable": 1,
    }  # fmt: skip


def test_a_project_is_the_nearest_folder_that_looks_like_one(tmp_path):
    inner = tmp_path / "one" / "src" / "pkg"
    inner.mkdir(parents=True)
    (tmp_path / "one" / "pyproject.toml").write_text("")
    assert project_of(inner) == str(tmp_path / "one")
    assert project_of(tmp_path / "one" / "src") == str(tmp_path / "one")


@pytest.mark.parametrize("preset", ["fixture", "tiny"])
def test_parameters_are_counted_without_a_model(preset):
    shape = PRESETS[preset].model
    assert parameters(shape) == parameters_in(TinyTransformer(shape))


def test_the_presets_have_the_sizes_that_they_are_known_by():
    sizes = {name: round(parameters(config.model) / 1e6) for name, config in PRESETS.items()}
    assert sizes == {"fixture": 1, "tiny": 5, "small": 17, "base": 29}


def test_a_run_that_does_not_fit_says_how_much_it_needs_and_what_to_lower(monkeypatch):
    config = RunConfig(model=tiny_config(256, 4, 8192), tokens=8192)
    monkeypatch.setattr(memory, "free", lambda _device: needed(config) - 1)
    with pytest.raises(LimitError, match="not enough memory") as refused:
        require(config, "cpu")
    assert refused.value.expected.startswith("2.0 GB free")
    fits = int(refused.value.hint.removeprefix("lower --tokens "))
    assert needed(RunConfig(model=config.model, tokens=fits)) < needed(config)
    assert fits >= 8192 - 512
    monkeypatch.setattr(memory, "free", lambda _device: 10_000_000)
    with pytest.raises(LimitError, match="--width and --layers"):
        require(config, "cpu")
    monkeypatch.setattr(memory, "free", lambda _device: None)
    require(config, "cpu")


def test_some_memory_is_free_here():
    assert (free("cpu") or 0) > 0
