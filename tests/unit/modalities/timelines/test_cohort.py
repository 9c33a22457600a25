"""A question makes the cases that it says, at each boundary; what is not known is never "no"."""

from dataclasses import replace

import numpy as np
import pytest

from osler.core.duration import UNITS
from osler.core.errors import StudyError
from osler.core.question import CENSORED, PREDICTION, REASONS, SPLIT, SUBJECT, Eligible, FollowUp, Goal, Moment, Question
from osler.modalities.timelines.cohort import cohort
from osler.modalities.timelines.cohort.check import LEAST
from osler.modalities.timelines.cohort.derive import derive
from osler.modalities.timelines.cohort.marks import Marks, flags
from osler.modalities.timelines.cohort.outcome import KNOWN
from tests.unit.modalities.timelines.stores import DAY, EPOCH, HOUR, store

# admission at 0 h, prediction at 24 h, gap until 36 h, horizon until 84 h
ASKED = Question(
    index=Moment(("admission*",)), target=Goal("failure", ("I50*",)), after=24 * HOUR, gap=12 * HOUR, horizon=48 * HOUR
)
SECOND = 1 / 3600
EIGHTEEN = 6575 * 24  # hours from 1992-01-02 to 2010-01-02, a day after time zero


def case(*events, asked=ASKED, seen=200, admitted=0):
    """Return the outcome of the one case that `events` make: 1, 0, the code of why it is not known, or None where there is none."""
    end = () if seen is None else (("a", seen, "visit"),)
    found = derive(store([("a", admitted, "admission//urgent"), *(("a", *e) for e in events), *end]), asked, outcome=True)
    if not len(found.who):
        return None
    assert len(found.who) == 1
    why = found.found.why[0]
    return found.found.values[0] if why == KNOWN else list(REASONS)[why]


# the outcome's time ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "outcome"),
    [
        (24, 0),  # at the prediction time: it is seen, and is no outcome
        (24 + SECOND, 0),  # in the gap
        (36, 0),  # at the end of the gap
        (36 + SECOND, 1),
        (60, 1),
        (84, 1),  # at the end of the horizon
        (84 + SECOND, 0),
    ],
)
def test_the_outcome_counts_after_the_gap_until_the_end_of_the_horizon(hours, outcome):
    assert case((hours, "I50.1")) == outcome


def test_without_a_gap_what_comes_right_after_the_prediction_time_counts():
    asked = replace(ASKED, gap=0)
    assert case((24, "I50.1"), asked=asked) == 0
    assert case((24 + SECOND, "I50.1"), asked=asked) == 1


def test_an_event_in_the_gap_is_no_outcome_and_is_counted():
    found = derive(store([("a", 0, "admission"), ("a", 30, "I50.1"), ("a", 200, "visit")]), ASKED, outcome=True)
    assert (found.found.values.tolist(), found.flow.gap, found.flow.outcome) == ([0.0], 1, 0)


def test_other_codes_and_other_subjects_are_no_outcome():
    events = [("a", 0, "admission"), ("a", 60, "I51"), ("a", 200, "visit"), ("b", 60, "I50.1"), ("0", 60, "I50.1")]
    found = derive(store(events), ASKED, outcome=True)
    assert found.found.values.tolist() == [0.0]


# follow-up ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seen", "outcome"), [(84 - SECOND, "censored"), (84, 0), (30, "censored"), (10, "censored")])
def test_follow_up_that_ends_before_the_horizon_is_censored_and_never_no(seen, outcome):
    assert case(seen=seen) == outcome


def test_an_outcome_before_follow_up_ends_counts():
    assert case((40, "I50.1"), seen=41) == 1
    assert case((40, "I50.1"), seen=None) == 1


def test_follow_up_may_end_with_an_event():
    asked = replace(ASKED, followup=FollowUp(("discharge*",)))
    assert case((60, "discharge//home"), asked=asked) == "censored"
    assert case((84, "discharge//home"), asked=asked) == 0
    assert case((60, "discharge//home"), (70, "I50.1"), asked=asked) == "censored"  # after it nothing is seen
    assert case((60, "discharge//home"), (60, "I50.1"), asked=asked) == 1  # codes of a stay come with its end
    assert case((24, "discharge//home"), asked=asked) is None  # nobody is there at the prediction time
    assert case((-5, "discharge//home"), asked=asked) == 0  # an earlier stay


