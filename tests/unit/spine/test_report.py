"""The report and the card tell their account: all of it, nothing else, and nothing that could run or call out."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import get_args

import numpy as np
import pytest

from osler.core.drift import Drift, Finding, OutcomeShift, Shift
from osler.core.leak import Leak
from osler.core.panel import Panel
from osler.core.plan import Decision, Plan
from osler.core.sample_size import Need, SampleSize
from osler.core.scores import Value, Verdict
from osler.core.study import Input, Roles
from osler.language import words
from osler.spine.report import write_card, write_report
from osler.spine.report.answer import answer, warnings
from osler.spine.report.drift import drift_line, sentence
from osler.spine.report.plan import LONGEST, grouped
from osler.spine.report.tripod import ITEMS, items
from tests.unit.spine.report_accounts import HOSTILE, bare, breast_cancer, diabetes, hostile, in_language

ENGLISH = words("en")
ACCOUNTS = {"breast_cancer": breast_cancer, "diabetes": diabetes, "hostile": hostile, "bare": bare}
EVERY = pytest.mark.parametrize("account", [in_language(make(), lang) for make in ACCOUNTS.values() for lang in ("en", "zh")],
                                ids=[f"{name}-{lang}" for name in ACCOUNTS for lang in ("en", "zh")])  # fmt: skip
EMPTY_TAGS = {"meta", "br", "path", "rect", "line", "circle", "link", "img", "hr", "input"}
NOTHING = np.empty(0, np.int64)


class Page(HTMLParser):
    """Checks that tags are balanced and gathers text, tags and attributes."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.faults, self.tags, self.attributes, self.texts, self.ids = [], [], set(), [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, *a) for a in attrs]
        self.ids += [v for k, v in attrs if k == "id"]
        if tag not in EMPTY_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, *a) for a in attrs]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"style", "title"}:
            self.texts.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.texts))


@EVERY
def test_the_page_is_well_formed(account):
    page = Page(write_report(account))
    assert page.faults == []
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    anchors = {v[1:] for tag, name, v in page.attributes if tag == "a" and name == "href"}
    assert anchors <= set(page.ids)
    assert {"data", "scores", "limits", "inputs", "plan", "tripod", "versions"} <= anchors


@EVERY
def test_the_page_needs_nothing_else(account):
    html = write_report(account)
    page = Page(html)
    assert page.tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "b/"} == set()
    assert [
        a for a in page.attributes if a[1] in {"src", "srcset", "data", "action", "xlink:href"} or a[1].startswith("on")
    ] == []
    assert [a for a in page.attributes if a[1] == "href" and not a[2].startswith("#")] == []
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert [a for a in page.attributes if a[2] and "url(" in a[2]] == []
    # the hostile account has an address as a column's name: it may stand there as text, never as a link
    assert [a for a in page.attributes if a[2] and "://" in a[2]] == []
    if "example.org" not in "".join(c for i in account.study.inputs for c in i.columns):
        assert "http://" not in html
        assert "https://" not in html


@EVERY
def test_nothing_hostile_becomes_markup(account):
    html = write_report(account)
    for piece in ("<script", "</title><b>", "<b>weight", "<i>ward"):
        assert piece not in html
    if account.study.targets == (HOSTILE,):
        assert Page(html).text.count(HOSTILE) > 5


@EVERY
def test_the_same_account_gives_the_same_page(account):
    assert write_report(account) == write_report(account)
    assert write_card(account) == write_card(account)
    assert len(write_report(account)) < 400_000


@pytest.mark.parametrize("account", [breast_cancer(), diabetes()], ids=["breast_cancer", "diabetes"])
def test_every_score_stands_in_the_page_and_the_card(account):
    texts = Page(write_report(account)).text, write_card(account)
    claims = [v for part in (account.scores.test, account.scores.network, account.scores.baseline) for v in part.values()]
    assert len(claims) >= 9
    for value in claims:
        # what stands there is within half a unit of the third digit of the score, and its interval beside it
        shown = [
            [abs(float(a.replace(",", "")) - number) for a in re.findall(r"\d[\d,]*\.?\d*", text)]
            for text in texts
            for number in (value.value, value.low, value.high)
        ]
        assert all(min(distances) <= 0.0051 * abs(value.value) for distances in shown)


