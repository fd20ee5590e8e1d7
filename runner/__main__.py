"""`python -m runner` is the same program as `caviar`."""

from runner.cli import main

if __name__ == "__main__":
    main()
