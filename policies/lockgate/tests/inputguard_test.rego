# METADATA
# title: Tests of the input guard
# description: A question that lost or garbled a field is blocked, whatever else it says.
package lockgate.tests.inputguard_test

import future.keywords.not

import data.lockgate.main
import data.lockgate.rules.inputguard
import data.lockgate.tests.asking

finding_question := asking.holding(asking.question, [asking.finding("PERSON", "personal")])

# Every path to a field, lists' elements left out: an element is a value.
fields := {path |
	walk(finding_question, [steps, _])
	count(steps) > 0
	not is_number(steps[count(steps) - 1])
	path := concat("", [segment | some step in steps; segment := sprintf("/%v", [step])])
}

test_every_field_is_missed[path] if {
	some path in fields
	decision := main.decision with input as json.remove(finding_question, [path])
	decision.action == "block"
	"input.incomplete" in asking.rules(decision)
}

test_every_field_is_missed_when_null[path] if {
	some path in (fields - {"/parameters/temperature", "/parameters/max_tokens"})
	decision := main.decision with input as json.patch(finding_question, [{
		"op": "replace",
		"path": path,
		"value": null,
	}])
	decision.action == "block"
}

# A lost field may make a blocked question stricter, never milder.
blocked := {
	"secret": asking.holding(asking.question, [asking.finding("GITHUB_TOKEN", "secret")]),
	"tag": asking.tagged(asking.question, "tlp.red"),
	"training": asking.to(asking.question, "google"),
	"model": asking.with_value(asking.of("cato", ["contractor"]), "destination/model", "gpt-5"),
	"unscanned": asking.with_value(asking.question, "content/scan/status", "none"),
	"uncatalogued": asking.with_value(asking.question, "destination/catalogued", false),
	"large": asking.with_value(asking.of("cato", ["contractor"]), "content/kilobytes", 5000),
	"hazard": asking.answered([asking.finding("WEAPON_PLANS", "hazard")]),
}

test_losing_any_field_never_unblocks[name] if {
	some name, asked in blocked
	every path in fields {
		decision := main.decision with input as removed(asked, path)
		decision.action == "block"
	}
}

removed(asked, path) := json.remove(asked, [path])

garbled := {
	"another schema": {"path": "/schema", "value": "lockgate.input/v2"},
	"unknown phase": {"path": "/phase", "value": "preview"},
	"unknown source": {"path": "/actor/source", "value": "guess"},
	"unknown status": {"path": "/content/scan/status", "value": "fine"},
	"unknown setting": {"path": "/settings/on_unscanned", "value": "ignore"},
	"groups as text": {"path": "/actor/groups", "value": "security"},
	"group as number": {"path": "/actor/groups", "value": [7]},
	"tag as number": {"path": "/content/tags", "value": [7]},
	"findings as object": {"path": "/findings", "value": {}},
	"finding as text": {"path": "/findings", "value": ["PERSON"]},
	"unknown category": {"path": "/findings/0/category", "value": "trivia"},
	"score as text": {"path": "/findings/0/score", "value": "0.9"},
	"catalogued as text": {"path": "/destination/catalogued", "value": "true"},
	"skip without reason": {"path": "/content/scan/skipped", "value": [{"detector": "x", "count": 1}]},
	"temperature as text": {"path": "/parameters/temperature", "value": "hot"},
	"model as list": {"path": "/destination/model", "value": ["gpt-4.1-mini"]},
}

test_garbled_field_blocks[name] if {
	some name, case in garbled
	decision := main.decision with input as json.patch(finding_question, [{
		"op": "replace",
		"path": case.path,
		"value": case.value,
	}])
	"input.incomplete" in asking.rules(decision)
}

test_no_question_at_all_is_blocked if {
	every asked in [{}, [], "", null, 7, true] {
		decision := main.decision with input as asked
		decision.action == "block"
	}
}

test_table_adds_paths_and_takes_none_away if {
	more := inputguard.faults with input as asking.question
		with data.lockgate.config as asking.set("required_input/paths", ["actor/attributes/device"])
	more == {"actor/attributes/device"}
	lost := inputguard.faults with input as json.remove(asking.question, ["/phase"])
		with data.lockgate.config as asking.set("required_input", {})
	lost == {"phase"}
}
