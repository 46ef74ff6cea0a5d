# METADATA
# title: What could not be looked at
# description: |
#   The configuration's on_unscanned decides, block by default; the table settings may name another action for one
#   reason of skipping. Several reasons: the strictest.
package lockgate.rules.failsafe

import future.keywords.not

import data.lockgate.lib

general := object.get(input, ["settings", "on_unscanned"], "block")

action_for(reason) := known(lib.config(["settings", "unscanned", reason], general))

known(action) := action if {
	action in {"allow", "warn"}
} else := "block"

reasons contains reason if {
	some skipped in object.get(input, ["content", "scan", "skipped"], [])
	reason := object.get(skipped, "reason", "unknown")
}

reasons contains "reference" if object.get(input, ["parameters", "references"], 1) > 0

# Not complete, yet nothing says why.
reasons contains "unknown" if {
	object.get(input, ["content", "scan", "status"], "none") != "complete"
	count(object.get(input, ["content", "scan", "skipped"], [])) == 0
}

verdicts contains {
	"rule": "failsafe.unscanned",
	"action": action_for(reason),
	"message": lib.sentence(["not looked at: ", reason]),
	"user_message": message(action_for(reason)),
	"waivable": false,
} if {
	lib.phase in {"request", "response"}
	some reason in reasons
}

message("block") := lib.sentence([
	"Part of this could not be checked, so it was not passed on. ",
	"Send it as plain text, or ask the security team.",
])

message("warn") := "Part of this could not be checked."

message("allow") := ""
