"""The article's face story: compare two faces, find similar faces, generate new ones.

An autoencoder is fitted to the faces of 30 persons. The other ten it has never seen; their codes
still tell who is who. Any folder of images of one size will do, with a sub-folder for each person:

    python examples/faces.py FOLDER OF FACES [FOLDER FOR THE PICTURES]
"""

import sys
from pathlib import Path

import numpy as np

from latentmap import AutoEncoder, plots
from latentmap.analysis import CodeDensity, SearchIndex, compare, walk
from latentmap.data import open_data


def main(faces: Path, folder: Path = Path(), n_components: int = 32, **settings: object) -> None:
    """Fit an autoencoder to faces, use it on others, and draw what comes out into ``folder``."""
    source = open_data(faces)
    persons = np.unique(source.labels)
    known = np.isin(source.labels, persons[: len(persons) * 3 // 4])
    images, labels = source[~known], source.labels[~known]

    # 32 numbers for each face. The names of the persons train nothing.
    ae = AutoEncoder(n_components, random_state=0, **settings).fit(source[known])
    codes = ae.transform(images)
    back = ae.inverse_transform(codes)
    with plots.figure(folder / "faces.reconstructions.png", 10, 2.6) as ax:
        plots.reconstructions(images[::10][:10], back[::10][:10], ax=ax)

    # Compare two faces: how far apart are their codes, beside those of random pairs?
    index = SearchIndex(codes, labels)
    same, other = (np.flatnonzero(chosen) for chosen in (labels == labels[0], labels != labels[0]))
    for name, second in (("same", same[2]), ("other", other[0])):
        found = compare(ae, images[0], images[second], reference=index)
        words = f"{found.fraction_farther:.1%} of random pairs are farther apart"
        print(f"{labels[0]} and {labels[second]}: distance {found.distance:.2f}, {words}")
        with plots.figure(folder / f"faces.{name}.png", *plots.comparison_size((64, 64))) as ax:
            called = [labels[0], labels[second]]
            plots.comparison(found.rows, found.reconstructions, called, ax=ax, title=words)

    # Find similar faces: for each face the nearest others, by their codes.
    near, distances = index.search(codes, k=6, exclude=np.arange(len(codes)))
    right = labels[near] == labels[:, None]
    print(f"The nearest other face is the same person's for {right[:, 0].mean():.1%}")
    some = np.arange(0, len(codes), max(len(codes) // 5, 1))[:5]
    captions = [[labels[i], *labels[near[i]]] for i in some]
    with plots.figure(folder / "faces.similar.png", *plots.neighbors_size(5, 6, (64, 64))) as ax:
        found = (images[some], images[near[some]], distances[some])
        plots.neighbors(*found, captions, ax=ax, same_label=right[some])

    # Generate: from one face to another in even steps, and faces of nobody.
    fitted, names = ae.transform(source[known]), source.labels[known]
    first, last = 0, len(fitted) // 2
    steps = ae.inverse_transform(walk(ae, fitted[first], fitted[last], 10, fitted))
    with plots.figure(folder / "faces.walk.png", 10, 1.5) as ax:
        plots.rows(steps, ax=ax, title=f"From {names[first]} to {names[last]}", columns=10)
    new = ae.inverse_transform(CodeDensity(fitted).sample(20))
    with plots.figure(folder / "faces.new.png", 10, 2.4) as ax:
        plots.rows(new, ax=ax, title="Faces of nobody", columns=10)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("python examples/faces.py FOLDER OF FACES [FOLDER FOR THE PICTURES]")
    main(*map(Path, sys.argv[1:3]))
