"""Run the ``latentmap`` command with ``python -m latentmap``, if its script is not on the path."""

from latentmap.cli import main

if __name__ == "__main__":
    main()
