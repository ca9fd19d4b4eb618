"""Masks from files of every kind; what is wrong is named; layouts; real road scenes."""

import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from data.pictures.boxed_folders import picture
from data.pictures.mask_samples import folder, labels, write
from keras_classics.core.errors import InputError
from keras_classics.data.doctor import examine
from keras_classics.data.load import load
from keras_classics.data.pictures.formats.mask_files import voc_colours
from support import shared

TABLE = "# r g b name\n0 0 0 background\n128 0 0 aeroplane\n0 128 0 bicycle\n224 224 192 void\n"


def everything(data):
    return [each for split in (data.train, data.validation, data.test) for each in split]


def test_palette_grey_and_coloured_masks_are_the_same_labels(tmp_path):
    mask = labels()
    colours = {label: rgb for rgb, label in voc_colours(21).items()}
    assert [colours[n] for n in (1, 2, 15, 255)] == [
        (128, 0, 0), (0, 128, 0), (192, 128, 128), (224, 224, 192),
    ]  # fmt: skip
    palette = bytes(np.array([colours.get(n, (1, 2, 3)) for n in range(256)], "uint8").tobytes())
    rgb = np.array([[colours[n] for n in row] for row in mask], "uint8")
    table = tmp_path / "table.txt"
    table.write_text(TABLE)
    rgba = np.dstack([rgb, np.full(mask.shape, 200, "uint8")])
    files = [
        (write(tmp_path / "grey.png", mask), None),
        (write(tmp_path / "palette.png", mask, "P", palette), None),
        (write(tmp_path / "grey_as_rgb.png", np.dstack([mask] * 3)), None),
        (write(tmp_path / "rgb.png", rgb), table),
        (write(tmp_path / "rgba.png", rgba), table),
        (write(tmp_path / "grey.bmp", mask), None),
    ]
    for path, colours in files:
        np.testing.assert_array_equal(kc.data.read_mask(path, colours=colours), mask, str(path))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda p: Image.fromarray(labels()).save(p.with_suffix(".jpg")) or p.unlink(), "p3.jpg is a JPEG.*8-bit PNG"),
        (lambda p: Image.fromarray(labels().astype("uint16")).save(p), "p3.png has 16 bits"),
        (lambda p: write(p, labels()[:-1]), "p3.png has 19 x 30 pixels and its picture .*20 x 30"),
        (lambda p: write(p, np.where(labels() == 2, 7, labels()).astype("uint8")), "p3.png has the labels 7 in"),
        (lambda p: write(p, np.dstack([labels(), labels() + 1, labels()])), "p3.png is coloured.*colours="),
        (lambda p: write(p, np.full((20, 30), 255, "uint8")), "p3.png is 255 everywhere"),
        (lambda p: p.write_bytes(b"no picture"), "p3.png cannot be read"),
        (lambda p: p.unlink(), "p3.png has no mask of its name"),
    ],
    ids=["jpeg", "16 bits", "size", "label", "coloured", "nothing", "damaged", "missing"],
)  # fmt: skip
def test_a_faulty_mask_is_named_left_out_and_refused_under_strict(tmp_path, spoil, said):
    folder(tmp_path)
    (tmp_path / "classes.txt").write_text("sky\nroad\ncar\n")
    spoil(tmp_path / "masks" / "p3.png")
    data = load(f"masks:{tmp_path}")
    (fault,) = [each for each in data.info.skipped if "belongs to no picture" not in each]
    assert "Allowed: " in fault
    assert not any(each.name == "p3" for each in everything(data))
    assert data.info.pixel_classes == ("sky", "road", "car")
    with pytest.raises(InputError, match=said):
        load(f"masks:{tmp_path}", strict=True)


