"""Compare two faces, find similar faces, and generate new ones.

An autoencoder is fitted to the faces of 30 persons. It was not fitted to the other ten persons, but
their codes distinguish them. Use any folder of images of equal size with one sub-folder for each
person:

    python examples/faces.py FOLDER OF FACES [FOLDER FOR THE PICTURES]
"""

import sys
from pathlib import Path

import numpy as np

from latentmap import AutoEncoder, plots
from latentmap.analysis import CodeDensity, SearchIndex, compare, interpolate
from latentmap.data import open_data


def main(faces: Path, folder: Path = Path(), n_components: int = 32, **settings: object) -> None:
    """Fit an autoencoder to faces, apply it to others, and draw the results into ``folder``."""
    source = open_data(faces)
    persons = np.unique(source.labels)
    known = np.isin(source.labels, persons[: len(persons) * 3 // 4])
    images, labels = source[~known], source.labels[~known]

    # A code has 32 numbers. The names of the persons are not used for training.
    ae = AutoEncoder(n_components, random_state=0, **settings).fit(source[known])
    codes = ae.transform(images)
    reconstructed = ae.inverse_transform(codes)
    with plots.figure(folder / "faces.reconstructions.png", 10, 2.6) as ax:
        plots.reconstructions(images[::10][:10], reconstructed[::10][:10], ax=ax)

    # Compare two faces: the distance of their codes, relative to that of random pairs.
    index = SearchIndex(codes, labels)
    same, other = (np.flatnonzero(mask) for mask in (labels == labels[0], labels != labels[0]))
    for name, second in (("same", same[2]), ("other", other[0])):
        result = compare(ae, images[0], images[second], reference=index)
        title = f"{result.fraction_farther:.1%} of random pairs are farther apart"
        print(f"{labels[0]} and {labels[second]}: distance {result.distance:.2f}, {title}")
        with plots.figure(folder / f"faces.{name}.png") as ax:
            names = [labels[0], labels[second]]
            plots.comparison(result.rows, result.reconstructions, names, ax=ax, title=title)

    # Find similar faces: the nearest other faces of each face, by their codes.
    nearest, distances = index.search(codes, k=6, exclude=np.arange(len(codes)))
    same_person = labels[nearest] == labels[:, None]
    print(f"The nearest other face is the same person's for {same_person[:, 0].mean():.1%}")
    sample = np.arange(0, len(codes), max(len(codes) // 5, 1))[:5]
    captions = [[labels[i], *labels[nearest[i]]] for i in sample]
    with plots.figure(folder / "faces.similar.png") as ax:
        data = (images[sample], images[nearest[sample]], distances[sample])
        plots.neighbors(*data, captions, ax=ax, same_label=same_person[sample])

    # Generate faces between two fitted faces in equal steps, and new random faces.
    fitted, names = ae.transform(source[known]), source.labels[known]
    first, last = 0, len(fitted) // 2
    steps = ae.inverse_transform(interpolate(ae, fitted[first], fitted[last], 10, fitted))
    with plots.figure(folder / "faces.walk.png", 10, 1.5) as ax:
        plots.rows(steps, ax=ax, title=f"From {names[first]} to {names[last]}", columns=10)
    new = ae.inverse_transform(CodeDensity(fitted).sample(20))
    with plots.figure(folder / "faces.new.png", 10, 2.4) as ax:
        plots.rows(new, ax=ax, title="Generated faces", columns=10)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("python examples/faces.py FOLDER OF FACES [FOLDER FOR THE PICTURES]")
    main(*map(Path, sys.argv[1:3]))
