"""What a decision changes: findings and obligations become edits of the text and changes of parameters; pure."""

from proxy.rewrite.edits import edits
from proxy.rewrite.operators import load
from proxy.rewrite.parameters import changes

__all__ = ["changes", "edits", "load"]
