"""Everything of Lockgate that finds: personal data, secrets, tags, hazards in text; it knows neither HTTP nor policy."""

import os

# From 1.29 on, ONNX Runtime makes a device id, keeps a database in the user's home and posts usage to its maker. It reads
# this once, when it is first imported, which other packages do too: so it is said before any of them can be.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
