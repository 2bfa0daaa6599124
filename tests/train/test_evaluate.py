from infill.models.tiny import TinyConfig, TinyTransformer
from infill.train.evaluate import Effort, evaluate


def test_an_evaluation_says_everything_it_promises(stream, codec):
    model = TinyTransformer(TinyConfig(vocab=1024, width=32, layers=1, heads=2, ff=32, context=64))
    figures = evaluate(model, codec, stream, Effort(windows=2))
    assert set(figures["heldout"]) == {"0.15", "0.5", "0.85"}
    assert all(row["tokens"] > 0 for row in figures["heldout"].values())
    assert 0.0 <= figures["suspicion_auc"] <= 1.0
