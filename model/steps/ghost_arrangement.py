"""Which examples of a batch share a ghost: arrangements of its rows before it is cut up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from caviar.model.contract import Array, Generators

Arrangement = Callable[[Array, Array], Array]
"""Maps rows and labels, both `(replicas, batch)`, to the same rows in another order.

Ghosts are then consecutive rows. All arrangements are deterministic and keep the order that
the rows came in wherever they have a choice, so a random batch stays random within its classes.
"""


def random(rows: Array, labels: Array) -> Array:
    """Rows as they come: the ghosts of a shuffled batch are random."""
    return rows


def class_sorted(rows: Array, labels: Array) -> Array:
    """Rows sorted by class, so that ghosts are as far from independent draws as possible.

    Ioffe 2017 trains on a milder kind: two images of each of 16 classes of ImageNet.
    """
    return np.take_along_axis(rows, np.argsort(labels, axis=1, kind="stable"), axis=1)


def stratified(norm_batch_size: int) -> Arrangement:
    """The arrangement in which each ghost has its share of every class, to within one example.

    Rows sorted by class are dealt to the ghosts in turn, so a ghost has the floor or the ceiling
    of the share. This removes the noise between classes: Var(mu_g) = E_c[sigma_c^2] / m. Where
    one number of ghosts divides another, the smaller ghosts are parts of the larger.
    """

    def arrangement(rows: Array, labels: Array) -> Array:
        replicas, batch = rows.shape
        if batch % norm_batch_size:
            raise ValueError(
                f"a batch of {batch} cannot be dealt to ghost batches of {norm_batch_size}: "
                f"{batch} / {norm_batch_size} leaves {batch % norm_batch_size}"
            )
        hands = class_sorted(rows, labels).reshape(replicas, norm_batch_size, -1)
        return hands.transpose(0, 2, 1).reshape(replicas, batch)

    return arrangement


def first_come(arrangement: Arrangement, norm_batch_size: int) -> Arrangement:
    """The same ghosts of `norm_batch_size` in the order in which their first examples came.

    In a shuffled batch every ghost is then equally likely to be the first, as it must be for a
    running average that watches one ghost per step. Sorted by class, the first ghost would hold
    the first class every time.
    """

    def arranged(rows: Array, labels: Array) -> Array:
        replicas, batch = rows.shape
        came = np.broadcast_to(np.arange(batch), rows.shape)
        ghosts = arrangement(came, labels).reshape(replicas, -1, norm_batch_size)
        order = np.argsort(ghosts.min(axis=2), axis=1)
        taken = np.take_along_axis(ghosts, order[:, :, None], axis=1).reshape(replicas, batch)
        return np.take_along_axis(rows, taken, axis=1)

    return arranged


def repartition(rows: Array, generators: Generators) -> Array:
    """A fresh permutation of every replica's rows: new ghosts from the same examples."""
    return np.stack(
        [g.permutation(replica_rows) for g, replica_rows in zip(generators, rows, strict=True)]
    )
