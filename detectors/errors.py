"""The one error that Lockgate raises for a person to act on."""


class Error(Exception):
    """Say what is wrong, naming the file and the key but never a value; `hint` says what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def diagnostics(self) -> str:
        """Return the message and its hint as lines for a terminal."""
        return f"{self}\n  {self.hint}" if self.hint else str(self)


class Errors(Error):
    """Several errors found in one go, reported together so that one start shows them all."""

    def __init__(self, errors: tuple[Error, ...]) -> None:
        super().__init__("\n".join(error.diagnostics() for error in errors))
        self.errors = errors