def turned(path, orientation, tag=True):
    """Write a file anew as cameras do: stored on its side, with how it is to be seen."""
    back = {3: Image.Transpose.ROTATE_180, 2: Image.Transpose.FLIP_LEFT_RIGHT,
            6: Image.Transpose.ROTATE_90}[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.open(path).transpose(back).save(path, **({"exif": exif} if tag else {}))


@pytest.mark.parametrize("orientation", [2, 3, 6])
def test_masks_lie_over_pictures_that_exif_turns(tmp_path, orientation):
    upright = {each.name: each for each in everything(load(f"masks:{folder(tmp_path)}"))}
    # Drawn over what is seen, and without a word of it in the mask.
    turned(tmp_path / "images" / "p1.png", orientation)
    # Stored as the picture was.
    turned(tmp_path / "images" / "p2.png", orientation)
    turned(tmp_path / "masks" / "p2.png", orientation)
    data = load(f"masks:{tmp_path}", strict=True)
    for each in everything(data):
        np.testing.assert_array_equal(each.image, upright[each.name].image)
        np.testing.assert_array_equal(each.class_mask, upright[each.name].class_mask)
    remarks = [each for each in data.info.remarks if "EXIF" in each]
    # On its side it has another size, by which it is seen which of both a mask is of.
    assert len(remarks) == (orientation != 6)
    assert all("its mask is taken to be of what is seen" in each for each in remarks)
    assert all(f": p1 ({orientation})." in each for each in remarks)


def test_a_mask_of_what_is_stored_is_refused_by_the_orientation_and_the_remedies_work(tmp_path):
    folder(tmp_path)
    picture_file, mask_file = tmp_path / "images" / "p1.png", tmp_path / "masks" / "p1.png"
    whole = Image.open(mask_file).copy()
    turned(picture_file, 6)
    turned(mask_file, 6, tag=False)
    with pytest.raises(InputError, match="p1.png 20 x 30 .*orientation 6.* Turn the mask likewise"):
        load(f"masks:{tmp_path}", strict=True)
    stored = Image.open(mask_file).copy()
    whole.save(mask_file)
    assert load(f"masks:{tmp_path}", strict=True)
    stored.save(mask_file)
    Image.open(picture_file).save(picture_file, exif=b"")
    assert load(f"masks:{tmp_path}", strict=True)


def test_unknown_colours_and_a_single_class_are_refused(tmp_path):
    folder(tmp_path / "a")
    (tmp_path / "a" / "label_colors.txt").write_text(TABLE)
    colours = np.array([[0, 0, 0], [128, 0, 0], [0, 128, 1]], "uint8")
    write(tmp_path / "a" / "masks" / "p1.png", colours[np.minimum(labels(seed=1), 2)])
    with pytest.raises(InputError, match=r"p1.png has colours of no class .*\(0, 128, 1\)"):
        load(f"masks:{tmp_path / 'a'}", strict=True)
    white = tmp_path / "b"
    for number in range(6):
        picture(white / "images" / f"p{number}.png", seed=number)
        write(
            white / "masks" / f"p{number}_mask.png", np.where(labels() == 1, 255, 0).astype("uint8")
        )
    with pytest.raises(InputError, match='of one class.*values="0,255"'):
        load(f"masks:{white}")
    data = load(f"masks:{white}", values="0,255", classes=["skin", "lesion"])
    assert set(np.unique(data.train[0].class_mask)) == {0, 1}
    for wrong in ("0", "0,0", "0,300", "a,b"):
        with pytest.raises(InputError, match="Give for example"):
            load(f"masks:{white}", values=wrong)


def test_layouts(tmp_path):
    for split in ("train", "val", "test"):
        for number in range(3):
            picture(tmp_path / "camvid" / split / f"{split}{number}.png", seed=number)
            mask = np.where(labels(seed=number) == 255, 11, labels(seed=number)).astype("uint8")
            write(tmp_path / "camvid" / f"{split}annot" / f"{split}{number}.png", mask)
    data = load(f"camvid:{tmp_path / 'camvid'}", strict=True)
    assert data.info.sizes == {"train": 3, "validation": 3, "test": 3}
    assert len(data.info.pixel_classes) == 11 and 255 in data.train[0].class_mask
    city = tmp_path / "city"
    for split, count in (("train", 6), ("val", 2)):
        for number in range(count):
            stem = f"{split}/ulm/ulm_{number}"
            picture(city / "leftImg8bit" / f"{stem}_leftImg8bit.png", seed=number)
            mask = np.array([0, 7, 33, 8])[np.minimum(labels(seed=number), 3)].astype("uint8")
            write(city / "gtFine" / f"{stem}_gtFine_labelIds.png", mask)
            write(city / "gtFine" / f"{stem}_gtFine_instanceIds.png", mask)
    data = load(f"cityscapes:{city}", strict=True)
    assert set(np.unique(data.train[0].class_mask)) == {0, 1, 18, 255}
    voc = tmp_path / "voc"
    for number in range(6):
        picture(voc / "JPEGImages" / f"p{number}.jpg", seed=number)
        write(voc / "SegmentationClass" / f"p{number}.png", labels(seed=number), "P")
    lists = voc / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("p0\np1\np2\n")
    (lists / "val.txt").write_text("p3\np4\np5\n")
    data = load(f"voc:{voc}", masks=True, strict=True)
    assert data.info.sizes == {"train": 2, "validation": 3, "test": 1}
    assert data.info.pixel_classes[15] == "person"
    (lists / "val.txt").write_text("p0\n")
    with pytest.raises(InputError, match="'p0' is in the train and in the validation split"):
        load(f"voc:{voc}", masks=True)
    with pytest.raises(InputError, match="side by side.*images/"):
        load(f"masks:{city}")


def test_masks_of_coco_have_the_smaller_in_front(tmp_path):
    import json

    pytest.importorskip("pycocotools")
    for number in range(4):
        picture(tmp_path / f"{number}.png", seed=number)
    square = lambda y, x, side: [[x, y, x + side, y, x + side, y + side, x, y + side]]  # noqa: E731
    things = [
        {"image_id": n, "category_id": c, "bbox": [x, y, s, s], "area": s * s, "iscrowd": 0,
         "segmentation": square(y, x, s)}
        for n in range(4) for c, y, x, s in ((5, 6, 6, 3), (2, 4, 4, 12))
    ]  # fmt: skip
    things.append({"image_id": 0, "category_id": 2, "bbox": [0, 0, 30, 1], "iscrowd": 1,
                   "segmentation": {"size": [20, 30], "counts": [0] + [1, 19] * 30}})  # fmt: skip
    content = {
        "images": [{"id": n, "file_name": f"{n}.png", "height": 20, "width": 30} for n in range(4)],
        "categories": [{"id": 2, "name": "cat"}, {"id": 5, "name": "dog"}],
        "annotations": things,
    }
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(content))
    data = load(f"coco:{file}", masks=True, strict=True)
    assert data.info.pixel_classes == ("background", "cat", "dog")
    (first,) = [each for each in everything(data) if each.name == "0.png"]
    assert (first.class_mask[6:9, 6:9] == 2).all()
    assert np.count_nonzero(first.class_mask == 1) == 144 - 9
    assert (first.class_mask[0] == 255).all()


