"""The callback that shows what a language model writes while it learns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.keras_internals import bring_up_to_date


class Samples(keras.callbacks.Callback):
    """Writes and shows text after certain numbers of training steps.

    Steps are counted by the optimizer, over interruptions too; what a resumed run has behind it is
    not shown again. The draws are the writer's own: training goes on as it would have without.

    Args:
        write: From a number of texts to a list of them, as `kc.decoding.TextWriter`.
        show: Receives the number of steps made and a text.
        iterations: After how many steps; by default when Karpathy's samples of War and Peace turn
            from noise into words.
    """

    @checked
    def __init__(
        self,
        write: Callable[[int], Sequence[str]],
        show: Callable[[int, str], None],
        iterations: Sequence[int] = (100, 300, 700, 2000),
    ):
        super().__init__()
        self.write = write
        self.show = show
        self.iterations = sorted(iterations)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Ask the optimizer once; asking it at every step would cost."""
        self.before = int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))
        self.made = self.before

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write where a number was reached since the last call."""
        last, self.made = self.made, self.before + batch + 1
        if any(last < number <= self.made for number in self.iterations):
            bring_up_to_date(self.model)
            self.show(self.made, self.write(1)[0])