def test_follow_up_may_be_known_to_last():
    asked = replace(ASKED, followup=FollowUp(known=84 * HOUR))
    assert case(seen=30, asked=asked) == 0
    assert case(seen=30, asked=replace(asked, followup=FollowUp(known=84 * HOUR - 1))) == "censored"


# death ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "outcome"), [(24, None), (20, None), (30, "died"), (60, "died"), (84, 0), (100, 0)]
)  # fmt: skip
def test_a_death_before_the_horizon_leaves_another_outcome_unknown(hours, outcome):
    assert case((hours, "death")) == outcome
    assert case((hours, "death//ward"), seen=None) == outcome


def test_a_death_may_be_taken_for_no_but_not_in_the_gap():
    asked = replace(ASKED, target=replace(ASKED.target, death="no"))
    assert case((60, "death"), seen=None, asked=asked) == 0
    assert case((30, "death"), seen=None, asked=asked) == "died"
    assert case((50, "I50.1"), (60, "death"), seen=None, asked=asked) == 1
    assert case(seen=60, asked=asked) == "censored"


def test_death_as_the_outcome_is_no_censoring():
    asked = replace(ASKED, target=Goal("died", ("death*",)))
    assert case((60, "death"), seen=None, asked=asked) == 1
    assert case((84, "death"), seen=None, asked=asked) == 1
    assert case((30, "death"), seen=None, asked=asked) == "died"  # in the gap
    assert case(seen=60, asked=asked) == "censored"
    assert case(seen=90, asked=asked) == 0


# values ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ([(40, 1.0), (50, 2.5)], 1),
        ([(40, 1.0), (50, 2.0)], 0),
        ([(30, 9.0), (50, 1.0)], 0),  # in the gap
        ([(40, np.nan)], "unmeasured"),
        ([(20, 9.0)], "unmeasured"),
    ],
)
def test_a_limit_of_a_value_is_passed_after_the_gap_or_not_known(values, outcome):
    asked = replace(ASKED, target=Goal("kidney", value=("creatinine",), above=2.0))
    assert case(*((hours, "creatinine", value) for hours, value in values), asked=asked) == outcome


def test_a_value_may_fall_below_a_limit():
    asked = replace(ASKED, target=Goal("anaemia", value=("haemoglobin",), below=7.0))
    assert case((40, "haemoglobin", 6.9), asked=asked) == 1
    assert case((40, "haemoglobin", 7.0), asked=asked) == 0


@pytest.mark.parametrize(("take", "value"), [("first", 3), ("last", 2), ("max", 5), ("min", 2), ("mean", 10 / 3)])
def test_a_value_itself_may_be_the_target(take, value):
    asked = replace(ASKED, target=Goal("creatinine", value=("creatinine",), take=take))
    measured = [(10, 100.0), (36, 100.0), (40, 3.0), (50, 5.0), (55, np.nan), (84, 2.0), (90, 100.0)]
    events = [(hours, "creatinine", v) for hours, v in measured]
    assert case(*events, asked=asked) == pytest.approx(value)
    assert case(*events[:4], seen=60, asked=asked) == (3.0 if take == "first" else "censored")
    assert case((10, "creatinine", 1.0), asked=asked) == "unmeasured"


def test_values_of_many_cases_with_overlapping_spans_are_each_their_own():
    asked = replace(ASKED, index=Moment(("admission*",), which="every", step=6 * HOUR), after=0, gap=0, horizon=24 * HOUR,
                    target=Goal("x", value=("lab",), take="mean"))  # fmt: skip
    generator = np.random.default_rng(0)
    events = [(str(who), float(h), "lab", float(v)) for who in range(5)
              for h, v in zip(generator.uniform(0, 90, 40), generator.normal(size=40), strict=True)]  # fmt: skip
    events += [(str(who), 0, "admission") for who in range(5)] + [(str(who), 96, "visit") for who in range(5)]
    found = derive(store(events), asked, outcome=True)
    assert len(found.who) == 5 * 16
    for place, (who, time) in enumerate(zip(found.who, found.prediction, strict=True)):
        hours = (time - EPOCH) / HOUR
        inside = [np.float32(e[3]) for e in events if e[2] == "lab" and int(e[0]) == who and hours < e[1] <= hours + 24]
        expected = np.mean(inside) if inside and hours + 24 <= 96 else np.nan
        assert found.found.values[place] == pytest.approx(expected, rel=1e-5, nan_ok=True)