def test_scenes_know_the_class_of_every_pixel():
    data = load("scenes", train=3, validation=1, test=1)
    scene = data.train[0]
    assert data.info.pixel_classes[0] == "background"
    for number, label in enumerate(scene.box_labels):
        own = scene.class_mask[scene.mask == number + 1]
        assert (own == label + 1).all() and data.info.pixel_classes[own[0]] == data.info.classes[
            label
        ]
    assert (scene.class_mask[scene.mask == 0] == 0).all()


def test_resized_masks_are_the_nearest_pixels_of_every_size():
    mask = labels()
    for height, width in ((7, 11), (41, 61), (1, 1), (20, 30)):
        found = kc.data.resize_mask(mask, height, width)
        theirs = Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST)
        np.testing.assert_array_equal(found, theirs)


def test_augmented_masks_move_with_their_pictures_and_make_no_labels():
    # A picture that is its own mask.
    mask = np.kron(np.random.default_rng(0).integers(0, 3, (6, 7)), np.ones((9, 9), int))
    mask = mask.astype("uint8")
    image = np.repeat(mask[..., None] * np.float32(100), 3, -1) + 20
    for seed in range(20):
        rng = np.random.default_rng(seed)
        view, moved = kc.data.random_view(
            image, mask, rng, size=(33, 45), scales=(0.6, 1.7), degrees=20
        )
        assert view.shape == (33, 45, 3) and moved.shape == (33, 45)
        assert set(np.unique(moved)) <= {*np.unique(mask), 255}
        # Where a pixel is of one class all around, the picture says the same.
        pure = np.isclose(view[..., 0] % 100, 20, atol=0.01) & (moved != 255)
        assert pure.mean() > 0.4
        np.testing.assert_array_equal((view[pure][:, 0] // 100).astype(int), moved[pure])
        # Beyond the picture nothing is known.
        assert (moved[view[..., 0] == 0] == 255).all()


def test_batches_are_a_function_of_seed_and_number_and_refusals_say_what_to_do():
    data = load("scenes", train=6, validation=5, test=1)
    given = {"batch_size": 2, "seed": 3, "size": 48, "scales": (0.8, 1.2)}
    whole = [next(iter(kc.data.mask_batches(data.train, **given, first=n))) for n in range(3)]
    stream = iter(kc.data.mask_batches(data.train, **given))
    for pictures, masks in whole:
        again = next(stream)
        np.testing.assert_array_equal(pictures, again[0])
        np.testing.assert_array_equal(masks, again[1])
    assert whole[0][0].shape == (2, 48, 48, 3) and np.abs(whole[0][0]).max() <= 1
    seen = [masks for _, masks in kc.data.whole_mask_batches(data.validation, batch_size=2)]
    assert sum(map(len, seen)) == 5
    np.testing.assert_array_equal(seen[0][0], data.validation[0].class_mask)
    with pytest.raises(InputError, match="have no class_mask.*masks:FOLDER"):
        kc.data.mask_batches(load("digits").train, batch_size=2, seed=0)
    image, mask = np.zeros((4, 4, 3), "float32"), np.zeros((4, 4), "uint8")
    for given, told in (
        ({"scales": (2, 1)}, "scales"),
        ({"size": (-4, 4)}, "size"),
        ({"mask": mask / 1.0}, "mask.astype"),
        ({"mask": mask[:3]}, "resize_mask"),
        ({"image": np.zeros((4, 4, 4), "float32")}, r"\(height, width, 3\)"),
        ({"image": image[:0], "mask": mask[:0]}, "with pixels"),
        # There is no size by default that one could leave it out for.
        ({"size": (99_999, 99_999)}, r"Give for example size=\(224, 224\)"),
    ):
        every = {"image": image, "mask": mask, "size": (4, 4), **given}
        with pytest.raises(InputError, match=told):
            kc.data.random_view(rng=np.random.default_rng(), **every)
    kc.data.random_view(image, mask, np.random.default_rng(), size=(224, 224))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"scales": (2.0, 1.0)}, r"scales=\(2.0, 1.0\)"),
        ({"scales": (0.0, 0.0)}, "positive factor"),
        ({"scales": (-1.0, 1.0)}, "positive factor"),
        ({"scales": (1e9, 1e9)}, "up to 315 for pictures of 20 x 30"),
        ({"scales": (1.0, 1e300)}, "positive factor, up to"),
        ({"degrees": -5.0}, "degrees=-5.0"),
        ({"degrees": 181.0}, "0 to 180"),
        ({"size": 100_000}, "10,000,000,000 pixels"),
        ({"size": 0}, "size=0"),
    ],
)
def test_what_moves_no_picture_is_refused_before_the_first_batch(tmp_path, wrong, told):
    part = load(f"masks:{folder(tmp_path)}").train
    with pytest.raises(InputError, match=told):
        kc.data.mask_batches(part, batch_size=2, seed=0, **wrong)
    if "size" in wrong:
        with pytest.raises(InputError, match=told):
            kc.data.whole_mask_batches(part, batch_size=2, **wrong)


