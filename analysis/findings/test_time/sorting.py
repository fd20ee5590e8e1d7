"""What train-mode evaluation makes of a test set that is sorted by class."""

from __future__ import annotations

from caviar.analysis.findings.columns import FACET, LEFT_OUT, LEVEL, QUANTITY, READING, interval
from caviar.analysis.findings.finding import Finding, Results
from caviar.analysis.findings.wording import by_facet, first_and_last
from caviar.analysis.tables.running_statistics import sorting


def _sentences(results: Results) -> list[str]:
    sentences = []
    for facet, table in by_facet(results.reading("sorting")):
        losses, accuracies = (
            table[table["quantity"] == name] for name in ("test_loss", "test_accuracy")
        )
        ends = ["mean", "low", "high"]
        points = accuracies.assign(**{end: 100 * accuracies[end] for end in ends})
        sentences.append(
            f"{facet}If a network is left in train mode, so that each test batch has its own "
            "statistics, a test set that is sorted by class instead of shuffled changes "
            f"test loss by {first_and_last(results, losses, ' nats', signed=True)}. Accuracy "
            f"changes by {first_and_last(results, points, ' percentage points', signed=True)}. "
            "Shuffle it, or read with statistics of the training set."
        )
    return sentences


SORTING = Finding(
    name="sorting",
    part="test time",
    compute=lambda results: sorting(results.comparison),
    columns=(
        READING,
        QUANTITY,
        FACET,
        LEVEL,
        *interval("nats; test_accuracy: share", "Sorted by class less shuffled, same weights."),
        LEFT_OUT,
    ),
    title="Test batches that are sorted by class",
    says="Test loss and accuracy under the statistics of the evaluated batch, m examples of it: "
    "where the test set comes class by class, less where it comes in random order. Statistics of "
    "the training set, population or running, do not depend on the order. Batches that are not "
    "independent samples are what Ioffe 2017 warns of for training.",
    sentences=_sentences,
)
