"""`python -m softfix` is the command line."""

from softfix.cli import main

main()
