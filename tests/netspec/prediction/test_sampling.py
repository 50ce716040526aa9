from __future__ import annotations

import numpy as np
import pytest

from netspec.prediction.sampling import Drawing, sample
from netspec.spec.diagnostics import SpecError
from netspec.spec.load import load_spec
from runtime.errors import DataError, NumericError, StateError, UsageError

TEXT = "the cat sat on the mat\n" * 40
LETTERS = sorted(set(TEXT))
SPEC = """\
name: letters
vars: {filler: {type: gaussian, std: 1}, carry: true}
data:
  {source: text, file: text.txt, steps: 6, tops: [data, label, cont], train: {batch_size: 4}, test: {batch_size: 4}}
layers:
  - {name: embed, type: Embed, input_dim: 11, num_output: 5, weight_filler: $filler}
  - {name: rnn, type: LSTM, bottom: [embed, cont], num_output: 8, carry: $carry, weight_filler: $filler}
  - {name: score, type: InnerProduct, num_output: 11, axis: 2, weight_filler: $filler}
  - {name: loss, type: SoftmaxWithLoss, bottom: [score, label], axis: 2}
  - {name: prob, type: Softmax, bottom: score, axis: 2, include: test}
sample: {input: data, output: prob}
"""
assert len(LETTERS) == 11, "the spec says so"


def letters(make, tmp_path, carry="true", output="prob"):
    (tmp_path / "text.txt").write_text(TEXT)
    return make(SPEC.replace("carry: true}", f"carry: {carry}}}").replace("output: prob}", f"output: {output}}}"))


def greedy(made, prime, length):
    """The likeliest letters, each found by reading the whole text so far at once."""
    said = list(prime)
    for _ in range(length):
        data = np.array([[LETTERS.index(letter)] for letter in said])
        cont = np.ones(data.shape)
        cont[0] = 0
        made_of = {"data": data, "label": data, "cont": cont}
        prob = made.forward(overrides={"data.steps": len(said)}, **made_of)["prob"]
        said.append(LETTERS[int(np.argmax(prob[-1, 0]))])
    return "".join(said)


def test_a_carried_state_says_what_reading_all_at_once_says(make, tmp_path):
    made = letters(make, tmp_path)
    drawn = sample(made.spec, made.run(), Drawing(length=12, temperature=0, prime="the cat"))
    assert drawn.text == greedy(made, "the cat", 12)


def test_a_net_that_carries_nothing_reads_as_much_as_it_was_made_for(make, tmp_path):
    made = letters(make, tmp_path, carry="false")
    drawn = sample(made.spec, made.run(), Drawing(length=3, temperature=0, prime="cat"))
    assert drawn.text == greedy(made, "cat", 3)  # six steps: all of it
    longer = sample(made.spec, made.run(), Drawing(length=1, temperature=0, prime="on the cat"))
    assert longer.text[-1] == greedy(made, "he cat", 1)[-1]  # the last six


def test_scores_and_shares_draw_alike(make, tmp_path):
    how = Drawing(length=30, seed=5)
    texts = []
    for output in ("prob", "score"):
        made = letters(make, tmp_path, output=output)
        texts.append(sample(made.spec, made.run(), how).text)
    assert texts[0] == texts[1]


def test_the_seed_decides(make, tmp_path):
    made = letters(make, tmp_path)
    texts = [sample(made.spec, made.run(), Drawing(length=40, seed=seed)).text for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0]) == 40
    assert set(texts[0]) <= set(LETTERS)


def test_a_low_temperature_comes_near_to_the_likeliest(make, tmp_path):
    made = letters(make, tmp_path)
    likeliest = sample(made.spec, made.run(), Drawing(length=20, temperature=0)).text
    assert sample(made.spec, made.run(), Drawing(length=20, temperature=1e-4, seed=9)).text == likeliest


def test_draws_follow_the_shares():
    from netspec.prediction.sampling import _drawn

    random = np.random.default_rng(0)
    shares = np.array([0.5, 0.3, 0.2, 0.0])
    with np.errstate(divide="ignore"):
        drawn = [_drawn(np.log(shares), 1.0, random) for _ in range(4000)]
    found = np.bincount(drawn, minlength=4) / 4000
    # four standard deviations of a share of 4,000 draws are at most 0.032
    assert np.abs(found - shares).max() < 0.032
    assert found[3] == 0


