"""`python -m lab` is `penstock`."""

from lab.cli import main

if __name__ == "__main__":
    main()
