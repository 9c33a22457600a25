"""A drawing of a report as a file of its own."""

import re
import xml.etree.ElementTree as ET

from osler.spine.report.alone import alone
from osler.spine.report.canvas import Canvas


def drawing():
    canvas = Canvas(100, 50)
    canvas.marker((10, 10), 0, "dot f1")
    canvas.line((0, 0), (9, 9), "grid")
    canvas.text("a < b", (5, 5), "tick strong")
    return canvas.svg(title="x")


def test_it_is_an_svg_with_the_colours_of_the_light_page_written_out():
    text = alone(drawing())
    root = ET.fromstring(text.encode())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("viewBox") == "0 0 100 50"
    assert "var(" not in text
    assert re.search(r"\.f1\{fill: #c94f00", text)
    assert re.search(r"\.grid\{stroke: #e8ebee", text)


def test_only_what_is_used_goes_with_it():
    text = alone(drawing())
    assert ".f0" not in text
    assert ".headline" not in text
    assert len(text) < 2_500
