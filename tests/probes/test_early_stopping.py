from torch import nn

from probexit.probes.early_stopping import EarlyStopping


def test_stops_after_more_than_patience_epochs_and_remembers_the_best():
    net, stopping, stops = nn.Linear(1, 1, bias=False), EarlyStopping(patience=2), []
    for epoch, loss in enumerate([1.0, 0.5, 0.6, 0.49995, 0.7]):  # 0.49995: best, but no progress
        nn.init.constant_(net.weight, epoch)
        stops.append(stopping.should_stop(net, loss))
    assert stops == [False, False, False, False, True]
    assert stopping.best_state_["weight"].item() == 3


def test_progress_resets_the_wait():
    net, stopping = nn.Linear(1, 1), EarlyStopping(patience=1)
    assert not any(stopping.should_stop(net, loss) for loss in [1.0, 1.1, 0.9, 1.0, 0.8, 0.9])
