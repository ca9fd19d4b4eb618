"""Several decoders that decide together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.types import Tensor
from keras_classics.decoding.step import State, Step, alignment_of, normaliser, prepared_step

AVERAGES = ("probabilities", "log_probabilities")


class Ensemble:
    """Decoders that write one sentence together: each says what comes next, the average decides.

    It has the `initial_state` and `step` of a decoder, so everything in `kc.decoding` accepts it,
    `CompiledSearch` too. Sutskever, Vinyals, Le (NeurIPS 2014, arXiv:1409.3215) write with five
    translators, drawn from different seeds: 34.8 BLEU, where one alone has 30.6.

    Every member goes on from its own state, of the same sentences. Where the states of all have an
    "alignment", over equally many positions, the average of these is the ensemble's.

    Args:
        members: Objects with `initial_state(encoded)` and `step(token, state)`, and `variables` if
            `CompiledSearch` is to run them on JAX. Their ids must mean the same.
        average: `"probabilities"`, so that one member can bring a word in, or
            `"log_probabilities"`, the geometric mean, so that one can keep a word out.
        weights: What each member counts for; they are divided by their sum. All alike by default.

    Raises:
        InputError: There is no member, the weights do not fit, or the average is unknown.

    Example:
        ```python
        translators = [kc.models.translator(30, 40, units=8) for _ in range(2)]
        source = np.array([[5, 9, 4, 2], [7, 3, 2, 0]])
        encoders, decoders = zip(*map(kc.models.split_translator, translators), strict=True)
        search = kc.decoding.CompiledSearch(
            kc.decoding.Ensemble(decoders), start=1, end=2, max_length=5, jit_compile=False
        )
        found = search([encoder(source) for encoder in encoders])
        ```
    """

    @checked
    def __init__(
        self,
        members: Sequence[Any],
        *,
        average: str = "probabilities",
        weights: Sequence[float] | None = None,
    ) -> None:
        check_choice("average", average, AVERAGES)
        shares = np.array([1.0] * len(members) if weights is None else weights, "float32")
        if not len(members) or shares.shape != (len(members),) or not np.all(shares > 0.0):
            raise InputError(
                f"weights={weights} were given for {len(members)} members",
                "at least one member, and as many weights, all above 0",
                "Leave out members that are not to count, or leave out the weights.",
            )
        self.members = list(members)
        self.average = average
        self.weights = shares / shares.sum()

    @property
    def variables(self) -> list:
        """The variables of all members."""
        return [variable for member in self.members for variable in member.variables]

    @checked
    def initial_state(self, encoded: Sequence[Any]) -> dict:
        """State before the first token.

        Args:
            encoded: For each member what its `initial_state` takes.

        Returns:
            `"members"`, a list of their states; `"memory"`, their memories by number; and
            `"alignment"` if all have one.
        """
        pairs = zip(self.members, encoded, strict=True)
        return self._joined([member.initial_state(own) for member, own in pairs])

    @checked
    def step(self, token: Tensor, state: dict) -> tuple[Tensor, dict]:
        """Feed one token to all members.

        Args:
            token: Ids `(rows,)`.
            state: What `initial_state` or the previous `step` returned.

        Returns:
            Logits `(rows, vocabulary)` of the average, and the next state.

        Raises:
            InputError: The members' vocabularies are of different sizes.
        """
        return self._step([member.step for member in self.members], token, state)

    @checked
    def prepared_step(self, fed: int | None = None) -> Step:
        """The function `step`, of which every member has computed what no step changes.

        Args:
            fed: As for `kc.layers.RecurrentDecoder.prepared_step`.
        """
        return partial(self._step, [prepared_step(member, fed) for member in self.members])

    def _step(self, steps: Sequence[Step], token: Tensor, state: dict) -> tuple[Tensor, dict]:
        logits, states = [], []
        for number, (step, own) in enumerate(zip(steps, state["members"], strict=True)):
            if number in state["memory"]:
                own = {**own, "memory": state["memory"][number]}
            said, own = step(token, own)
            logits.append(ops.cast(said, "float32"))
            states.append(own)
        return self._averaged(logits), self._joined(states)

    def _averaged(self, logits: list[Tensor]) -> Tensor:
        sizes = [each.shape[-1] for each in logits]
        if len(set(sizes)) > 1:
            raise InputError(
                f"The members of an ensemble write in vocabularies of {sizes} ids",
                "one vocabulary for all",
                "Take models that were trained with the same vocabulary.",
            )
        said = ops.stack([each - normaliser(each) for each in logits])
        weights = ops.convert_to_tensor(self.weights[:, None, None])
        if self.average == "probabilities":
            return ops.logsumexp(said + ops.log(weights), axis=0)
        return ops.sum(said * weights, axis=0)

    def _joined(self, states: list[State]) -> dict[str, Any]:
        """One state, with the memories at its top, where no search carries or reorders them."""
        memories: dict[int, Any] = {}
        rest: list[State] = []
        for number, own in enumerate(states):
            if isinstance(own, dict) and "memory" in own:
                own = dict(own)
                memories[number] = own.pop("memory")
            rest.append(own)
        joined = {"members": rest, "memory": memories}
        looks = [look for own in states if (look := alignment_of(own)) is not None]
        if len(looks) < len(states) or len({look.shape[-1] for look in looks}) > 1:
            return joined
        pairs = zip(looks, self.weights.tolist(), strict=True)
        return {**joined, "alignment": sum(ops.cast(look, "float32") * w for look, w in pairs)}
