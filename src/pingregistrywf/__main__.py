"""``python -m pingregistrywf``: the command line."""

from pingregistrywf.cli import main

if __name__ == "__main__":
    main()
