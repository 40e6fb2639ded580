"""Eight numbers at a time in numba, which has no vectors of its own.

LLVM makes of them whatever the processor has: one register of AVX2, two of SSE or NEON. All but
`multiply_add` rounds alike on every processor. Imports numba: import this module only where it is
used.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

LANES = 8

OPTIONS: dict[str, Any] = {"boundscheck": False, "error_model": "numpy", "nogil": True}
"""How all of this is compiled."""

part = numba.njit(forceinline=True, **OPTIONS)
"""Marks what is compiled into the function that calls it.

Arrays that it takes are counted as used while it is, which within a branch is not for free.
"""


class Vector(types.Type):
    """The type of eight numbers of one kind."""

    def __init__(self, name: str, element: ir.Type) -> None:
        self.llvm = ir.VectorType(element, LANES)
        super().__init__(name=name)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, vector.llvm)


FLOATS = Vector("Floats", ir.FloatType())
DOUBLES = Vector("Doubles", ir.DoubleType())
INTS = Vector("Ints", ir.IntType(32))
BFLOATS = Vector("BFloats", ir.IntType(16))
OCTETS = Vector("Octets", ir.IntType(8))
MASK = Vector("Mask", ir.IntType(1))

_IN_ARRAYS = {types.float32: FLOATS, types.float64: DOUBLES, types.uint8: OCTETS}


@intrinsic
def load(_: Any, array: Any, index: Any) -> Any:
    """Eight neighbours of a one-dimensional array, from `index` on."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature, arguments, signature.return_type)
        return builder.load(address, align=array.dtype.bitwidth // 8)

    return _IN_ARRAYS[array.dtype](array, index), emit


@intrinsic
def load_in_all(_: Any, array: Any, index: Any) -> Any:
    """One number of a one-dimensional array, in all lanes.

    numba's own `array[index]` first asks whether the index counts from the end.
    """

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = signature.return_type
        address = _address(context, builder, signature, arguments, vector)
        one = builder.bitcast(address, vector.llvm.element.as_pointer())
        return _in_all(builder, vector, builder.load(one, align=array.dtype.bitwidth // 8))

    return _IN_ARRAYS[array.dtype](array, index), emit


@intrinsic
def store(_: Any, array: Any, index: Any, value: Any) -> Any:
    """Write eight numbers to a one-dimensional array, from `index` on."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature, arguments, value)
        builder.store(arguments[2], address, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, index, value), emit


@intrinsic
def load_pairs(_: Any, array: Any, indices: Any) -> Any:
    """(array[i], array[i + 1]) for eight indices from 0 on.

    A processor's own gather loads number by number; this loads both neighbours at once.
    """

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pair = ir.VectorType(ir.FloatType(), 2).as_pointer()
        parts = []
        for lane in range(LANES):
            index = builder.extract_element(arguments[1], ir.IntType(32)(lane))
            address = builder.gep(data, [builder.zext(index, ir.IntType(64))])
            parts.append(builder.load(builder.bitcast(address, pair), align=4))
        while len(parts) > 2:
            both = range(2 * parts[0].type.count)
            pairs = zip(parts[::2], parts[1::2], strict=True)
            parts = [shuffle(builder, one, other, both) for one, other in pairs]
        first, second = parts
        left = shuffle(builder, first, second, range(0, 2 * LANES, 2))
        right = shuffle(builder, first, second, range(1, 2 * LANES, 2))
        return context.make_tuple(builder, signature.return_type, [left, right])

    return types.UniTuple(FLOATS, 2)(array, indices), emit


@intrinsic
def select(_: Any, mask: Any, where: Any, elsewhere: Any) -> Any:
    """`where` in the lanes of the mask, `elsewhere` in the others."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return where(mask, where, elsewhere), emit


@intrinsic
def anywhere(_: Any, mask: Any) -> Any:
    """Whether a mask holds in any lane."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits = builder.bitcast(arguments[0], ir.IntType(LANES))
        return builder.icmp_unsigned("!=", bits, ir.IntType(LANES)(0))

    return types.boolean(mask), emit


@intrinsic
def multiply_add(_: Any, left: Any, right: Any, addend: Any) -> Any:
    """left * right + addend: rounded once where a processor has an operation for it, else twice."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(left.llvm, [left.llvm] * 3)
        name = f"llvm.fmuladd.v{LANES}f{32 if left is FLOATS else 64}"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)

    return left(left, right, addend), emit


@intrinsic
def to_bfloats(_: Any, value: Any) -> Any:
    """Floats in 16 bits, to the nearest, of two as near the even one: for an array of uint16."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def all_lanes(number: int) -> Any:
            return ir.Constant(INTS.llvm, [number] * LANES)

        (given,) = arguments
        bits = builder.bitcast(given, INTS.llvm)
        odd = builder.and_(builder.lshr(bits, all_lanes(16)), all_lanes(1))
        rounded = builder.add(bits, builder.add(odd, all_lanes(0x7FFF)))
        # Rounded up, a number that is none would become one.
        is_none = builder.fcmp_unordered("uno", given, given)
        rounded = builder.select(is_none, all_lanes(0x7FC00000), rounded)
        return builder.trunc(builder.lshr(rounded, all_lanes(16)), BFLOATS.llvm)

    return BFLOATS(value), emit


@intrinsic
def prefetch(_: Any, array: Any, index: Any) -> Any:
    """Have what stands at an index in the cache soon, to be written; it may lie outside."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature, arguments, FLOATS)
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        to_write, in_every_level, data = flag(1), flag(3), flag(1)
        address = builder.bitcast(address, byte)
        builder.call(function, [address, to_write, in_every_level, data])
        return context.get_dummy_value()

    return types.void(array, index), emit


def _of_floats(function: str) -> Any:
    @intrinsic
    def apply(_: Any, value: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = ir.FunctionType(FLOATS.llvm, [FLOATS.llvm])
            name = f"llvm.{function}.v{LANES}f32"
            emitted = cgutils.get_or_insert_function(builder.module, kind, name)
            return builder.call(emitted, arguments)

        return FLOATS(value), emit

    return apply


floor = _of_floats("floor")
"""The largest whole numbers that are not above floats, as floats."""

square_root = _of_floats("sqrt")


def _repeater(vector: Vector, scalar: Any) -> Any:
    @intrinsic
    def repeat(_: Any, value: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            number = context.cast(builder, arguments[0], signature.args[0], scalar)
            return _in_all(builder, vector, number)

        return vector(value), emit

    return repeat


floats = _repeater(FLOATS, types.float32)
doubles = _repeater(DOUBLES, types.float64)
ints = _repeater(INTS, types.int32)
octets = _repeater(OCTETS, types.uint8)


def _conversion(instruction: str, vector: Vector) -> Any:
    @intrinsic
    def convert(_: Any, value: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return getattr(builder, instruction)(arguments[0], vector.llvm)

        return vector(value), emit

    return convert


to_ints = _conversion("fptosi", INTS)
to_floats = _conversion("fptrunc", FLOATS)
to_doubles = _conversion("fpext", DOUBLES)
to_octets = _conversion("trunc", OCTETS)


@intrinsic
def smallest(_: Any, value: Any) -> Any:
    """The least of eight whole numbers."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [INTS.llvm])
        name = f"llvm.vector.reduce.smin.v{LANES}i32"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)

    return types.int32(value), emit


def _operate(operation: Callable[..., Any], emit_as: Callable[..., Any], result: Any) -> None:
    """Make an operator of Python's work on two vectors of the same type."""

    @intrinsic
    def apply(_: Any, left: Any, right: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return emit_as(builder, left, *arguments)

        return (result or left)(left, right), emit

    @overload(operation)
    def choose(left, right):  # annotated, numba would take its two signatures for different ones
        if isinstance(left, Vector) and left is right:
            return lambda left, right: apply(left, right)
        return None


def _arithmetic(name: str) -> Callable[..., Any]:
    def emit(builder: Any, vector: Vector, left: Any, right: Any) -> Any:
        return getattr(builder, name if vector is INTS else f"f{name}")(left, right)

    return emit


def _comparison(sign: str) -> Callable[..., Any]:
    def emit(builder: Any, vector: Vector, left: Any, right: Any) -> Any:
        if vector in (INTS, OCTETS):
            return builder.icmp_signed(sign, left, right)
        # As in C, what is no number differs from everything, itself as well.
        compare = builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered
        return compare(sign, left, right)

    return emit


_operate(operator.add, _arithmetic("add"), None)
_operate(operator.sub, _arithmetic("sub"), None)
_operate(operator.mul, _arithmetic("mul"), None)
_operate(operator.truediv, _arithmetic("div"), None)
_operate(operator.eq, _comparison("=="), MASK)
_operate(operator.ne, _comparison("!="), MASK)
_operate(operator.ge, _comparison(">="), MASK)
_operate(operator.gt, _comparison(">"), MASK)
_operate(operator.lt, _comparison("<"), MASK)
_operate(operator.and_, lambda builder, vector, *both: builder.and_(*both), None)
_operate(operator.or_, lambda builder, vector, *both: builder.or_(*both), None)


def _address(context: Any, builder: Any, signature: Any, arguments: Any, vector: Vector) -> Any:
    array, index = arguments[:2]
    data = context.make_array(signature.args[0])(context, builder, array).data
    index = context.cast(builder, index, signature.args[1], types.intp)
    return builder.bitcast(builder.gep(data, [index]), vector.llvm.as_pointer())


def _in_all(builder: Any, vector: Vector, number: Any) -> Any:
    nothing = ir.Constant(vector.llvm, ir.Undefined)
    one = builder.insert_element(nothing, number, ir.IntType(32)(0))
    return shuffle(builder, one, nothing, [0] * LANES)


def shuffle(builder: Any, first: Any, second: Any, order: Sequence[int]) -> Any:
    """What an intrinsic emits to put together a vector of the numbers of two, counted through."""
    kind = ir.VectorType(ir.IntType(32), len(order))
    return builder.shuffle_vector(first, second, ir.Constant(kind, list(order)))