def test_the_first_lines_of_the_breast_cancer_report():
    account = breast_cancer()
    value = account.scores.test["auroc"]
    told = answer(account, ENGLISH)
    assert told.asked == "Predict diagnosis (benign or malignant) for each case from 30 columns (tables)."
    assert told.found == (
        f"On 114 test cases that were kept out of training, AUROC is {value.value:.3f}"
        f" (95% confidence interval {value.low:.3f} to {value.high:.3f})."
    )
    assert told.predicts == "The bundle predicts with a blend of network and baseline."
    assert told.verdict[0] == "No difference between network and baseline is shown."
    html = Page(write_report(account)).text
    assert html.index(told.asked) < html.index(told.found) < html.index(told.verdict[1]) < html.index("Refused rows")
    assert answer(diabetes(), ENGLISH).predicts == "The bundle predicts with the baseline alone."


@pytest.mark.parametrize(
    ("measure", "difference", "word", "told"),
    [
        ("auroc", Value(0.03, 0.01, 0.05), "better", "Its AUROC is higher by 0.0300 (95% confidence interval 0.0100 to 0.0500)"),
        ("rmse", Value(2.0, 1.0, 3.0), "better", "Its RMSE is lower by 2.00 (95% confidence interval 1.00 to 3.00)"),
        ("auroc", Value(-0.03, -0.05, -0.01), "worse", "Its AUROC is lower by 0.0300 (95% confidence interval 0.0100 to 0.0500)"),
        ("rmse", Value(-2.0, -3.0, -1.0), "worse", "Its RMSE is higher by 2.00 (95% confidence interval 1.00 to 3.00)"),
        ("auroc", Value(0.01, -0.01, 0.03), "no difference shown", "AUROC differs by 0.0100 (95% confidence interval −0.0100"),
        (
            "auroc",
            Value(0.01),
            "no difference shown",
            "AUROC differs by 0.0100 on the same cases, and the difference has no interval",
        ),
    ],
)
def test_the_verdict_says_the_direction(measure, difference, word, told):
    account = breast_cancer()
    account = replace(account, scores=replace(account.scores, verdict=Verdict(measure, difference, word, "")))
    short, detail = answer(account, ENGLISH).verdict
    assert detail.startswith(told)
    if word in ("better", "worse"):
        assert short == f"The network is {word} than the baseline."


def leak(severity, sentence):
    return Leak("same-group", severity, sentence, NOTHING, NOTHING)


def titles(account, level=None):
    return [w.title for w in warnings(account, ENGLISH) if level in (None, w.level)]


def test_allowed_leaks_come_first_and_serious():
    account = breast_cancer()
    found = replace(
        account,
        leaks=[leak("stop", "3 groups are in both"), leak("warn", "near-duplicates")],
        study=replace(account.study, leaks="allow"),
    )
    first, second, *_ = warnings(found, ENGLISH)
    assert first.level == "stop"
    assert first.sentences == ("3 groups are in both",)
    assert second.sentences == ("near-duplicates",)
    html = write_report(found)
    assert html.index("too good to be true") < html.index("</header>")
    dropped = replace(found, study=replace(account.study, leaks="drop"))
    assert titles(dropped, "stop") == []
    assert "were left out of training" in titles(dropped)[0]


