"""`load_torch` against networks written in PyTorch here, and its refusals."""

import numpy as np
import pytest

import keras_classics as kc
from weights.states import ARGUMENTS, small_state

torch = pytest.importorskip("torch")
nn, functional = torch.nn, torch.nn.functional


def randomised(module):
    """Draw every weight and statistic of a module, which then only predicts."""
    torch.manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for values in (layer.weight, layer.running_var):
                nn.init.uniform_(values, 0.5, 1.5)
            for values in (layer.bias, layer.running_mean):
                nn.init.normal_(values, 0, 0.1)
    return module.eval()


def assert_same_logits(model, module):
    x = np.random.default_rng(0).normal(size=(3, *model.input_shape[1:])).astype("float32")
    with torch.no_grad():
        expected = module(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy()
    assert np.linalg.norm(model(x) - expected) < 2e-5 * np.linalg.norm(expected)


def test_option_a_with_zeros_on_both_sides():
    class Block(nn.Module):
        def __init__(self, inputs, filters, stride, project):
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, filters, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(filters)
            self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(filters)
            self.stride, self.zeros = stride, (filters - inputs) // 2
            if project and stride > 1:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(inputs, filters, 1, stride, bias=False), nn.BatchNorm2d(filters)
                )

        def forward(self, x):
            inner = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
            if hasattr(self, "shortcut"):
                return functional.relu(inner + self.shortcut(x))
            kept = x[:, :, :: self.stride, :: self.stride]
            return functional.relu(inner + functional.pad(kept, (0,) * 4 + (self.zeros,) * 2))

    class Network(nn.Module):
        def __init__(self, project):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
            widths = (16, 16, 32, 64)
            for stage in (1, 2, 3):
                block = Block(widths[stage - 1], widths[stage], 1 if stage == 1 else 2, project)
                blocks = [block, Block(widths[stage], widths[stage], 1, project)]
                setattr(self, f"layer{stage}", nn.Sequential(*blocks))
            self.linear = nn.Linear(64, 10)

        def forward(self, x):
            x = functional.relu(self.bn1(self.conv1(x)))
            x = self.layer3(self.layer2(self.layer1(x)))
            return self.linear(x.mean((2, 3)))

    for shortcut in ("A", "B"):
        module = randomised(Network(project=shortcut == "B"))
        model = kc.models.ResNet20CIFAR(
            repeats=(2, 2, 2), shortcut=shortcut, classifier_activation=None
        )
        state = {f"module.{name}": values for name, values in module.state_dict().items()}
        kc.weights.load_torch(model, state)
        assert_same_logits(model, module)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_vgg_with_and_without_normalisation(batch_norm, tmp_path):
    rows, channels = [], 3
    for filters in (6, 13, 26, 51, 51):
        rows += [nn.Conv2d(channels, filters, 3, padding=1)]
        rows += [nn.BatchNorm2d(filters)] if batch_norm else []
        rows += [nn.ReLU()]
        if filters > 20:
            rows += [nn.Conv2d(filters, filters, 3, padding=1)]
            rows += [nn.BatchNorm2d(filters)] if batch_norm else []
            rows += [nn.ReLU()]
        rows, channels = [*rows, nn.MaxPool2d(2)], filters
    module = nn.Module()
    module.features = nn.Sequential(*rows)
    module.classifier = nn.Sequential(
        nn.Linear(51 * 2 * 3, 32), nn.ReLU(), nn.Dropout(),
        nn.Linear(32, 32), nn.ReLU(), nn.Dropout(), nn.Linear(32, 4),
    )  # fmt: skip
    module.forward = lambda x: module.classifier(module.features(x).flatten(1))
    randomised(module)
    model = kc.models.VGG11(
        batch_norm=batch_norm, width=0.1, dense_units=32, input_shape=(64, 96, 3), classes=4,
        classifier_activation=None,
    )  # fmt: skip
    torch.save(module.state_dict(), tmp_path / "vgg.pth")
    kc.weights.load_torch(model, tmp_path / "vgg.pth")
    assert_same_logits(model, module)


def small_model():
    return kc.models.ResNet18(**ARGUMENTS)


