"""The question in the report: told, drawn, counted, in both languages, and nothing where none was asked."""

import re
from dataclasses import replace

import pytest

from osler.core.duration import MOST, UNITS
from osler.core.question import Eligible, Flow, FollowUp, Goal, Moment, Question
from osler.language import words
from osler.spine.report import write_card, write_methods, write_report
from osler.spine.report.consort import LETTERS, wrapped
from osler.spine.report.question import flow_told, question_told, span
from osler.spine.report.scale import breadth
from osler.spine.report.tripod import items
from tests.unit.spine.report_accounts import breast_cancer, in_language
from tests.unit.spine.test_report import Page

HOUR, DAY = UNITS["h"], UNITS["d"]
ASKED = Question(
    Moment(("admission*",)), Goal("heart_failure", ("I50*", "I11.0")), after=24 * HOUR, window=365 * DAY, gap=12 * HOUR,
    horizon=30 * DAY, eligible=Eligible(180 * DAY, (18, 120), ("diabetes*",), ("hospice*",)), washout=365 * DAY,
)  # fmt: skip
FLOW = Flow(
    (("subjects", 46520), ("index", 46100), ("seen", 45012), ("eligible", 38001), ("washout", 33017), ("followed", 29880)),
    {"censored": 2900, "died": 210, "unmeasured": 27}, 3115, 44,
)  # fmt: skip
ENGLISH, CHINESE = words("en"), words("zh")


def account(question=ASKED, flow=FLOW, language="en"):
    found = in_language(breast_cancer(), language)
    return replace(found, study=replace(found.study, question=question, flow=flow))


def drawn(svg):
    return re.findall(r"<text[^>]*>([^<]*)", svg)


def test_nothing_is_told_where_nothing_was_asked():
    plain = account(None, None)
    assert question_told(plain, ENGLISH) is None
    assert 'id="question"' not in write_report(plain)
    assert "## The question" not in write_card(plain)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_holds_both_figures_and_all_sentences(language):
    page = Page(write_report(account(language=language)))
    assert page.faults == []
    assert page.open == []
    assert "question" in page.ids
    text = "".join(page.texts)
    told = question_told(account(), words(language))
    assert len(told.sentences) == 12
    assert all(sentence in text for sentence in (*told.sentences, *told.notes))


def test_each_part_of_the_question_is_a_sentence():
    told = " ".join(question_told(account(), ENGLISH).sentences)
    for part in (
        "first event admission*", "24 hours after the index time", "in the 365 days before", "in the 12 hours after the prediction is neither",
        "'heart_failure' is an event I50* or I11.0 in the 30 days after the gap", "at least 180 days before", "aged 18 to 120 years",
        "with an event diabetes*", "hospice* until the prediction are left out", "washout before the prediction (365 days)",
        "until its last event", "neither as yes nor as no",
    ):  # fmt: skip
        assert part in told


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"index": Moment(("a",), which="last")}, "last event a"),
        ({"index": Moment(("a",), which="every")}, "each event a; a subject may make several"),
        ({"index": Moment(("a",), which="every", step=DAY)}, "every 24 hours after it"),
        ({"after": 0}, "made at the index time"),
        ({"window": None}, "rests on all that was recorded"),
        ({"gap": 0}, "in the 30 days after the prediction"),
        ({"target": Goal("x", value=("LAB//k",), above=5.5)}, "is a value of LAB//k above 5.5"),
        ({"target": Goal("x", value=("LAB//k",), below=0)}, "is a value of LAB//k below 0"),
        ({"target": Goal("x", value=("LAB//k",), take="mean"), "washout": 0}, "is the mean of the values of LAB//k"),
        ({"target": Goal("x", ("a",), death="no")}, "A death before the outcome counts as no outcome"),
        ({"eligible": Eligible(age=(18, None))}, "aged 18 years or more"),
        ({"eligible": Eligible(age=(None, 17))}, "aged 17 years or less"),
        (
            {"followup": FollowUp(("discharge*",))},
            "until the first event discharge* after the prediction, or else until its last event",
        ),
        ({"followup": FollowUp(known=90 * DAY)}, "known to be followed for 90 days"),
        ({"washout": MOST}, "(ever)"),
    ],
)
def test_what_is_asked_otherwise_is_told_otherwise(change, part):
    asked = replace(ASKED, **change)
    assert part in " ".join(question_told(account(asked), ENGLISH).sentences)
    chinese = question_told(account(asked), CHINESE)
    assert all(re.search(r"[\u4e00-\u9fff]", sentence) for sentence in chinese.sentences)


def test_death_as_the_outcome_needs_no_word_on_death():
    asked = replace(ASKED, target=Goal("died", ("death*",)))
    assert "dies" not in " ".join(question_told(account(asked), ENGLISH).sentences)


def test_the_time_line_names_what_lies_on_it():
    texts = drawn(question_told(account(), ENGLISH).timeline)
    wanted = ["prediction", "index time", "looked at", "365 days", "24 hours", "gap", "12 hours", "outcome counts", "30 days",
              "washout: 365 days"]  # fmt: skip
    assert sorted(texts) == sorted(wanted)
    bare = replace(ASKED, after=0, window=None, gap=0, washout=0)
    assert sorted(drawn(question_told(account(bare), ENGLISH).timeline)) == sorted(
        ["prediction", "index time", "looked at", "all until then", "outcome counts", "30 days"]
    )


