"""The training loop on a toy that needs no potential."""

import numpy as np
import pytest

from softfix.errors import SoftfixError
from softfix.finetune import FinetuneSettings
from softfix.finetune.loop import freeze, run

torch = pytest.importorskip("torch", reason="fine-tuning needs torch")

FRAMES = 4


class Line:
    """y = a x + b through four points, in place of a potential."""

    def __init__(self, spoiled_epoch: int | None = None):
        torch.manual_seed(0)
        self.model = torch.nn.Linear(1, 1)
        self.x = torch.linspace(-1.0, 1.0, FRAMES)[:, None]
        self.y = 3.0 * self.x + 1.0
        self.calls, self.spoiled_epoch = 0, spoiled_epoch

    def loss(self, indices):
        self.calls += 1
        loss = ((self.model(self.x[indices]) - self.y[indices]) ** 2).mean()
        return loss * float("nan") if self.calls == self.spoiled_epoch else loss

    def force_error(self):
        return float((self.model(self.x) - self.y).abs().mean().detach())


def trained(tmp_path, settings, trainee=None, name="checkpoint.pt", validated=False):
    trainee = trainee or Line()
    progress = run(trainee, FRAMES, validated, settings, tmp_path / name, "digest")
    return trainee, progress


def weights(trainee):
    return [parameter.detach().numpy().copy() for parameter in trainee.model.parameters()]


SETTINGS = FinetuneSettings(epochs=20, learning_rate=0.3)


def test_training_lowers_the_loss_and_keeps_its_history(tmp_path):
    _, progress = trained(tmp_path, SETTINGS)
    assert progress.epoch == len(progress.train_loss) == 20
    assert progress.train_loss[-1] < 0.1 * progress.train_loss[0]
    assert progress.best_epoch is None


def test_each_frame_is_seen_once_per_epoch(tmp_path):
    seen = []
    trainee = Line()
    plain = trainee.loss
    trainee.loss = lambda indices: (seen.append(list(indices)), plain(indices))[1]
    trained(tmp_path, FinetuneSettings(epochs=3, batch_size=3, learning_rate=0.3), trainee)
    for epoch in range(3):
        batches = seen[2 * epoch : 2 * epoch + 2]
        assert sorted(batches[0] + batches[1]) == list(range(FRAMES))


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path):
    whole, _ = trained(tmp_path, SETTINGS, name="whole.pt")

    def stop_in_epoch_8(steps):
        for step in steps:
            if step == 7 * FRAMES + 2:
                raise KeyboardInterrupt
            yield step

    with pytest.raises(KeyboardInterrupt):
        run(Line(), FRAMES, False, SETTINGS, tmp_path / "half.pt", "digest", stop_in_epoch_8)
    resumed, progress = trained(tmp_path, SETTINGS, name="half.pt")
    assert resumed.calls == 13 * FRAMES  # the seven whole epochs were not done again
    assert progress.epoch == 20
    for one, other in zip(weights(whole), weights(resumed), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_best_epoch_by_validation_stands(tmp_path):
    trainee, progress = trained(tmp_path, FinetuneSettings(epochs=5, learning_rate=3.0), validated=True)
    errors = progress.validation_force_mae_eV_A
    assert progress.best_epoch == 1 + int(np.argmin(errors))
    assert trainee.force_error() == pytest.approx(min(errors))


def test_a_loss_that_is_not_finite_stops_with_a_sentence(tmp_path):
    with pytest.raises(SoftfixError, match=r"The loss is nan in epoch 3 of 20: lower the learning rate"):
        trained(tmp_path, SETTINGS, Line(spoiled_epoch=2 * FRAMES + 1))
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["progress"]["epoch"] == 2


def test_the_checkpoint_of_another_run_is_refused(tmp_path):
    trained(tmp_path, SETTINGS)
    with pytest.raises(SoftfixError, match="other frames, base or settings"):
        run(Line(), FRAMES, False, SETTINGS, tmp_path / "checkpoint.pt", "another digest")


def test_frozen_parameters_stay_bit_for_bit(tmp_path):
    before = weights(Line())
    trainee, _ = trained(tmp_path, SETTINGS.model_copy(update={"freeze": ("bias",)}))
    after = weights(trainee)
    np.testing.assert_array_equal(before[1], after[1])
    assert before[0] != after[0]


@pytest.mark.parametrize(
    ("patterns", "message"), [(("encoder.*",), "no parameter is named like 'encoder"), (("*",), "nothing is left")]
)
def test_a_freeze_that_makes_no_sense_is_told(patterns, message):
    with pytest.raises(SoftfixError, match=message):
        freeze(torch.nn.Linear(1, 1), patterns)
