"""`python -m caviar`: the command line."""

from caviar.runner.cli.main import main

if __name__ == "__main__":
    main()
