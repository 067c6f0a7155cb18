"""The safetensors format (https://github.com/huggingface/safetensors), in NumPy alone."""

import json
import struct

import numpy

_TYPES = {"F32": numpy.dtype("<f4"), "F64": numpy.dtype("<f8"), "I64": numpy.dtype("<i8")}
_NAMES = {dtype: name for name, dtype in _TYPES.items()}
_LONGEST_HEADER = 100 << 20


def load_file(path):
    """All tensors of a file, by name, as arrays that may be written to."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", _exactly(file, 8, path))
        if length > _LONGEST_HEADER:
            raise ValueError(f"{path}: not a safetensors file")
        header = json.loads(_exactly(file, length, path))
        header.pop("__metadata__", None)
        tensors = {}
        begin = 8 + length
        for name, entry in header.items():
            first, last = entry["data_offsets"]
            array = numpy.empty(entry["shape"], dtype=_TYPES[entry["dtype"]])
            if array.nbytes != last - first:
                raise ValueError(f"{path}: tensor {name} does not fit its shape")
            file.seek(begin + first)
            if array.nbytes and file.readinto(memoryview(array.reshape(-1)).cast("B")) != array.nbytes:
                raise ValueError(f"{path}: cut short in tensor {name}")
            tensors[name] = array
        return tensors


def save_file(tensors, path):
    """Writes arrays of float32, float64 or int64, in the order of the mapping."""
    header = {}
    arrays = []
    offset = 0
    for name, value in tensors.items():
        given = numpy.asarray(value)
        array = numpy.ascontiguousarray(given).reshape(given.shape)  # which makes scalars [1]
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        if array.dtype not in _NAMES:
            raise TypeError(f"tensor {name} is {array.dtype}; it must be float32, float64 or int64")
        header[name] = {"dtype": _NAMES[array.dtype], "shape": list(array.shape),
                        "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
        arrays.append(array)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for array in arrays:
            if array.nbytes:
                file.write(memoryview(array.reshape(-1)).cast("B"))


def _exactly(file, count, path):
    data = file.read(count)
    if len(data) != count:
        raise ValueError(f"{path}: cut short")
    return data
