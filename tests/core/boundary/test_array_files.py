"""Files of named arrays: what torch writes is read without torch, hostile files are refused."""

import collections
import io
import json
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest

import keras_classics as kc
from keras_classics.core.boundary import files
from keras_classics.core.boundary.array_files import read_state
from keras_classics.core.boundary.torch_files import run_pickle
from support import run_python

torch = pytest.importorskip("torch")


@pytest.fixture
def state():
    torch.manual_seed(0)
    table = torch.randn(6, 4)
    return {
        "conv.weight": torch.randn(3, 2, 5, 5),
        "turned": table.t(),
        "window": table[2:4, 1:3],
        "half": torch.randn(7).half(),
        "brain": torch.randn(7).bfloat16(),
        "double": torch.randn(2).double(),
        "norm.num_batches_tracked": torch.tensor(5),
        "flags": torch.tensor([True, False]),
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(torch.randn(2)),
    }


def assert_equal(found, state):
    assert found.keys() == state.keys()
    for name, tensor in state.items():
        expected = tensor.detach().float() if name == "brain" else tensor.detach()
        np.testing.assert_array_equal(found[name], expected.numpy(), err_msg=name)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("suffix", [".pth", ".th"])
def test_pth_is_what_torch_saved(tmp_path, state, zipped, protocol, suffix):
    path = tmp_path / f"state{suffix}"
    options = {"_use_new_zipfile_serialization": zipped, "pickle_protocol": protocol}
    torch.save(collections.OrderedDict(state), path, **options)
    assert_equal(read_state(path), state)
    checkpoint = {"epoch": 3, "rate": 0.1, "arch": "resnet", "state_dict": state, "best": None}
    torch.save(checkpoint, path, **options)
    assert_equal(read_state(path), state)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_modules_own_state_is_read(tmp_path, zipped):
    module = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    path = tmp_path / "state.pt"
    torch.save(module.state_dict(), path, _use_new_zipfile_serialization=zipped)
    assert_equal(read_state(path), module.state_dict())


def test_npz_is_what_numpy_saved(tmp_path, state):
    arrays = {name: t.detach().float().numpy() for name, t in state.items()}
    np.savez_compressed(tmp_path / "state.npz", **arrays)
    found = read_state(tmp_path / "state.npz")
    assert all(np.array_equal(found[name], array) for name, array in arrays.items())


def safetensors(entries, body, padding=0):
    header = json.dumps(entries).encode() + b" " * padding
    return struct.pack("<Q", len(header)) + header + body


def test_safetensors_are_read_by_the_formats_description(tmp_path):
    a, b = np.arange(6, dtype="f4").reshape(2, 3), np.array([1.5, -2.0], "f8")
    # 1.0, -2.0 and 0.5 as bfloat16, the upper halves of their float32.
    brain = np.array([0x3F80, 0xC000, 0x3F00], "<u2")
    entries = {
        "__metadata__": {"format": "pt"},
        "b": {"dtype": "F64", "shape": [2], "data_offsets": [24, 40]},
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "brain": {"dtype": "BF16", "shape": [3, 1], "data_offsets": [40, 46]},
        "scalar": {"dtype": "F32", "shape": [], "data_offsets": [46, 50]},
    }
    body = a.tobytes() + b.tobytes() + brain.tobytes() + np.float32(7).tobytes()
    (tmp_path / "state.safetensors").write_bytes(safetensors(entries, body, padding=5))
    found = read_state(tmp_path / "state.safetensors")
    np.testing.assert_array_equal(found["a"], a)
    np.testing.assert_array_equal(found["b"], b)
    np.testing.assert_array_equal(found["brain"], [[1.0], [-2.0], [0.5]])
    assert found["scalar"] == 7 and found["scalar"].shape == ()


class Attack:
    """A pickled object that would make a directory while it is read."""

    def __init__(self, target):
        self.target = str(target)

    def __reduce__(self):
        return os.mkdir, (self.target,)


