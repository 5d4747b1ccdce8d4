"""The paper that the told sessions begin with, and its summary."""

from mlrcopilot_tui.papers.model import Paper, Section
from mlrcopilot_tui.session.model import Gap, Quote, Summary

SUMMARY = Summary(
    engine="offline",
    task=(Quote(text="We classify 8x8 images of handwritten digits from only 100 labels.", page=1, section="1"),),
    datasets=(Quote(text="We use the 1,797 images of the UCI optical digits collection.", page=2, section="3"),),
    metrics=(Quote(text="We report the error on 797 validation images.", page=2, section="3"),),
    method=(Quote(text="A softmax classifier is trained on raw pixels by gradient descent.", page=2, section="2"),),
    results=(Quote(text="The baseline reaches an error of 0.094 over five seeds.", page=3, section="4"),),
    gaps=(
        Gap(
            id="g1",
            statement="Unlabelled images are not used.",
            quote=Quote(text="We leave the use of the 900 unlabelled images to future work.", page=3, section="5"),
        ),
        Gap(
            id="g2",
            statement="Raw pixels carry no local structure.",
            quote=Quote(
                text="The features are raw pixels, which ignore strokes and their direction.", page=3, section="5"
            ),
        ),
    ),
    future_work=(Quote(text="Data augmentation by small shifts is a natural next step.", page=4, section="6"),),
    keywords=("few labels", "linear model", "digits"),
)

PAPER = Paper(
    digest="d1" * 32,
    title="Few-label digits with a linear model",
    abstract="How far does a linear model get with one hundred labels?",
    sections=(
        Section(
            title="1 Introduction",
            level=1,
            page=1,
            text="We classify images of handwritten digits from only 100 labels.\n\nLabels are dear; pixels are not.",
            pages=((0, 1),),
        ),
        Section(
            title="5 Limits",
            level=1,
            page=3,
            text="We leave the use of the 900 unlabelled images to future work.",
            pages=((0, 3),),
        ),
    ),
    page_count=4,
    source="paper.pdf",
    warnings=(),
)
