"""Machine words and vectors over bytes: what makes a compiled scanner fast and numpy cannot express.

Every function takes a uint8 array and a position; 32 readable bytes must follow it.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

BYTE, WORD, WIDE = ir.IntType(8), ir.IntType(64), ir.IntType(128)
LANES = 32
VECTOR = ir.VectorType(BYTE, LANES)
QUOTE, BACKSLASH, SPACE = 0x22, 0x5C, 0x20


def _address(context: Any, builder: Any, signature: Any, args: Any, kind: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, args[0])
    return builder.bitcast(builder.gep(array.data, [args[1]]), kind.as_pointer())


@intrinsic
def get(typing, array, at):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """The element at a position that is not negative: numba's own indexing asks every time."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        view = context.make_array(signature.args[0])(context, builder, args[0])
        return builder.load(builder.gep(view.data, [args[1]]))

    return array.dtype(array, types.int64), generate


@intrinsic
def put(typing, array, at, value):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Store an element of the array's own type at a position that is not negative."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        view = context.make_array(signature.args[0])(context, builder, args[0])
        builder.store(args[2], builder.gep(view.data, [args[1]]))
        return context.get_dummy_value()

    return types.void(array, types.int64, array.dtype), generate


@intrinsic
def byte(typing, array, at):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """The byte at a position, as int64."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.zext(builder.load(_address(context, builder, signature, args, BYTE)), WORD)

    return types.int64(array, types.int64), generate


@intrinsic
def word(typing, array, at):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Eight bytes as a little-endian uint64."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.load(_address(context, builder, signature, args, WORD), align=1)

    return types.uint64(array, types.int64), generate


@intrinsic
def string_stops(typing, array, at):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """A bit for each of the next 32 bytes that is a quote, a backslash or a control character."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        lanes = builder.load(_address(context, builder, signature, args, VECTOR), align=1)

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

    return types.uint64(array, types.int64), generate


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
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.uint64), generate
