# METADATA
# title: Tests of the decision
# description: Actions, monitor mode and the guard, over the shipped tables.
package lockgate.main_test

import future.keywords.not

import data.lockgate.main

question := {
	"schema": "lockgate.input/v1",
	"phase": "request",
	"time": {"minute": 600, "weekday": "Monday", "zone": "UTC"},
	"actor": {
		"subject": "anonymous",
		"groups": [],
		"roles": [],
		"attributes": {},
		"source": "none",
		"peer": "127.0.0.1",
	},
	"destination": {
		"host": "api.openai.com",
		"provider": "openai",
		"app": "openai_api",
		"operation": "openai_chat",
		"model": "gpt-4o-mini",
		"path": "/v1/chat/completions",
		"catalogued": true,
	},
	"parameters": {"stream": false, "temperature": null, "max_tokens": null, "tools": [], "references": 0},
	"content": {"kilobytes": 1, "tags": [], "scan": {"status": "complete", "skipped": []}},
	"findings": [],
	"reason_given": false,
	"settings": {"monitor": false, "on_unscanned": "block"},
}

finding(entity, category) := {
	"entity": entity,
	"category": category,
	"tag": "",
	"role": "user",
	"score": 0.95,
	"count": 1,
	"known": false,
	"validated": true,
}

with_finding(entity, category) := object.union(question, {"findings": [finding(entity, category)]})

test_clean_question_is_allowed if {
	main.decision.action == "allow" with input as question
}

test_personal_data_is_redacted if {
	main.decision.action == "redact" with input as with_finding("EMAIL_ADDRESS", "personal")
}

test_secret_is_blocked if {
	main.decision.action == "block" with input as with_finding("SECRET_AWS_KEY", "secret")
}

test_unknown_category_is_blocked if {
	main.decision.action == "block" with input as with_finding("SOMETHING_NEW", "brand_new")
}

test_monitor_mode_allows_and_says_what_it_would_have_done if {
	asked := object.union(with_finding("SECRET_AWS_KEY", "secret"), {"settings": {"monitor": true, "on_unscanned": "block"}})
	decision := main.decision with input as asked
	decision.action == "allow"
	decision.enforced == "block"
	decision.monitor
	decision.obligations == []
}

test_empty_question_is_blocked if {
	main.decision.action == "block" with input as {}
}

test_empty_question_is_blocked_in_monitor_mode_too if {
	main.decision.action == "block" with input as {"settings": {"monitor": true, "on_unscanned": "allow"}}
}

# A field that is lost must not make a blocked question pass.
test_no_lost_field_unblocks_a_secret if {
	every field in object.keys(question) {
		asked := object.remove(with_finding("SECRET_AWS_KEY", "secret"), [field])
		decision := main.decision with input as asked
		decision.action == "block"
	}
}