def test_columns_that_give_the_outcome_away_have_a_box_of_their_own():
    why = "alone it predicts 'y' with AUROC 1.000, all columns that are not suspected together with 0.700; leave it out with --exclude 'late'"
    column = replace(leak("stop", f"column 'late' gives the outcome away: {why}"), column="late")
    account = replace(breast_cancer(), leaks=[column], study=replace(breast_cancer().study, leaks="allow"))
    html = write_report(account)
    assert html.index("Columns that give the outcome away are among the inputs") < html.index("</header>")
    assert (
        titles(replace(account, study=replace(account.study, leaks="drop")))[0]
        == "Columns that give the outcome away were left out of the inputs."
    )
    chinese = Page(write_report(in_language(account, "zh"))).text
    assert "列“late”直接泄露结局：仅凭该列预测“y”的 AUROC 即为 1.000，而所有未受怀疑的列合在一起为 0.700" in chinese
    assert "请用 --exclude 'late' 将其排除" in chinese


SMALL = "The test set is small: 42 of 114 cases belong to the rarest class (malignant)."


def test_cautions_of_the_first_screen():
    assert titles(breast_cancer()) == [SMALL, "No column says which rows belong to one patient."]
    assert titles(diabetes()) == ["The test set is small: 89 cases.", "31 rows (6.6%) could not be used."]
    grouped = replace(breast_cancer().study, roles=Roles(group="patient"))
    assert titles(replace(breast_cancer(), study=grouped)) == [SMALL]
    few = replace(breast_cancer(), study=grouped, scores=replace(breast_cancer().scores, counts={"cases": 114, "groups": 12}))
    assert titles(few) == [SMALL, "The test cases come from 12 groups only."]
    assert "AUROC has no interval." in titles(hostile())


NO_PATIENT = "No column tells which rows belong to the same patient: each row counts as its own."


def test_the_missing_group_is_said_once():
    account = replace(breast_cancer(), study=replace(breast_cancer().study, notes=(NO_PATIENT, "Input 'a' is an odd one.")))
    assert titles(account) == [SMALL, "No column says which rows belong to one patient.", "Also to be known"]
    assert NO_PATIENT not in Page(write_report(account)).text
    assert "Input 'a' is an odd one." in Page(write_report(account)).text


def test_a_patient_in_each_row_needs_no_group():
    named = replace(breast_cancer(), study=replace(breast_cancer().study, roles=Roles(id="patient")))
    assert titles(named) == [SMALL]
    assert "both sides of the split" not in Page(write_report(named)).text
    noted = replace(named, study=replace(named.study, roles=Roles(id="visit"), notes=(NO_PATIENT,)))
    assert titles(noted) == [SMALL, "No column says which rows belong to one patient."]


def test_one_column_is_one_column():
    assert answer(bare(), ENGLISH).asked == "Predict y for each case from 1 column (tables)."


def test_refused_rows_by_code():
    text = Page(write_report(diabetes())).text
    assert "The table has 473 rows; 442 were used and 31 refused." in text
    assert re.search(r"no_target the target is missing in this row 24\b", text)
    assert re.search(r"bad_number column 'bmi': not a finite number 7\b", text)
    assert "No row was refused." in Page(write_report(breast_cancer())).text


def test_rare_classes_are_pooled():
    account = hostile()
    text = Page(write_report(account)).text
    classes = text[text.index("Class Training") : text.index("Refused rows")]
    assert re.search(r"Others \(1\), pooled <5 ", classes)
    assert "rare" not in classes
    assert "rare:" not in write_card(account)


def test_labels_are_told_by_how_many_cases_have_them():
    info = {"kind": "multilabel", "names": ["a", "b", "c"], "classes": [["0", "1"]] * 3, "positive": ["1", "1", "1"]}
    account = replace(breast_cancer(), target=info, facts={"target": {**info, "counts": [[60, 40], [98, 2], [50, 40]]}},
                      tested={**info, "counts": [[12, 8], [19, 1], [0, 0]]})  # fmt: skip
    text = Page(write_report(account)).text
    assert re.search(r"a 40 \(40%\) 8 \(40%\) .*c 40 \(44.4%\) 0 \(0%\) .*Others \(1\), pooled <5 <5 ", text)