def test_a_state_is_turned_into_our_layouts():
    model, state = small_model(), small_state()
    kc.weights.load_torch(model, state)
    kernel = np.asarray(model.get_layer("stem_conv").kernel)
    assert kernel[1, 2, 0, 7] == np.float32(state["conv1.weight"][7, 0, 1, 2])
    dense, bias = model.get_layer("predictions").get_weights()
    np.testing.assert_array_equal(dense, state["fc.weight"].T.astype("float32"))
    np.testing.assert_array_equal(bias, state["fc.bias"].astype("float32"))
    norm = model.get_layer("stage1_block1_norm2")
    np.testing.assert_allclose(norm.moving_variance, state["layer1.0.bn2.running_var"])
    np.testing.assert_allclose(norm.beta, state["layer1.0.bn2.bias"])


def test_all_that_does_not_fit_is_listed_and_nothing_changes():
    model, state = small_model(), small_state()
    before = [np.asarray(w) for w in model.weights]
    del state["layer1.0.conv2.weight"], state["bn1.running_var"]
    state["layer1.1.conv1.weight"] = np.zeros((8, 8, 3, 3))
    state["fc.weight"] = np.zeros((7, 8))
    state["fc.bias"] = np.array(list("abcde"))
    with pytest.raises(kc.InputError) as caught:
        kc.weights.load_torch(model, state)
    for part in (
        "missing: bn1.running_var, layer1.0.conv2.weight;",
        "surplus: layer1.1.conv1.weight;",
        "fc.weight float64[7, 8] instead of [5, 8]",
        "fc.bias <U1[5] instead of [5]",
        "left untouched",
    ):
        assert part in str(caught.value)
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_the_papers_stride_is_refused():
    first, third = (
        kc.models.ResNet50(width=0.125, repeats=(1, 1), include_top=False, stride_in=where)
        for where in ("1x1", "3x3")
    )
    state = {}
    for layer in first.layers:
        name = layer.name.replace("stem_conv", "conv1").replace("stem_norm", "bn1")
        for ours, theirs in {
            "stage1_block1": "layer1.0", "stage2_block1": "layer2.0", "_conv": ".conv",
            "_norm": ".bn", ".0_shortcut.conv": ".0.downsample.0", ".0_shortcut.bn": ".0.downsample.1",
        }.items():  # fmt: skip
            name = name.replace(ours, theirs)
        parts = ("weight", "bias", "running_mean", "running_var")
        for part, value in zip(parts, layer.get_weights(), strict=False):
            state[f"{name}.{part}"] = value.transpose(3, 2, 0, 1) if value.ndim == 4 else value
    with pytest.raises(
        kc.InputError, match="stage2_block1_conv1 has the stride .* stride_in='3x3'"
    ):
        kc.weights.load_torch(first, state)
    kc.weights.load_torch(third, state)
    # A network of one's own may have it there.
    kc.weights.load_torch(first, state, check_settings=False)
    for one, other in zip(first.weights, third.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_epsilon_is_refused():
    model, state = kc.models.ResNet18(norm_epsilon=1e-3, **ARGUMENTS), small_state()
    with pytest.raises(kc.InputError, match="stem_norm has epsilon=0.001 instead of 1e-05"):
        kc.weights.load_torch(model, state)
    kc.weights.load_torch(model, state, check_settings=False)
    # The remedy, followed.
    kc.weights.load_torch(kc.models.ResNet18(norm_epsilon=1e-5, **ARGUMENTS), state)


def test_tensors_in_memory_are_read_as_those_of_a_file():
    torch = pytest.importorskip("torch")
    model, state = small_model(), small_state()
    tensors = {name: torch.tensor(array).to(torch.bfloat16) for name, array in state.items()}
    tensors["fc.bias"].requires_grad_()
    kc.weights.load_torch(model, tensors)
    bias = model.get_layer("predictions").bias
    np.testing.assert_allclose(bias, state["fc.bias"], rtol=2**-8)


def test_auxiliary_classifiers_have_torchvisions_names():
    model = kc.models.GoogLeNetBN(auxiliary=True, input_shape=(96, 96, 3), width=0.25)
    with pytest.raises(kc.InputError, match="missing: ") as caught:
        kc.weights.load_torch(model, {"aux2.fc1.weight": np.zeros((1024, 512))})
    assert "surplus" not in str(caught.value)


def test_models_without_a_counterpart_are_refused():
    with pytest.raises(kc.InputError, match="no foreign naming knows"):
        kc.weights.load_torch(kc.models.LeNet5(), {})
