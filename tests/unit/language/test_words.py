"""The words of both languages belong together, and unknown text comes back as it was."""

import re

import numpy as np
import pytest

from osler.core.errors import RequestError
from osler.language import LANGUAGES, words
from osler.modalities.timelines.read import billing, decide, lines, long, spool, texts

ENGLISH, CHINESE = words("en"), words("zh")


def places(sentence):
    return sorted(re.findall(r"\{(\w+)\}", sentence))


def test_both_languages_have_the_same_keys_in_the_same_order():
    assert list(ENGLISH) == list(CHINESE)
    assert len(ENGLISH) > 300


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entry_is_text(language):
    assert [k for k, v in words(language).items() if not isinstance(k, str) or not isinstance(v, str)] == []


def test_a_sentence_has_the_same_places_in_both_languages():
    assert [k for k in ENGLISH if places(ENGLISH[k]) != places(CHINESE[k])] == []


def test_a_handed_sentence_uses_only_the_places_of_its_key():
    assert [k for w in (ENGLISH, CHINESE) for k in w if "{" in k and not set(places(w[k])) <= set(places(k))] == []


def test_sentences_of_the_report_are_chinese_in_chinese():
    own = [k for k in CHINESE if re.match(r"(hint|limit|warn|read|tripod|verdict|card)\.", k)]
    assert len(own) > 100
    assert [k for k in own if not re.search(r"[\u4e00-\u9fff]", CHINESE[k])] == []


def test_unknown_text_comes_back():
    assert CHINESE["Lactate"] == "Lactate"
    assert CHINESE["{n} of <b>"] == "{n} of <b>"
    assert CHINESE[""] == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ROC curve", "ROC 曲线"),
        ("Predicted progression", "progression 预测值"),
        ("Predicted probability", "预测概率"),
        (
            "given by the split column; 3 cases name no part and are left out",
            "按数据表中的划分列划分；3 例未注明所属部分，未予采用",
        ),
        ("given by the split column; something new", "按数据表中的划分列划分; something new"),
        ("Input 'table' is made of 30 columns and read as tables.", "输入“table”由 30 列组成，按表格类型读取。"),
        ("days / years", "天 / 年"),
        (
            "2 baseline(s), weight 1.00: 2 models, one per outcome. First: Regularised linear model with a fixed penalty: too few cases to tune anything.",
            "基线模型 2 个，权重为 1.00：共 2 个模型，每个结局一个。第一个：正则化线性模型，惩罚固定：病例太少，无法调优。",
        ),
        ("column 'bmi': not a finite number", "列“bmi”：不是有限的数值"),
    ],
)
def test_handed_sentences_are_told_in_chinese(text, told):
    assert CHINESE[text] == told


def test_a_name_with_braces_is_not_filled():
    assert ENGLISH.say("answer.title", targets="{columns}") == "Predicting {columns}"
    assert ENGLISH["column '{x}': y"] == "column '{x}': y"


def test_no_space_stands_between_chinese_and_chinese():
    assert CHINESE.say("answer.found", n="9", measure="准确率", value="0.9") == "在未参与训练的 9 例测试病例上，准确率为 0.9。"
    assert CHINESE.say("answer.found", n="9", measure="AUROC", value="0.9") == "在未参与训练的 9 例测试病例上，AUROC 为 0.9。"


def test_a_sentence_of_ours_that_does_not_exist_is_our_fault():
    with pytest.raises(KeyError, match=r"answer\.nothing"):
        ENGLISH.say("answer.nothing")


def test_an_unknown_language_is_refused():
    with pytest.raises(RequestError, match=r"no words in language 'fr'; there is 'en' \(English\) and 'zh'"):
        words("fr")


RESAMPLED = (
    "cross-validation in 5 folds: groups kept whole, classes in equal shares; development cross-fitted in 5 folds",
    "cross-validation in 5 folds, repeated 3 times: groups kept whole, classes in equal shares",
    (
        "leave-one-site-out by column 'x': 3 sites, each predicted by a model that saw none of its cases; 8 cases name no site: they"
        " are neither tested nor seen until the last training; 3 cases of sites with fewer than 5 are not tested"
    ),
    "in 2 of 3 outer folds: 1 groups are in training and in test (2 training cases, 1 test cases)",
    "recalibrated: no change; 4 cases of the rarer class among 12; too few to change anything",
    (
        "recalibrated: intercept and slope; 20 cases of the rarest class among 90; less than that is shown to be worse"
        " (closed testing, p = 0.001)"
    ),
    (
        "recalibrated: the intercept; 60 cases in all; more (intercept, slope and the share of network and baseline) is not shown to"
        " be better (closed testing, p = 0.3)"
    ),
    "2 small sites, pooled",
)