@pytest.mark.parametrize(("now", "told"), [([390, 234], True), ([500, 124], False), ([16, 8], False), ([620, 4], False)])
def test_another_share_of_the_outcome_in_the_test_is_told_where_chance_is_no_reason(now, told):
    info = {"kind": "binary", "names": ["label"], "classes": [["pneumonia", "normal"]], "positive": "pneumonia"}
    account = replace(breast_cancer(), target=info, facts={"target": {**info, "counts": [[3494, 1214]]}},
                      tested={**info, "counts": [now]})  # fmt: skip
    text = Page(write_report(account)).text
    assert ("have another share of 'pneumonia': 62.5%, and 74.2% in training" in text) == told


def test_smallest_and_largest_values_are_never_shown():
    account = diabetes()
    facts = {
        "table": {"min": 31.4159, "max": 271.828, "first": 31.4159, "cases": 353},
        "target": {"names": ["y"], "min": [31.4159], "max": [271.828], "mean": [150.5]},
    }
    text = write_report(replace(account, facts=facts)) + write_card(replace(account, facts=facts))
    assert "31.4" not in text
    assert "272" not in text
    assert "151" in text or "150" in text


def test_facts_of_columns():
    text = Page(write_report(diabetes())).text
    from sklearn.datasets import load_diabetes

    bmi = load_diabetes(scaled=False).data[np.random.default_rng(1).permutation(442)[:353], 2]
    low, middle, high = np.quantile(bmi, [0.05, 0.5, 0.95])
    assert f"bmi number 0% {middle:.1f} ({low:.1f} to {high:.1f})" in text
    assert "<details open>" in write_report(diabetes())  # ten columns are shown, thirty are folded
    assert "<details open>" not in write_report(breast_cancer())
    assert "12 categories; 2% of the cases in categories of fewer than 5" in Page(write_report(hostile())).text


def test_very_many_columns_are_cut_and_said():
    columns = tuple(f"c{i}" for i in range(5000))
    account = replace(bare(), study=replace(bare().study, inputs=(Input("table", "tables", columns),)))
    text = Page(write_report(account)).text
    assert "1,000 of 5,000 columns are shown." in text
    assert " c999 " in text
    assert " c1000 " not in text


def test_every_decision_stands_in_the_page_with_its_reason():
    account = breast_cancer()
    text = Page(write_report(account)).text
    for decision in account.plan.decisions:
        assert decision.reason in text
    assert "Set by the user: fit.batch = 32" in text
    for group in ("split", "inputs.table", "fit", "target"):
        assert re.search(rf" {re.escape(group)} +decisions: \d", text)


def test_a_plan_of_another_hand_is_told_too():
    plan = Plan.from_json('{"format": 1, "decisions": [{"name": "x", "value": null, "reason": "why", "source": "a friend"}]}')
    assert "a friend" in Page(write_report(replace(bare(), plan=plan))).text


def test_figures_are_those_of_the_scores_with_named_classes():
    page = Page(write_report(breast_cancer()))
    for title in (
        "ROC curve",
        "Precision\u2013recall",
        "Calibration",
        "Decision curve",
        "Predicted probabilities",
        "Confusion matrix",
    ):
        assert title in page.text
    pictures = [v for tag, name, v in page.attributes if tag == "svg" and name == "aria-label"]
    assert len(pictures) == 7  # six figures and the intervals of the first screen
    matrix = page.text[page.text.index("Confusion matrix") :]
    assert re.search(r"benign \d+ \d+ malignant \d+ \d+ benign malignant", matrix)


def test_a_report_on_new_data_speaks_of_no_training():
    account = breast_cancer()
    external = replace(account, counts={"test": 114, "refused": 0, "groups": 114})
    text = Page(write_report(external)).text
    assert "The scores hold for the cases of this table." in text
    assert "same table as the training cases" not in text


