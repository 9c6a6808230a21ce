"""`python -m proxy` is `penstock`."""

from proxy.cli.main import main

if __name__ == "__main__":
    main(prog_name="penstock")
