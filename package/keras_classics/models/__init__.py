"""Builders of plain `keras.Model`s. A family is one file and one line here."""

# ruff: noqa: F401
from keras_classics.models.convolutional.lenet import LeNet5, LeNet5Modern
from keras_classics.models.convolutional.resnet import (
    Plain18,
    Plain20CIFAR,
    Plain34,
    Plain56CIFAR,
    Plain110CIFAR,
    ResNet18,
    ResNet20CIFAR,
    ResNet32CIFAR,
    ResNet34,
    ResNet44CIFAR,
    ResNet50,
    ResNet56CIFAR,
    ResNet101,
    ResNet110CIFAR,
    ResNet152,
    ResNet1202CIFAR,
)
from keras_classics.models.convolutional.vgg import VGG11, VGG11LRN, VGG13, VGG16, VGG16C, VGG19
from keras_classics.models.sequence.captioner import captioner, split_captioner