def test_the_page_says_its_limits():
    text = Page(write_report(breast_cancer())).text
    assert "not a medical device" in text
    assert "They do not include the spread between training runs." in text
    assert "may stand on both sides of the split" in text
    assert "'patient' were kept on one side" in Page(write_report(diabetes())).text


def test_chinese_page():
    account = in_language(breast_cancer(), "zh")
    html = write_report(account)
    value = account.scores.test["auroc"]
    assert '<html lang="zh-Hans">' in html
    assert f"AUROC 为 {value.value:.3f}" in html
    text = Page(html).text
    assert [t for t in Page(html).texts if re.search(r"[\u4e00-\u9fff] [\u4e00-\u9fff]", t)] == []
    assert not re.search(r"\b(the|cases|interval|network)\b", text[: text.index("分析方案", text.index("输入变量"))])


def test_card():
    card = write_card(diabetes())
    assert card.startswith("# Predicting progression\n")
    for heading in (
        "Intended use",
        "Data",
        "Scores",
        "What this report does not show",
        "Reporting items (TRIPOD+AI)",
        "Versions and time",
    ):
        assert f"\n## {heading}\n" in card
    value = diabetes().scores.test["rmse"]
    assert f"| RMSE | {value.value:.1f} ({value.low:.1f} to {value.high:.1f}) |" in card
    assert "complian" not in card.casefold()
    assert "complian" not in write_report(diabetes()).casefold()


