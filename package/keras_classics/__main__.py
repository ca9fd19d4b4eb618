"""`python -m keras_classics` is `keras-classics`, from the package as it is imported."""

import sys

from keras_classics.cli import main

if __name__ == "__main__":
    sys.exit(main())