# whose, when ----------------------------------------------------------------------------------------------------------

STAYS = [("a", 0, "admission"), ("a", 0, "admission//again"), ("a", 100, "admission"), ("b", 5, "admission"),
         ("c", 1, "visit"), ("a", 130, "visit"), ("b", 60, "visit"), ("d", None, "admission")]  # fmt: skip


@pytest.mark.parametrize(
    ("index", "moments"),
    [
        (Moment(("admission*",)), [("a", 0), ("b", 5)]),
        (Moment(("admission*",), which="last"), [("a", 100), ("b", 5)]),
        (Moment(("admission*",), which="every"), [("a", 0), ("a", 100), ("b", 5)]),
        (
            Moment(("admission*",), which="every", step=50 * HOUR),
            [("a", 0), ("a", 50), ("a", 100), ("b", 5), ("b", 55)],
        ),
    ],
)
def test_which_index_events_make_cases(index, moments):
    held = store(STAYS)
    found = derive(held, replace(ASKED, index=index), outcome=False)
    hours = ((found.index - EPOCH) / HOUR).tolist()
    assert list(zip(held.subject_names[found.who], hours, strict=True)) == moments
    assert ((found.prediction - found.index) == 24 * HOUR).all()
    assert dict(found.flow.steps)["subjects"] == 4
    assert found.found is None


def test_repeated_moments_end_where_follow_up_ends():
    asked = replace(
        ASKED, index=Moment(("admission",), which="every", step=24 * HOUR), after=0, followup=FollowUp(("discharge",))
    )
    found = derive(store([("a", 0, "admission"), ("a", 72, "discharge"), ("a", 500, "visit")]), asked, outcome=True)
    assert ((found.index - EPOCH) / HOUR).tolist() == [0, 24, 48]
    found = derive(store([("a", 0, "admission"), ("a", 30, "death"), ("a", 500, "bill")]), asked, outcome=True)
    assert ((found.index - EPOCH) / HOUR).tolist() == [0, 24]


def test_more_repeated_moments_than_can_be_are_refused():
    asked = replace(ASKED, index=Moment(("admission",), which="every", step=1))
    with pytest.raises(StudyError, match=r"which: a case so often makes .* cases; at most 20,000,000 can be"):
        derive(store([("a", 0, "admission"), ("a", 500, "visit")]), asked, outcome=True)


@pytest.mark.parametrize(
    ("eligible", "before", "there"),
    [
        (Eligible(history=10 * DAY), (24 - 240, "visit"), True),
        (Eligible(history=10 * DAY), (24 - 240 + SECOND, "visit"), False),
        (Eligible(history=10 * DAY), (-24 * 5000, "birth"), False),  # a birth is no contact
        (Eligible(history=10 * DAY), (None, "sex//female"), False),
        (Eligible(event=("diabetes*",)), (24, "diabetes//2"), True),
        (Eligible(event=("diabetes*",)), (24 + SECOND, "diabetes//2"), False),
        (Eligible(event=("sex//female",)), (None, "sex//female"), True),
        (Eligible(without=("diabetes*",)), (24, "diabetes//2"), False),
        (Eligible(without=("diabetes*",)), (24 + SECOND, "diabetes//2"), True),
        (Eligible(without=("sex//female",)), (None, "sex//female"), False),
        (Eligible(age=(18, None)), (24 - EIGHTEEN, "birth"), True),  # at the hour of birth, on the birthday
        (Eligible(age=(18, None)), (25 - EIGHTEEN, "birth"), False),
        (Eligible(age=(None, 17)), (25 - EIGHTEEN, "birth"), True),
        (Eligible(age=(None, 17)), (24 - EIGHTEEN, "birth"), False),
        (Eligible(age=(0, 120)), (30, "visit"), False),  # nobody knows the age
    ],
)
def test_who_is_eligible_is_judged_at_the_prediction_time(eligible, before, there):
    assert (case(before, asked=replace(ASKED, eligible=eligible)) is not None) is there


