"""Small networks whose blocks can be computed by hand."""

import keras
from keras import layers


def residual(blocks=3, width=4, activation=None, *, joint=layers.Add):
    """`x <- x + f(x)`, f of two dense layers; the activation stands behind the sum, too."""
    keras.utils.set_random_seed(0)
    image = keras.Input((width,))
    x = image
    for number in range(1, blocks + 1):
        name = f"block{number}"
        inner = layers.Dense(width, activation, name=f"{name}_dense1")(x)
        inner = layers.Dense(width, name=f"{name}_dense2")(inner)
        x = joint(name=f"{name}_sum")([x, inner]) if joint else x + inner
        if activation:
            x = layers.Activation(activation, name=f"{name}_out")(x)
    model = keras.Model(image, layers.Dense(2, name="predictions")(x))
    model.compile(loss="mse")
    return model


def dense_blocks():
    keras.utils.set_random_seed(0)
    image = keras.Input((6, 6, 3))
    x = image
    for number in (1, 2, 3):
        new = layers.Conv2D(2, 3, padding="same", name=f"block{number}_conv1")(x)
        new = layers.ReLU(name=f"block{number}_relu1")(new)
        x = layers.Concatenate(name=f"block{number}_out")([x, new])
    return keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))


def plain():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, padding="same", name="conv1"),
            layers.BatchNormalization(name="norm1"),
            layers.ReLU(name="relu1"),
            layers.Conv2D(4, 3, padding="same", activation="relu", name="conv2"),
            layers.Conv2D(6, 3, 2, padding="same", activation="relu", name="conv3"),
            layers.Flatten(),
            layers.Dense(2, name="predictions"),
        ]
    )
