"""`Preparation` as TensorFlow operations, for classifiers that are shipped with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_classics.data.pictures.preparation import Preparation

if TYPE_CHECKING:
    import tensorflow as tf


def views_in_graph(preparation: Preparation, images: tf.Tensor) -> tf.Tensor:
    """What `Preparation.views` makes of pictures.

    Args:
        preparation: What resizes, crops and normalises.
        images: uint8 `(batch, height, width, 3)`.

    Returns:
        float32 `(batch, test_crops, *input_shape)`.
    """
    import tensorflow as tf

    x = tf.cast(images, "float32")
    if preparation.channels == 1:
        x = tf.image.rgb_to_grayscale(x)
    windows = _crops(_resize_shorter(x, preparation.resize), preparation)
    x = tf.reshape(windows, (-1, *windows.shape[2:]))
    if preparation.normalization.name.startswith("contrast"):
        x = tf.image.per_image_standardization(x)
    arrays = preparation.arrays
    x = (x - arrays["shift"]) * arrays["gain"]
    if "whitening" in arrays:
        flat = tf.reshape(x, (-1, arrays["whitening"].shape[0]))
        x = flat @ arrays["whitening"]
    return tf.reshape(x, (-1, preparation.test_crops, *preparation.input_shape))


def _resize_shorter(images: tf.Tensor, side: int) -> tf.Tensor:
    import tensorflow as tf

    known = images.shape[-3:-1]
    if None not in known and min(known) == side:
        # Without operations that not every format of export has.
        return images
    shape = tf.cast(tf.shape(images)[-3:-1], "float32")
    target = tf.cast(tf.round(shape * float(side) / tf.reduce_min(shape)), "int32")
    return tf.cond(
        tf.reduce_all(target == tf.shape(images)[-3:-1]),
        lambda: images,
        lambda: tf.image.resize(images, target, antialias=True),
    )


def _crops(images: tf.Tensor, preparation: Preparation) -> tf.Tensor:
    import tensorflow as tf

    size = preparation.size
    centre = tf.image.resize_with_crop_or_pad(images, size, size)
    if preparation.test_crops == 1:
        return centre[:, None]
    shape = tf.shape(images)
    padded = tf.image.resize_with_crop_or_pad(
        images, tf.maximum(shape[1], size), tf.maximum(shape[2], size)
    )
    ends = slice(None, size), slice(-size, None)
    corners = [padded[:, rows, columns] for rows in ends for columns in ends]
    windows = tf.stack([centre, *corners], axis=1)
    return tf.concat([windows, windows[:, :, :, ::-1]], axis=1)
