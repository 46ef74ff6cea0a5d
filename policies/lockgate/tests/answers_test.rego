# METADATA
# title: Tests of answers
# description: What may come back, and what is removed or held back.
package lockgate.tests.answers_test

import future.keywords.not

import data.lockgate.main
import data.lockgate.tests.asking

test_request_asks_for_moderation if {
	every mode in ["holdback", "buffer", "monitor", "off"] {
		decision := main.decision with input as asking.question
			with data.lockgate.config as asking.set("answers/moderation", mode)
		{"type": "moderate", "mode": mode} in decision.obligations
	}
}

test_lost_table_asks_for_the_whole_answer if {
	decision := main.decision with input as asking.question with data.lockgate.config as asking.set("answers", {})
	{"type": "moderate", "mode": "buffer"} in decision.obligations
}

test_clean_answer_is_allowed if {
	decision := asking.decide(asking.answered([]))
	decision.action == "allow"
	decision.obligations == []
}

test_secret_in_an_answer_is_removed if {
	decision := asking.decide(asking.answered([asking.finding("GITHUB_TOKEN", "secret")]))
	decision.action == "redact"
	{"type": "redact", "entity": "GITHUB_TOKEN", "min_score": 0.5, "operator": "replace"} in decision.obligations
}

test_identifier_in_an_answer_is_removed if {
	every entity in ["US_SSN", "CREDIT_CARD", "EMAIL_ADDRESS", "SHOE_SIZE"] {
		asking.decide(asking.answered([asking.finding(entity, "personal")])).action == "redact"
	}
}

test_names_may_stand_in_an_answer if {
	every entity in ["PERSON", "LOCATION", "ORG", "DATE_TIME"] {
		asking.decide(asking.answered([asking.finding(entity, "personal")])).action == "allow"
	}
}

test_what_the_request_held_may_come_back if {
	every category in ["personal", "special", "secret"] {
		known := object.union(asking.finding("EMAIL_ADDRESS", category), {"known": true})
		asking.decide(asking.answered([known])).action == "allow"
	}
}

test_a_secret_is_no_name if {
	asking.decide(asking.answered([asking.finding("PERSON", "secret")])).action == "redact"
}

test_weak_finding_in_an_answer_passes if {
	weak := object.union(asking.finding("US_SSN", "personal"), {"score": 0.2})
	asking.decide(asking.answered([weak])).action == "allow"
}

test_category_can_be_held_back if {
	decision := main.decision with input as asking.answered([asking.finding("GITHUB_TOKEN", "secret")])
		with data.lockgate.config as asking.set("answers/categories/secret", "block")
	decision.action == "block"
}

hazards := {
	"exfiltrating link": {"entity": "EXFIL_LINK", "score": 0.9, "action": "redact"},
	"weak sign of one": {"entity": "EXFIL_LINK", "score": 0.4, "action": "allow"},
	"terminal escape": {"entity": "TERMINAL_ESCAPE", "score": 1, "action": "redact"},
	"lower case": {"entity": "exfil_link", "score": 0.9, "action": "redact"},
	"unheard of": {"entity": "WEAPON_PLANS", "score": 0.5, "action": "block"},
}

test_hazard[name] if {
	some name, case in hazards
	hazard := object.union(asking.finding(case.entity, "hazard"), {"score": case.score})
	asking.decide(asking.answered([hazard])).action == case.action
}

test_hazard_is_removed_by_its_own_name if {
	decision := asking.decide(asking.answered([asking.finding("EXFIL_LINK", "hazard")]))
	{"type": "redact", "entity": "EXFIL_LINK", "min_score": 0.5, "operator": "replace"} in decision.obligations
}

test_hazard_that_the_request_held_is_still_one if {
	known := object.union(asking.finding("EXFIL_LINK", "hazard"), {"known": true})
	asking.decide(asking.answered([known])).action == "redact"
}

test_hazard_in_a_tools_result_counts if {
	hazard := object.union(asking.finding("EXFIL_LINK", "hazard"), {"role": "tool"})
	asking.decide(asking.holding(asking.question, [hazard])).action == "redact"
}

test_hazard_may_be_allowed_or_warned_of if {
	every action in ["allow", "warn"] {
		decision := main.decision with input as asking.answered([asking.finding("EXFIL_LINK", "hazard")])
			with data.lockgate.config as asking.set("answers/hazards/exfil_link/action", action)
		decision.action == action
	}
}
