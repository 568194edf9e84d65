"""Reads the pickles that official networks come in, without unpickling them.

A pickle is a program, and Python's unpickler runs it: it imports what the file names and calls it. Official network
files moreover carry Python source that is meant to be executed. Here the standard library only splits the file into
its operations (`pickletools.genops`, which checks every length against the file), and a machine of our own
interprets the few of them that hold data. It can import nothing; the functions a file may name are table entries
that make inert records, and everything else is refused by name. Nothing is hashed but plain keys and nothing recurses,
so that nested or endless files cannot exhaust the stack; bounds on operations and bytes keep time and memory in
proportion to the file's size. No tensor is made before somebody asks for it.
"""

import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from engine.errors import NetworkError
from engine.stylegan.store.errors import OFFICIAL, Unfit

MAX_BYTES = 2 << 30  # official networks at 1024 px have 0.4 GB
MAX_OPERATIONS = 2_000_000  # the largest official files have about 50,000
MAX_NESTING = 1_000  # containers open at a time; official files have about 40
_DAMAGED = "is damaged or was not made by a network's training"
_ZIP = b"PK\x03\x04"  # how files of torch.save begin
CHECKPOINT = f"is a checkpoint of PyTorch, as rosinality's stylegan2-pytorch writes it; {OFFICIAL}"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Module:
    """A network's part: the name of its class and its attributes."""

    class_name: str
    state: dict[object, object]


@dataclass(frozen=True, slots=True)
class TorchStorage:
    """Numbers as `torch.save` wrote them before 2020."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A view into a storage; nothing about it has been checked yet."""

    storage: TorchStorage
    offset: int
    size: tuple[object, ...]
    stride: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Function:
    """A name in `_FUNCTIONS`."""

    name: str


@dataclass(frozen=True, slots=True)
class _NumberFormat:
    """A numpy number type such as ``f8``, always little-endian."""

    code: str


class _Mark:
    """Where an open container begins on the stack."""


