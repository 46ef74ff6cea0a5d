# METADATA
# title: What may come back
# description: |
#   Answers are moderated. Secrets and identifiers that the request did not hold are removed from them; a hazard is
#   handled as the table answers says, and one it does not name is a block.
package lockgate.rules.answers

import future.keywords.not

import data.lockgate.lib
import data.lockgate.rules.content

moderation := lib.config(["answers", "moderation"], "buffer")

verdicts contains {
	"rule": "answers.moderation",
	"action": "allow",
	"message": "the answer is judged before it is handed over",
	"user_message": "",
	"obligations": [{"type": "moderate", "mode": moderation}],
} if {
	lib.phase == "request"
}

fresh contains finding if {
	some finding in lib.findings
	object.get(finding, "known", false) != true
	content.counts(finding)
	not passes(finding)
}

# Names and places are what answers are about: they are no disclosure by themselves.
passes(finding) if {
	finding.category in {"personal", "special"}
	finding.entity in lib.config(["answers", "pass"], [])
}

removed contains finding if {
	some finding in fresh
	finding.category in {"personal", "special", "secret"}
}

verdicts contains {
	"rule": concat(".", ["answers", category]),
	"action": action,
	"message": lib.sentence([
		category, " data that the request did not hold: ",
		lib.listed({finding.entity | some finding in found}),
	]),
	"user_message": user_message(action),
	"obligations": [content.redact(finding) | some finding in found; action == "redact"],
} if {
	lib.phase == "response"
	some category in {"personal", "special", "secret"}
	found := [finding | some finding in removed; finding.category == category]
	count(found) > 0
	action := known(lib.config(["answers", "categories", category], "block"))
}

# A hazard counts wherever it stands: in an answer, or in what a tool or an earlier turn brought along.
verdicts contains {
	"rule": "answers.hazard",
	"action": action,
	"message": lib.sentence(["hazard ", finding.entity]),
	"user_message": user_message(action),
	"obligations": [obligation |
		action == "redact"
		obligation := {
			"type": "redact",
			"entity": finding.entity,
			"min_score": hazard_score(finding),
			"operator": "replace",
		}
	],
} if {
	lib.phase in {"request", "response"}
	some finding in lib.findings
	finding.category == "hazard"
	finding.score >= hazard_score(finding)
	action := known(lib.config(["answers", "hazards", lower(finding.entity), "action"], "block"))
}

hazard_score(finding) := lib.number(lib.config(
	["answers", "hazards", lower(finding.entity), "min_score"],
	lib.config(["entities", "categories", "hazard", "min_score"], 0),
))

known(action) := action if {
	action in {"allow", "warn", "redact"}
} else := "block"

user_message("block") := "The answer was held back by the company's rules."

user_message("redact") := "Parts of the answer were removed by the company's rules."

user_message("warn") := "Mind what this answer holds."

user_message("allow") := ""