def archive(pickled, **members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("archive/data.pkl", pickled)
        for name, raw in members.items():
            zipped.writestr(f"archive/data/{name}", raw)
    return file.getvalue()


def tensor_pickle(count=4, offset=0, shape=(4,), strides=(1,), key="0", name="weight"):
    """What torch.save writes for one float tensor, with numbers of our choice."""
    long = lambda number: pickle.LONG1 + b"\x08" + struct.pack("<q", number)  # noqa: E731
    text = lambda word: pickle.BINUNICODE + struct.pack("<I", len(word)) + word.encode()  # noqa: E731
    many = lambda numbers: pickle.MARK + b"".join(map(long, numbers)) + pickle.TUPLE  # noqa: E731
    return b"".join([
        pickle.PROTO, b"\x02", pickle.EMPTY_DICT, text(name),
        b"ctorch._utils\n_rebuild_tensor_v2\n", pickle.MARK,
        pickle.MARK, text("storage"), b"ctorch\nFloatStorage\n", text(key), text("cpu"),
        long(count), pickle.TUPLE, pickle.BINPERSID,
        long(offset), many(shape), many(strides), pickle.NEWFALSE,
        b"ccollections\nOrderedDict\n", pickle.EMPTY_TUPLE, pickle.REDUCE,
        pickle.TUPLE, pickle.REDUCE, pickle.SETITEM, pickle.STOP,
    ])  # fmt: skip


FOUR = np.arange(4, dtype="<f4").tobytes()


def test_the_hand_made_pickle_is_the_one_torch_reads(tmp_path):
    path = tmp_path / "state.pth"
    path.write_bytes(archive(tensor_pickle(shape=(2, 2), strides=(1, 2)), **{"0": FOUR}))
    np.testing.assert_array_equal(read_state(path)["weight"], [[0, 2], [1, 3]])


NESTED = b"".join([
    # Tuples of tuples, 2 ** 60 deep to hash, as the key of a dictionary.
    pickle.PROTO, b"\x02", pickle.EMPTY_DICT, pickle.EMPTY_TUPLE,
    *[pickle.BINPUT + bytes([k]) + pickle.BINGET + bytes([k]) + pickle.TUPLE2 for k in range(60)],
    pickle.NONE, pickle.SETITEM, pickle.STOP,
])  # fmt: skip

HOSTILE = {
    "beyond its storage": archive(tensor_pickle(offset=1), **{"0": FOUR}),
    "before its storage": archive(tensor_pickle(strides=(-1,)), **{"0": FOUR}),
    "an endless picture of one number": archive(
        tensor_pickle(shape=(10**9, 10**9), strides=(0, 0)), **{"0": FOUR}
    ),
    "more numbers than there are": archive(tensor_pickle(count=10**15), **{"0": FOUR}),
    "a storage that is missing": archive(tensor_pickle(key="7"), **{"0": FOUR}),
    "half a number": archive(tensor_pickle(), **{"0": FOUR[:-1]}),
    "a key that takes ages": archive(NESTED),
    "no dictionary": archive(pickle.dumps([1, 2], 2)),
    "not a tensor": archive(pickle.dumps({"weight": 1.0}, 2)),
    "an empty pickle": archive(b""),
    "a memo of four thousand million": archive(b"\x80\x02Nr\xff\xff\xff\xff"),
    "a pickle that takes what is not there": archive(b"\x80\x02\x85."),
    "a text of four gigabytes": archive(b"\x80\x02X\xff\xff\xff\xffabc."),
    "no pickle in the archive": archive(b"").replace(b"data.pkl", b"data.txt"),
    "nothing": b"",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "another pickle": pickle.dumps({"weight": [1.0]}, 2),
}


@pytest.mark.parametrize("reason", HOSTILE)
def test_malformed_torch_files_are_refused_in_a_sentence(tmp_path, reason):
    path = tmp_path / "state.pth"
    path.write_bytes(HOSTILE[reason])
    with pytest.raises(kc.InputError, match=r"cannot be read \(.+\). Allowed: ") as caught:
        read_state(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_a_file_names_is_run(tmp_path, protocol, zipped):
    target, path = tmp_path / "harm", tmp_path / "state.pth"
    options = {"_use_new_zipfile_serialization": zipped, "pickle_protocol": protocol}
    for harmful in ({"weight": Attack(target)}, {"state_dict": {}, "optimizer": Attack(target)}):
        if protocol >= 2:
            torch.save(harmful, path, **options)
        else:
            raw = pickle.dumps(harmful, protocol)
            path.write_bytes(archive(raw) if zipped else raw)
        with pytest.raises(kc.InputError, match="cannot be read"):
            read_state(path)
    assert not target.exists()


def test_a_file_cut_anywhere_is_refused(tmp_path, state):
    path = tmp_path / "state.pth"
    for zipped in (True, False):
        torch.save(state, path, _use_new_zipfile_serialization=zipped)
        whole = path.read_bytes()
        for length in range(0, len(whole) - 1, 61):
            path.write_bytes(whole[:length])
            with pytest.raises(kc.InputError):
                read_state(path)


def npz(header, body=b""):
    text = header.encode().ljust(117) + b"\n"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("a.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body)
    return file.getvalue()


BAD_NPZ = {
    "pickled objects": npz("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"N."),
    "a petabyte announced": npz(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000000)}"
    ),
    "a deep header": npz("-" * 5900 + "1"),
    "a deeper header": npz("-" * 9800 + "1"),
    "a bomb": npz("{'descr': '|u1', 'fortran_order': False, 'shape': (9,)}", bytes(10**7)),
    "no array": archive(b"text"),
    "nothing": b"",
}


@pytest.mark.parametrize("reason", BAD_NPZ)
def test_malformed_npz_files_are_refused(tmp_path, reason):
    path = tmp_path / "state.npz"
    path.write_bytes(BAD_NPZ[reason])
    with pytest.raises(kc.InputError, match="cannot be read"):
        read_state(path)


def test_an_npz_file_has_ten_thousand_arrays_at_most(tmp_path):
    path = tmp_path / "state.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for n in range(10_001):
            archive.writestr(f"{n}.npy", b"")
    with pytest.raises(kc.InputError, match="it has 10,001 arrays, more than 10,000"):
        read_state(path)


def entry(start=0, end=16, shape=(4,), dtype="F32"):
    return {"a": {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}}


BAD_SAFETENSORS = {
    "header cut off": struct.pack("<Q", 2**63) + b"{}",
    "too short": b"\x02\x00",
    "no json": struct.pack("<Q", 2) + b"{{",
    "a list": safetensors([], b""),
    "outside the file": safetensors(entry(0, 32, (8,)), FOUR),
    "before the file": safetensors(entry(-16, 16, (8,)), FOUR),
    "backwards": safetensors(entry(16, 0, (4,)), FOUR),
    "another size": safetensors(entry(shape=(5,)), FOUR),
    "negative": safetensors(entry(shape=(-2, -2)), FOUR),
    "unknown type": safetensors(entry(dtype="F99"), FOUR),
    "a gap": safetensors(entry(), FOUR * 2),
    "an overlap": safetensors({**entry(), "b": entry(4, 16, (3,))["a"]}, FOUR),
    "deeply nested": struct.pack("<Q", 200_000) + b"[" * 200_000,
}


@pytest.mark.parametrize("reason", BAD_SAFETENSORS)
def test_malformed_safetensors_files_are_refused(tmp_path, reason):
    path = tmp_path / "state.safetensors"
    path.write_bytes(BAD_SAFETENSORS[reason])
    with pytest.raises(kc.InputError, match="cannot be read"):
        read_state(path)


@pytest.mark.parametrize("shape", [(-2, -2), (True, 4), (4.0,), ("4",)], ids=str)
def test_sizes_of_safetensors_are_whole_numbers(tmp_path, shape):
    path = tmp_path / "state.safetensors"
    path.write_bytes(safetensors(entry(shape=shape), FOUR))
    with pytest.raises(kc.InputError, match="the array 'a' has an impossible shape"):
        read_state(path)


@pytest.mark.parametrize("name", ["../a.npy", "..\\a.npy", "b\\..\\..\\a.npy", "/a.npy", "\\a.npy"])
def test_members_that_lead_out_of_an_archive_are_refused(tmp_path, name):
    path, array = tmp_path / "state.npz", io.BytesIO()
    np.save(array, np.zeros(3))
    for member in ("a.npy", "b/..a.npy"):
        with zipfile.ZipFile(path, "w") as zipped:
            zipped.writestr(member, array.getvalue())
        assert read_state(path)
    # As Windows would write it; Python's own writer does not.
    info = zipfile.ZipInfo("x")
    info.filename = name
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr(info, array.getvalue())
    with pytest.raises(kc.InputError, match="leads out of it"):
        read_state(path)


def test_an_archive_may_unpack_to_three_times_its_size_or_128_megabytes(tmp_path, monkeypatch):
    path, noise = tmp_path / "state.npz", np.random.default_rng(0).integers(0, 256, 10**5, "uint8")

    def read(zeros):
        np.savez_compressed(path, noise=noise, zeros=np.zeros(int(zeros), "uint8"))
        return len(read_state(path)["zeros"])

    assert read(2**27 - 10**6) == 2**27 - 10**6
    with pytest.raises(kc.InputError, match="unpacks to .* bytes, more than 134,217,728"):
        read(2**27)
    monkeypatch.setattr(files, "FLOOR_BYTES", 0)
    assert read(1.9e5) == 190_000
    with pytest.raises(kc.InputError, match="unpacks to .* bytes, more than"):
        read(2.1e5)


def test_a_pickle_has_a_million_instructions_at_most():
    def ended(count):
        return run_pickle(io.BytesIO(pickle.PROTO + b"\x02" + pickle.NONE * (count - 2) + b"."))

    assert ended(2**20 + 1) is None
    with pytest.raises(ValueError, match="more than 1,048,576 instructions"):
        ended(2**20 + 2)


def test_other_files_and_missing_files_are_refused(tmp_path):
    with pytest.raises(kc.InputError, match=r"\.npz, \.safetensors, \.pth"):
        read_state(tmp_path / "state.pickle")
    with pytest.raises(kc.InputError, match="No such file"):
        read_state(tmp_path / "state.npz")


def test_reading_imports_no_torch(tmp_path, state):
    torch.save(state, tmp_path / "state.pth")
    run_python(
        "import sys, keras_classics as kc\n"
        f"kc.weights.read_state({str(tmp_path / 'state.pth')!r})\n"
        "assert 'torch' not in sys.modules"
    )
