"""`python -m runner` is the same program as `caviar`."""

from caviar.runner.cli.main import main

if __name__ == "__main__":
    main()