def places(svg, look):
    """Return where bars of a look begin and end."""
    found = re.findall(rf'class="{look}" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', svg)
    return [(float(x), float(x) + float(w)) for x, w in found]


@pytest.mark.parametrize("window", [None, 365 * DAY, 6 * HOUR])
@pytest.mark.parametrize("gap", [0, 12 * HOUR])
@pytest.mark.parametrize("after", [0, 24 * HOUR])
def test_what_is_looked_at_ends_where_the_gap_begins_and_the_outcome_after_it(window, gap, after):
    svg = question_told(account(replace(ASKED, window=window, gap=gap, after=after)), ENGLISH).timeline
    (seen,), (outcome,) = places(svg, "bar f0"), places(svg, "bar f1")
    now = float(re.search(r'class="now" x1="([\d.]+)"', svg)[1])
    assert 0 <= seen[0] < seen[1] == pytest.approx(now)
    assert outcome[0] == pytest.approx(places(svg, "gap")[0][1] if gap else now)
    assert outcome[1] < 360


def test_the_flow_counts_each_loss_beside_its_step():
    texts = " ".join(drawn(question_told(account(), ENGLISH).flow))
    for part in ("46,520 subjects", "420 without an index", "1,088 dead or lost", "7,011 not eligible", "4,984 with the outcome",
                 "2,900 followed too", "210 died", "27 without a measurement", "29,880 with known", "heart_failure: 3,115 (10.4%)"):  # fmt: skip
        assert part in texts, texts


def test_steps_that_were_not_asked_for_are_not_drawn():
    asked = replace(ASKED, eligible=Eligible(), washout=0, index=Moment(("a",), which="every"))
    flow = Flow((("subjects", 10), ("index", 50), ("seen", 50), ("eligible", 50), ("washout", 50), ("followed", 50)), {}, 20)
    texts = drawn(question_told(account(asked, flow), ENGLISH).flow)
    assert texts == ["10 subjects", "50 prediction times", "50 with known outcome", "heart_failure: 20 (40%)"]


def test_a_count_that_could_point_at_a_person_is_hidden():
    flow = replace(FLOW, outcome=3, gap=1)
    told = question_told(account(flow=flow), ENGLISH)
    assert "Cases with an outcome event in the gap, which counts for nothing: <5." in told.notes
    assert any("<5" in note for note in told.notes)
    assert "3,115" not in " ".join(drawn(told.flow))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_boxes_of_the_flow_hide_counts_that_could_point_at_a_person(language):
    steps = (("subjects", 100), ("index", 96), ("seen", 93), ("eligible", 91), ("washout", 90), ("followed", 87))
    flow = Flow(steps, {"died": 2, "censored": 1}, 20)
    told = account(flow=flow, language=language)
    boxes = " ".join(drawn(question_told(told, words(language)).flow))
    assert boxes.count("&lt;5") == 6
    assert not re.search(r"(?<![\d<;%.])[1-4](?![\d.,])", boxes), boxes
    note = next(note for note in question_told(told, words(language)).notes if "<5" in note)
    assert "3.3%" not in note
    assert flow_told(told, words(language)).count("<5") == 2


def test_methods_and_card_tell_the_question_and_the_flow():
    methods, card = write_methods(account()), write_card(account())
    for text in (methods, card):
        assert "24 hours after the index time" in text
        assert "Flow of cases: 46,520 subjects, " in text
    assert flow_told(account(flow=None), ENGLISH) == ""


def test_a_question_fills_items_of_tripod():
    states = {item.number: item.state for item in items(account())}
    assert (states["6b"], states["8a"], states["20a"]) == ("filled", "filled", "filled")
    states = {item.number: item.state for item in items(account(None, None))}
    assert (states["6b"], states["8a"], states["20a"]) == ("open", "part", "part")


@pytest.mark.parametrize(
    ("length", "told"),
    [(HOUR, "1 hour"), (36 * HOUR, "36 hours"), (3 * DAY, "3 days"), (2 * UNITS["y"], "2 years"), (90 * UNITS["min"], "90 minutes"),
     (UNITS["s"], "1 second"), (1_500_000, "1.5 seconds"), (4000 * DAY, "4,000 days")],
)  # fmt: skip
def test_spans_are_told_as_a_person_says_them(length, told):
    assert span(length, ENGLISH) == told


def test_lines_are_no_longer_than_their_box_and_lose_nothing():
    for text in (
        "33,017 without the outcome before",
        "210 例死亡，结局无从得知（10.4%）",
        "heart_failure：3,115（10.4%）",
        "a" * 40,
    ):
        lines = wrapped(text, LETTERS["main"])
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert all(breadth(line) <= LETTERS["main"] + 1 for line in lines) or (" " not in text and len(text) == 40)
        assert not any(line[0] in "）。，" for line in lines)
