"""The article, retold on one page.

"An Intuitive Explanation to AutoEncoders and how to implement them in Keras" trains a network whose
target is its own input: 784 pixels are squeezed through two numbers and spread out to 784 again. To
do that well, the two numbers must tell what matters about a digit. Run it:

    python examples/article.py [FOLDER FOR THE PICTURES]
"""

import sys
from pathlib import Path

from latentmap import plots
from latentmap.autoencoders.presets import make
from latentmap.data import open_data


def main(folder: Path = Path(), n_fitted: int = 60_000) -> None:
    """Fit the article's network and draw what it learned into ``folder``."""
    digits = open_data("mnist")[:n_fitted]
    labels = open_data("mnist").labels[:n_fitted]
    unseen = open_data("mnist:unseen")[:10]

    # The article's network: Dense(2), Dense(784), Adam, binary cross-entropy, 5 epochs of 32 rows.
    # Input and target are the same pixels, so nobody has to label anything.
    autoencoder = make("article", random_state=1, verbose=True).fit(digits)

    # The encoder was cut out of the whole: a plain Keras model from pixels to two numbers.
    autoencoder.encoder_.summary()
    codes = autoencoder.transform(digits)

    # Every digit is a point now. The labels were never shown to the network; they only colour.
    with plots.figure(folder / "article.codes.png", 7, 6) as ax:
        plots.codes(codes, labels, ax=ax, title="The article's two numbers")

    # What two numbers keep of digits that were not fitted: the outline, not the hand.
    back = autoencoder.inverse_transform(autoencoder.transform(unseen))
    with plots.figure(folder / "article.reconstructions.png", 10, 2.5) as ax:
        plots.reconstructions(unseen, back, ax=ax)
    with plots.figure(folder / "article.loss.png", 6, 4) as ax:
        plots.loss_curve(autoencoder.history_, ax=ax)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path())