@pytest.mark.parametrize("sentence", RESAMPLED)
def test_what_is_said_of_folds_sites_and_recalibration_is_all_chinese(sentence):
    assert not re.findall(r"[a-z]{2,}", words("zh")[sentence]), words("zh")[sentence]


def test_the_notes_of_resampled_and_recalibrated_scores_are_known():
    from osler.flows.recalibrate import CHECKED
    from osler.flows.resampled import POOLED, REFIT

    for note in (POOLED.format(n=6), REFIT, CHECKED):
        assert words("zh")[note] != note
        assert words("en")[note] == note


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_what_the_baseline_says_of_itself_is_told_in_chinese(kind):
    """The sentence as it is made from real cases, so that a change of it cannot leave its translation behind."""
    from sklearn.datasets import load_breast_cancer, load_diabetes

    from osler.core.features import Features
    from osler.core.target import Target
    from osler.tasks.baselines import fit_baseline

    found = load_breast_cancer() if kind == "binary" else load_diabetes()
    matrix = found.data[:120, :3].astype(np.float32)
    target = Target(found.target[:120, None].astype(float), np.ones((120, 1), bool), {"kind": kind, "names": ["y"]})
    features = Features(matrix, np.arange(120), ("a", "b", "c"), np.zeros(3, bool))
    plan = {"baseline.effort": 1, "target.mean": [150.0], "target.scale": [70.0]}
    model = fit_baseline(features, target, kind=kind, groups=np.arange(120), plan=plan, seed=0)
    told = CHINESE[f"5 baseline(s), weight 0.40: {model.sentence()}"]
    assert set(re.findall("[A-Za-z]+", told)) == {"LightGBM"}, told


def test_what_is_said_of_abstention_and_ranked_lists_is_told_in_chinese():
    """The sentences as they are made, so that a change of them cannot leave a translation behind."""
    from osler.core.state import State
    from osler.core.target import Target
    from osler.tasks.classification import Classification

    generator = np.random.default_rng(0)
    for size, wish in ((3_000, "error=0.1"), (3_000, "coverage=0.5"), (60, "error=0.2"), (5, "coverage=0.5"), (60, "auto")):
        for width in (1, 3):
            kind = "binary" if width == 1 else "multilabel"
            positive = "1" if width == 1 else ["1"] * 3
            info = {"kind": kind, "names": list("uvw")[:width], "classes": [["0", "1"]] * width, "positive": positive}
            raw = 2 * generator.normal(size=(size, width))
            values = (raw + generator.logistic(size=raw.shape) > 0).astype(float)
            task, target = Classification(), Target(values, np.ones(values.shape, bool), info)
            plan = {"target.abstain": wish, "target.abstain_error": 0.05}
            state = task.settle(raw, target, np.arange(size), plan=plan)
            panels = ("abstention", "first_labels", "ranking")
            views = [v for v in task.views(state=State(state.arrays, state.values), info=info) if v.panel in panels]
            for said in {text for v in views for text in (v.label, *v.notes, v.about.get("how", v.label))}:
                assert not re.findall(r"[A-Za-z]{2,}", CHINESE[said]), CHINESE[said]
            for measure in (m.name for v in views for m in v.measured):
                assert re.search(r"[\u4e00-\u9fff]", CHINESE[f"measure.{measure}"]), measure


@pytest.mark.parametrize("room", [billing, decide, lines, long, spool, texts], ids=lambda room: room.__name__.rpartition(".")[2])
def test_each_reason_why_an_event_is_not_used_has_its_words(room):
    found = {
        text for name, text in vars(room).items() if name.isupper() and isinstance(text, str) and " " in text and name[0] != "_"
    }
    assert found
    assert sorted(found - set(CHINESE)) == []