def test_words_are_set_apart(make):
    made = make("""\
name: sentences
data: {source: shapes, steps: 4, tops: [caption, next_word, cont], train: {batch_size: 4}, test: {batch_size: 4}}
layers:
  - {name: embed, type: Embed, bottom: caption, input_dim: $words, num_output: 5}
  - {name: rnn, type: RNN, bottom: [embed, cont], num_output: 8, carry: true}
  - {name: score, type: InnerProduct, num_output: $words, axis: 2}
  - {name: loss, type: SoftmaxWithLoss, bottom: [score, next_word], axis: 2, ignore_label: -1}
  - {name: prob, type: Softmax, bottom: score, axis: 2, include: test}
sample: {input: caption, output: prob}
""")
    drawn = sample(made.spec, made.run(), Drawing(length=3, prime="<start> two shapes"))
    assert drawn.text.startswith("<start> two shapes ")
    assert len(drawn.text.split()) == 6


def test_a_prime_is_cut_into_words_as_the_text_is(make, tmp_path):
    (tmp_path / "text.txt").write_text("the cat, the mat.\n" * 20)
    made = make("""\
data: {source: text, by: word, classes: 6, file: text.txt, steps: 4, tops: [data, label, cont], test: {batch_size: 1}}
layers:
  - {name: embed, type: Embed, input_dim: 6, num_output: 5}
  - {name: rnn, type: RNN, bottom: [embed, cont], num_output: 8, carry: true}
  - {name: score, type: InnerProduct, num_output: 6, axis: 2}
sample: {input: data, output: score}
""")
    drawn = sample(made.spec, made.run(), Drawing(length=2, prime="the cat, the"))
    assert drawn.text.startswith("the cat, the ")
    with pytest.raises(UsageError, match="--prime: 'dog' is not in the net's text"):
        sample(made.spec, made.run(), Drawing(prime="the dog,"))


@pytest.mark.parametrize(
    ("drawing", "message"),
    [
        (Drawing(prime="dog"), "--prime: 'd' is not in the net's text; it has '\\n acehmnost'"),
        (Drawing(temperature=float("nan")), "--temperature is a number from 0, got nan"),
    ],
)
def test_what_cannot_be_drawn_is_said(make, tmp_path, drawing, message):
    made = letters(make, tmp_path)
    with pytest.raises(UsageError) as found:
        sample(made.spec, made.run(), drawing)
    assert str(found.value) == message


def test_without_weights_nothing_is_written(make, tmp_path):
    made = letters(make, tmp_path)
    with pytest.raises(UsageError, match="sample needs --weights F"):
        sample(made.spec, made.run(weights=None), Drawing())
    with pytest.raises(UsageError, match="nowhere: no such file"):
        sample(made.spec, made.run(weights="nowhere"), Drawing())


def test_a_spec_without_sample_says_what_to_add(classifier):
    with pytest.raises(UsageError, match=r"nothing says what to sample; add sample: \{input: data, output: prob\}"):
        sample(classifier.spec, classifier.run(), Drawing())


def test_a_blob_that_is_not_there_is_shown_at_its_place(make, tmp_path):
    made = letters(make, tmp_path)
    spec = load_spec(made.path, {"sample.output": "prop"})
    with pytest.raises(SpecError, match="phase test has no blob `prop`"):
        sample(spec, made.run(), Drawing())


def test_a_text_with_more_letters_is_another_one(make, tmp_path):
    made = letters(make, tmp_path)
    (tmp_path / "text.txt").write_text(TEXT + "xyz")
    with pytest.raises(DataError, match="tells 11 letters or words apart, the text has 14"):
        sample(made.spec, made.run(), Drawing())


def test_a_text_that_has_gone_is_a_data_error(make, tmp_path):
    made = letters(make, tmp_path)
    (tmp_path / "text.txt").unlink()
    with pytest.raises(DataError, match=r"text\.txt"):
        sample(made.spec, made.run(), Drawing())


def test_numbers_without_a_source_are_no_letters(make):
    made = make("""\
inputs: {data: {shape: [4], batch: 1}}
layers:
  - {name: embed, type: Embed, input_dim: 7, num_output: 5}
  - {name: prob, type: Softmax, axis: 2}
sample: {input: data, output: prob}
""")
    with pytest.raises(UsageError, match="nothing says which letters or words the numbers of `data` stand for"):
        sample(made.spec, made.run(), Drawing())


def test_weights_that_have_diverged_write_nothing(make, tmp_path):
    made = letters(make, tmp_path)
    made.overwrite("score.bias", np.nan)
    with pytest.raises(NumericError, match="`prob` is not finite; the weights have diverged"):
        sample(made.spec, made.run(), Drawing())


def test_weights_of_another_size_do_not_fit(make, tmp_path):
    made = letters(make, tmp_path)
    other = load_spec(made.path, {"layers.rnn.num_output": 9})
    with pytest.raises(StateError, match="shapes do not fit"):
        sample(other, made.run(), Drawing())