def read_pickle(path: Path) -> object:
    """The data in the pickle at `path`, as plain containers and this module's records.

    Lists stand for sets. Raises `NetworkError` when the file is too large, cut off, damaged, or holds more than data.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise NetworkError(f"{path.name} is larger than {MAX_BYTES >> 30} GB, which no network is.")
        data = path.read_bytes()
    except OSError as error:
        raise NetworkError(f"{path.name} cannot be read: {error.strerror or type(error).__name__}.") from None
    try:
        if data.startswith(_ZIP):
            raise Unfit(CHECKPOINT)
        return _Machine(len(data)).run(BytesIO(data))
    except Unfit as reason:
        raise NetworkError(f"{path.name} {reason}.") from None
    except (ValueError, TypeError, IndexError, KeyError, struct.error, OverflowError, MemoryError):
        # Whatever bytes can do to the splitter or the machine ends in one of these.
        raise NetworkError(f"{path.name} is cut off, or no network file.") from None


class _Machine:
    """Interprets the operations of a pickle that hold data."""

    def __init__(self, file_bytes: int) -> None:
        self.stack: list[object] = []
        self.memo: dict[int, object] = {}
        self.open_containers = 0
        self.bytes_left = file_bytes  # what conversions from text to bytes may still make

    def run(self, file: BytesIO) -> object:
        for count, (operation, argument, _) in enumerate(pickletools.genops(file)):
            if count > MAX_OPERATIONS:
                raise Unfit("has far more parts than any network")
            if operation.name == "STOP":
                break
            self.step(operation.name, argument)
        return self.stack.pop()

    def step(self, operation: str, argument: object) -> None:
        if operation in _CONSTANTS:
            self.stack.append(_CONSTANTS[operation])
        elif operation in _LITERALS:
            self.stack.append(argument)
        elif operation in _STEPS:
            _STEPS[operation](self, argument)
        else:
            raise Unfit(f"holds an operation that networks do not have ({operation})")

    # The stack

    def mark(self, _: object) -> None:
        self.open_containers += 1
        if self.open_containers > MAX_NESTING:
            raise Unfit("is nested too deeply")
        self.stack.append(_Mark)

    def pop(self) -> object:
        value = self.stack.pop()
        if value is _Mark:
            raise Unfit(_DAMAGED)
        return value

    def pop_to_mark(self) -> list[object]:
        values: list[object] = []
        while (value := self.stack.pop()) is not _Mark:
            values.append(value)
        self.open_containers -= 1
        return values[::-1]

    def top(self, kind: type[T]) -> T:
        return _expect(kind, self.stack[-1])

    # The memo

    def memoise(self, _: object) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def put(self, index: object) -> None:
        self.memo[_expect(int, index)] = self.stack[-1]

    def get(self, index: object) -> None:
        self.stack.append(self.memo[_expect(int, index)])

    # Containers

    def make_tuple(self, length: int) -> None:
        values = [self.pop() for _ in range(length)]
        self.stack.append(tuple(values[::-1]))

    def make_marked_tuple(self, _: object) -> None:
        self.stack.append(tuple(self.pop_to_mark()))

    def append(self, _: object) -> None:
        value = self.pop()
        self.top(list).append(value)

    def extend(self, _: object) -> None:
        values = self.pop_to_mark()
        self.top(list).extend(values)

    def set_item(self, _: object) -> None:
        value, key = self.pop(), self.pop()
        self.top(dict)[_expect_key(key)] = value

    def set_items(self, _: object) -> None:
        values = self.pop_to_mark()
        container = self.top(dict)
        for key, value in zip(values[::2], values[1::2], strict=True):
            container[_expect_key(key)] = value

    # Functions, by name only

    def name(self, argument: object) -> None:
        module, _, name = _expect(str, argument).partition(" ")
        self.name_function(module, name)

    def name_from_stack(self, _: object) -> None:
        name, module = self.pop(), self.pop()
        self.name_function(_expect(str, module), _expect(str, name))

    def name_function(self, module: str, name: str) -> None:
        full_name = f"{module}.{name}"
        if module.startswith("dnnlib.tflib"):
            raise Unfit(f"is a network of the TensorFlow version; {OFFICIAL}")
        if full_name not in _FUNCTIONS:
            printable = full_name[:100].encode("ascii", "backslashreplace").decode()
            raise Unfit(f"wants to use {printable!r}, which no network needs, and was refused")
        self.stack.append(_Function(full_name))

    def call(self, _: object) -> None:
        arguments, function = _expect(tuple, self.pop()), _expect(_Function, self.pop())
        value = _FUNCTIONS[function.name](*arguments)
        if isinstance(value, bytes):
            self.bytes_left -= len(value)
            if self.bytes_left < 0:
                raise Unfit("unfolds to far more than its size")
        self.stack.append(value)

    def build(self, _: object) -> None:
        """Completes an object. Networks do that with number types only, to state their byte order."""
        state = _expect(tuple, self.pop())
        self.top(_NumberFormat)
        if state[1] not in ("<", "|"):
            raise Unfit(_DAMAGED)


def _expect(kind: type[T], value: object) -> T:
    if not isinstance(value, kind):
        raise Unfit(_DAMAGED)
    return value


def _expect_key(value: object) -> object:
    # Only flat values: Python hashes nested tuples recursively, without a bound.
    return _expect(str, value) if not isinstance(value, int | float | None) else value


def _module(meta: object) -> Module:
    description = _expect(dict, meta)
    if description["type"] != "class":
        raise Unfit(_DAMAGED)
    return Module(_expect(str, description["class_name"]), _expect(dict, description["state"]))


def _tensor(storage: object, offset: object, size: object, stride: object, *_: object) -> StoredTensor:
    return StoredTensor(
        _expect(TorchStorage, storage), _expect(int, offset), _expect(tuple, size), _expect(tuple, stride)
    )


def _number(number_format: object, data: object) -> object:
    formats = {"f8": "<d", "f4": "<f", "f2": "<e", "i8": "<q", "i4": "<i", "b1": "<?"}
    return struct.unpack(formats[_expect(_NumberFormat, number_format).code], _expect(bytes, data))[0]


# What the files may name. Optional arguments that say nothing about the data (gradients wanted, hooks) are dropped.
_FUNCTIONS: dict[str, Callable[..., object]] = {
    "torch_utils.persistence._reconstruct_persistent_obj": _module,
    "dnnlib.util.EasyDict": lambda: {},
    "dnnlib.EasyDict": lambda: {},
    "collections.OrderedDict": lambda: {},
    "builtins.set": lambda values=None: [] if values is None else _expect(list, values),
    "__builtin__.set": lambda values=None: [] if values is None else _expect(list, values),
    "torch._utils._rebuild_parameter": lambda tensor, *_: _expect(StoredTensor, tensor),
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch.storage._load_from_bytes": lambda data: TorchStorage(_expect(bytes, data)),
    "numpy.dtype": lambda code, *_: _NumberFormat(_expect(str, code)),
    "numpy.core.multiarray.scalar": _number,
    "numpy._core.multiarray.scalar": _number,
    "_codecs.encode": lambda text, _encoding: _expect(str, text).encode("latin-1"),
}

_CONSTANTS: dict[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}

_INTEGERS = ("BININT", "BININT1", "BININT2", "LONG1", "LONG4")
_TEXTS = ("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
_BYTES = ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8")
_LITERALS = frozenset((*_INTEGERS, "BINFLOAT", *_TEXTS, *_BYTES))

_STEPS: dict[str, Callable[[_Machine, object], None]] = {
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "MARK": _Machine.mark,
    "MEMOIZE": _Machine.memoise,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_SET": lambda machine, _: machine.stack.append([]),
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "TUPLE": _Machine.make_marked_tuple,
    "TUPLE1": lambda machine, _: machine.make_tuple(1),
    "TUPLE2": lambda machine, _: machine.make_tuple(2),
    "TUPLE3": lambda machine, _: machine.make_tuple(3),
    "APPEND": _Machine.append,
    "APPENDS": _Machine.extend,
    "ADDITEMS": _Machine.extend,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": _Machine.name_from_stack,
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "BUILD": _Machine.build,
}