def test_the_doctor_counts_pixels_and_the_command_draws_them(tmp_path, capsys):
    from keras_classics import cli

    place = folder(tmp_path / "set", 8)
    write(place / "masks" / "p3.png", np.full((20, 30), 1, "uint8"))
    found = examine(load(f"masks:{place}"))
    assert found.table[0] == ("class", "train %", "validation %", "test %")
    assert sum(float(row[1]) for row in found.table[1:]) == pytest.approx(100, abs=0.02)
    assert any("1 mask is of a single class: p3" in each for each in found.remarks)
    drawn = tmp_path / "drawn.png"
    assert cli.main(["draw-data", f"masks:{place}", "--out", str(drawn), "--count", "3"]) == 0
    assert drawn.stat().st_size > 5_000


def test_masks_of_tensorflow_datasets_offline():
    tfds = pytest.importorskip("tensorflow_datasets")
    tf = pytest.importorskip("tensorflow")
    mask = np.arange(1, 4).repeat(8)[:, None, None] * np.ones((1, 20, 1), int)

    def stored(self, decoders, **_):
        # The first asks which values there are, for which no picture is read.
        alone = set(decoders.extract_features(self.info.features)) == {"segmentation_mask"}
        assert alone == (spoil not in calls)
        calls.append(spoil)
        late = spoil == "value" and calls.count(spoil) > 1
        spoiled = np.where(mask == 3, 9, mask) if late else mask
        example = {
            "image": np.full((24, 20, 3), 7, "uint8"), "label": 1, "file_name": "cat",
            "segmentation_mask": spoiled[spoil == "size" :].astype("uint8"),
        }  # fmt: skip
        return tf.data.Dataset.from_tensors(example)

    with tfds.testing.mock_data(as_dataset_fn=stored):
        spoil, calls = None, []
        data = load("tfds:oxford_iiit_pet", masks=True, image_size=12)
        assert data.info.pixel_classes == ("1", "2", "3")
        found = next(iter(data.train)).class_mask
        np.testing.assert_array_equal(found, np.arange(3).repeat(4)[:, None] * np.ones((1, 12)))
        spoil = "value"
        with pytest.raises(InputError, match="The mask of cat has the values 9"):
            next(iter(load("tfds:oxford_iiit_pet", masks=True).train))
        spoil = "size"
        with pytest.raises(InputError, match="cat has 23 x 20 pixels and its picture 24 x 20"):
            next(iter(load("tfds:oxford_iiit_pet", masks=True).train))
        with pytest.raises(InputError, match="oxford_iiit_pet"):
            load("tfds:cifar10", masks=True)


def test_camvid_itself():
    data = load(f"camvid:{shared('data', 'camvid')}", strict=True)
    assert data.info.sizes["train"] + data.info.sizes["test"] == 367
    assert data.info.sizes["validation"] == 101 and data.info.image_shape == (180, 240, 3)
    road = data.info.pixel_classes.index("road")
    shares = [np.mean(each.class_mask == road) for each in data.validation[:20]]
    assert 0.15 < np.mean(shares) < 0.5
