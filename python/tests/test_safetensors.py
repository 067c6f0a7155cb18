import json
import os
import struct
import tempfile
import unittest

import numpy

from skerry_trainer import load_file, save_file


class SafetensorsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "x.safetensors")

    def tearDown(self):
        self.folder.cleanup()

    def test_what_is_saved_is_loaded(self):
        tensors = {
            "a": numpy.arange(6, dtype="float32").reshape(2, 3).T,  # not contiguous
            "b": numpy.array(0.1, dtype="float64"),                 # a scalar
            "c": numpy.array([1 << 60, -1], dtype="int64"),
            "d": numpy.zeros((0, 4), dtype="float32"),
        }
        save_file(tensors, self.path)
        loaded = load_file(self.path)
        self.assertEqual(list(loaded), list(tensors))
        for name, array in tensors.items():
            self.assertEqual(loaded[name].dtype, array.dtype)
            self.assertEqual(loaded[name].shape, array.shape)
            numpy.testing.assert_array_equal(loaded[name], array)
        loaded["a"][0, 0] = 7  # may be written to

    def test_the_header_is_the_published_format(self):
        save_file({"w": numpy.ones(2, dtype="float32")}, self.path)
        with open(self.path, "rb") as file:
            data = file.read()
        (length,) = struct.unpack("<Q", data[:8])
        self.assertEqual(length % 8, 0)
        self.assertEqual(json.loads(data[8:8 + length]),
                         {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})
        self.assertEqual(data[8 + length:], struct.pack("<ff", 1, 1))

    def test_another_type_is_refused(self):
        with self.assertRaisesRegex(TypeError, "float16"):
            save_file({"w": numpy.ones(2, dtype="float16")}, self.path)

    def test_a_file_that_is_cut_short_is_refused(self):
        save_file({"w": numpy.ones(100, dtype="float32")}, self.path)
        for size in (4, 20, 300):
            os.truncate(self.path, size)
            with self.assertRaises(ValueError):
                load_file(self.path)
            save_file({"w": numpy.ones(100, dtype="float32")}, self.path)


if __name__ == "__main__":
    unittest.main()
