"""Whether there were enough cases, in a short paragraph with its numbers."""

from __future__ import annotations

from osler.core.sample_size import Need, SampleSize
from osler.language import Words
from osler.spine.report.numerals import count, number


def sample_told(sample: SampleSize | None, words: Words) -> tuple[str, ...]:
    """Return the sentences: on development, on the test, and what they mean for networks; none where nothing can be said."""
    if sample is None:
        return ()
    told = []
    if sample.development is not None:
        told.append(_development(sample, sample.development, words))
    if sample.test.asked:
        told.append(_said("sample.test", sample, sample.test, words))
    return (*told, words.say("sample.caveat")) if told else ()


def _development(sample: SampleSize, need: Need, words: Words) -> str:
    if not sample.parameters:
        return words.say("sample.uncounted")
    if sample.explained is None:
        return words.say("sample.unexplained", parameters=count(sample.parameters))
    sentence = _said("sample.development", sample, need, words)
    if sample.shrinkage is None:
        return sentence + words.say("list.sentence") + words.say("sample.shrinkage.none")
    return sentence + words.say("list.sentence") + words.say("sample.shrinkage", value=number(sample.shrinkage, decimals=2))


def _said(key: str, sample: SampleSize, need: Need, words: Words) -> str:
    cases = words.say("sample.cases" if need.events is None else "sample.cases.events", n=count(need.cases),
                      events=count(need.events or 0), outcome=sample.outcome)  # fmt: skip
    if need.most is None:
        return words.say(f"{key}.none", cases=cases)
    asked = words.say("list.comma").join(
        words.say("sample.ask", what=words.say(f"sample.ask.{name}"), n=count(n))
        for name, n in need.asked.items()
        if n is not None
    )
    reached = words.say("sample.enough" if need.enough else "sample.short", n=count(need.most))
    known = {"measure": words.get(f"measure.{sample.measure}", sample.measure), "value": number(sample.value),
             "explained": number(sample.explained), "parameters": count(sample.parameters or 0)}  # fmt: skip
    return words.say(key, cases=cases, asked=asked, reached=reached, **known)
