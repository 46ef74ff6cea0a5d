# METADATA
# title: Who is asking
# description: |
#   Groups give a role. Someone in several groups gets the role that stands first in roles.order; an established
#   person whom no entry names is `default`; whoever gave no credentials is `anonymous`, whatever groups are claimed.
package lockgate.identity

import future.keywords.not

import data.lockgate.lib

established if object.get(input, ["actor", "source"], "none") in {"basic", "gateway_key", "trusted_header"}

groups := {group | some group in object.get(input, ["actor", "groups"], [])}

claimed := {role | some role in object.get(input, ["actor", "roles"], [])}

candidates := [entry.role |
	some entry in lib.config(["roles", "order"], [])
	fits(entry)
]

fits(entry) if {
	some group in object.get(entry, "groups", [])
	group in groups
}

fits(entry) if entry.role in claimed

role := "anonymous" if {
	not established
} else := candidates[0] if {
	count(candidates) > 0
} else := "default"
