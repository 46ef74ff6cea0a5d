# METADATA
# title: Reading tables
# description: Look-ups that are defined whatever is missing, so that a rule can never vanish over its data.
package lockgate.lib

import future.keywords.not

# A place in the tables, or what to assume where it is empty. Callers assume the strictest.
config(path, otherwise) := object.get(data.lockgate.config, path, otherwise)

# The first of these keys that stands in the object.
first(object_, keys, otherwise) := [object_[key] | some key in keys; key in object.keys(object_)][0] if {
	some key in keys
	key in object.keys(object_)
} else := otherwise

# Globs without separators: * matches dots and slashes as well. Names are printable ASCII: engines read a glob on other
# characters differently, so such a name matches `*` alone.
matches_any(patterns, text) if {
	is_string(text)
	"*" in patterns
}

matches_any(patterns, text) if {
	regex.match(`^[ -~]*$`, text)
	some pattern in patterns
	glob.match(lower(pattern), null, lower(text))
}

phase := object.get(input, "phase", "")

provider := object.get(input, ["destination", "provider"], "")

findings := object.get(input, "findings", [])
