# METADATA
# title: Tests of what could not be looked at
# description: The configuration and the table settings decide; the strictest of several reasons wins.
package lockgate.tests.failsafe_test

import future.keywords.not

import data.lockgate.main
import data.lockgate.tests.asking

skipped(reasons) := asking.with_value(asking.question, "content/scan", {
	"status": "partial",
	"skipped": [{"reason": reason, "detector": "", "count": 1} | some reason in reasons],
})

test_what_was_not_looked_at_is_blocked if {
	every phase in ["request", "response"] {
		decision := asking.decide(asking.with_value(skipped(["timed_out"]), "phase", phase))
		decision.action == "block"
		asking.rules(decision) == {"failsafe.unscanned"}
	}
}

test_configuration_decides if {
	every word, action in {"block": "block", "warn": "warn", "allow": "allow"} {
		asked := asking.with_value(skipped(["timed_out"]), "settings/on_unscanned", word)
		asking.decide(asked).action == action
	}
}

test_unknown_word_blocks if {
	asking.decide(asking.with_value(skipped(["timed_out"]), "settings/on_unscanned", "ignore")).action == "block"
}

test_table_decides_on_one_reason if {
	signed := main.decision with input as skipped(["signed"])
		with data.lockgate.config as asking.set("settings/unscanned", {"signed": "warn"})
	signed.action == "warn"
	both := main.decision with input as skipped(["signed", "encrypted"])
		with data.lockgate.config as asking.set("settings/unscanned", {"signed": "warn"})
	both.action == "block"
}

test_table_may_be_stricter_than_the_configuration if {
	asked := asking.with_value(skipped(["encrypted"]), "settings/on_unscanned", "allow")
	decision := main.decision with input as asked
		with data.lockgate.config as asking.set("settings/unscanned", {"encrypted": "block"})
	decision.action == "block"
}

test_incomplete_without_a_reason_is_blocked if {
	every status in ["partial", "none"] {
		asked := asking.with_value(asking.question, "content/scan", {"status": status, "skipped": []})
		asking.decide(asked).action == "block"
	}
}

test_skips_count_whatever_the_status_says if {
	asked := asking.with_value(skipped(["failed"]), "content/scan/status", "complete")
	asking.decide(asked).action == "block"
}

test_reference_to_unseen_content_counts if {
	asking.decide(asking.with_value(asking.question, "parameters/references", 1)).action == "block"
}

test_connect_has_nothing_to_look_at if {
	asked := asking.with_value(asking.connecting, "content/scan", {"status": "none", "skipped": []})
	asking.decide(asked).action == "allow"
}