@pytest.mark.parametrize(
    ("hours", "there"), [(24, False), (24 + SECOND, True), (24 - 240, False), (24 - 240 - SECOND, True), (60, True)]
)
def test_a_target_event_in_the_washout_makes_no_case(hours, there):
    asked = replace(ASKED, washout=10 * DAY)
    assert (case((hours, "I50.1"), asked=asked) is not None) is there
    assert case((hours, "I50.1")) is not None  # without a washout it is history


# the table ------------------------------------------------------------------------------------------------------------


def many(subjects=3 * LEAST, ill=3):
    events = []
    for who in range(subjects):
        events += [(f"p{who:03d}", 0, "admission"), (f"p{who:03d}", 200 if who % 4 else 70, "visit")]
        events += [(f"p{who:03d}", 40, "I50.9")] if who % ill == 0 else []
    return events


def rows(made):
    import pyarrow as pa

    with pa.memory_map(str(made.file)) as source:
        return pa.ipc.open_file(source).read_all()


def test_the_table_holds_one_row_per_case_and_says_what_is_not_known(tmp_path):
    held = store(many(), splits={"p000": "held_out", "p001": "tuning", "p002": "train"})
    made = cohort(held, ASKED, purpose="train", cache=tmp_path)
    table = rows(made)
    assert table.column_names == [SUBJECT, "index", PREDICTION, "failure", CENSORED, SPLIT]
    assert len(table) == 60
    first = table.slice(0, 5).to_pylist()
    assert [(one[SUBJECT], one["failure"], one[CENSORED]) for one in first] == [
        ("p000", 1, None), ("p001", 0, None), ("p002", 0, None), ("p003", 1, None), ("p004", None, "censored")]  # fmt: skip
    assert [one[SPLIT] for one in first] == ["test", "tune", "train", None, None]
    assert (first[0][PREDICTION].timestamp() * 1e6) == EPOCH + 24 * HOUR
    assert made.flow.steps == (("subjects", 60), ("index", 60), ("seen", 60), ("eligible", 60), ("washout", 60), ("followed", 50))
    assert (made.flow.unknown, made.flow.outcome, made.flow.cases) == ({"censored": 10}, 20, 50)


def test_the_table_is_made_once_and_anew_for_another_question(tmp_path):
    made = cohort(store(many()), ASKED, purpose="train", cache=tmp_path)
    when = made.file.stat().st_mtime_ns
    assert cohort(store(many()), ASKED, purpose="train", cache=tmp_path) == made
    assert made.file.stat().st_mtime_ns == when
    others = [replace(ASKED, gap=HOUR), replace(ASKED, target=replace(ASKED.target, death="no"))]
    files = {cohort(store(many()), other, purpose="train", cache=tmp_path).file for other in others}
    files.add(cohort(store(many(), folder="other"), ASKED, purpose="train", cache=tmp_path).file)
    assert len(files | {made.file}) == 4
    made.file.write_bytes(b"torn")
    assert cohort(store(many()), ASKED, purpose="train", cache=tmp_path) == made
    assert len(rows(made)) == 60


def test_cases_to_predict_need_no_outcome_and_hold_none(tmp_path):
    made = cohort(store([("a", 0, "admission"), ("a", 2, "visit")]), ASKED, purpose="predict", cache=tmp_path)
    assert rows(made).column_names == [SUBJECT, "index", PREDICTION]
    assert made.flow.outcome is None
    assert made.flow.cases == 1


def test_what_comes_after_the_prediction_time_changes_no_row_to_predict(tmp_path):
    events = many()
    planted = [*events, *((who, 24.001, "I50.1") for who in {e[0] for e in events}), ("p001", 90, "lab", 7.0)]
    before = rows(cohort(store(events), ASKED, purpose="predict", cache=tmp_path))
    after = rows(cohort(store(planted, folder="planted"), ASKED, purpose="predict", cache=tmp_path))
    assert after.equals(before)


