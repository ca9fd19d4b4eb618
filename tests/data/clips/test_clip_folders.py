"""Clips from folders of frames and from video files, made here."""

import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from keras_classics.data.clips.video_files import evenly, read_video


def frames(count, level, side=16):
    """Grey that becomes brighter."""
    grey = level + 10 * np.arange(count)
    return np.broadcast_to(grey[:, None, None, None], (count, side, side, 3)).astype("uint8")


@pytest.fixture
def folder(tmp_path):
    for name in ("fade", "rise"):
        for clip in range(10):
            place = tmp_path / name / f"clip_{clip}"
            place.mkdir(parents=True)
            for number, picture in enumerate(frames(12, 3 * clip + 60 * (name == "rise"))):
                Image.fromarray(picture).save(place / f"{number}.png")
    return tmp_path


def test_folders_of_frames_are_clips_in_the_order_of_their_numbers(folder):
    data = kc.data.load(f"frames:{folder}", frames=4)
    assert data.info.classes == ("fade", "rise")
    assert data.info.sizes == {"train": 16, "validation": 2, "test": 2}
    for clip in data.train:
        # The first, the last and two between; 10 comes after 9.
        steps = np.diff(clip.frames[:, 0, 0, 0].astype(int))
        assert clip.frames.shape == (4, 16, 16, 3) and steps.tolist() == [40, 30, 40]
        assert clip.name.startswith(data.info.classes[clip.label])
    small = kc.data.load(f"frames:{folder}", frames=50, image_size=8).train[0]
    assert small.frames.shape == (12, 8, 8, 3)


def test_one_clip_is_read_from_its_folder(folder):
    clip = kc.data.read_clip(folder / "fade" / "clip_0", frames=3)
    np.testing.assert_array_equal(clip[:, 0, 0, 0], [0, 60, 110])
    Image.new("RGB", (5, 5)).save(folder / "fade" / "clip_0" / "11.png")
    with pytest.raises(kc.InputError, match="clip_0 has frames of 2 sizes"):
        kc.data.read_clip(folder / "fade" / "clip_0", frames=3)
    assert kc.data.read_clip(folder / "fade" / "clip_0", frames=3, size=8).shape == (3, 8, 8, 3)
    with pytest.raises(kc.InputError, match="holds no picture"):
        kc.data.read_clip(folder / "fade")
    pytest.importorskip("av")
    with pytest.raises(kc.InputError, match="there is no such file"):
        kc.data.read_clip(folder / ("x" * 5000))


def test_faulty_frames_are_left_out_of_their_clip(folder):
    (folder / "fade" / "clip_0" / "3.png").write_bytes(b"none")
    Image.new("RGB", (5, 5)).save(folder / "rise" / "clip_1" / "99.png")
    data = kc.data.load(f"frames:{folder}", frames=50)
    assert sum(data.info.sizes.values()) == 19 and len(data.info.skipped) == 2
    with pytest.raises(kc.InputError, match="frames of 2 sizes"):
        (folder / "fade" / "clip_0" / "3.png").unlink()
        kc.data.load(f"frames:{folder}", strict=True)


def test_a_class_that_training_has_not_is_refused_as_it_is_of_pictures(folder):
    (folder / "train").mkdir()
    for name in ("fade", "rise"):
        (folder / name).rename(folder / "train" / name)
    strange = folder / "val" / "hop" / "clip"
    strange.mkdir(parents=True)
    Image.new("RGB", (16, 16)).save(strange / "1.png")
    with pytest.raises(kc.InputError, match="the class 'hop', which the training clips have not"):
        kc.data.load(f"frames:{folder}")
    # As the remedy says.
    (folder / "val" / "hop").rename(folder / "val" / "rise")
    [clip] = kc.data.load(f"frames:{folder}").validation
    assert clip.label == 1 and clip.name == "val/rise/clip"


def test_even_distances():
    assert evenly(12, 4) == [0, 4, 7, 11] and evenly(3, 8) == [0, 1, 2] and evenly(5, 1) == [0]


def write(path, pictures):
    import av

    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.height, stream.width = pictures.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_damaged_videos_and_lists_of_others_are_refused(tmp_path):
    pytest.importorskip("av")
    noise = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 3)).astype("uint8")
    write(tmp_path / "a.avi", noise.repeat(8, 1).repeat(8, 2))
    assert len(read_video(tmp_path / "a.avi", frames=10)) == 10
    content = (tmp_path / "a.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(content[: len(content) * 6 // 10])
    with pytest.raises(kc.InputError, match="frame 0 is damaged"):
        read_video(tmp_path / "cut.avi", frames=10)
    (tmp_path / "list.mkv").write_text("ffconcat version 1.0\nfile a.avi\n")
    with pytest.raises(kc.InputError, match=r"list.mkv cannot be read"):
        read_video(tmp_path / "list.mkv")


def test_video_files_are_clips(tmp_path):
    pytest.importorskip("av")

    for name, sign in (("fade", -1), ("rise", 1)):
        for clip in range(5):
            write(tmp_path / name / f"{clip}.mp4", frames(9, 40 + 5 * clip)[::sign])
    (tmp_path / "rise" / "broken.mp4").write_bytes(b"none")
    data = kc.data.load(f"videos:{tmp_path}", frames=3, validation=0.2, test=0.2)
    assert data.info.sizes == {"train": 6, "validation": 2, "test": 2}
    assert len(data.info.skipped) == 1 and "broken.mp4" in data.info.skipped[0]
    for clip in data.train:
        means = clip.frames.mean(axis=(1, 2, 3))
        assert (np.diff(means) > 20).all() if clip.label else (np.diff(means) < -20).all()
    one = read_video(tmp_path / "rise" / "0.mp4", frames=9)
    np.testing.assert_allclose(one, frames(9, 40), atol=6)
    with pytest.raises(kc.InputError, match="no such file"):
        read_video(tmp_path / "absent.mp4")
