"""The BLAS builds that people have are named as threadpoolctl tells of them."""

from __future__ import annotations

from typing import Any

import pytest

from caviar.runner.trial.blas import Blas, blas_of, not_pinned


def library(api: str, path: str, version: str | None, threads: int, **more: Any) -> dict[str, Any]:
    """What threadpoolctl tells of a library of one of its kinds."""
    common = {"user_api": "blas", "internal_api": api, "num_threads": threads}
    return {**common, "prefix": f"lib{api}", "filepath": path, "version": version, **more}


SITE = "/v/lib/python3.13/site-packages"
WHEEL = library(
    *("openblas", f"{SITE}/numpy.libs/libscipy_openblas64_-8fb3d286.so", "0.3.30", 4),
    threading_layer="pthreads",
    architecture="SkylakeX",
)
SCIPYS = WHEEL | {
    "filepath": f"{SITE}/scipy.libs/libscipy_openblas-c128ec02.so",
    "version": "0.3.27",
}
MKL = library("mkl", "/c/lib/libmkl_rt.so.2", "2024.2-Product", 8, threading_layer="intel")
BLIS = library(
    *("blis", "/c/lib/libblis.so.4.0.0", "0.9.0", 2),
    threading_layer="openmp",
    architecture="skx",
)
FLEXIBLAS = library(
    *("flexiblas", "/usr/lib64/libflexiblas.so.3.4", "3.4.2", 6),
    available_backends=["NETLIB", "OPENBLAS-OPENMP"],
    loaded_backends=["OPENBLAS-OPENMP"],
    current_backend="OPENBLAS-OPENMP",
)
SYSTEMS = WHEEL | {"filepath": "/usr/lib64/libopenblaso-r0.3.26.so", "version": "0.3.26"}
OPENMP = {"user_api": "openmp", "internal_api": "openmp", "num_threads": 8, "version": None}
OPENMP |= {"prefix": "libgomp", "filepath": f"{SITE}/scikit_learn.libs/libgomp-a34b3233.so.1.0.0"}

BUILDS = {
    "the wheel's": ([OPENMP, SCIPYS, WHEEL], Blas("openblas 0.3.30 SkylakeX", 4, "SkylakeX")),
    "conda's MKL": ([OPENMP, MKL], Blas("mkl 2024.2-Product unknown", 8, None)),
    "BLIS": ([BLIS], Blas("blis 0.9.0 skx", 2, None)),
    "Fedora's FlexiBLAS": (
        [SYSTEMS, FLEXIBLAS],
        Blas("flexiblas over openblas 0.3.26 SkylakeX", 6, "SkylakeX"),
    ),
    "FlexiBLAS over Netlib": (
        [FLEXIBLAS | {"current_backend": "NETLIB"}],
        Blas("flexiblas 3.4.2 NETLIB", 6, None),
    ),
    "Apple's Accelerate, which is not told of": ([OPENMP], Blas("unknown", 0, None)),
    "an OpenBLAS without a version": (
        [WHEEL | {"version": None, "architecture": "unknown"}],
        Blas("openblas unknown unknown", 4, None),
    ),
}


@pytest.mark.parametrize("build", BUILDS)
def test_a_build_is_named_with_its_kernel(build: str) -> None:
    libraries, named = BUILDS[build]
    assert blas_of(libraries) == named
    assert blas_of(libraries[::-1]) == named


@pytest.mark.parametrize("build", BUILDS)
def test_what_cannot_be_named_to_another_machine_is_said(build: str) -> None:
    _, named = BUILDS[build]
    sentence = not_pinned(named)
    assert bool(sentence) == (named.core is None)
    assert not sentence or sentence.startswith(f"{named.kernel} chooses its kernel by the ")
