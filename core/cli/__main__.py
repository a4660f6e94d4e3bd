"""`python -m core.cli`, as the supervisor starts its children."""

from core.cli import main

main()
