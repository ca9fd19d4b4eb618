"""Builders of plain `keras.Model`s. A family is one file and one line here."""

from keras_classics.core import importing
from keras_classics.models.dense.boundary_network import boundary_network
from keras_classics.models.dense.convolutional_form import convolutional_form
from keras_classics.models.dense.crf_rnn import crf_rnn, dense_crf
from keras_classics.models.dense.fcn import fcn, take_over
from keras_classics.models.dense.pixel_fabric import pixel_fabric
from keras_classics.models.dense.segment import segment
from keras_classics.models.dense.sharpening import sharpen
from keras_classics.models.generative.dcgan import dcgan_discriminator, dcgan_generator
from keras_classics.models.generative.dense_gan import gan_discriminator, gan_generator
from keras_classics.models.generative.image_transformation import style_network, super_resolution
from keras_classics.models.generative.transform_pictures import transform_pictures
from keras_classics.models.generative.vae import vae_decoder, vae_encoder
from keras_classics.models.image.alexnet import AlexNet, AlexNetOWT, AlexNetSingleTower
from keras_classics.models.image.binary_alexnet import BWNAlexNet, XNORAlexNet
from keras_classics.models.image.boolean_network import boolean_network
from keras_classics.models.image.delta_orthogonal import (
    DeltaOrthogonal1250MNIST,
    DeltaOrthogonal2500MNIST,
    DeltaOrthogonal5000MNIST,
    DeltaOrthogonal10000MNIST,
)
from keras_classics.models.image.densenet import (
    DenseNet40_k12CIFAR,
    DenseNet100_k12CIFAR,
    DenseNet100_k24CIFAR,
    DenseNet121,
    DenseNet161,
    DenseNet169,
    DenseNet201,
    DenseNet264,
    DenseNetBC100_k12CIFAR,
    DenseNetBC190_k40CIFAR,
    DenseNetBC250_k24CIFAR,
)
from keras_classics.models.image.diracnet import (
    DiracNet18,
    DiracNet28_5CIFAR,
    DiracNet28_10CIFAR,
    DiracNet34,
    DiracNet34_2CIFAR,
)
from keras_classics.models.image.fabric import (
    FabricCIFAR,
    FabricMNIST,
    FabricSparseMNIST,
)
from keras_classics.models.image.fractalnet import (
    FractalNet20CIFAR,
    FractalNet20CIFAR1x1,
    fractal_column,
)
from keras_classics.models.image.googlenet import (
    GoogLeNet,
    GoogLeNetBN,
    inception_module,
    naive_inception_module,
)
from keras_classics.models.image.highway_networks import (
    Highway10MNIST,
    Highway19CIFAR,
    Highway20MNIST,
    Highway50MNIST,
    Highway100MNIST,
    HighwayConv10MNIST,
)
from keras_classics.models.image.inception import (
    InceptionResNetV1,
    InceptionResNetV2,
    InceptionResNetV2Released,
    InceptionV4,
)
from keras_classics.models.image.kernel_perceptron import (
    fit_kernel_perceptron,
    kernel_pca,
    kernel_perceptron,
    mistake_bounds,
)
from keras_classics.models.image.lenet import LeNet5, LeNet5Modern
from keras_classics.models.image.maxout_networks import MaxoutCIFAR, MaxoutMNIST
from keras_classics.models.image.mlp import MLPMNIST, MLPSkipMNIST
from keras_classics.models.image.nin import NINCIFAR, NINImageNet
from keras_classics.models.image.perceptron import (
    Perceptron,
    PerceptronHistory,
    fit_perceptron,
)
from keras_classics.models.image.randwire import (
    RandWireRegular109,
    RandWireRegular154,
    RandWireSmall,
    randwire_graphs,
)
from keras_classics.models.image.resnet import (
    Plain18,
    Plain34,
    ResNet18,
    ResNet34,
    ResNet50,
    ResNet101,
    ResNet152,
)
from keras_classics.models.image.resnet_cifar import (
    Plain20CIFAR,
    Plain56CIFAR,
    Plain110CIFAR,
    ResNet20CIFAR,
    ResNet32CIFAR,
    ResNet44CIFAR,
    ResNet56CIFAR,
    ResNet110CIFAR,
    ResNet1202CIFAR,
)
from keras_classics.models.image.resnet_v2 import (
    ResNet50V2,
    ResNet101V2,
    ResNet152V2,
    ResNet164V2CIFAR,
    ResNet200V2,
    ResNet1001V2CIFAR,
)
from keras_classics.models.image.resnext import (
    ResNet101_1x100d,
    ResNeXt29_8x64dCIFAR,
    ResNeXt29_16x64dCIFAR,
    ResNeXt50_2x40d,
    ResNeXt50_4x24d,
    ResNeXt50_8x14d,
    ResNeXt50_32x4d,
    ResNeXt101_2x40d,
    ResNeXt101_2x64d,
    ResNeXt101_4x24d,
    ResNeXt101_8x14d,
    ResNeXt101_32x4d,
    ResNeXt101_64x4d,
)
from keras_classics.models.image.road import RoadAlexNet, road_backbone
from keras_classics.models.image.simpnet import (
    SimpNet5MCIFAR,
    SimpNet8MCIFAR,
    SimpNet300KCIFAR,
    SimpNet600KCIFAR,
)
from keras_classics.models.image.squeezenet import SqueezeNet1_0, SqueezeNet1_1
from keras_classics.models.image.vgg import VGG11, VGG11LRN, VGG13, VGG16, VGG16C, VGG19
from keras_classics.models.image.wide_resnet import (
    WideResNet16_8CIFAR,
    WideResNet28_10CIFAR,
    WideResNet28_12CIFAR,
    WideResNet40_4CIFAR,
    WideResNet50_2,
)
from keras_classics.models.image.zfnet import ZFNet
from keras_classics.models.recurrent.automaton import (
    Automaton,
    adding_automaton,
    automaton,
    bracket_automaton,
    parity_automaton,
)
from keras_classics.models.recurrent.constraint_networks import (
    QuadraticEnergy,
    annealed_network,
    queens_energy,
    random_starts,
    shortest_tour,
    tour_energy,
    tour_lengths,
    tours_of,
    valid_queens,
)
from keras_classics.models.recurrent.ctc_recognizer import ctc_recognizer
from keras_classics.models.recurrent.hopfield import hopfield, hopfield_energy
from keras_classics.models.recurrent.labeller_answers import (
    Recognized,
    label_probabilities,
    recognize,
    vocabulary_size,
)
from keras_classics.models.recurrent.language_model import (
    LanguageDecoder,
    language_model,
    split_language_model,
)
from keras_classics.models.recurrent.mixture_head import (
    Mixture,
    mixture_parameters,
    mixture_width,
    sample_trajectories,
)
from keras_classics.models.recurrent.rnn import rnn
from keras_classics.models.recurrent.tagger import sequence_classifier, tagger
from keras_classics.models.recurrent.video_classifier import (
    convolutional_lstm,
    video_classifier,
    video_encoder,
)
from keras_classics.models.regions.classifier_detectors import rcnn_features, region_detector
from keras_classics.models.regions.detect import detect
from keras_classics.models.regions.fast_rcnn import fast_rcnn, spp_net
from keras_classics.models.regions.rcnn import RCNN, region_classifier, warp_regions
from keras_classics.models.sequence.caption import Caption, caption, encode_images
from keras_classics.models.sequence.captioner import captioner, picture_encoder, split_captioner
from keras_classics.models.sequence.sharing import (
    SHARINGS,
    NumberedTexts,
    SharedMiddle,
    Sharing,
    TargetTokens,
    untrained_pairs,
    ways,
)
from keras_classics.models.sequence.translate import (
    Translation,
    sentence_states,
    translate,
    translation_perplexity,
)
from keras_classics.models.sequence.translator import (
    multilingual_translator,
    split_translator,
    translator,
)

