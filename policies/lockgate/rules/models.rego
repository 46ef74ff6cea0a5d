# METADATA
# title: Which models a role may use
# description: Globs per role and provider in the table models; a role that is not listed has the default's.
package lockgate.rules.models

import future.keywords.not

import data.lockgate.identity
import data.lockgate.lib

list := lib.config(["models", "roles", identity.role], lib.config(["models", "default"], {}))

approved := lib.first(list, [lib.provider, "*"], [])

suggestion := lib.sentence([" Use ", lib.alternatives(approved), "."]) if {
	count(approved) > 0
} else := " No model of this provider is."

verdicts contains {
	"rule": "models.unapproved",
	"action": "block",
	"message": lib.sentence(["the model is not approved for role ", identity.role, " at ", lib.provider]),
	"user_message": lib.sentence(["This model is not approved for your role (", identity.role, ").", suggestion]),
} if {
	lib.phase == "request"
	not lib.matches_any(approved, object.get(input, ["destination", "model"], ""))
}
