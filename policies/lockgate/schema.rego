# METADATA
# title: The input's shape
# description: Binds schemas/input.json to every package below, so that `opa check -s` finds a misspelt field.
# scope: subpackages
# schemas:
#   - input: schema.input
package lockgate

import future.keywords.not
