"""`python -m course_tools` is the command `course`."""

from course_tools.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
