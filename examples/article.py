"""Fit the autoencoder of the article that latentmap is based on.

The article is "An Intuitive Explanation to AutoEncoders and how to implement them in Keras". The
network's target is its own input: it encodes 784 pixels as two numbers and decodes them to 784
pixels. To reconstruct a digit, the two numbers must describe its main properties. Run it with:

    python examples/article.py [FOLDER FOR THE PICTURES]
"""

import sys
from pathlib import Path

from latentmap import plots
from latentmap.autoencoders.presets import make_estimator
from latentmap.data import open_data


def main(folder: Path = Path(), n_fitted: int = 60_000) -> None:
    """Fit the article's network, and draw its codes and reconstructions into ``folder``."""
    digits = open_data("mnist")[:n_fitted]
    labels = open_data("mnist").labels[:n_fitted]
    unseen = open_data("mnist:unseen")[:10]

    # The article's network: Dense(2), Dense(784), Adam, binary cross-entropy, 5 epochs of 32 rows.
    # Input and target are the same pixels, so no labels are needed.
    autoencoder = make_estimator("article", random_state=1, verbose=True).fit(digits)

    # The encoder is a Keras model from pixels to two numbers.
    autoencoder.encoder_.summary()
    codes = autoencoder.transform(digits)

    # Every digit is a point. The labels colour the points; the network was not trained on them.
    with plots.figure(folder / "article.codes.png", 7, 6) as ax:
        plots.codes(codes, labels, ax=ax, title="The article's two numbers")

    # Reconstructions of digits that were not fitted show their shape, without details.
    reconstructed = autoencoder.inverse_transform(autoencoder.transform(unseen))
    with plots.figure(folder / "article.reconstructions.png", 10, 2.5) as ax:
        plots.reconstructions(unseen, reconstructed, ax=ax)
    with plots.figure(folder / "article.loss.png", 6, 4) as ax:
        plots.loss_curve(autoencoder.history_, ax=ax)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path())