# faults ---------------------------------------------------------------------------------------------------------------


def test_all_unknown_codes_are_told_with_near_misses_and_counts(tmp_path):
    asked = replace(
        ASKED, index=Moment(("admision",)), target=Goal("failure", ("I50.8",)), eligible=Eligible(event=("zzz",), without=("q*",)),
        followup=FollowUp(("discharge",)),
    )  # fmt: skip
    with pytest.raises(StudyError) as caught:
        cohort(store(many()), asked, purpose="train", cache=tmp_path)
    faults = "\n".join(caught.value.faults)
    assert len(caught.value.faults) == 5
    assert "index: none of 3 codes is 'admision'; did you mean 'admission'? (60 events have it)" in faults
    assert "target: none of 3 codes is 'I50.8'; did you mean 'I50.9'? (20 events have it)" in faults
    for start in ("eligible: event", "eligible: without", "followup"):
        assert f"question: {start}: none of 3 codes is" in faults


def test_new_data_need_not_hold_every_code(tmp_path):
    asked = replace(ASKED, target=Goal("failure", ("I50.8",)), eligible=Eligible(without=("zzz",)))
    assert cohort(store(many()), asked, purpose="score", cache=tmp_path).flow.outcome == 0
    with pytest.raises(StudyError, match="index: none of 3 codes is 'stroke'"):
        cohort(store(many()), replace(asked, index=Moment(("stroke",))), purpose="predict", cache=tmp_path)


@pytest.mark.parametrize(
    ("events", "asked", "message"),
    [
        (many(ill=1000)[2:], ASKED, "'failure' never happens in 45 cases"),
        (many(ill=1), ASKED, r"'failure' happens in all 60 cases whose outcome is known \(61 subjects; .*say with 'followup'"),
        (many(subjects=LEAST), ASKED, f"only 17 cases are left, fewer than {LEAST} \\(21 subjects; .*; 17 with a known outcome"),
        (many(), replace(ASKED, eligible=Eligible(age=(18, 120))), "no case is left .* 0 eligible"),
    ],
)
def test_outcomes_that_teach_nothing_end_before_training(events, asked, message, tmp_path):
    events = [*events, ("other", 1, "I50.9")]
    with pytest.raises(StudyError, match=message):
        cohort(store(events), asked, purpose="train", cache=tmp_path)


def test_times_without_dates_are_refused(tmp_path):
    with pytest.raises(StudyError, match="count from each subject's own start"):
        cohort(store(many(), relative=True), ASKED, purpose="train", cache=tmp_path)


# marks ----------------------------------------------------------------------------------------------------------------


def test_marks_find_what_a_loop_finds():
    generator = np.random.default_rng(1)
    sizes = generator.integers(0, 7, 50)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    times = np.concatenate([np.sort(generator.integers(0, 20, n)) for n in sizes]).astype(np.int64)
    marks = Marks(times, np.zeros(len(times)), starts)
    who = generator.integers(0, 50, 2000)
    start = generator.integers(-2, 22, 2000)
    stop = start + generator.integers(-3, 10, 2000)
    own = [times[starts[w] : starts[w + 1]] for w in who]
    spans = list(zip(own, start, stop, strict=True))
    assert marks.within(who, start, stop).tolist() == [bool(((t > a) & (t <= b)).any()) for t, a, b in spans]
    assert marks.until(who, start).tolist() == [bool((t <= a).any()) for t, a, _ in spans]
    never = np.iinfo(np.int64).max
    assert marks.following(who, start).tolist() == [min([v for v in t.tolist() if v > a], default=never) for t, a, _ in spans]


def test_a_code_as_it_stands_goes_before_a_pattern():
    names = ("LAB//a[1]", "LAB//a1", "LAB//b")
    assert flags(names, ("LAB//a[1]",)).tolist() == [True, False, False]
    assert flags(names, ("LAB//*",)).all()
    assert flags(names, ("lab//*",)).sum() == 0


def test_a_year_is_the_year_of_durations():
    assert UNITS["y"] == 8766 * HOUR
