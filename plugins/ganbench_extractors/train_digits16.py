"""Train the digits16 extractor: `python -m ganbench_extractors.train_digits16 FILE`."""

import hashlib
import sys
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from ganbench_datasets.digits import Digits
from ganbench_extractors.digits16 import DigitsNet

EPOCHS, BATCH, RATE, NOISE = 30, 64, 2e-3, 0.3


def train(seed: int = 0) -> DigitsNet:
    """Train with Adam and a cosine schedule on noisy images; on one thread, so that it is reproducible."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    data = Digits().load("train")
    assert data.labels is not None
    net = DigitsNet()
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    batches = len(data.samples) // BATCH
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * batches)
    for _ in range(EPOCHS):
        order = torch.randperm(len(data.samples))[: batches * BATCH].view(batches, BATCH)
        for rows in order:
            images = data.samples[rows]
            logits = net(images + NOISE * torch.randn_like(images))[1]
            loss = nn.functional.cross_entropy(logits, data.labels[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return net.eval()


def main(path: Path) -> None:
    net = train()
    test = Digits().load("test")
    with torch.no_grad():
        accuracy = (net(test.samples)[1].argmax(dim=1) == test.labels).float().mean().item()
    content = save(net.state_dict())
    path.write_bytes(content)
    print(f"{path}: test accuracy {accuracy:.4f}, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
