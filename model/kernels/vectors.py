"""Vectors of a processor, as values that compiled kernels compute with.

A vector holds as many numbers as a cache line. Kernels keep their numbers in one flat array and
load and store vectors at places of it. Where registers are shorter than a cache line, the compiler
takes several registers for one vector.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.cgutils import get_or_insert_function
from numba.core.datamodel import PrimitiveModel, register_default
from numba.extending import intrinsic, overload

BYTES = 64
"""A cache line: 16 numbers of single precision, 8 of double."""

FUSED = ("contract",)
"""The compiler may take a product and a sum together, with one rounding."""


class Vector(types.Type):
    """The type of a vector of `lanes` numbers of the type `real`."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.lanes = BYTES * 8 // real.bitwidth
        super().__init__(name=f"Vector({real})")


@register_default(Vector)
class _VectorModel(PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, fe_type: Vector) -> None:
        scalar = manager.lookup(fe_type.real).get_value_type()
        super().__init__(manager, fe_type, ir.VectorType(scalar, fe_type.lanes))


def place(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """The address of a number of a flat array."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index])


def read(builder: Any, address: Any, kind: Any) -> Any:
    """The vector of the LLVM type `kind` that begins at an address."""
    return builder.load(builder.bitcast(address, kind.as_pointer()), align=_size(kind))


def write(builder: Any, address: Any, vector: Any) -> None:
    """Store a vector that begins at an address."""
    kind = vector.type
    builder.store(vector, builder.bitcast(address, kind.as_pointer()), align=_size(kind))


def _size(kind: Any) -> int:
    return BYTES // int(kind.count)


def broadcast(builder: Any, number: Any, kind: Any) -> Any:
    """A vector whose numbers are all the same."""
    integer = ir.IntType(32)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), number, integer(0))
    zeros = ir.Constant(ir.VectorType(integer, kind.count), None)
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), zeros)


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """The vector at a place of a flat array."""
    vector = Vector(array.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = place(context, builder, array, *arguments)
        return read(builder, address, context.get_value_type(vector))

    return vector(array, types.intp), generate


@intrinsic
def store(typing: Any, array: Any, index: Any, vector: Any) -> Any:
    """Write a vector to a place of a flat array."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, index, stored = arguments
        write(builder, place(context, builder, array, values, index), stored)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), generate


@intrinsic
def spread(typing: Any, array: Any, number: Any) -> Any:
    """A vector of the type of a flat array, whose numbers are all `number`."""
    vector = Vector(array.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return broadcast(builder, arguments[1], context.get_value_type(vector))

    return vector(array, array.dtype), generate


def _of_two(instruction: str, flags: tuple[str, ...] = FUSED) -> Any:
    """The intrinsic that applies an instruction to two vectors, number by number."""

    def typed(typing: Any, left: Any, right: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return getattr(builder, instruction)(*arguments, flags=flags)

        return left(left, right), generate

    return intrinsic(typed)


add, subtract, multiply, divide = (_of_two(name) for name in ("fadd", "fsub", "fmul", "fdiv"))

rounded_product = _of_two("fmul", ())
"""A product that rounds before anything is added to it, in functions that are compiled exactly."""


def _operator(symbol: Callable[..., Any], instruction: Any) -> None:
    @overload(symbol, strict=False)
    def of_vectors(left: Any, right: Any) -> Any:
        if isinstance(left, Vector) and left == right:
            return lambda left, right: instruction(left, right)
        return None


_operator(operator.add, add)
_operator(operator.sub, subtract)
_operator(operator.mul, multiply)
_operator(operator.truediv, divide)


@intrinsic
def root(typing: Any, vector: Any) -> Any:
    """The square roots."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = context.get_value_type(vector)
        name = f"llvm.sqrt.v{vector.lanes}f{vector.real.bitwidth}"
        function = get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), name)
        return builder.call(function, arguments)

    return vector(vector), generate


@intrinsic
def rectified(typing: Any, vector: Any) -> Any:
    """`max(x, 0)`, and NaN where x is NaN, as NumPy's."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (x,) = arguments
        zero = ir.Constant(x.type, None)
        return builder.select(builder.fcmp_ordered("<", x, zero), zero, x)

    return vector(vector), generate


@intrinsic
def where_positive(typing: Any, vector: Any, chosen: Any) -> Any:
    """`chosen` where the vector is above 0, else 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, values = arguments
        zero = ir.Constant(x.type, None)
        return builder.select(builder.fcmp_ordered(">", x, zero), values, zero)

    return chosen(vector, chosen), generate


@intrinsic
def total(typing: Any, vector: Any) -> Any:
    """The sum of the numbers of a vector, halves added first."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (x,) = arguments
        lanes = x.type.count
        while lanes > 1:
            lanes //= 2
            x = builder.fadd(*(half(builder, x, start, lanes) for start in (0, lanes)))
        return builder.extract_element(x, ir.IntType(32)(0))

    return vector.real(vector), generate


def half(builder: Any, x: Any, start: int, lanes: int) -> Any:
    """`lanes` numbers of a vector from `start` on."""
    integer = ir.IntType(32)
    chosen = ir.Constant(ir.VectorType(integer, lanes), [integer(start + i) for i in range(lanes)])
    return builder.shuffle_vector(x, x, chosen)


def exchanged(builder: Any, a: Any, b: Any, distance: int) -> tuple[Any, Any]:
    """Two rows after numbers `distance` apart changed places between them, as in a transpose."""
    count, integer = int(a.type.count), ir.IntType(32)

    def shuffled(chosen: list[int]) -> Any:
        mask = ir.Constant(ir.VectorType(integer, count), [integer(i) for i in chosen])
        return builder.shuffle_vector(a, b, mask)

    lanes = range(count)
    upper = shuffled([count + j - distance if j & distance else j for j in lanes])
    lower = shuffled([count + j if j & distance else j + distance for j in lanes])
    return upper, lower
