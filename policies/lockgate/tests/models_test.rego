# METADATA
# title: Tests of models
# description: Who may use which model, and what is suggested instead.
package lockgate.tests.models_test

import future.keywords.not

import data.lockgate.main
import data.lockgate.tests.asking

asked(group, model) := asking.with_value(asking.of("mo", [group]), "destination/model", model)

cases := {
	"anyone may use any model": {"asked": asked("engineering", "o9-preview"), "action": "allow"},
	"anyone may use no model": {"asked": asked("engineering", ""), "action": "allow"},
	"approved": {"asked": asked("contractor", "gpt-4.1-mini"), "action": "allow"},
	"approved with a date": {"asked": asked("contractor", "gpt-4o-mini-2026-01-01"), "action": "allow"},
	"case does not matter": {"asked": asked("contractor", "GPT-4o-Mini"), "action": "allow"},
	"unapproved": {"asked": asked("contractor", "gpt-5"), "action": "block"},
	"fine-tuned": {"asked": asked("contractor", "ft:gpt-4o-mini:acme"), "action": "block"},
	"none named": {"asked": asked("contractor", ""), "action": "block"},
	"look-alike letters": {"asked": asked("contractor", "gpt-4o-mіni"), "action": "block"},
	"a star": {"asked": asked("contractor", "*"), "action": "block"},
	"another provider's": {
		"asked": asking.to(asked("contractor", "gpt-4o-mini"), "anthropic"),
		"action": "block",
	},
	"approved at another provider": {
		"asked": asking.to(asked("contractor", "claude-haiku-4-5"), "anthropic"),
		"action": "allow",
	},
}

test_models[name] if {
	some name, case in cases
	asking.decide(case.asked).action == case.action
}

test_block_suggests_approved_models if {
	decision := asking.decide(asked("contractor", "gpt-5"))
	contains(asking.told(decision), "Use gpt-*-mini*")
}

test_block_says_where_no_model_is_approved if {
	decision := main.decision with input as asked("contractor", "gpt-5")
		with data.lockgate.config as asking.set("models/roles/contractor", {})
	contains(asking.told(decision), "No model of this provider is.")
}

test_the_model_itself_is_not_repeated if {
	decision := asking.decide(asked("contractor", "jane-doe-private-model"))
	not contains(json.marshal(decision), "jane-doe")
}

test_lost_table_approves_nothing if {
	decision := main.decision with input as asking.question with data.lockgate.config as asking.set("models", {})
	asking.rules(decision) == {"models.unapproved"}
}

test_connect_knows_no_model_yet if {
	decision := asking.decide(asking.with_value(asked("contractor", ""), "phase", "connect"))
	decision.action == "allow"
}
