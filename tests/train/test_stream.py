import ast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.errors import InputError
from infill.train.stream import Stream, draw, node_spans
from infill.train.tokenizer import Special


def test_files_stand_between_bos_and_eos(stream, files, codec):
    ids = stream.ids
    starts, stops = np.flatnonzero(ids == Special.BOS), np.flatnonzero(ids == Special.EOS)
    texts = [codec.decode(ids[a:b]) for a, b in zip(starts, stops, strict=True)]
    assert texts == [file.text for file in files]


def test_nodes_are_expressions_and_statements(files, codec):
    text = files[0].text
    ids = codec.encode(text)
    nodes = {ast.get_source_segment(text, n) for n in ast.walk(ast.parse(text)) if _has_place(n)}
    spans = node_spans(text, codec.sizes[ids])
    assert len(spans) > 20
    for start, stop in spans:
        assert codec.decode(ids[start:stop]).strip() in nodes


def _has_place(node):
    return isinstance(node, ast.stmt | ast.expr | ast.keyword)


def test_a_node_that_ends_inside_a_token_is_left_out():
    assert node_spans("x+yz", np.array([1, 1, 2], dtype=np.int32)).tolist() == [[0, 3]]
    assert node_spans("x+yz", np.array([1, 3], dtype=np.int32)).tolist() == [[0, 2]]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), T=st.integers(8, 128))
def test_windows_open_as_the_model_is_used_and_begin_with_a_line(stream, codec, seed, T):
    windows = draw(stream, np.random.default_rng(seed), B=3, T=T)
    assert windows.ids.shape == (3, T)
    assert (windows.ids[:, :2] == [Special.BOS, Special.PYTHON]).all()
    for row, nodes in zip(windows.ids, windows.nodes, strict=True):
        assert ((nodes >= 2) & (nodes <= T)).all()
        assert codec.decode(row[2:])


def test_a_stream_is_read_as_it_was_written(stream, tmp_path):
    stream.save(tmp_path / "s.npz")
    again = Stream.load(tmp_path / "s.npz")
    assert np.array_equal(again.ids, stream.ids)
    assert np.array_equal(again.nodes, stream.nodes)
    with pytest.raises(InputError, match="no tokenised corpus"):
        Stream.load(tmp_path / "t.npz")
    whole = (tmp_path / "s.npz").read_bytes()
    for damaged in (whole[:-50], whole[:200], b"", whole.replace(b"\n", b"\r", 400)):
        (tmp_path / "s.npz").write_bytes(damaged)
        with pytest.raises(InputError, match="damaged"):
            Stream.load(tmp_path / "s.npz")


def test_the_longest_window_can_be_drawn_and_no_longer_one(stream):
    few = Stream(stream.ids[:90], stream.lines[stream.lines < 90], stream.nodes[:0])
    assert draw(few, np.random.default_rng(0), B=2, T=few.longest).ids.shape == (2, few.longest)
    with pytest.raises(InputError, match="shorter than one window"):
        draw(few, np.random.default_rng(0), B=2, T=few.longest + 1)


def test_a_corpus_shorter_than_a_window_is_refused(stream):
    with pytest.raises(InputError, match="shorter than one window"):
        draw(stream, np.random.default_rng(0), B=1, T=len(stream.ids) + 1)
