"""`python -m bench`."""

from bench.cli import main

# Worker processes of the driver import this module again (as multiprocessing does): they must not start a session.
if __name__ == "__main__":
    main()
