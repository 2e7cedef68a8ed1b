"""Numbers four at a time: compiled kernels walk the windows once for four columns instead of once for each.

`Lanes` are a vector of four numbers in registers. Every operation is that of each number alone, to the last
bit, so a value does not depend on which columns happen to be beside it. Columns are given as a tuple of four
arrays (`beside`), scratch that is kept from row to row as an array of shape (rows, WIDTH).
"""

import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

WIDTH = 4
Arrays = Sequence[npt.NDArray[Any]]


def beside(columns: Arrays) -> tuple[npt.NDArray[Any], ...]:
    """One to four columns as the tuple kernels take: the last stands in for those that are missing."""
    return tuple(columns[min(lane, len(columns) - 1)] for lane in range(WIDTH))


class Lanes(types.Type):  # type: ignore[misc]
    """Numba's type of four numbers of one kind."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Lanes({dtype})")


@register_model(Lanes)
class _Vector(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Lanes) -> None:
        element = manager.lookup(kind.dtype).get_value_type()
        super().__init__(manager, kind, ir.VectorType(element, WIDTH))


def _lane(number: int) -> ir.Constant:
    return ir.Constant(ir.IntType(32), number)


def _places(context: Any, builder: Any, columns: Any, arrays: Any, at: Any) -> Iterator[Any]:
    """Where row `at` of each column is."""
    for array in cgutils.unpack_tuple(builder, arrays, WIDTH):
        yield builder.gep(context.make_array(columns.dtype)(context, builder, array).data, [at])


def _row(context: Any, builder: Any, scratch: Any, array: Any, at: Any) -> Any:
    """Where row `at` of an array of shape (rows, WIDTH) is, as a vector."""
    data = context.make_array(scratch)(context, builder, array).data
    vector = ir.VectorType(data.type.pointee, WIDTH)
    return builder.bitcast(builder.gep(data, [builder.mul(at, at.type(WIDTH))]), vector.as_pointer())


@intrinsic
def load(_context, columns, _at):  # type: ignore[no-untyped-def]
    """The numbers of four columns in a row."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        found = ir.Constant(context.get_data_type(signature.return_type), ir.Undefined)
        for lane, place in enumerate(_places(context, builder, signature.args[0], *arguments)):
            found = builder.insert_element(found, builder.load(place), _lane(lane))
        return found

    return Lanes(columns.dtype.dtype)(columns, types.int64), generate


@intrinsic
def store(_context, columns, _at, lanes):  # type: ignore[no-untyped-def]
    """Write four numbers into a row of four columns."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        for lane, place in enumerate(_places(context, builder, signature.args[0], *arguments[:2])):
            builder.store(builder.extract_element(arguments[2], _lane(lane)), place)
        return context.get_dummy_value()

    return types.void(columns, types.int64, lanes), generate


@intrinsic
def recall(_context, scratch, _at):  # type: ignore[no-untyped-def]
    """Four numbers kept in a row of scratch."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.load(_row(context, builder, signature.args[0], *arguments), align=8)

    return Lanes(scratch.dtype)(scratch, types.int64), generate


@intrinsic
def keep(_context, scratch, _at, lanes):  # type: ignore[no-untyped-def]
    """Keep four numbers in a row of scratch."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        builder.store(arguments[2], _row(context, builder, signature.args[0], *arguments[:2]), align=8)
        return context.get_dummy_value()

    return types.void(scratch, types.int64, lanes), generate


@intrinsic
def spread(_context, number):  # type: ignore[no-untyped-def]
    """The same number four times."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        found = ir.Constant(context.get_data_type(signature.return_type), ir.Undefined)
        for lane in range(WIDTH):
            found = builder.insert_element(found, arguments[0], _lane(lane))
        return found

    return Lanes(number)(number), generate


@intrinsic
def where(_context, flag, lanes, _others):  # type: ignore[no-untyped-def]
    """The first four if the flag is set, else the other four."""

    def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        return builder.select(*arguments)

    return lanes(flag, lanes, lanes), generate


@intrinsic
def root(_context, lanes):  # type: ignore[no-untyped-def]
    """Square roots of float64."""

    def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        vector = arguments[0].type
        kind, name = ir.FunctionType(vector, [vector]), f"llvm.sqrt.v{WIDTH}f64"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)

    return lanes(lanes), generate


def _chosen(sign: str) -> Any:
    @intrinsic
    def choose(_context, lanes, _others):  # type: ignore[no-untyped-def]
        def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
            if isinstance(lanes.dtype, types.Float):
                compare = builder.fcmp_ordered
            else:
                compare = builder.icmp_signed if lanes.dtype.signed else builder.icmp_unsigned
            first, other = arguments
            return builder.select(compare(sign, other, first), other, first)

        return lanes(lanes, lanes), generate

    return choose


lesser, greater = _chosen("<"), _chosen(">")  # the other where it is less (greater), the first beside NaN


def _computed(*symbols: Any, by: str) -> None:
    @intrinsic
    def compute(_context, lanes, _others):  # type: ignore[no-untyped-def]
        def generate(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
            return getattr(builder, by)(*arguments)

        return lanes(lanes, lanes), generate

    def lanes_only(one, other):  # type: ignore[no-untyped-def]
        if isinstance(one, Lanes) and one == other:
            return lambda one, other: compute(one, other)  # noqa: PLW0108 (numba wants a function)
        return None

    for symbol in symbols:
        overload(symbol)(lanes_only)


_computed(operator.add, operator.iadd, by="fadd")
_computed(operator.sub, by="fsub")
_computed(operator.mul, by="fmul")
_computed(operator.truediv, by="fdiv")
