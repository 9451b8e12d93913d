"""The loss curve of a run, from its progress file."""

from __future__ import annotations

from pathlib import Path

from .runs import parse


def plot_loss(folder: Path) -> Path:
    """Draw loss against step into `loss.png`; steps that a resumed run did twice count once."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    steps: dict[int, float] = {}
    for event in parse((folder / "progress.jsonl").read_bytes().split(b"\n")):
        if event["event"] == "step":
            steps[event["step"]] = event["loss"]
    xs = sorted(steps)
    ys = [steps[x] for x in xs]
    smooth, mean = [], ys[0] if ys else 0.0
    for y in ys:
        mean = 0.85 * mean + 0.15 * y
        smooth.append(mean)
    figure, axes = pyplot.subplots(figsize=(7, 4))
    axes.plot(xs, ys, color="0.75", linewidth=1, label="each step")
    axes.plot(xs, smooth, color="tab:blue", label="smoothed")
    axes.set(xlabel="step", ylabel="loss", title=folder.name)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    path = folder / "loss.png"
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
    return path