__all__ = [
    "gan_discriminator",
    "gan_generator",
    "style_network",
    "super_resolution",
    "transform_pictures",
    "vae_decoder",
    "vae_encoder",
    "dcgan_discriminator",
    "dcgan_generator",
    "NumberedTexts",
    "SHARINGS",
    "SharedMiddle",
    "Automaton",
    "Mixture",
    "QuadraticEnergy",
    "Sharing",
    "TargetTokens",
    "Caption",
    "AlexNet",
    "AlexNetOWT",
    "AlexNetSingleTower",
    "BWNAlexNet",
    "DeltaOrthogonal10000MNIST",
    "DeltaOrthogonal1250MNIST",
    "DeltaOrthogonal2500MNIST",
    "DeltaOrthogonal5000MNIST",
    "DenseNet100_k12CIFAR",
    "DenseNet100_k24CIFAR",
    "DenseNet121",
    "DenseNet161",
    "DenseNet169",
    "DenseNet201",
    "DenseNet264",
    "DenseNet40_k12CIFAR",
    "DenseNetBC100_k12CIFAR",
    "DenseNetBC190_k40CIFAR",
    "DenseNetBC250_k24CIFAR",
    "DiracNet18",
    "DiracNet28_10CIFAR",
    "DiracNet28_5CIFAR",
    "DiracNet34",
    "DiracNet34_2CIFAR",
    "FabricCIFAR",
    "FabricMNIST",
    "FabricSparseMNIST",
    "FractalNet20CIFAR",
    "FractalNet20CIFAR1x1",
    "GoogLeNet",
    "GoogLeNetBN",
    "Highway100MNIST",
    "Highway10MNIST",
    "Highway19CIFAR",
    "Highway20MNIST",
    "Highway50MNIST",
    "HighwayConv10MNIST",
    "InceptionResNetV1",
    "InceptionResNetV2",
    "InceptionResNetV2Released",
    "InceptionV4",
    "LanguageDecoder",
    "LeNet5",
    "LeNet5Modern",
    "MLPMNIST",
    "MLPSkipMNIST",
    "MaxoutCIFAR",
    "MaxoutMNIST",
    "NINCIFAR",
    "NINImageNet",
    "Perceptron",
    "PerceptronHistory",
    "Plain110CIFAR",
    "Plain18",
    "Plain20CIFAR",
    "Plain34",
    "Plain56CIFAR",
    "RCNN",
    "RandWireRegular109",
    "RandWireRegular154",
    "RandWireSmall",
    "ResNeXt101_2x40d",
    "ResNeXt101_2x64d",
    "ResNeXt101_32x4d",
    "ResNeXt101_4x24d",
    "ResNeXt101_64x4d",
    "ResNeXt101_8x14d",
    "ResNeXt29_16x64dCIFAR",
    "ResNeXt29_8x64dCIFAR",
    "ResNeXt50_2x40d",
    "ResNeXt50_32x4d",
    "ResNeXt50_4x24d",
    "ResNeXt50_8x14d",
    "ResNet1001V2CIFAR",
    "ResNet101",
    "ResNet101V2",
    "ResNet101_1x100d",
    "ResNet110CIFAR",
    "ResNet1202CIFAR",
    "ResNet152",
    "ResNet152V2",
    "ResNet164V2CIFAR",
    "ResNet18",
    "ResNet200V2",
    "ResNet20CIFAR",
    "ResNet32CIFAR",
    "ResNet34",
    "ResNet44CIFAR",
    "ResNet50",
    "ResNet50V2",
    "ResNet56CIFAR",
    "Recognized",
    "RoadAlexNet",
    "SimpNet300KCIFAR",
    "SimpNet5MCIFAR",
    "SimpNet600KCIFAR",
    "SimpNet8MCIFAR",
    "SqueezeNet1_0",
    "SqueezeNet1_1",
    "Translation",
    "VGG11",
    "VGG11LRN",
    "VGG13",
    "VGG16",
    "VGG16C",
    "VGG19",
    "WideResNet16_8CIFAR",
    "WideResNet28_10CIFAR",
    "WideResNet28_12CIFAR",
    "WideResNet40_4CIFAR",
    "WideResNet50_2",
    "XNORAlexNet",
    "ZFNet",
    "adding_automaton",
    "annealed_network",
    "automaton",
    "boolean_network",
    "boundary_network",
    "bracket_automaton",
    "caption",
    "captioner",
    "convolutional_form",
    "convolutional_lstm",
    "crf_rnn",
    "ctc_recognizer",
    "dense_crf",
    "detect",
    "encode_images",
    "fast_rcnn",
    "fit_kernel_perceptron",
    "fcn",
    "fit_perceptron",
    "fractal_column",
    "hopfield",
    "hopfield_energy",
    "inception_module",
    "kernel_pca",
    "kernel_perceptron",
    "label_probabilities",
    "language_model",
    "mistake_bounds",
    "mixture_parameters",
    "mixture_width",
    "multilingual_translator",
    "naive_inception_module",
    "parity_automaton",
    "picture_encoder",
    "pixel_fabric",
    "queens_energy",
    "random_starts",
    "randwire_graphs",
    "rcnn_features",
    "recognize",
    "region_classifier",
    "region_detector",
    "rnn",
    "road_backbone",
    "sample_trajectories",
    "segment",
    "sharpen",
    "sentence_states",
    "sequence_classifier",
    "shortest_tour",
    "split_captioner",
    "split_language_model",
    "split_translator",
    "spp_net",
    "tagger",
    "take_over",
    "tour_energy",
    "tour_lengths",
    "tours_of",
    "translate",
    "translation_perplexity",
    "translator",
    "untrained_pairs",
    "valid_queens",
    "video_classifier",
    "video_encoder",
    "vocabulary_size",
    "warp_regions",
    "ways",
]

# All are here already; who asks for another hears of the nearest.
__getattr__ = importing.later(__name__, {})
