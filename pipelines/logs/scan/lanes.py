"""Machine words and vectors over bytes: what makes a compiled scanner fast and numpy cannot express.

Functions take an array, or its address: compiled code counts references to an array at every call, which
costs more than the call. Nothing is checked: positions are not negative, 32 readable bytes follow a byte's.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

BYTE, WORD, WIDE, REAL = ir.IntType(8), ir.IntType(64), ir.IntType(128), ir.DoubleType()
LANES = 32
VECTOR = ir.VectorType(BYTE, LANES)
QUOTE, BACKSLASH, SPACE = 0x22, 0x5C, 0x20


def _place(context: Any, builder: Any, signature: Any, args: Any, step: Any, kind: Any) -> Any:
    """Pointer to a `kind`, `args[1]` steps from the start of the array or address `args[0]`."""
    start = args[0]
    if isinstance(signature.args[0], types.Array):
        start = builder.ptrtoint(context.make_array(signature.args[0])(context, builder, start).data, WORD)
    offset = builder.mul(args[1], ir.Constant(WORD, step))
    return builder.inttoptr(builder.add(start, offset), kind.as_pointer())


@intrinsic
def byte(typing, source, at):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """The byte at a position, as int64."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.zext(builder.load(_place(context, builder, signature, args, 1, BYTE)), WORD)

    return types.int64(source, types.int64), generate


@intrinsic
def word(typing, source, at):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Eight bytes from a position on, as a little-endian uint64."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.load(_place(context, builder, signature, args, 1, WORD), align=1)

    return types.uint64(source, types.int64), generate


@intrinsic
def get(typing, source, index):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """An element of an array of int64."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.load(_place(context, builder, signature, args, 8, WORD))

    return types.int64(source, types.int64), generate


@intrinsic
def get_real(typing, source, index):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """An element of an array of float64."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.load(_place(context, builder, signature, args, 8, REAL))

    return types.float64(source, types.int64), generate


@intrinsic
def put(typing, source, index, value):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Store into an array of int64."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        builder.store(args[2], _place(context, builder, signature, args, 8, WORD))
        return context.get_dummy_value()

    return types.void(source, types.int64, types.int64), generate


@intrinsic
def put_real(typing, source, index, value):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Store into an array of float64."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        builder.store(args[2], _place(context, builder, signature, args, 8, REAL))
        return context.get_dummy_value()

    return types.void(source, types.int64, types.float64), generate


@intrinsic
def put_byte(typing, source, index, value):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Store the low byte of an int64 into an array of bytes."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        place = _place(context, builder, signature, args, 1, BYTE)
        builder.store(builder.trunc(args[2], BYTE), place)
        return context.get_dummy_value()

    return types.void(source, types.int64, types.int64), generate


@intrinsic
def string_stops(typing, source, at):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """A bit for each of the next 32 bytes that is a quote, a backslash or a control character."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        lanes = builder.load(_place(context, builder, signature, args, 1, VECTOR), align=1)

        def all_of(value: int) -> Any:
            return ir.Constant(VECTOR, [value] * LANES)

        stops = builder.or_(
            builder.icmp_unsigned("<", lanes, all_of(SPACE)),
            builder.or_(
                builder.icmp_unsigned("==", lanes, all_of(QUOTE)),
                builder.icmp_unsigned("==", lanes, all_of(BACKSLASH)),
            ),
        )
        return builder.zext(builder.bitcast(stops, ir.IntType(LANES)), WORD)

    return types.uint64(source, types.int64), generate


@intrinsic
def trailing_zeros(typing, value):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Position of the lowest set bit."""

    def generate(_context, builder, _signature, args):  # type: ignore[no-untyped-def]
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@intrinsic
def leading_zeros(typing, value):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Zero bits above the highest set bit."""

    def generate(_context, builder, _signature, args):  # type: ignore[no-untyped-def]
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@intrinsic
def high_product(typing, one, other):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """The upper 64 bits of the product of two uint64."""

    def generate(_context, builder, _signature, args):  # type: ignore[no-untyped-def]
        product = builder.mul(builder.zext(args[0], WIDE), builder.zext(args[1], WIDE))
        return builder.trunc(builder.lshr(product, ir.Constant(WIDE, 64)), WORD)

    return types.uint64(types.uint64, types.uint64), generate


@intrinsic
def as_float(typing, bits):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """The double of these bits."""

    def generate(_context, builder, _signature, args):  # type: ignore[no-untyped-def]
        return builder.bitcast(args[0], REAL)

    return types.float64(types.uint64), generate
