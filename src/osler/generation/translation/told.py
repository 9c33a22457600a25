"""The words of a report on translation; Chinese ones stand beside them in the language tables."""

from __future__ import annotations

NETWORK, REAL = "network", "real"
NAMES = {
    NETWORK: "translated",
    "identity": "source as it is",
    "histogram": "source, histogram matched",
    "places": "regression of each place",
    REAL: "real test targets",
}
TOLD = (
    "Inside is where the source or the real target, smoothed by one place, lies above {share} of the way from its 0.5th to its 99.5th"
    " percentile: the largest connected parts, their holes filled slice by slice. The translated image has no say in it."
)
EVERYWHERE = "All places of the images count, the air too."
SCALED = {
    "study": "Values are in the unit of the target's files. Structural similarity (Wang et al. 2004) and PSNR take the range of the training targets, from the median 0.5th to the median 99.5th percentile.",
    "case": "Targets have no unit of their own: each was brought from its 0.5th and 99.5th percentile to those of the training targets (medians) before it was compared. Structural similarity (Wang et al. 2004) and PSNR take that range.",
}
BASELINES = (
    "Beside it: the source as it is, each side on its own range; the source with its histogram matched to that of the training targets; and a"
    " regression of each place on what the source holds there and about it. Each patient weighs alike, and intervals are over patients."
)
FOLLOWED = (
    "Slices are translated one after another. The step from slice to slice inside the body, over that of the real images, is 1 where they"
    " follow one another as real ones do, above it where they flicker; the error of the steps is what both differ by, over the real step."
)
WITHOUT_PAIRS = (
    "Without pairs no translated image can be held against its truth. What is shown: how far the intensities inside the body lie from those of the"
    " training targets (mean distance of equal ranks), beside the sources, their histograms matched, and real test targets; and what is lost on"
    " the way there and back. Both can be good where an image is wrong."
)
LIMITS = (
    "A translated image is a guess at what a scan would have shown: it may leave out what is there, and show what is not. It must not replace a scan.",
    "Likeness on the whole says little about what is small: look at the pictures of single cases, and test what the images are to be used for.",
    "Another scanner, protocol or disease than in training may change the result without a warning.",
)
SLICEWISE = "Volumes were translated slice by slice along their last stored axis (axial), and not as one body."
UNPAIRED = "Training without pairs learns what images of both kinds look like, not what belongs to what: structures may move, vanish or appear (Cohen et al. 2018)."
UNMEASURED = "The test holds no pairs: how like the real images the translated ones are was not measured."
ABSENT = "No test case holds the target's kind of image, so that real test images stand nowhere beside the translated ones; give some a target."
SOURCELESS = "No test case holds the source's kind of image: nothing was translated in the test."
COLLAPSED = "Training collapsed: translated images are nearly of one grey inside the body. Train longer, with another seed, or with pairs."
BROKEN = "Training broke down and ended with its last good state; a lower fit.learning_rate may go further."
BRIGHTNESS = ("Brightness of translated over that of real places", "real", "translated, mean")
STRIP = "Each strip: source, translated, real, and the difference of the last two (white from half of the range). Slices are seen from the feet."
CASES = {
    "nearest": "The test cases that came out most like the real ones",
    "middle": "Test cases in the middle",
    "farthest": "The test cases that came out least like the real ones",
}
