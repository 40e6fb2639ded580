"""What the report's four nets are made of."""

from torch import nn

from signflow.models.contract import Shape

HIDDEN = 1000
DROPOUT = 0.5


def conv_stack(channels: int) -> nn.Sequential:
    """Conv(in, 32, 5x5, pad 2) ReLU MaxPool2 Conv(32, 64, 5x5, pad 2) ReLU MaxPool2, then flatten.

    Maps (B, channels, H, W) to (B, 64 * (H // 4) * (W // 4)).
    """
    return nn.Sequential(
        nn.Conv2d(channels, 32, kernel_size=5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, kernel_size=5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Flatten(),
    )


def conv_features(image_size: int) -> int:
    """Values that `conv_stack` makes of an image: 200,704 at 224 pixels.

    Raises:
        ValueError: the image is too small for two poolings.
    """
    if image_size < 4:
        raise ValueError(f"image_size is {image_size}; two poolings need 4 pixels or more")
    return 64 * (image_size // 4) ** 2


def classifier(features: int, classes: int) -> nn.Sequential:
    """Dropout 0.5, Linear 1000, Linear classes.

    There is no activation between the two linear layers: the report's nets have none.
    """
    return nn.Sequential(
        nn.Dropout(DROPOUT), nn.Linear(features, HIDDEN), nn.Linear(HIDDEN, classes)
    )


def flow_channel_count(shape: Shape) -> int:
    """Channels of the flow between all kept frames: 18 for ten frames."""
    return 2 * (shape.frames - 1)