@EVERY
def test_card_tables_hold_whatever_names_come(account):
    card = write_card(account)
    rows = [line for line in card.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {3, 4, 5}
    assert "<script" not in card.replace("\\<", "")
    assert not re.search(r"(?<!\\)<", card)
    assert not re.search(r"(?<!\\)://", card)


def test_tripod_items():
    found = {i.number: i.state for i in items(breast_cancer())}
    assert tuple(found) == ITEMS
    assert len(ITEMS) == 52
    assert found["23a"] == "filled"
    assert found["17"] == "open"
    assert {i.number: i.state for i in items(hostile())}["23a"] == "part"
    assert {i.number: i.state for i in items(bare())}["23a"] == "open"
    asked = replace(breast_cancer(), study=replace(breast_cancer().study, roles=Roles(subgroups=("sex",))))
    assert {i.number: i.state for i in items(asked)}["14"] == "open"  # what was asked and is not told fills nothing
    panel = Panel("subgroup.sex", (), ("No two subgroups of at least 20 cases can be told apart.",))
    told = {i.number: i.state for i in items(replace(asked, scores=replace(asked.scores, panels=(panel,))))}
    assert (told["14"], told["23b"]) == ("part", "part")


def test_the_report_is_written_without_drawing_libraries():
    import subprocess
    import sys

    code = (
        "import sys; from tests.unit.spine.report_accounts import bare; from osler.spine.report import write_report;"
        "write_report(bare()); print(sorted({'matplotlib', 'torch', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


# new data, sample size ------------------------------------------------------------------------------------------------

SHIFTS = (
    Shift("glucose", "number", {"mean": 6.1, "sd": 1.4, "missing": 0.1, "unreadable": 0.0, "outside": None},
          {"mean": 110.0, "sd": 25.0, "missing": 0.1, "unreadable": 0.0, "outside": 0.01}, difference=-5.9, finding="unit",
          detail={"times": "1/18", "unit": "mg/dL / mmol/L (glucose)"}),
    Shift("age", "number", {"mean": 72.0, "sd": 9.0, "missing": 0.0, "unreadable": 0.0, "outside": 0.0},
          {"mean": 60.0, "sd": 12.0, "missing": 0.0, "unreadable": 0.0, "outside": 0.01}, difference=1.13, finding="mean"),
    Shift("ward", "category", {"missing": 0.0, "unknown": 1.0}, {"missing": 0.0, "unknown": 0.0}, distance=1.0, finding="words"),
    Shift("sex", "category", {"missing": 0.0, "unknown": 0.0}, {"missing": 0.0, "unknown": 0.0}, distance=0.02),
)  # fmt: skip
DRIFT = Drift({"table": SHIFTS}, (OutcomeShift("died", "1", 0.47, 0.772, 0.757, 0.786, clear=True),), 3086)
NEED = SampleSize("died", 46, "auroc", 0.749, 0.183, 0.92, Need(2560, 1204, {"risk": 383, "shrinkage": 2021, "optimism": None}),
                  Need(800, 377, {"ratio": 433, "slope": 2509}))  # fmt: skip


def test_drift_is_told_with_its_numbers_in_report_card_and_terminal():
    account = replace(breast_cancer(), drift=DRIFT)
    text = Page(write_report(account)).text
    assert "Of 4 input columns, 3 differ clearly from the training cases (3,086 new cases)." in text
    assert (
        "'glucose' has a mean of 6.10 and had 110 in training, 1/18 times as much: probably another unit, for example mg/dL / mmol/L"
        in text
    )
    assert "The share of died = 1 is 77.2% here (95% confidence interval 75.7% to 78.6%) and was 47% in training" in text
    assert "None of the categories in 'ward' is one that the model knows." in write_card(account)
    line = drift_line(DRIFT, ENGLISH)
    assert line.startswith("drift: Of 4 input columns, 3 differ clearly")
    assert "\n" not in line
    assert "glucose" in line


def test_every_finding_has_its_sentence_in_both_languages():
    known = {"mean": 1.0, "sd": 1.0, "missing": 0.0, "unreadable": 0.9, "outside": 0.0, "unknown": 0.0, "synthetic": 0.5}
    for finding in get_args(Finding):
        for kind in ("number", "category"):
            shift = Shift(
                "c", kind, known, known, difference=1.0, distance=0.5, finding=finding, detail={"times": "10", "unit": ""}
            )
            for language in ("en", "zh"):
                told = sentence(shift, words(language)) if finding else "c{"
                assert "c" in told
                assert ("{" in told) == (not finding)


def test_the_sample_size_is_told_with_its_numbers():
    account = replace(breast_cancer(), sample=NEED)
    for text in (Page(write_report(account)).text, write_card(account)):
        assert "For 46 candidate parameters and AUROC 0.749 (explained share of variation 0.183)" in text
        assert "shrinkage of at least 0.9: 2,021" in text
        assert "There were enough for all of these." in text
        assert "There were too few: 2,509 would meet all of these." in text
        assert "Networks and boosted trees have no such count" in text
    assert "回归模型所需病例数" in Page(write_report(in_language(account, "zh"))).text
    bare_need = replace(NEED, parameters=None, development=replace(NEED.development, asked={"risk": 383}))
    assert "the inputs have no countable parameters" in Page(write_report(replace(account, sample=bare_need))).text


def test_without_drift_and_judgement_there_is_no_such_section():
    html = write_report(breast_cancer())
    assert 'id="drift"' not in html
    assert 'id="sample"' not in html


def test_what_could_not_be_used_of_events_is_told_in_full_and_in_the_reader_s_language():
    reasons = {
        "no subject": 3,
        "no code": 2,
        "time that cannot be read": 7,
        "exact duplicate of another event": 3459,
        "no time that can be read": 1,
    }
    plan = Plan([Decision("inputs.events.refused", reasons, "events of the source that cannot be used, by reason", "measured"),
                 Decision("inputs.events.masked", {"LAB//no code": 1}, "", "measured")])  # fmt: skip
    told = {language: grouped(plan, words(language))["inputs.events"] for language in ("en", "zh")}
    assert all(f"{reason}: {n}" in told["en"][0].value for reason, n in reasons.items())
    assert len(told["en"][0].value) > LONGEST - 20
    assert "没有编码: 2" in told["zh"][0].value
    assert told["zh"][1].value == "LAB//no code: 1"
